"""Questions of the Habermas Machine (Tessler et al. 2024): a JSON list with id, question, topic and split."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from scai_cli.populations.clean_text import BadRow, one_line
from scai_cli.populations.drafts import PopulationFormat, TaskDraft
from scai_cli.values import Split

_SPLITS: Final[dict[str, Split]] = {
    "train": "train", "validation": "dev", "valid": "dev", "val": "dev", "dev": "dev",
    "test": "test", "iid_test": "test", "ood_test": "test",
}  # fmt: skip


def drafts(values: Mapping[str, Any]) -> Iterator[TaskDraft]:
    """Turn the question into a task; a numbered topic becomes `topic-0` and so on."""
    question = one_line(values.get("question"), "the question")
    if not question:
        raise BadRow("has no question")
    split = values.get("split")
    if split is not None and split not in _SPLITS:
        raise BadRow(f"the split {str(split)[:40]!r} is not one of {', '.join(_SPLITS)}")
    topic = values.get("topic")
    yield TaskDraft(
        key=one_line(str(values.get("id") or question)),
        prompt=question,
        topic=f"topic-{topic}" if isinstance(topic, int) else one_line(topic, "the topic"),
        split=_SPLITS[split] if split else None,
    )


TASKS: Final = PopulationFormat(drafts, "Habermas Machine", "CC BY 4.0")
