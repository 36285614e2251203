"""The change for the people and tasks that were held out while the rules were written."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from scai_cli.analysis.headline import changes_of_people
from scai_cli.analysis.paired import Cells, PairedDifference, held_out, holdout_cells, paired, person_changes
from scai_cli.analysis.participants import participants
from scai_cli.analysis.verdicts import change_words, verdict_of
from scai_cli.runs.history.history import History
from scai_cli.social_choice import welfare
from scai_cli.stats.intervals import Interval
from scai_cli.text.counts import counted

SameRules = Literal["no rule applies to them", "the same rules apply to them"]
"""Why nothing could change for the held-out people."""


@dataclass(frozen=True, slots=True)
class HoldoutChange:
    """Welfare of the held-out people under the last constitution minus that under the first.

    `people`: persona -> its utility, last minus first; their intervals are valid together. `same_rules`: that both
    constitutions have the same rules for each of them, so that nothing could change; None if they differ for anyone.
    `cells`: those of both constitutions.
    """

    difference: PairedDifference | None
    people: Mapping[str, Interval]
    same_rules: SameRules | None
    cells: tuple[Cells, Cells]

    def words(self, digits: int) -> str:
        """Return the change with its interval as screens show it, or why there is none."""
        if self.same_rules:
            return self.same_rules
        return change_words(self.difference.interval if self.difference else None, digits)

    def as_object(self) -> dict[str, Any]:
        """Return the object that `--json` prints; no difference between the same rules has a verdict."""
        found = self.difference.interval if self.difference else None
        verdict = "one constitution" if self.same_rules else verdict_of(found)
        no_verdict = {"verdict": "cannot tell"} if self.same_rules else {}
        people = changes_of_people(*self.cells, self.people)
        return {
            "difference": None if found is None else {"verdict": verdict, **asdict(found)},
            "people": {user: {**person.as_object(), **no_verdict} for user, person in people.items()},
            "reason": self.same_rules,
        }


def held_out_words(history: History, *, brief: bool = False) -> str:
    """Return the people or tasks held out, `4 simulated people, with the same 3 tasks`; empty without a holdout."""
    if history.holdout is None:
        return ""
    people = participants(history.config, history.holdout.personas, brief=brief)
    tasks = counted(len(history.holdout.tasks), "task")
    match sorted(held_out(history)):
        case ["people"]:
            return f"{people}, with the same {tasks}"
        case ["tasks"]:
            return f"{tasks}, with the same {people}"
    return f"{people} and {tasks}"


def holdout_change(history: History) -> HoldoutChange | None:
    """Return the change by the declared welfare function; None without a holdout."""
    holdout, first, last = history.holdout, holdout_cells(history, "first"), holdout_cells(history)
    if holdout is None or first is None or last is None:
        return None
    versions = history.versions()
    before, after = (versions[version][0] for version in (holdout.first_version, holdout.last_version))
    rules = {person: (before.render(user=person), after.render(user=person)) for person in holdout.personas}
    is_reached = {person: old != new for person, (old, new) in rules.items()}
    change = paired(first, last, welfare.parse(history.config.welfare))
    # The ratings of people whom no changed rule reaches vary less, so they do not tell how much those of others do.
    people = person_changes(first, last, is_reached.__getitem__)
    same: SameRules | None = None
    if not any(is_reached.values()):
        same = "the same rules apply to them" if any(old for old, _ in rules.values()) else "no rule applies to them"
    return HoldoutChange(change, people, same, (first, last))
