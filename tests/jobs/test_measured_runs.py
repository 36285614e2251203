"""A third party's measure in whole runs: in utilities, screens, pages and evaluations, and loaded only on trust."""

from __future__ import annotations

import importlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY, events, scai

CODE = '''
CALLS = []


def mild(text, persona, task, *, most=3):
    """Few marks of exclamation"""
    CALLS.append((persona.id, task.id))
    return max(0.0, 1 - text.count("!") / most)


def broken(text, persona, task):
    return 1 / 0 if persona.id == "cid" else 1
'''
MEASURES = "[{measure: my_marks:mild, most: 2}, {measure: length, target: [10, 50], weight: -0.5}]"
SET = ("--set", f"ratings.measures={MEASURES}", "--set", "ratings.measured_weight=0.5")


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("code")
    (folder / "my_marks.py").write_text(CODE, encoding="utf-8")
    return folder


@pytest.fixture
def marks(code: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(code)
    monkeypatch.delitem(sys.modules, "my_marks", raising=False)
    yield importlib.import_module("my_marks")
    del sys.modules["my_marks"]


@pytest.fixture(scope="module")
def measured(code: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("measured")
    (folder / "tiny.yaml").write_text(TINY, encoding="utf-8")
    sys.path.insert(0, str(code))
    called = scai("run", folder / "tiny.yaml", "--runs-dir", folder / "runs", "--quiet", *SET)
    sys.path.remove(str(code))
    del sys.modules["my_marks"]
    assert called.code == 0, called.err
    return folder / "runs" / "tiny"


@pytest.fixture
def run(measured: Path, tmp_path: Path) -> Path:
    shutil.copytree(measured, tmp_path / "runs" / "tiny")
    return tmp_path / "runs" / "tiny"


@pytest.mark.slow
def test_a_measure_is_called_once_for_an_answer_and_each_person(tiny: Path, marks: Any) -> None:
    assert scai("run", tiny, "-q", *SET).code == 0
    asked = ("ann", "tea"), ("ann", "sleep")
    assert marks.CALLS[0] == asked[0]  # tried out before the first call to a model
    answers = len([e for e in events(Path("runs/tiny")) if e["type"] == "message" and e["role"] == "assistant"])
    assert len(marks.CALLS) <= 1 + answers


@pytest.mark.slow
def test_readers_need_no_code_and_agree_with_the_run(run: Path) -> None:
    welfare = [event for event in events(run) if event["type"] == "welfare"]
    assert all(set(event["measured"]) == {"mild", "length"} for event in welfare)
    answers = {
        e["id"]: e["measured"]["mild"] for e in events(run) if e.get("epoch") == 1 and "/own" in e["id"] and e["final"]
    }
    shown = json.loads(scai("show", "tiny", "--json").out)
    assert [e["welfare"]["measured"] for e in shown["epochs"]] == [e["measured"] for e in welfare]
    # What is computed from the log again: the same tasks of the same people, each with half of what is measured.
    assert shown["headline"]["welfare"]["before"] == pytest.approx(welfare[0]["values"]["utilitarian"])
    first = shown["headline"]["measured"]["mild"]
    assert first["told"] == first["asked"] == len(answers) > 0
    assert first["before"] == pytest.approx(sum(answers.values()) / len(answers)) == welfare[0]["measured"]["mild"]
    screen = " ".join(scai("show", "tiny", "--ratings").out.split())
    assert "Few marks of exclamation (mild)" in screen
    assert "welfare, are 50 % rated, 50 % measured by programs" in screen
    page = scai("report", "tiny", "-o", "-").out
    assert "Few marks of exclamation (mild)" in page
    assert "Measured in the answers" in page
    shutil.copytree(run, run.parent / "other")
    scores = json.loads(scai("compare", "tiny", "other", "--json").out)["metrics"]
    assert set(scores["measured.mild.last"].values()) == {welfare[-1]["measured"]["mild"]}
    assert (
        "labelled without what programs measure" in scai("export", "tiny", "--format", "dpo", "-o", "pairs.jsonl").err
    )
    config = run.parent / "other" / "config.yaml"
    config.write_text(config.read_text("utf-8").replace("measured_weight: 0.5", "measured_weight: 0.25"), "utf-8")
    compared = " ".join(scai("compare", "tiny", "other").out.split())
    assert "Take care: a difference is not one of the answers alone" in compared
    assert "(ratings.measured_weight)" in compared


def test_half_of_a_utility_is_measured(run: Path) -> None:
    first = [event for event in events(run) if event.get("epoch") == 1]
    final = {
        (event["rater"], event["conversation"].rpartition("/")[2]): (event["value"] / 10, event["observed"])
        for event in first
        if event["type"] == "rating" and event["kind"] == "own" and event["final"]
    }
    cross: dict[tuple[str, str], list[float]] = {}
    for event in first:
        if event["type"] == "rating" and event["kind"] == "cross":
            key = event["rater"], event["conversation"].rpartition("/")[2]
            cross.setdefault(key, []).append(event["value"] / 10)
    (welfare,) = (event for event in first if event["type"] == "welfare")
    for person, utility in welfare["utilities"].items():
        cells = [
            0.5 * (0.75 * own + 0.25 * sum(cross[key]) / len(cross[key])) + 0.5 * observed
            for key, (own, observed) in final.items()
            if key[0] == person
        ]
        assert utility == pytest.approx(sum(cells) / len(cells))


@pytest.mark.parametrize(
    "command", [("resume", "tiny"), ("chat", "tiny", "--persona", "ann"), ("explain", "tiny"), ("generate", "tiny")]
)
def test_a_saved_run_loads_a_measure_only_on_trust(run: Path, command: tuple[str, ...]) -> None:
    called = scai(*command)
    assert (called.code, called.out) == (2, "")
    assert "names third-party code, measure 'my_marks:mild'; add --trust to load it" in called.err
    assert "my_marks" not in sys.modules


def test_also_one_that_only_a_person_prefers(run: Path) -> None:
    config = run / "config.yaml"
    text = config.read_text(encoding="utf-8")
    start, end = text.index("  measures:"), text.index("constitution:")
    text = f"{text[:start]}{text[end:]}".replace("concise: 1.0", "someones:measure: 1.0")
    config.write_text(text, encoding="utf-8")
    assert "names third-party code, measure 'someones:measure'; add --trust" in scai("resume", "tiny").err


def test_one_that_only_a_person_prefers_is_planned_and_run(tiny: Path, marks: Any) -> None:
    text = tiny.read_text(encoding="utf-8")
    preferring = tiny.with_name("preferring.yaml")
    preferring.write_text(text.replace("concise: 1.0", "concise: 1.0, my_marks:mild: 0.5", 1), encoding="utf-8")
    for command in (("check", preferring), ("run", preferring, "-q", "--set", "epochs=1")):
        called = scai(*command)
        assert called.code == 0, called.err
    assert marks.CALLS


def test_a_resumed_run_measures_the_same(run: Path, marks: Any) -> None:
    whole = (run / "events.jsonl").read_bytes()
    lines = whole.splitlines(keepends=True)
    (run / "events.jsonl").write_bytes(b"".join(lines[: len(lines) // 2]))
    (run / "outcome.json").unlink()
    called = scai("resume", "tiny", "--trust", "-q")
    assert called.code == 0, called.err
    assert marks.CALLS
    again = [{k: v for k, v in event.items() if k not in ("seq", "time")} for event in events(run)]
    first = [{k: v for k, v in json.loads(line).items() if k not in ("seq", "time")} for line in lines]
    assert again == first


@pytest.mark.slow
def test_each_rule_has_its_effect_on_the_measures(run: Path, marks: Any) -> None:
    rules = ("--set", "constitution={principles: [Use short sentences., Be warm.]}", "--set", "epochs=1")
    made = scai("run", "runs/tiny/config.yaml", "-q", "--run-id", "ruled", *rules)
    assert made.code == 0, made.err
    called = scai("explain", "ruled", "--trust", "--set", "limits.calls=500")
    assert called.code == 0, called.err
    assert marks.CALLS
    effects = json.loads(scai("explain", "ruled", "--trust", "--set", "limits.calls=500", "--json").out)["rules"]
    assert called.out.count("measured, Few marks of exclamation: ") == len(effects) >= 2
    assert all(set(rule["measured"]) == {"mild", "length"} for rule in effects)
    by_text = {rule["text"]: rule["measured"]["length"]["estimate"] for rule in effects}
    assert by_text["Use short sentences."] > 0.3 > abs(by_text["Be warm."])


def test_an_installed_package_registers_a_measure(tmp_path: Path, tiny: Path, marks: Any) -> None:
    installed = tmp_path / "site" / "marks-1.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: marks\nVersion: 1\n")
    (installed / "entry_points.txt").write_text("[scai.measure]\nmild = my_marks:mild\n")
    sys.path.insert(0, str(installed.parent))
    try:
        asked = ("--set", "ratings.measures=[{measure: mild, most: 9}]", "--set", "epochs=1", "-q")
        called = scai("run", tiny, *asked)
        assert called.code == 0, called.err
        assert len(marks.CALLS) > 1
    finally:
        sys.path.remove(str(installed.parent))
    assert "third-party code, measure 'mild'; add --trust" in scai("resume", "tiny").err


def test_a_failure_within_a_run_is_one_line(tiny: Path, marks: Any) -> None:
    called = scai("run", tiny, "-q", "--set", "ratings.measures=[my_marks:broken]")
    assert marks is sys.modules["my_marks"]
    assert (called.code, called.out) == (2, "")
    said = "scai: measure 'my_marks:broken', for cid on tea: it raised ZeroDivisionError: division by zero; a measure "
    assert called.err.startswith(said)
    assert called.err.count("\n") == 1


def test_it_is_a_score_of_the_suites(tiny: Path, marks: Any) -> None:
    Path("loud.md").write_text("- Use short sentences.\n- Warm words, please.\n", encoding="utf-8")
    suites = ("--suite", "measures", "--suite", "society", "--config", tiny, "--run-id", "it", "-q")
    called = scai("evaluate", "none", "loud=loud.md", *suites, *SET)
    assert called.code == 0, called.err
    assert marks.CALLS[-1][0] in ("ann", "bob", "cid", "anyone")
    assert ("anyone", "tea") in marks.CALLS
    found = {s["suite"]: s for s in json.loads(scai("show", "it", "--json").out)["results"]}
    names = {suite: [m["measure"]["name"] for m in one["measures"]] for suite, one in found.items()}
    assert {"mild", "length", "concise"} <= set(names["measures"])
    assert {"measured mild", "measured length"} <= set(names["society"])
    by_name = {m["measure"]["name"]: m["measure"] for m in found["measures"]["measures"]}
    assert (by_name["mild"]["words"], by_name["mild"]["better"]) == ("Few marks of exclamation", "higher")
    assert by_name["length"]["better"] == "lower"  # everyone minds it
