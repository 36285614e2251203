"""The options of the simulated society, read from `model.options`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from scai_cli.errors import ConfigError
from scai_cli.text.suggestions import did_you_mean

_NUMBERS: Final = {
    "attention": math.inf,
    "noise": math.inf,
    "misjudgement": math.inf,
    "annoyance": 1.0,
    "shows": 1.0,
    "recognition": 1.0,
}
"""Option -> its highest value."""


@dataclass(frozen=True, slots=True)
class Flaws:
    """The chance, in [0, 1], that a revision of the meta has each flaw; drawn independently, once per revision.

    The defaults are meant to be plausible for real models (a few percent each) and not tuned to any result.
    `too_broad`, `too_narrow` and `unrecognisable` act only on clauses with conditions.
    """

    forgets: float = 0.03
    """Leaves out a rule that it had no reason to drop."""
    invents: float = 0.03
    """Adds a principle that no user asked for."""
    obeys_one: float = 0.03
    """Makes a single user's demand a principle for everyone."""
    over_generalises: float = 0.03
    """Turns a contract clause into a principle."""
    too_broad: float = 0.03
    """Leaves out the condition of a rule that only some need, so that it is for everyone."""
    too_narrow: float = 0.03
    """Adds a second condition to a rule, which few users meet."""
    unrecognisable: float = 0.03
    """Writes a condition that no message can show."""
    truncates: float = 0.02
    """Breaks off in the middle of its answer, with finish_reason `length`."""


@dataclass(frozen=True, slots=True)
class SocietyOptions:
    """How the models of the society behave."""

    attention: float = 6.0
    """How many demands the assistant can serve in full."""
    noise: float = 0.05
    """The standard deviation of a rating, as a share of the scale."""
    misjudgement: float = 0.3
    """How unsure a voter is of its wishes: the standard deviation of the logarithm of the least that it notices."""
    annoyance: float = 0.03
    """What a question back costs in a rating, as a share of the scale."""
    shows: float = 0.7
    """The chance that an opening shows the user's condition."""
    recognition: float = 0.85
    """The chance that the assistant recognises a condition that a user has shown; one that is not shown is believed
    with a third of the chance to overlook one, (1 - recognition) / 3."""
    flaws: Flaws = field(default=Flaws())


def read_options(given: Mapping[str, Any]) -> SocietyOptions:
    """Read the options; raises ConfigError for an unknown key or a number out of range."""
    _check_keys(given, SocietyOptions, "options")
    flaws = given.get("flaws", {})
    if not isinstance(flaws, Mapping):
        raise ConfigError("options.flaws: give a mapping of flaws to rates, e.g. {forgets: 0.1}")
    _check_keys(flaws, Flaws, "options.flaws")
    rates = {name: _number(rate, f"options.flaws.{name}", 1.0) for name, rate in flaws.items()}
    numbers = {name: _number(given[name], f"options.{name}", most) for name, most in _NUMBERS.items() if name in given}
    return SocietyOptions(**numbers, flaws=Flaws(**rates))


def _check_keys(given: Mapping[str, Any], kind: type[SocietyOptions] | type[Flaws], path: str) -> None:
    names = [field.name for field in fields(kind)]
    for key in given:
        if key not in names:
            near = did_you_mean(str(key), names)
            raise ConfigError(f"{path}.{key}: the simulated model has no such option{near}")


def _number(value: object, path: str, highest: float = math.inf) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= highest:
        span = "of at least 0" if highest == math.inf else f"from 0 to {highest:g}"
        raise ConfigError(f"{path}: {value!r} is not a number {span}")
    return float(value)
