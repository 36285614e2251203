"""The scores of evaluations in long form, for notebooks: a row for each item, system and score."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from scai_cli.datasets.export.output_files import Destination, output_files
from scai_cli.datasets.formats.format import ExportedFile, Format, Layout, Row
from scai_cli.evaluation.results import Evaluation, read_results

SCORES: Final = "scores"
"""The name of the format."""


def _scores(evaluation: Evaluation, _: Layout) -> Iterator[Row]:
    for row in evaluation.rows:
        item = evaluation.items.get((row.suite, row.item))
        for system, answer in row.answers.items():
            for score, value in answer.scores.items():
                yield {
                    "evaluation": evaluation.manifest.run_id,
                    "row": row.id,
                    "suite": row.suite,
                    "item": row.item,
                    "cluster": item.cluster if item else None,
                    "label": item.label if item else None,
                    "persona": item.persona if item else None,
                    "task": item.task if item else None,
                    "system": system,
                    "score": score,
                    "value": value,
                    "licence": item.licence if item else None,
                }


SCORE_ROWS: Final = Format("runs", _scores, late_types={"value": float}, options=("as", "guard"))
"""`{"evaluation", "row", "suite", "item", "cluster", "label", "persona", "task", "system", "score", "value", ...}`."""


def write_scores(paths: Sequence[Path], destination: Destination) -> tuple[ExportedFile, tuple[str, ...]]:
    """Write the scores of evaluations to a file and return it, with notes on its cells.

    Raises ConfigError, RunError, and OutputError for a failed write.
    """
    with output_files(destination, SCORE_ROWS) as out:
        out.expect([""])
        for path in paths:
            for row in SCORE_ROWS.make(read_results(path), Layout()):
                out.write("", row, None)
        (file,) = out.finish()
        out.publish()
    return file, out.notes()
