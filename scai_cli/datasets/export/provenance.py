"""The provenance of a row: the column `provenance`, or the row's line in the side-car file."""

from functools import partial
from typing import Final

from scai_cli.datasets.samples.sample import Origin, Pair, RatingSample, Sample, whole

COLUMN: Final = "provenance"


class Provenance(Origin, frozen=True, gc=False):
    """The origin of a row and its quality; every row has the same columns."""

    split: str | None
    by: str | None
    """For a pair: the kind of label that decided it."""
    rater: str | None
    """For a pair: the rater, if the preference is that of a single one."""
    rating: float | None
    """The rating of the (chosen) answer."""
    margin: float | None
    p: float | None
    disagreement: float | None


class WeightedProvenance(Provenance, frozen=True, gc=False):
    """The provenance of every row of an export in which people have different weights."""

    weight: float
    """The number of people for whom the row speaks: the weight of its rater if it has one, else of its user; or 1."""


def provenance_of(sample: Sample, split: str | None, weight: float | None = None) -> Provenance:
    """Return the provenance of a sample's rows, with their weight if that is known."""
    core = whole(sample)
    origin = core.origin
    by = rater = margin = p = rating = disagreement = None
    if isinstance(core, Pair):
        by, rater, margin, p = core.by, core.rater, core.margin, core.p
    if isinstance(core, RatingSample):
        rating = core.score.value
    else:
        rating, disagreement = core.rating, core.disagreement
    made = Provenance if weight is None else partial(WeightedProvenance, weight=weight)
    return made(  # field by field: `astuple` would cost the largest exports 2 % of their time
        origin.run,
        origin.conversation,
        origin.messages,
        origin.epoch,
        origin.version,
        origin.rules,
        origin.models,
        origin.raters,
        origin.licences,
        origin.persona,
        origin.others,
        origin.task,
        split,
        by,
        rater,
        rating,
        margin,
        p,
        disagreement,
    )
