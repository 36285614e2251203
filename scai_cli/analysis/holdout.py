"""The change for the people and tasks that were held out while the rules were written."""

from collections.abc import Mapping
from dataclasses import dataclass

from scai_cli.analysis.paired import PairedDifference, holdout_cells, paired, person_changes
from scai_cli.analysis.verdicts import change_words
from scai_cli.runs.history.history import History
from scai_cli.social_choice import welfare
from scai_cli.stats.intervals import Interval


@dataclass(frozen=True, slots=True)
class HoldoutChange:
    """Welfare of the held-out people under the last constitution minus that under the first.

    `people`: persona -> its utility, last minus first; their intervals are valid together. `is_without_rules`: no rule
    of either constitution applies to any of them, so that nothing could change.
    """

    difference: PairedDifference | None
    people: Mapping[str, Interval]
    is_without_rules: bool

    def words(self, digits: int) -> str:
        """Return the change with its interval as screens show it, or why there is none."""
        if self.is_without_rules:
            return "no rule applies to them"
        return change_words(self.difference.interval if self.difference else None, digits)


def holdout_change(history: History) -> HoldoutChange | None:
    """Return the change by the declared welfare function; None without a holdout."""
    holdout, first, last = history.holdout, holdout_cells(history, "first"), holdout_cells(history)
    if holdout is None or first is None or last is None:
        return None
    versions = history.versions()
    before, after = (versions[version][0] for version in (holdout.first_version, holdout.last_version))
    is_reached = {person: before.render(user=person) != after.render(user=person) for person in holdout.personas}
    change = paired(first, last, welfare.parse(history.config.welfare))
    # The ratings of people whom no changed rule reaches vary less, so they do not tell how much those of others do.
    people = person_changes(first, last, is_reached.__getitem__)
    return HoldoutChange(change, people, not any(is_reached.values()))
