"""The rater x answer matrix in long form: one row per rating, missing ratings included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from scai_cli.datasets.formats.format import Fields, Format, Layout, Row, RowReader, RowTexts
from scai_cli.datasets.formats.guide import FormatGuide
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


def _read(row: Fields) -> RowTexts:
    return RowTexts(row["prompt"], row["answer"])


ratings: Final = Format(
    "ratings",
    _ratings,
    FormatGuide(
        "the analysis of ratings: one row per rater and answer, missing ratings included",
        {
            "rater": "id of the persona who rated",
            "kind": "`own`: the rater's own conversation, `cross`: another persona's conversation",
            "metric": "the quality that was rated",
            "value": "number on the run's scale; null if the rating could not be read",
            "comment": "the rater's comment",
            "answer_id": "id of the answer",
            "answer": "the answer",
            "prompt": "the task",
            "persona": "id of the persona who got the answer",
            "task": "id of the task",
        },
        tags=("preference", "social-choice"),
        task="text-classification",
    ),
    RowReader(frozenset({"rater", "value", "prompt", "answer"}), _read),
    extra_columns=True,
    late_types={"value": float},
)
