"""The numbers of a run that a sweep's table shows for its cell: welfare and the gain of people held out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from scai_cli.analysis.paired import holdout_cells, paired
from scai_cli.analysis.run_measures import product_values
from scai_cli.runs.history.history import History
from scai_cli.runs.sweep_directory import Gain
from scai_cli.social_choice import welfare
from scai_cli.stats.intervals import Interval

_ALWAYS: Final = ("utilitarian", "rawlsian", "gini_coefficient")
"""The functions of every cell besides the declared one."""


@dataclass(frozen=True, slots=True)
class CellNumbers:
    """Welfare of a run's product by function, the declared one first, in [0, 1].

    `measured_on` is `holdout` or `epoch N`, None if the product was not played; `gain` is None without a holdout.
    """

    welfare: Mapping[str, float | None]
    measured_on: str | None
    gain: Gain | None
    made: int | None = None
    """The number of rows of a generated set, which has none of the other numbers."""


def cell_numbers(history: History) -> CellNumbers:
    """Return the numbers of a run, finished or not; it needs no messages and no single ratings."""
    measured_on, values = product_values(history)
    declared = welfare.parse(history.config.welfare)
    names = dict.fromkeys((declared.label, *_ALWAYS))
    by_name = {name: values.get(name) for name in names} if measured_on else {}
    before, after = holdout_cells(history, "first"), holdout_cells(history)
    found = paired(before, after, declared) if before and after else None
    gain = _gain(found.interval) if found else None
    return CellNumbers(by_name, measured_on or None, gain)


def _gain(interval: Interval) -> Gain:
    return Gain(value=interval.estimate, low=interval.low, high=interval.high)
