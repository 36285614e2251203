"""What `scai generate` takes a constitution from: a run, or a file in whatever form somebody has it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import KNOWN_PEOPLE, TINY, Called, scai

from scai_cli.datasets.generate.manifest import read_generation
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.constitution_file import read_constitution
from scai_cli.experiment.personas import Persona

PEOPLE = (Persona(id="ann", name="Ann Smith"), Persona(id="bob", name="Bob and Bill"), Persona(id="cid"))
CONTRACT = "contract: [{text: 'Be brief: a line.', for: [ann, cid]}, {text: Explain it., for: [bob]}]"
KIND = TINY.replace(KNOWN_PEOPLE, "").replace("name: tiny", "name: kind").replace("Bob Jones", "Bob and Bill").replace(
    "epochs: 2", "epochs: 1"
) + (
    f"constitution:\n  principles: ['Give an example.', 'Use plain words,\\n  always.']\n  {CONTRACT}\n"
    "revision: {strategy: rewrite, acceptance: improves, clauses: people, margin: 1.0}\n"
)


def told(text: str, name: str = "c.md") -> list[tuple[str, str, tuple[str, ...]]]:
    """The rules that are read in a text: id, words, users."""
    Path(name).write_text(text, encoding="utf-8")
    found = read_constitution(Path(name), PEOPLE).constitution
    return [(p.id, p.text, ()) for p in found.principles] + [(c.id, c.text, c.users) for c in found.contract]


@pytest.mark.parametrize("style", ["c.txt", "c.md", "c.json"])
def test_what_is_exported_is_read_back(tmp_path: Path, style: str) -> None:
    (tmp_path / "kind.yaml").write_text(KIND, encoding="utf-8")
    assert scai("run", "kind.yaml", "-q").code == 0
    assert scai("export", "kind", "--format", "system", "--for", "members", "-o", style).code == 0
    called = scai("generate", style, "--config", "kind.yaml", "--n", 6, "--set", "generate.initial=none", "-q")
    assert called == Called(0, "c-rows\n", "")
    from_file = read_generation(Path("runs/c-rows"))
    assert scai("generate", "kind", "--n", 6, "--set", "generate.initial=none", "-q").code == 0
    from_run = read_generation(Path("runs/kind-rows"))
    assert (from_file.source, from_run.source) == (style, "kind")
    for a, b in zip(from_file.learned.rules, from_run.learned.rules, strict=True):
        assert (a.id, a.text.split()) == (b.id, b.text.split())
        assert getattr(a, "users", ()) == getattr(b, "users", ())


def test_no_rules_at_all_are_a_source(tmp_path: Path) -> None:
    (tmp_path / "kind.yaml").write_text(KIND, encoding="utf-8")
    without = ("--set", "generate.k=0", "--set", "generate.judge=none")
    called = scai("generate", "none", "--config", "kind.yaml", "--n", 6, *without, "-q")
    assert called == Called(0, "none-rows\n", "")
    generation = read_generation(Path("runs/none-rows"))
    assert (generation.source, generation.learned, generation.initial) == ("none", Constitution(), Constitution())
    rows = [json.loads(line) for line in Path("runs/none-rows/rows.jsonl").read_text().splitlines()]
    assert [row["problem"] for row in rows] == [None] * 6
    planned = scai("generate", "none", "--config", "kind.yaml", "--n", 6, *without, "--dry-run", "--json")
    assert (planned.json["rows"], planned.json["calls"]["total"]) == (6, 12)
    called = scai("generate", "none", "-q")
    assert called.err == "scai: none: an empty constitution needs a model; add --model or --config EXPERIMENT\n"
    called = scai("generate", "none", "--config", "kind.yaml", "-q")
    assert "the constitution of none has no rule to criticise and judge answers by; use --set gen" in called.err


def test_a_run_keeps_the_section_for_its_sets(tmp_path: Path) -> None:
    Path("kind.yaml").write_text(KIND + "generate: {k: 2, judge: model}\n", encoding="utf-8")
    assert scai("run", "kind.yaml", "-q").code == 0
    assert scai("generate", "kind", "--n", 2, "--set", "generate.clamp=[0.4, 0.6]", "-q").code == 0
    kept = read_generation(Path("runs/kind-rows"))
    assert (kept.orders.n, kept.orders.k, kept.orders.judge, kept.orders.clamp) == (2, 2, "model", (0.4, 0.6))
    printed = json.loads(scai("show", "kind", "--json").out)["config"]
    assert printed["generate"] == {
        "recipe": "scai", "k": 2, "samples": 1, "final": True, "raters": 2, "votes": 3, "clamp": None,
        "initial": "first", "judge": "model",
    }  # fmt: skip


def test_it_is_no_part_of_a_runs_content_but_of_a_sets(tmp_path: Path) -> None:
    Path("kind.yaml").write_text(KIND, encoding="utf-8")
    assert scai("run", "kind.yaml", "--set", "limits.calls=20", "-q").code == 3
    assert "generate" not in json.loads(scai("show", "kind", "--json").out)["config"]
    assert scai("resume", "kind", "--set", "limits.calls=null", "--set", "generate.k=0", "-q").code == 0
    assert scai("generate", "kind", "--n", 4, "--set", "limits.calls=20", "-q").code == 3
    refused = scai("resume", "kind-rows", "--set", "generate.k=1")
    assert refused.code == 2
    assert "started with another value of generate than" in refused.err
    assert scai("resume", "kind-rows", "--set", "limits.calls=null", "-q").code == 0
    assert read_generation(Path("runs/kind-rows")).orders.k == 0


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("- Be kind.\n- Be brief.\n", [("P1", "Be kind.", ()), ("P2", "Be brief.", ())]),
        ("# Rules\n\nYou are.\n\n1. Be.\n2) Be\n   brief.\n\nThe end.", [("P1", "Be.", ()), ("P2", "Be\nbrief.", ())]),
        ("Be kind.\n\nBe brief,\nalways.\n", [("P1", "Be kind.", ()), ("P2", "Be brief,\nalways.", ())]),
        ("* Say: no.\n", [("P1", "Say: no.", ())]),
        ("- When you talk with Ann Smith and cid: Be: brief.", [("C1", "Be: brief.", ("ann", "cid"))]),
        ("- When you talk with Bob and Bill: Explain.", [("C1", "Explain.", ("bob",))]),
        ("﻿- Be kind.\r\n- Be brief.\r\n", [("P1", "Be kind.", ()), ("P2", "Be brief.", ())]),
    ],
)  # fmt: skip
def test_rules_in_a_text(text: str, rules: list[tuple[str, str, tuple[str, ...]]]) -> None:
    assert told(text) == rules


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("principles: [Be kind.]", [("P1", "Be kind.", ())]),
        ("principles: [{id: P7, text: Be kind.}]", [("P7", "Be kind.", ())]),
        ("principles: [{id: P7, text: A.}, B.]", [("P7", "A.", ()), ("P8", "B.", ())]),
        ("principles: [{id: a, text: A., since: 2}, {id: P1, text: B.}]", [("P2", "A.", ()), ("P1", "B.", ())]),
        ("principles: [A.]\ncontract: [{text: B., for: [Ann Smith]}]", [("P1", "A.", ()), ("C1", "B.", ("ann",))]),
        ("run_id: x\nversion: 3\nsystem_message: S\nprinciples: [{id: P4, text: A.}]", [("P4", "A.", ())]),
    ],
)  # fmt: skip
def test_rules_in_data(text: str, rules: list[tuple[str, str, tuple[str, ...]]]) -> None:
    assert told(text, "c.yaml") == rules


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("c.md", "# Nothing\n", "c.md: contains no rule"),
        ("c.md", "- A.\n- When you talk with Eve: B.", "c.md:2: unknown persona 'Eve' in a clause"),
        ("c.yaml", "principles: []", "c.yaml:1: contains no rule"),
        ("c.yaml", "principals: [A.]", "principals: unknown key; did you mean 'principles'?"),
        ("tiny.yaml", TINY, "tiny.yaml:1: this is an experiment, not a constitution; run it first"),
        ("c.yaml", "- A.", "c.yaml:1: a constitution must be a mapping"),
        ("c.yaml", "principles: [A.]\ncontract:\n- {text: B.}", "c.yaml:3: contract.0: needs `when:`, a condition, or"),
        (
            "c.yaml",
            "principles: [A.]\ncontract:\n- {text: B., for: [eve]}",
            "contract.0.for: unknown persona 'eve' in a clause",
        ),
        ("c.json", '{"principles": [3]}', "c.json:1: principles.0"),
        ("c.txt", "x" * 5000, "c.txt:1: this rule is too long"),
        ("none.md", None, "none.md: there is no such file"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_line(tiny: Path, name: str, text: str | None, said: str) -> None:
    if text is not None:
        Path(name).write_text(text)
    called = scai("generate", name, "--config", tiny)
    assert called.code == 2
    assert len(called.lines) == 1
    assert said in called.err
    assert not Path("runs").exists()


def test_a_file_alone_needs_a_model_and_tasks() -> None:
    Path("c.md").write_text("- Give an example.\n- Ask what the person needs.\n")
    Path("t.jsonl").write_text('{"id": "a", "prompt": "How?"}\n{"id": "b", "prompt": "Why?"}\n')
    assert "add --model or --config EXPERIMENT" in scai("generate", "c.md").err
    assert "there is no task" in scai("generate", "c.md", "--model", "simulated", "--set", "generate.judge=model").err
    command = ("generate", "c.md", "--model", "simulated", "--tasks", "t.jsonl", "-q")
    assert "there are no personas to rate answers; give some with --personas or --config" in scai(*command).err
    nobody = ("--set", "generate={judge: users, raters: 0}")
    assert "nobody would rate" in scai(*command, *nobody, "--personas", people()).err
    assert scai(*command, "--set", "generate.judge=model", "--seed", 4).out == "c-rows\n"
    header = read_generation(Path("runs/c-rows"))
    assert (header.names, header.initial, header.config.seed) == ({}, Constitution(), 4)
    rows = [json.loads(line) for line in Path("runs/c-rows/rows.jsonl").read_text().splitlines()]
    assert [(row["task"], row["persona"], len(row["judgements"])) for row in rows] == [("a", None, 2), ("b", None, 2)]
    assert scai("resume", "c-rows", "-q", "--json").json["rows"] == 2
    assert scai(*command, "--personas", people(), "--set", "ratings.scale=[1, 5]").out == "c-rows-2\n"
    rated = [json.loads(line)["ratings"] for line in Path("runs/c-rows-2/rows.jsonl").read_text().splitlines()]
    assert all(1 <= rating["value"] <= 5 for row in rated for rating in row)
    assert {rating["rater"] for row in rated for rating in row} == {"eve", "fay"}


def people() -> Path:
    path = Path("people.yaml")
    path.write_text("[{id: eve, name: Eve}, {id: fay, name: Fay}]")
    return path


def test_a_contract_with_nobody_here_is_told(tmp_path: Path) -> None:
    (tmp_path / "kind.yaml").write_text(KIND, encoding="utf-8")
    assert scai("run", "kind.yaml", "-q").code == 0
    called = scai("generate", "kind", "--personas", people())
    assert called.code == 0
    assert "no persona is named in the contract: rows have no user" in called.err
    assert scai("resume", "kind-rows", "-q").code == 0


def test_a_run_on_the_way_gives_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "kind.yaml").write_text(KIND, encoding="utf-8")
    assert scai("run", "kind.yaml", "-q", "--set", "limits.calls=5").code == 3
    assert scai("generate", "kind", "-q").code == 3  # its limits go on to count
    assert scai("generate", "kind", "-q", "--set", "limits.calls=500").code == 0
    (tmp_path / "runs/kind/events.jsonl").write_text("")
    assert "has no events yet" in scai("generate", "kind", "-q").err
