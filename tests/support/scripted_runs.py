"""Small experiments on the scripted provider, what its meta model writes, and the events of such a run."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from conftest import events, scai
from scripted import Line

PEOPLE = [
    {"id": "ann", "name": "Ann Smith"},
    {"id": "bob", "name": "Bob Jones"},
    {"id": "cid", "name": "Cid Brown"},
]
TASKS = [
    {"id": "tea", "prompt": "How do I make a good pot of tea at home?"},
    {"id": "sleep", "prompt": "Help me sleep."},
]
MANY = [*TASKS, *({"id": f"t{n}", "prompt": f"What is {n} plus {n}?"} for n in range(3, 6))]
"""Five tasks: what people rate higher with each of them is beyond noise, also if it is one person."""
NO_CROSS = {"cross_raters": 0}
KNOWN_PEOPLE = {"strategy": "rewrite", "acceptance": "always", "clauses": "people"}
"""The revision that follows the script word for word, with clauses for people by their ids."""


def experiment(
    path: Path,
    /,
    meta: dict[str, Any] | None = None,
    script: Sequence[Line] = (),
    inflation: dict[str, float] | None = None,
    luck: float = 0,
    ballots: dict[str, dict[str, str]] | None = None,
    **keys: Any,
) -> Path:
    """An experiment on the scripted provider's literal society; `meta` is place -> what the meta model answers.

    `inflation` says who rates how much higher in each epoch; `luck`, by how much ratings vary; `ballots`, who approves
    of what. `revision` goes over `KNOWN_PEOPLE`.
    """
    answers = [
        {"at": rf"^{re.escape(place)}/meta(/retry\d+)?$", "say": said if isinstance(said, str) else json.dumps(said)}
        for place, said in (meta or {}).items()
    ]
    options = {"literal": inflation or {}, "luck": luck, "ballots": ballots or {}, "script": [*script, *answers]}
    data = {
        "name": "t",
        "epochs": 1,
        "turns": 1,
        "personas": PEOPLE,
        "tasks": TASKS[:1],
        "model": {"provider": "scripted:connect", "options": options},
        "limits": {"max_retries": 0},
        **keys,
        "revision": {**KNOWN_PEOPLE, **keys.get("revision", {})},
    }
    file = path / "t.yaml"
    file.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return file


def ran(path: Path, /, *args: Any, **keys: Any) -> list[dict[str, Any]]:
    """The events of a fresh run of such an experiment."""
    found = scai("run", experiment(path, *args, **keys), "--quiet")
    assert found.code == 0, found.err
    return events(path / "runs" / found.out.strip())


def revisions(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in told if event["type"] == "revision"]


def rules(constitution: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(r["id"], r["text"], *r.get("for", [])) for r in (*constitution["principles"], *constitution["contract"])]


def anew(
    *principles: tuple[str | None, str], contract: tuple[tuple[str | None, str, str], ...] = (), critique: str = "c"
) -> dict[str, Any]:
    """A constitution written anew."""
    return {
        "critique": critique,
        "no_change": False,
        "principles": [{"id": i, "text": text} for i, text in principles],
        "contract": [{"id": i, "text": text, "for": users.split()} for i, text, users in contract],
    }


def edit(op: str, **keys: Any) -> dict[str, Any]:
    return {"op": op, **keys}


def clauses(ann: int, bob: int, cid: int) -> dict[str, Any]:
    """A constitution under which they rate so; clauses, since a principle may name nobody."""
    told = (("ann", ann), ("bob", bob), ("cid", cid))
    return anew(contract=tuple((None, f"x {who}={level}", who) for who, level in told))
