"""The openings of a run's conversations under its product, for harnesses: inspect_ai, OpenAI evals, promptfoo."""

import re
from collections.abc import Iterator
from typing import Final

from scai_cli.analysis.audience import EVERYONE, for_audience
from scai_cli.datasets.formats.format import Format, Layout, Row
from scai_cli.datasets.formats.turns import blank
from scai_cli.datasets.samples.sample import RunSample
from scai_cli.runs.history.event_lines import CompactMessage


def _eval(run: RunSample, layout: Layout) -> Iterator[Row]:
    """Yield a row per opening, for the first of its conversations; no answer is in it, and no target is known."""
    _, system, _ = for_audience(run.history, layout.audience or EVERYONE, run.epoch)
    seen: set[str] = set()
    for conversation, first in _openings(run):
        if first.content not in seen and not blank(first.content):
            seen.add(first.content)
            yield {
                "id": f"{run.history.run_id}/{conversation}",
                "input": [{"role": "system", "content": system}, {"role": "user", "content": first.content}],
                "target": "",
            }


def _openings(run: RunSample) -> Iterator[tuple[str, CompactMessage]]:
    """Yield the id and first message of each chosen conversation, in an order that no concurrency changes."""
    for epoch in run.history.chosen(run.epoch):
        place = {name: number for number, name in enumerate((*epoch.tasks, *epoch.personas))}
        firsts = [(name, messages[0]) for name, messages in epoch.conversations.items() if messages]
        for name, first in sorted(
            firsts, key=lambda said: (place.get(said[1].task, -1), place.get(said[1].persona, -1))
        ):
            if run.persona in (None, first.persona) and run.task in (None, first.task):
                yield name, first


_LOADED: Final = re.compile(r"(?i)\s*(?:file://|package:)")
"""The start of a variable that promptfoo replaces by what it loads: of `file://evil.js` it runs the code."""


def _promptfoo(row: Row) -> Row:
    texts = [message["content"] for message in row["input"]]
    return dict(zip(("system", "prompt"), (f"'{text}" if _LOADED.match(text) else text for text in texts), strict=True))


eval_rows: Final = Format("runs", _eval, options=("as", "guard", "epoch", "for", "persona", "task"), csv_row=_promptfoo)
"""`{"id", "input": [system, user], "target": ""}`; as CSV the columns `system` and `prompt`, promptfoo's variables."""
