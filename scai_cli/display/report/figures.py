"""The numbers of a run for its report, equal to those of `scai show`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from scai_cli.analysis.before_after import BeforeAfter, before_after
from scai_cli.analysis.explanation_file import read_explanation
from scai_cli.analysis.headline import Headline, headline
from scai_cli.analysis.leave_one_out import Explanation
from scai_cli.analysis.pareto import ParetoFront, ParetoPoint, product_point, version_points
from scai_cli.analysis.recovery_curves import RecoveryCurve, run_curves
from scai_cli.analysis.run_measures import SHOWN_WELFARE
from scai_cli.analysis.satisfaction import SatisfactionTrend, mean_trend, satisfaction_trends
from scai_cli.display.report.html import cut
from scai_cli.runs.history.history import Epoch, History

MOST_NAME = 48
"""The maximal characters of a person's name."""


@dataclass
class Figures:
    """One run, read without its messages and ratings, and with the final ratings in its index."""

    history: History

    @property
    def scale(self) -> tuple[float, float]:
        """The lowest and the highest rating."""
        return self.history.started.scale if self.history.started else (0.0, 10.0)

    @property
    def metrics(self) -> Mapping[str, str]:
        """`own` and `cross` -> the name of the rated quality."""
        return (
            self.history.started.metrics if self.history.started else {"own": "satisfaction", "cross": "harmlessness"}
        )

    @cached_property
    def headline(self) -> Headline | None:
        """The change of the group between the start's version and the product; None before an epoch has ended."""
        return headline(self.history)

    @cached_property
    def explanation(self) -> Explanation | None:
        """The kept explanation of the rules that the run produced, None if it is of another constitution."""
        found = read_explanation(self.history.path)
        rules = {rule.id: rule.text for rule in self.history.product[0].rules}
        is_same = found is not None and {each.rule.id: each.rule.text for each in found.rules} == rules
        return found if is_same else None

    @cached_property
    def pairs(self) -> list[BeforeAfter]:
        """Questions with two answers, under the start's version and under the product."""
        return before_after(self.history, self.headline)

    @cached_property
    def played(self) -> list[Epoch]:
        """The epochs that have ended."""
        return [epoch for epoch in self.history.epochs if epoch.welfare is not None]

    @cached_property
    def trends(self) -> list[SatisfactionTrend]:
        """Everyone's satisfaction in each epoch, in the order of the experiment."""
        return satisfaction_trends(self.history)

    @cached_property
    def mean_trend(self) -> SatisfactionTrend:
        """The mean satisfaction of all people in each epoch."""
        return mean_trend(self.history)

    @cached_property
    def bands(self) -> list[dict[str, tuple[float, float]]]:
        """For every played epoch each person's ratings of its lowest and its highest task."""
        return [self.history.rating_index.finals_of(epoch.number).own_ranges() for epoch in self.played]

    @property
    def declared(self) -> str:
        """The declared welfare function."""
        return self.history.measured[-1].declared if self.history.measured else ""

    @property
    def functions(self) -> list[str]:
        """The welfare functions to show, the declared one first."""
        return list(dict.fromkeys((self.declared, *SHOWN_WELFARE)))

    @cached_property
    def points(self) -> ParetoFront:
        """Every played version, as measured in the last epoch under it."""
        return ParetoFront(version_points(self.history))

    @cached_property
    def point(self) -> ParetoPoint | None:
        """The point of the run's product, or of the last version while it runs."""
        if self.history.finished is not None and self.history.measured:
            return product_point(self.history, self.declared)
        return self.points.points[-1] if self.points.points else None

    @cached_property
    def curves(self) -> list[RecoveryCurve]:
        """The recovery of the users' hidden policies, of all users and of each kind; empty without a game."""
        return list(run_curves(self.history))

    @property
    def whose(self) -> str:
        """`simulated people`, `real people`, or both."""
        kinds = {"real" if persona.human else "simulated" for persona in self.history.config.personas.inline}
        return f"{' and '.join(sorted(kinds))} people"

    @property
    def people(self) -> str:
        """`simulated people`, or `people` where all are real."""
        real = all(persona.human for persona in self.history.config.personas.inline)
        return "people" if real else "simulated people"

    @property
    def missing(self) -> int:
        """The number of ratings that could not be read."""
        return sum(measured.missing for measured in self.history.measured)

    def play(self, epoch: int) -> str:
        """Return `epoch 2`, or `final play` for the epoch that plays the product after the last revision."""
        final = self.history.product_epoch
        return "final play" if final is not None and final.number == epoch else f"epoch {epoch}"

    def at(self, epoch: int) -> str:
        """Return an epoch with the version that it played: `epoch 2 (version 1)`."""
        return f"{self.play(epoch)} (version {self._versions[epoch]})"

    @cached_property
    def _versions(self) -> dict[int, int]:
        return {epoch.number: epoch.constitution.version for epoch in self.history.epochs}

    def named(self, text: str) -> str:
        """Return a text with the names of people in place of ids that no plain word looks like: `night-nurse`."""
        ids = [re.escape(person) for person in self.history.names if re.search(r"[-_\d]", person)]
        if not ids:
            return text
        pattern = rf"(?<![\w-])(?:{'|'.join(sorted(ids, key=len, reverse=True))})(?![\w-])"
        return re.sub(pattern, lambda found: self.name(found[0]), text)

    def name(self, person: str) -> str:
        """Return a person's name, cut to the length that is shown, or the id if it has none."""
        return cut(self.history.names.get(person, person), MOST_NAME)
