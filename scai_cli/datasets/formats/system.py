"""The final system message of a run, to paste into any chatbot."""

from collections.abc import Iterator
from typing import Final

from scai_cli.analysis.audience import EVERYONE, for_audience
from scai_cli.datasets.formats.format import Format, Layout, Row
from scai_cli.datasets.samples.sample import RunSample


def _system(run: RunSample, layout: Layout) -> Iterator[Row]:
    """Yield one row: the constitution after the last revision, or the one of the chosen epoch, for an audience."""
    constitution, system_message, _ = for_audience(run.history, layout.audience or EVERYONE, run.epoch)
    yield {
        "run_id": run.history.run_id,
        "version": constitution.version,
        "system_message": system_message,
        "principles": [p.model_dump(mode="json", include={"id", "text", "locked"}) for p in constitution.principles],
        "contract": [
            {"id": c.id, "text": c.text, "for": list(c.users), "when": c.when, "kind": c.kind}
            for c in constitution.contract
        ],
    }


def _text(row: Row) -> str:
    return f"{row['system_message']}\n"


def _markdown(row: Row) -> str:
    return f"# Constitution of run {row['run_id']}, version {row['version']}\n\n{row['system_message']}\n"


system: Final = Format(
    "runs", _system, texts={"text": _text, "markdown": _markdown}, options=("as", "system", "epoch", "for")
)
"""`{"run_id", "version", "system_message", "principles", "contract"}`, or the message alone as text or Markdown."""
