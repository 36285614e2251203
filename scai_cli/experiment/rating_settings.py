"""The section `ratings`: what users rate, what programs measure, and how both become utilities."""

import operator
from typing import Annotated, Literal

from pydantic import Field, field_validator

from scai_cli.experiment.measure_settings import MeasureSettings
from scai_cli.experiment.rating_map import RatingMap
from scai_cli.experiment.revision_settings import Fraction
from scai_cli.values import Value


class Ratings(Value):
    """The qualities that users rate, what programs measure, and how both become utilities."""

    own: Annotated[str, Field(min_length=1, max_length=60)] = "satisfaction"
    """The quality for which users rate the answers to themselves."""
    cross: Annotated[str, Field(min_length=1, max_length=60)] = "harmlessness"
    """The quality for which users rate the answers to others."""
    scale: tuple[float, float] = (0, 10)
    """The lowest and the highest rating."""
    cross_raters: Annotated[int, Field(ge=0)] | Literal["all"] = 5
    """The number of other users who rate each final answer, drawn with the seed; `all`, or 0 for none."""
    cross_weight: Fraction = 0.25
    """The weight in a persona's utility of its ratings of others' answers; the rest is its satisfaction."""
    # Left out of what is printed and saved while they are the default: older runs do not have them.
    measures: Annotated[tuple[MeasureSettings, ...], Field(exclude_if=operator.not_)] = ()
    """What programs measure in the answers, for every persona: `[NAME, module:attribute, {measure: NAME, ...}]`."""
    measured_weight: Annotated[Fraction, Field(exclude_if=operator.not_)] = 0.0
    """The weight in a persona's utility of the measured one: 0, reported beside the ratings; 1, instead of them."""

    calibration: RatingMap | None = Field(default=None, exclude_if=operator.not_)
    """A file that `scai evaluate --suite calibration` wrote: own ratings become utilities as people's ratings would."""

    @field_validator("measures")
    @classmethod
    def _named_once(cls, measures: tuple[MeasureSettings, ...]) -> tuple[MeasureSettings, ...]:
        names = [each.name for each in measures]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"the name {twice!r} occurs twice; give one another `name`")
        return measures

    @field_validator("scale")
    @classmethod
    def _rising(cls, scale: tuple[float, float]) -> tuple[float, float]:
        if scale[0] >= scale[1]:
            raise ValueError("the scale must rise: [lowest, highest]")
        return scale

    @property
    def measure_words(self) -> dict[str, str]:
        """The words of each measure, by its name."""
        return {each.name: each.words for each in self.measures}

    def calibrated(self, own: float) -> float:
        """Return an own rating on the scale as people would have given it; the same without a calibration."""
        low, high = self.scale
        return own if self.calibration is None else low + (high - low) * self.calibration((own - low) / (high - low))
