"""Welfare functions by name: each turns the utilities of a society into the one number that judges a constitution."""

import difflib
import math
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

from scai_cli.social_choice import formulas
from scai_cli.social_choice.society import Society, society


@dataclass(frozen=True, slots=True)
class Parameter:
    """The parameter of a formula: its name, its default and its range (inclusive)."""

    name: str
    default: float
    low: float
    high: float = math.inf


Formula = Callable[..., float]

_FORMULAS: dict[str, tuple[Formula, Parameter | None]] = {
    "utilitarian": (formulas.mean, None),
    "rawlsian": (formulas.minimum, None),
    "leximin": (formulas.minimum, None),
    "nash": (lambda people: formulas.power_mean(people, 1), None),
    "atkinson": (formulas.power_mean, Parameter("epsilon", 0.5, 0)),
    "alpha": (formulas.power_mean, Parameter("alpha", 2, 0)),
    "gini": (formulas.ordered_mean, Parameter("delta", 2, 1)),
    "median": (formulas.median, None),
    "threshold": (formulas.share_at_least, Parameter("level", 0.5, 0, 1)),
    "consensus": (formulas.group_consensus, Parameter("level", 0.5, 0, 1)),
}

NAMES = tuple(_FORMULAS)
_SMOOTH = frozenset(("utilitarian", "nash", "atkinson", "alpha", "gini"))
_STEEP = frozenset(("nash", "atkinson", "alpha"))

_EXAMPLE = "atkinson(epsilon=2) or {atkinson: {epsilon: 2}}"


@dataclass(frozen=True, slots=True)
class WelfareFunction:
    """A welfare function: utilities in [0, 1] -> welfare in [0, 1], higher is better.

    A missing utility (None) is left out together with its weight; without any people left the welfare is None. Only
    `consensus` uses `groups` (an opinion group per person). Make one with `parse`.
    """

    name: str
    parameters: tuple[tuple[str, float], ...] = ()

    @property
    def label(self) -> str:
        """The name with its parameters, as `parse` reads it: `nash`, `atkinson(epsilon=2)`."""
        inside = ", ".join(f"{name}={repr(value).removesuffix('.0')}" for name, value in self.parameters)
        return f"{self.name}({inside})" if inside else self.name

    @property
    def is_mean(self) -> bool:
        """Whether welfare is the weighted mean."""
        return self.name == "utilitarian"

    @property
    def smooth(self) -> bool:
        """Whether welfare changes gradually with each utility; the worst-off person, for one, can become another."""
        return self.name in _SMOOTH

    @property
    def steep(self) -> bool:
        """Whether welfare falls ever faster as a person's utility nears 0, as all power means but the mean do."""
        return self.name in _STEEP

    def __call__(
        self,
        utilities: Sequence[float | None],
        weights: Sequence[float] | None = None,
        groups: Sequence[Hashable] | None = None,
    ) -> float | None:
        """Return the welfare of these people, None if none is left; raises ValueError as `society.society` does."""
        return self._of(society(utilities, weights, groups))

    def key(
        self,
        utilities: Sequence[float | None],
        weights: Sequence[float] | None = None,
        groups: Sequence[Hashable] | None = None,
    ) -> tuple[float, ...]:
        """Return a tuple that orders societies lexicographically, higher is better; () if no person is left.

        It is one number, the welfare, for all functions except `leximin` (see `formulas.quantiles`).
        """
        people = society(utilities, weights, groups)
        if self.name == "leximin":
            return formulas.quantiles(people)
        value = self._of(people)
        return () if value is None else (value,)

    def _of(self, people: Society) -> float | None:
        formula, _ = _FORMULAS[self.name]
        return formula(people, *(value for _, value in self.parameters)) if people else None


def parse(spec: str | Mapping[str, object]) -> WelfareFunction:
    """Parse `nash`, `atkinson(epsilon=2)` or `{"atkinson": {"epsilon": 2}}`; raises ValueError in one line."""
    name, given = _split(spec)
    if name not in _FORMULAS:
        raise ValueError(f"unknown welfare function {name!r}{_nearest(name, NAMES)}")
    _, parameter = _FORMULAS[name]
    for key in given:
        if parameter is None:
            raise ValueError(f"{name} takes no parameter, but got {key!r}")
        if key != parameter.name:
            raise ValueError(f"{name} has no parameter {key!r}{_nearest(key, [parameter.name])}")
    if parameter is None:
        return WelfareFunction(name)
    value = _value(name, parameter, given.get(parameter.name, parameter.default))
    return WelfareFunction(name, ((parameter.name, value),))


def gini_coefficient(utilities: Sequence[float | None], weights: Sequence[float] | None = None) -> float | None:
    """Sum |ui - uj| / (2 n^2 mean) (Gini 1912): 0 if all are equal (also if all are zero), at most 1 - 1/n.

    Independent of scale. Computed as 1 - `formulas.ordered_mean`(2) / mean, the same number. None if no person is left.
    """
    people = society(utilities, weights)
    if not people:
        return None
    average = formulas.mean(people)
    return max(0.0, 1 - formulas.ordered_mean(people, 2) / average) if average > 0 else 0.0


def everything(utilities: Sequence[float | None], weights: Sequence[float] | None = None) -> dict[str, float | None]:
    """Return every named function at its default parameter, and `gini_coefficient` (lower is better)."""
    values = {name: parse(name)(utilities, weights) for name in NAMES}
    return values | {"gini_coefficient": gini_coefficient(utilities, weights)}


def _split(spec: str | Mapping[str, object]) -> tuple[str, Mapping[str, object]]:
    """Split a specification into its name and its given parameters."""
    if isinstance(spec, str):
        match = re.fullmatch(r"\s*([\w-]+)\s*(?:\((.*)\))?\s*", spec)
        if not match:
            raise ValueError(f"cannot read the welfare function {spec!r}: write {_EXAMPLE}")
        parts = [part.partition("=") for part in (match[2] or "").split(",") if part.strip()]
        return match[1], {key.strip(): value.strip() for key, _, value in parts}
    if len(spec) != 1:
        raise ValueError(f"a welfare function has one name, not {len(spec)}: write {_EXAMPLE}")
    name, given = next(iter(spec.items()))
    if given is None:
        return str(name), {}
    if not isinstance(given, Mapping):
        raise ValueError(f"the parameters of {name} are not a mapping: write {_EXAMPLE}")
    return str(name), {str(key): value for key, value in given.items()}


def _value(name: str, parameter: Parameter, given: object) -> float:
    """Check one parameter's value; text is read as a number."""
    try:
        value = float(given) if isinstance(given, str | float) or type(given) is int else math.nan
    except (ValueError, OverflowError):
        value = math.nan
    if not (math.isfinite(value) and parameter.low <= value <= parameter.high):
        limit = "" if parameter.high == math.inf else f" and at most {parameter.high:g}"
        raise ValueError(
            f"{name}: {parameter.name} is {given!r}, but must be a number, at least {parameter.low:g}{limit}"
        )
    return value


def _nearest(given: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(given.lower(), known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f" (known: {', '.join(known)})"
