"""Where a row came from, as it stands in the column `provenance` or on the row's line of the side-car."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from scai_cli.datasets.samples.sample import Pair, RatingSample, Sample, whole

COLUMN: Final = "provenance"


class RoleModelName(Struct, frozen=True, gc=False):
    """The model behind a role."""

    role: str
    model: str


class Provenance(Struct, frozen=True, gc=False):
    """An `Origin` with what is known of how good the row is; every key is always there, so that columns are stable."""

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
    """Of a pair: whose preference it is, if a single one's."""
    rating: float | None
    """Of the (chosen) answer."""
    margin: float | None
    p: float | None
    disagreement: float | None


class ProvenanceReader:
    """Reads the provenance of samples."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Mapping[str, str], tuple[RoleModelName, ...]]] = {}

    def read(self, sample: Sample, split: str | None) -> Provenance:
        """Return the provenance of a sample's rows."""
        what = whole(sample)
        origin = what.origin
        by = rater = margin = p = rating = disagreement = None
        if isinstance(what, Pair):
            by, rater, margin, p = what.by, what.rater, what.margin, what.p
        if isinstance(what, RatingSample):
            rating = what.score.value
        else:
            rating, disagreement = what.rating, what.disagreement
        return Provenance(
            origin.run,
            origin.conversation,
            origin.messages,
            origin.epoch,
            origin.version,
            origin.rules,
            self._listed(origin.models),
            origin.raters,
            origin.licences,
            origin.persona,
            origin.also,
            origin.task,
            split,
            by,
            rater,
            rating,
            margin,
            p,
            disagreement,
        )

    def _listed(self, models: Mapping[str, str]) -> tuple[RoleModelName, ...]:
        """Role -> model as a list, made once for every mapping that is met."""
        found = self._known.get(id(models))
        if found is None:
            if len(self._known) > _KNOWN:
                self._known.clear()
            listed = tuple(RoleModelName(role, model) for role, model in sorted(models.items()))
            found = self._known[id(models)] = models, listed  # the mapping is kept, so that its id stays its own
        return found[1]


_KNOWN: Final = 4096
