"""Write the page of the events: their fields from the schema, and one line each of a real run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel

from _generator.schema import fields
from _generator.shapes import shortened, written
from _generator.tables import cell, table
from scai_cli.experiment.constitution import Add, Clause, Constitution, Merge, Modify, Principle, Remove
from scai_cli.runs.events import Event
from scai_cli.runs.records import Candidate, Estimate, Opinion, PairRated, RaterCheck, RatifiedRule

GOLDEN: Final = Path(__file__).parents[2] / "tests/golden/tiny/events.jsonl"
PARTS: Final[tuple[type[BaseModel], ...]] = (
    Constitution,
    Principle,
    Clause,
    Candidate,
    Add,
    Modify,
    Merge,
    Remove,
    Estimate,
    RaterCheck,
    Opinion,
    RatifiedRule,
    PairRated,
)
IN_ALL: Final = frozenset({"seq", "time", "id", "type"})
INTRO: Final = """\
# Events

`events.jsonl` is the log of a run, one JSON object per line, in the order in which scai received it. Every event has

- `seq`, its line, counted from 0, and `time`, in UTC;
- `type`, and `id`, its position in the run, which is unique among the events of its type.

With several conversations at a time the order of lines varies from run to run; their content does not.
"""


def page() -> str:
    """Return the whole page."""
    examples = _examples()
    parts = [INTRO]
    for model in get_args(Event):
        kind = model.model_fields["type"].default
        parts.append(f"## `{kind}`\n\n{cell(_doc(model))}\n")
        parts.append(_table(model))
        if kind in examples:
            parts.append(f"```json\n{written(shortened(examples[kind]))}\n```\n")
    parts.append("## Parts of events\n")
    for model in PARTS:
        parts.append(f"### {model.__name__}\n\n{cell(_doc(model))}\n")
        parts.append(_table(model))
    return "\n".join(parts)


def _table(model: type[BaseModel]) -> str:
    """Return the table of a model's fields, without defaults: every field of an event is written."""
    rows = fields(model, _link, leave_out=IN_ALL if model in get_args(Event) else frozenset())
    return table(["field", "type", ""], ([name, kind, said] for name, kind, _, said in rows))


def _doc(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip()


def _link(name: str) -> str:
    return f"[{name}](#{name.lower()})"


def _examples() -> dict[str, Any]:
    with GOLDEN.open(encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    return {event["type"]: event for event in reversed(lines)}
