"""The rater x answer matrix in long form: one row per rating, missing ratings included."""

from collections.abc import Iterator
from typing import Final

from scai_cli.datasets.formats.format import Fields, Format, Layout, Row, RowReader
from scai_cli.datasets.samples.row_texts import RowTexts
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
    return RowTexts(row["prompt"], row["answer"], rater=f"{row['rater']} {row['kind']}")


ratings: Final = Format(
    "ratings",
    _ratings,
    reader=RowReader(frozenset({"rater", "kind", "value", "prompt", "answer"}), _read),
    extra_columns=True,
    late_types={"value": float},
)
