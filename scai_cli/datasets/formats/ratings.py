"""The rater x answer matrix in long form: a row for every rating, missing ones too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from scai_cli.datasets.formats.format import Format, Layout, Row
from scai_cli.datasets.samples.sample import RatingSample


def _ratings(rating: RatingSample, _: Layout) -> Iterator[Row]:
    origin, score = rating.origin, rating.score
    yield {
        "rater": score.rater,
        "kind": score.kind,
        "metric": score.metric,
        "value": score.value,
        "comment": rating.comment,
        "answer_id": origin.messages[0] if origin.messages else "",
        "answer": rating.answer,
        "prompt": rating.prompt,
        "persona": origin.persona,
        "task": origin.task,
    }


ratings: Final = Format("ratings", _ratings, columns=True)
"""`rater`, `kind` (own or cross), `metric`, `value` (on the run's scale, null where it is missing), `comment`, the
answer and what it answers."""
