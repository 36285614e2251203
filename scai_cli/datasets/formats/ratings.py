"""The rater x answer matrix in long form: a row for every rating, missing ones too."""

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
        "studies of who rates what how: every rating of every answer, missing ones too",
        {
            "rater": "id of the persona who rated",
            "kind": "`own`: of an answer to themselves, `cross`: of one to somebody else",
            "metric": "what was rated",
            "value": "on the run's scale; null where the rating could not be read",
            "comment": "in the rater's words",
            "answer_id": "id of the answer",
            "answer": "the answer",
            "prompt": "the task",
            "persona": "whom it was given to",
            "task": "id of the task",
        },
        tags=("preference", "social-choice"),
        task="text-classification",
    ),
    RowReader(frozenset({"rater", "value", "prompt", "answer"}), _read),
    extra_columns=True,
    late_types={"value": float},
)
