"""The settings of the simulated society, read from `model.options`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from scai_cli.errors import ConfigError
from scai_cli.models.simulated.flaws import Flaws
from scai_cli.values import did_you_mean

_NUMBERS: Final = ("attention", "noise", "misjudgement")


@dataclass(frozen=True, slots=True)
class Options:
    """`attention`: how many demands the assistant can serve in full; `noise`: the standard deviation of a
    rating, as a share of the scale; `misjudgement`: how far off a voter's idea of that attention is, as the standard
    deviation of its logarithm; `flaws`: how often the meta errs."""

    attention: float = 6.0
    noise: float = 0.05
    misjudgement: float = 0.3
    flaws: Flaws = field(default=Flaws())


def options(given: Mapping[str, Any]) -> Options:
    """Read the options; raises ConfigError for a key that is not known or a number out of range."""
    _known(given, Options, "options")
    flaws = given.get("flaws", {})
    if not isinstance(flaws, Mapping):
        raise ConfigError("options.flaws: give a mapping of flaws to rates, e.g. {forgets: 0.1}")
    _known(flaws, Flaws, "options.flaws")
    rates = {name: _number(rate, f"options.flaws.{name}", 1.0) for name, rate in flaws.items()}
    numbers = {name: _number(given[name], f"options.{name}") for name in _NUMBERS if name in given}
    return Options(**numbers, flaws=Flaws(**rates))


def _known(given: Mapping[str, Any], kind: type[Options] | type[Flaws], place: str) -> None:
    names = [field.name for field in fields(kind)]
    for key in given:
        if key not in names:
            near = did_you_mean(str(key), names)
            raise ConfigError(f"{place}.{key}: the simulated model has no such option{near}")


def _number(value: object, place: str, highest: float = math.inf) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= highest:
        span = "of at least 0" if highest == math.inf else f"from 0 to {highest:g}"
        raise ConfigError(f"{place}: {value!r} is not a number {span}")
    return float(value)
