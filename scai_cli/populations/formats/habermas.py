"""Questions of the Habermas Machine (Tessler et al. 2024): a JSON list with id, question, topic and split."""

from collections.abc import Iterator
from typing import Final

from scai_cli.populations.clean_text import BadRow
from scai_cli.populations.column_map import ColumnMap
from scai_cli.populations.drafts import PopulationFormat, TaskDraft
from scai_cli.populations.record import Record
from scai_cli.values import Split

_SPLITS: Final[dict[str, Split]] = {
    "train": "train", "validation": "dev", "valid": "dev", "val": "dev", "dev": "dev",
    "test": "test", "iid_test": "test", "ood_test": "test",
}  # fmt: skip


def tasks(row: Record, _: ColumnMap | None) -> Iterator[TaskDraft]:
    """Turn the question into a task; a numbered topic becomes `topic-0` and so on."""
    question = row.line("question", "prompt")
    if not question:
        raise BadRow("has no question")
    split, topic = row.line("split", "split"), row.line("topic", "topic")
    if split and split not in _SPLITS:
        raise BadRow(f"the split {split[:40]!r} is not one of {', '.join(_SPLITS)}")
    row.leave_out_all({"the question as a statement": ("affirming_statement", "negating_statement")})
    yield TaskDraft(
        key=row.line("id", "id") or question,
        prompt=question,
        topic=f"topic-{topic}" if topic.isdigit() else topic,
        split=_SPLITS[split] if split else None,
    )


TASKS: Final = PopulationFormat(tasks, "Habermas Machine", "CC BY 4.0")
