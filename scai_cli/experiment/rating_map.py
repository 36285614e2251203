"""The file of `ratings.calibration`: a mapping of simulated ratings to people's, written by the suite `calibration`."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from scai_cli.experiment.yaml_source import YamlSource, explain, read_yaml
from scai_cli.experiment.yaml_text import yaml_text
from scai_cli.stats.monotone import interpolated
from scai_cli.values import USERS_FILE, Text, Value

Share = Annotated[float, Field(ge=0, le=1)]


class RatingMap(Value):
    """Points joined by lines, from a simulated rating to people's, both as shares of the scale from 0 to 1."""

    kind: Literal["affine", "isotonic"]
    """The family of functions that was fitted."""
    points: Annotated[tuple[tuple[Share, Share], ...], Field(min_length=1)]
    """(simulated, people's) with rising simulated ratings, and people's that never fall."""
    measured_on: Text
    """The data of people that it was fitted to."""
    model: Text
    """The users' model whose ratings it maps."""
    people: Annotated[int, Field(ge=1)]
    ratings: Annotated[int, Field(ge=1)]
    error: float
    """The root of the mean squared error on people who had no part in the fit."""
    error_without: float
    """The same without a mapping."""

    @model_validator(mode="after")
    def _rises(self) -> Self:
        pairs = list(zip(self.points, self.points[1:], strict=False))
        if any(after[0] <= before[0] or after[1] < before[1] for before, after in pairs):
            raise ValueError("`points` must rise: [[simulated, people's], ...]")
        return self

    def __call__(self, share: float) -> float:
        """Return what people give where simulated users give this share of the scale."""
        return interpolated(self.points, share)

    @property
    def words(self) -> str:
        """What the ratings are calibrated on, as a part of a sentence."""
        return f"{self.measured_on} ({self.people:,} people, {self.ratings:,} ratings)"


def dump_rating_map(found: RatingMap) -> str:
    """Return the text of the file."""
    return yaml_text(found.model_dump(mode="json"))


def inline_rating_map(source: YamlSource) -> None:
    """Replace the file's name in `ratings.calibration` by its content; raises ConfigError for a file that is invalid.

    The name is relative to the experiment file.
    """
    ratings: Any = source.data.get("ratings")
    name = ratings.get("calibration") if isinstance(ratings, dict) else None
    if not isinstance(name, str):
        return
    if not name.strip():
        raise source.error(("ratings", "calibration"), "is empty; name the file that the suite `calibration` wrote")
    file = read_yaml(Path(source.name).parent / name)
    try:
        found = RatingMap.model_validate(file.data, context=USERS_FILE)
    except ValidationError as error:
        raise explain(error, file, RatingMap) from None
    ratings["calibration"] = found.model_dump(mode="json")
