"""What programs measured in the final answers of a run, under some versions of the constitution."""

from collections.abc import Sequence
from dataclasses import dataclass

from scai_cli.analysis.version_cells import VersionPlays
from scai_cli.runs.history.history import History
from scai_cli.simulation.utilities import mean


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure with its mean in [0, 1] under each version; None where it could not tell or was not asked."""

    name: str
    words: str
    values: tuple[float | None, ...]

    @property
    def title(self) -> str:
        """The words of the measure with its name: `Few words of doubt (sure)`."""
        return self.name if self.words in ("", self.name) else f"{self.words} ({self.name})"


def measured_values(history: History, plays: Sequence[VersionPlays]) -> list[Measured]:
    """Return the measures that a run declares, each a mean over the epochs that played a version; empty without any."""
    words = {each.name: each.words for each in history.config.ratings.measures}
    by_epoch = {one.epoch: one.measured for one in history.measured}
    names = dict.fromkeys(name for values in by_epoch.values() for name in values)

    def value(name: str, one: VersionPlays) -> float | None:
        return mean(by_epoch[epoch].get(name) for epoch in one.epochs if epoch in by_epoch)

    return [Measured(name, words.get(name, ""), tuple(value(name, one) for one in plays)) for name in names]
