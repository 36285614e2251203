"""What programs measured in the final answers of a run, under one version of the constitution or two."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from scai_cli.analysis.paired import Cells, paired
from scai_cli.analysis.verdicts import for_whom
from scai_cli.analysis.version_cells import Pair, VersionCells
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.rating_settings import Ratings
from scai_cli.simulation.utilities import mean
from scai_cli.stats.intervals import Interval
from scai_cli.text.counts import counted


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure with its mean in [0, 1] under each version, over the conversations of which it could tell under all.

    `told` of `asked` conversations (person x task) are these; `interval`: of the difference of two versions.
    """

    name: str
    words: str
    values: tuple[float | None, ...]
    told: int
    asked: int
    interval: Interval | None

    @property
    def title(self) -> str:
        """Its words, its name, and what its means leave out: `Short answers (concise), in 4 of 12 conversations`."""
        title = self.name if self.words in ("", self.name) else f"{self.words} ({self.name})"
        left_out = f", in {self.told} of {counted(self.asked, 'conversation')}" if self.told < self.asked else ""
        return f"{title}{left_out}"

    def as_object(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        values = dict(zip(("before", "after"), self.values, strict=False))
        interval = None if self.interval is None else asdict(self.interval)
        return {"words": self.words, **values, "told": self.told, "asked": self.asked, "difference": interval}


def measured_values(config: ExperimentConfig, sides: Sequence[VersionCells]) -> list[Measured]:
    """Return the measured values of one version or two, over the same people and tasks; empty without any measure."""
    words = config.ratings.measure_words
    names = dict.fromkeys(name for side in sides for name in side.measured)
    return [_measured(name, words.get(name, ""), [side.measured.get(name, {}) for side in sides]) for name in names]


def for_measures(rows: Sequence[Measured]) -> str:
    """Return for whom the intervals of some measures are valid; empty if none is known."""
    known = [each.interval for each in rows if each.interval is not None and each.interval.low is not None]
    if not known:
        return ""
    return f"{for_whom(max(known, key=lambda each: each.people * each.tasks))}, each valid by itself"


def utility_words(ratings: Ratings) -> str:
    """Return how utilities are made if not of ratings alone: `70 % rated, 30 % measured by programs`; else empty."""
    share = ratings.measured_weight
    if share == 1:
        return "measured by programs in the answers, without ratings"
    return f"{100 * (1 - share):g} % rated, {100 * share:g} % measured by programs in the answers" if share else ""


def _measured(name: str, words: str, sides: Sequence[Mapping[Pair, float | None]]) -> Measured:
    shared = [pair for pair in sides[0] if all(pair in side for side in sides)]
    known = [{pair: value for pair in shared if (value := side[pair]) is not None} for side in sides]
    told = [pair for pair in shared if all(pair in side for side in known)]
    cells = [Cells(name, {pair: side[pair] for pair in told}, {}) for side in known]
    found = paired(cells[0], cells[-1]) if len(cells) > 1 else None
    values = tuple(mean(each.cells.values()) for each in cells)
    return Measured(name, words, values, len(told), len(shared), found.interval if found else None)
