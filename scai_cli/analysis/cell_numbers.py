"""The numbers of a run that a sweep's table shows for its cell: welfare and the gain of people held out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from scai_cli.analysis.paired import holdout_cells, paired
from scai_cli.analysis.run_measures import product_values
from scai_cli.runs.history.history import History
from scai_cli.social_choice import welfare

_ALWAYS: Final = ("utilitarian", "rawlsian", "gini_coefficient")
"""The functions of every cell besides the declared one."""


@dataclass(frozen=True, slots=True)
class Gain:
    """Declared welfare of the held-out people, last constitution minus first, with its 95 % interval if it has one."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class CellNumbers:
    """Welfare of a run's product by function, the declared one first, in [0, 1].

    `measured_on` is `holdout` or `epoch N`, empty if the product was not played; `gain` is None without a holdout.
    """

    welfare: Mapping[str, float | None]
    measured_on: str
    gain: Gain | None


def cell_numbers(history: History) -> CellNumbers:
    """Return the numbers of a run, finished or not; it needs no messages and no single ratings."""
    measured_on, values = product_values(history)
    declared = welfare.parse(history.config.welfare)
    names = dict.fromkeys((declared.label, *_ALWAYS))
    by_name = {name: values.get(name) for name in names} if measured_on else {}
    before, after = holdout_cells(history, "first"), holdout_cells(history)
    found = paired(before, after, declared) if before and after else None
    gain = Gain(found.interval.estimate, found.interval.low, found.interval.high) if found else None
    return CellNumbers(by_name, measured_on, gain)
