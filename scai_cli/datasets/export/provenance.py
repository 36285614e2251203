"""The provenance of a row, in the column `provenance` or on the row's line of the side-car."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from scai_cli.datasets.samples.sample import Pair, RatingSample, RoleModelName, Sample, whole

COLUMN: Final = "provenance"


class Provenance(Struct, frozen=True, gc=False):
    """The fields of an `Origin`, in its order, and the quality of the row; columns are the same in every row."""

    run: str
    conversation: str
    messages: tuple[str, ...]
    epoch: int | None
    version: int
    rules: tuple[str, ...]
    models: tuple[RoleModelName, ...]
    raters: tuple[str, ...]
    licences: tuple[str, ...]
    persona: str | None
    others: tuple[str, ...]
    """Other personas to whom an answer of the row was given."""
    task: str
    split: str | None
    by: str | None
    """Of a pair: what decided."""
    rater: str | None
    """Of a pair: the rater whose preference it is, if it is a single one's."""
    rating: float | None
    """Of the (chosen) answer."""
    margin: float | None
    p: float | None
    disagreement: float | None


def provenance_of(sample: Sample, split: str | None) -> Provenance:
    """Return the provenance of a sample's rows."""
    core = whole(sample)
    origin = core.origin
    by = rater = margin = p = rating = disagreement = None
    if isinstance(core, Pair):
        by, rater, margin, p = core.by, core.rater, core.margin, core.p
    if isinstance(core, RatingSample):
        rating = core.score.value
    else:
        rating, disagreement = core.rating, core.disagreement
    return Provenance(  # field by field: `astuple` would cost the largest exports 2 % of their time
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
