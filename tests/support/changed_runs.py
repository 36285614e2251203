"""Finished runs whose events were changed: some taken back, or their texts as bad as can be."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import events
from hostile_texts import EVERYTHING

EVIL = (
    "<script>document.title='pwned'</script></script></style>--> <img src=x onerror=alert(1)>"
    '<a href="javascript:alert(1)">x</a> javascript:alert(1) \u202egnp.exe\u2066 \x1b[31m {{x}} {0} " onclick="alert(1)'
    f" {EVERYTHING}"
)
Rows = list[dict[str, Any]]


def bare(event: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key not in ("seq", "time")}


def take_back(run: Path, kind: str) -> None:
    """Take events back, as if the run had been killed before them."""
    lines = (run / "events.jsonl").read_bytes().splitlines(keepends=True)
    kept = [line for line, event in zip(lines, events(run), strict=True) if event["type"] != kind]
    (run / "events.jsonl").write_bytes(b"".join(kept))


def changed(run: Path, to: Path, change: Callable[[Rows], Rows], outcome: object = None) -> Path:
    """A copy of a run with other events."""
    shutil.copytree(run, to)
    rows = change(events(run))
    with (to / "events.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    (to / "outcome.json").unlink()
    if outcome is not None:
        (to / "outcome.json").write_text(json.dumps(outcome), encoding="utf-8")
    return to


def hostile(rows: Rows) -> Rows:
    """Every text that a model or a file could have given is as bad as can be."""
    for row in rows:
        if row["type"] == "run_started":
            row |= {"personas": dict.fromkeys(row["personas"], EVIL), "models": {"user": EVIL}, "name": EVIL}
        if row["type"] == "message":
            row["content"] = EVIL + "A" * 1_000_000 if row["id"].endswith("tea/m1") else EVIL
        if row["type"] == "rating":
            row |= {"comment": EVIL, "metric": EVIL}
            row |= {"value": None, "problem": EVIL} if row["rater"] == "cid" else {}
        if row["type"] == "revision":
            row |= {"reason": EVIL, "critique": EVIL, "system_message": EVIL}
            for edit in row["edits"]:
                edit |= {"reason": EVIL, "evidence": [EVIL, "e1/ann/tea/m2"]} if edit["op"] != "remove" else {}
            for candidate in row["candidates"]:
                candidate |= {"critique": EVIL, "objection": EVIL}
    return rows
