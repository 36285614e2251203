"""The health of a run: what is counted, the sentences on every page, and when a run says them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from changed_runs import Rows, changed
from conftest import TINY, scai
from scripted import cut_off, no_form, script
from scripted_runs import experiment

from scai_cli.analysis.config_warnings import self_rating
from scai_cli.analysis.health import answer_warnings
from scai_cli.experiment.load import Overrides, load_experiment
from scai_cli.runs.history.answers import AnswerCounts
from scai_cli.runs.history.fold import read_history

GOLDEN = Path(__file__).parents[1] / "golden"
Change = Callable[[Rows], Rows]


def marked(kind: str, **keys: Any) -> Change:
    """Change all answers, ratings or revisions of a run."""

    def change(rows: Rows) -> Rows:
        for row in rows:
            if row["type"] == kind and row.get("role", "assistant") == "assistant":
                row |= keys
        return rows

    return change


def refused(rows: Rows) -> Rows:
    about = {
        "seq": 0,
        "time": "t",
        "type": "problem",
        "epoch": 1,
        "where": "e1/ann/tea",
        "problem": "no",
        "refused": True,
    }
    return [*rows[:4], {**about, "id": "e1/ann/tea/problem"}, *rows[4:]]


SICK: dict[str, tuple[Change, str]] = {
    "cut": (marked("message", finish_reason="MAX_TOKENS"), "18 of 18 answers were cut off (max_tokens): raise model."),
    "cut and empty": (
        marked("message", finish_reason="length", content=""),
        "18 of 18 answers were cut off (max_tokens), 18 of them empty: raise model.max_tokens; their ratings cannot be "
        "trusted.",
    ),
    "reasoning": (
        marked("message", content="", marks=["thoughts", "empty"]),
        "18 of 18 answers were empty, because the model returned only its reasoning: switch reasoning off in ",
    ),
    "white space": (marked("message", content="\u00a0\n"), "18 of 18 answers were empty: look at the responses in "),
    "withheld": (
        marked("message", content="", finish_reason="content_filter"),
        "18 of 18 answers were withheld by the endpoint's filter (content_filter): change the tasks, or use another ",
    ),
    "other": (marked("message", finish_reason="<b>"), "18 of 18 answers ended in an unusual way (<b>) and may be "),
    "unreadable": (
        marked("rating", value=None, problem="there is no JSON object in the answer"),
        "54 of 54 ratings could not be read: set model.structured=json_schema, or use a stronger model for the users; ",
    ),
    "cut ratings": (
        marked("rating", value=None, problem="there is no JSON object in the answer (the answer was cut off)"),
        "54 of 54 answers of raters were cut off (max_tokens): raise model.max_tokens.",
    ),
    "assistant's words": (
        marked("rating", marks=["speaks_as_assistant"]),
        "54 of 54 comments of raters speak as the assistant: use a stronger model for the users (roles.user.name); ",
    ),
    "wrong person": (
        marked("rating", marks=["addresses_other"]),
        "54 of 54 comments of raters address the wrong person",
    ),
    "cut revisions": (
        marked("revision", no_answer="truncated"),
        "2 epochs ended without a revision and kept the constitution: the answer of the meta model was cut off "
        "(max_tokens); raise model.max_tokens.",
    ),
    "unreadable revisions": (
        marked("revision", no_answer="broken"),
        "2 epochs ended without a revision and kept the constitution: the answer of the meta model could not be read;",
    ),
    "answers missing by their field": (
        marked("revision", no_answer="oversized"),
        "2 epochs ended without a revision and kept the constitution: no conversation fits into the prompt; raise ",
    ),
    "ballots": (
        marked("revision", ballots={"answers": 3, "unreadable": 1}),
        "2 of 6 ballots were unreadable or refused: use a stronger model for the users",
    ),
    "refused": (refused, "1 prompt was refused by the endpoint; what depends on them is missing."),
}


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("name", SICK)
def test_each_reason_not_to_trust_a_number_is_one_sentence_near_the_top(
    finished: Path, tmp_path: Path, name: str
) -> None:
    change, sentence = SICK[name]
    run = changed(finished, tmp_path / "runs" / "sick", change)
    shown, health = scai("show", run).out, scai("show", run, "--json").json["health"]
    assert any(line.startswith(sentence) for line in health["warnings"]), health
    assert words(shown).index(f"Warning: {sentence}"[:60]) < words(shown).index("Constitution, version")
    assert max(map(len, shown.splitlines())) <= 80


def test_a_good_run_has_no_warning(finished: Path) -> None:
    health = scai("show", finished, "--json").json["health"]
    assert health["warnings"] == []
    assert health["roles"] == {
        "openings": {"answers": 18},
        "assistant": {"answers": 18},
        "user": {"answers": 54},
        "meta": {"answers": 2},
    }
    assert (health["refused"], health["epochs_without_revision"]) == (0, {})
    assert [sum(values.values()) for values in health["commonest_ratings"].values()] == [12, 36]
    shown = scai("show", finished).out
    assert "Warning" not in shown
    assert "Also counted" not in shown


def test_harmless_marks_are_counted_in_one_line(finished: Path, tmp_path: Path) -> None:
    def change(rows: Rows) -> Rows:
        return marked("rating", marks=["converted", "thoughts"])(marked("message", marks=["thoughts"])(rows))

    run = changed(finished, tmp_path / "runs" / "marked", change)
    _, line = words(scai("show", run).out).split("Also counted: ")
    assert line.startswith(
        "18 answers with reasoning, which was left out, 54 ratings with reasoning, which was left out, 54 ratings on "
    )
    assert scai("show", run, "--json").json["health"]["warnings"] == []


@pytest.mark.parametrize("name", SICK)
def test_skipped_messages_are_counted_as_decoded_ones(finished: Path, tmp_path: Path, name: str) -> None:
    run = changed(finished, tmp_path / "runs" / "sick", SICK[name][0])
    for path in (run, GOLDEN / "tiny", GOLDEN / "v0" / "whole", GOLDEN / "v0" / "stopped", GOLDEN / "v0.4" / "whole"):
        assert read_history(path, messages=False, ratings=False).answers == read_history(path).answers
    assert read_history(run).answers.roles["assistant"]["answers"] == 18


def test_ratings_without_an_answer_do_not_count() -> None:
    counts = AnswerCounts()
    for problem in ("the call failed", "the conversation failed"):
        counts.add_rating("own", None, problem)
    assert not counts.roles


def test_a_run_says_each_warning_when_it_applies_and_at_its_end(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")
    called = scai(
        "run", tmp_path / "tiny.yaml", "--quiet", "--json", *script(cut_off("/m1/"), no_form("e2/ann/.*/cross/"))
    )
    cut, unreadable = "answers were cut off (max_tokens): ", "ratings could not be read: "
    said = [line for line in called.lines if cut in line or unreadable in line]
    assert [line.partition(": ")[2].partition(":")[0] + ": " for line in said] == [
        *(f"6 of 6 {cut}", f"4 of 36 {unreadable}"),
        *(f"18 of 18 {cut}", f"4 of 54 {unreadable}"),
    ]
    assert {f"warning: {line}" for line in called.json["health"]} <= {*called.lines}
    (entry,) = scai("list", "--json").json
    assert entry["health"] == called.json["health"]
    listed = scai("list").out
    assert "finished*" in listed
    assert "* with reasons not to trust its numbers" in listed


def test_ratings_of_one_value_are_named_unless_a_program_gave_them(tmp_path: Path) -> None:
    called = scai("run", experiment(tmp_path, epochs=4), "--quiet")
    assert (
        called.err.startswith(
            "warning: 12 of 12 own ratings are 5 and 24 of 24 cross ratings are 5: the raters hardly distinguish"
        )
        or "cross ratings are 5" in called.err
    )
    config = load_experiment(experiment(tmp_path), Overrides(model="simulated"))
    counts = read_history(Path("runs/t")).answers
    assert answer_warnings(counts, config) == {}


def failed_check(rows: Rows) -> Rows:
    pairs = [{"id": name, "good": 8.0, "bad": 8.0} for name in ("tea", "sum")]
    check = {"model": "<m>", "passed": False, "pairs": pairs}
    return [*rows[:2], {"seq": 0, "time": "t", "id": "e1/x", "type": "rater_check", "checks": [check]}, *rows[2:]]


def test_a_rater_that_failed_its_check_is_named(finished: Path, tmp_path: Path) -> None:
    run = changed(finished, tmp_path / "runs" / "sick", failed_check)
    (line,) = scai("show", run, "--json").json["health"]["warnings"]
    assert line.startswith(
        "the users' model <m> cannot tell answers apart (it rated good answers 8, 8 and bad ones 8, 8): "
    )
    assert f"Warning: {line}" in words(scai("compare", finished, run).out)
    assert [each["health"] for each in scai("compare", finished, run, "--json").json["runs"]] == [[], [line]]


@pytest.mark.parametrize(
    ("values", "is_said"), [([7.0] * 9, False), ([7.0] * 6 + [8.0] * 4, False), ([7.0] * 7 + [8.0] * 3, True)]
)
def test_more_than_60_percent_of_ten_ratings_are_needed(tmp_path: Path, values: list[float], is_said: bool) -> None:
    counts = AnswerCounts()
    for value in values:
        counts.add_rating("own", value, None)
    assert ("one_value" in answer_warnings(counts, load_experiment(experiment(tmp_path)))) is is_said


def test_the_key_of_the_remedy_is_the_one_that_counts(tmp_path: Path) -> None:
    counts = AnswerCounts()
    counts.add_answer("It begins", "length")
    config = load_experiment(experiment(tmp_path, roles={"assistant": {"max_tokens": 20}}))
    assert "raise roles.assistant.max_tokens; its ratings" in answer_warnings(counts, config)["assistant/cut"]


@pytest.mark.parametrize("structured", ["prompt", "json_schema"])
def test_no_remedy_is_named_that_the_experiment_has_already(tmp_path: Path, structured: str) -> None:
    counts = AnswerCounts(unrevised={1: "broken"})
    counts.add_rating("own", None, "there is no JSON object in the answer")
    config = load_experiment(experiment(tmp_path), Overrides([f"model.structured={structured}"]))
    found = answer_warnings(counts, config)
    assert found["user/unreadable"].startswith("1 of 1 ratings could not be read: ")
    for reason in ("user/unreadable", "unrevised/broken"):
        assert ("structured=json_schema" in found[reason]) is (structured == "prompt")
        assert "use a stronger model" in found[reason]


def test_a_model_that_rates_itself_is_named(tiny: Path) -> None:
    def lines(*settings: str) -> list[str]:
        return self_rating(load_experiment(tiny, Overrides(settings)))

    real = "model={provider: openai, name: m}"
    (line,) = scai("check", tiny, "--model", "openai:m", "--json").json["warnings"]
    assert [line] == lines(real)
    assert line.startswith("the assistant and the users are one model (m), which rates its own answers; ")
    assert lines(real, "roles.user.name=other") == []
    assert lines(real, "roles.user.base_url=http://127.0.0.1:9/v1") == []
    assert lines() == []


@pytest.mark.slow
def test_the_report_and_the_card_have_the_sentences_escaped(finished: Path, tmp_path: Path) -> None:
    def change(rows: Rows) -> Rows:
        answers = [row for row in rows if row.get("role") == "assistant"]
        answers[0]["finish_reason"] = "<script>alert(1)</script>**x**\x1b[31m"
        return rows

    run = changed(finished, tmp_path / "runs" / "sick", change)
    assert scai("report", run, "-o", "page.html").code == 0
    page = Path("page.html").read_text(encoding="utf-8")
    assert '<p class="caution">1 of 18 answers ended in an unusual way (&lt;script&gt;' in page
    assert '<th scope="row">other</th><td>0</td><td>1</td>' in page
    assert scai("export", run, "--format", "sft", "-o", "out/").code == 0
    card = Path("out/README.md").read_text(encoding="utf-8")
    assert "**Reasons not to trust these rows:**" in card
    assert "- `sick`: 1 of 18 answers ended in an unusual way " in card
    assert "<script>" not in card
    assert "**x**" not in card
    assert "\x1b" not in scai("show", run).out
    (source,) = json.loads(Path("out/manifest.json").read_text(encoding="utf-8"))["sources"]
    assert source["health"][0].startswith("1 of 18 answers ended")


def test_a_generated_set_counts_answers_ratings_and_comparisons(tiny: Path) -> None:
    rule = "constitution: {principles: [Give an example., Use bullet points.]}\n"
    tiny.write_text(TINY + rule, encoding="utf-8")
    assert scai("run", tiny, "--quiet").code == 0
    options = script(cut_off("r0/final/assistant"), no_form("r1/.*/own"), no_form("judge/final"))
    called = scai("generate", "tiny", "--quiet", "--trust", "--json", *options, "--set", "generate.votes=1")
    assert called.code == 0, called.err
    assert called.json["health"]
    assert called.lines == [f"warning: {line}" for line in called.json["health"]]
    assert any(" answers was cut off (max_tokens): raise model.max_tokens; its " in line for line in called.lines)
    assert any("ratings could not be read" in line for line in called.lines)
    assert scai("export", "tiny-rows", "--format", "sft", "-o", "rows/").code == 0
    assert " answers was cut off " in Path("rows/README.md").read_text(encoding="utf-8")
