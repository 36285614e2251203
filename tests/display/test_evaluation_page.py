"""The page and the screens about an evaluation: texts of models and users stay texts, and numbers stay whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import scai
from hostile_texts import TEXTS
from played import EXPERIMENT, Shown, evaluated
from test_report import Page

from scai_cli.display.numbers import number
from scai_cli.evaluation.item import Item
from scai_cli.evaluation.row import SystemAnswer
from scai_cli.evaluation.suite import (
    Difference,
    Measure,
    MeasureResult,
    ResultSource,
    ResultTable,
    SuiteContext,
    SuiteResult,
    SuiteSource,
)
from scai_cli.messages import ChatRequest

SCRIPT = "</script></style>--><svg onload=alert(1)><img src=http://example.org/x.png>"
HOSTILE = EXPERIMENT.replace("Ann Smith", '"Ann [bold]<b>Smith</b>[/bold]"').replace(
    "Bob Jones", '"Bob <script>alert(1)</script>"'
)


def shown_with(text: str, *more: object, experiment: str = HOSTILE) -> Shown:
    """An evaluation whose assistants say a text and, under the rule, another one."""
    Path("rule.md").write_text("- Give an example.\n", encoding="utf-8")

    def play(request: ChatRequest) -> Any:
        if request.purpose == "grade":
            safe = "egg" in request.messages[0].content
            refused = "sorry" in request.messages[0].content or (not safe and "Give an" in request.id)
            return f'{{"reason": "so it is", "help": "{"none" if refused else "full"}", "harm": 1, "evasive": false}}'
        return text or " " if request.purpose == "answer" else None

    suites = ("--suite", "society,refusal,choice", "--n", "6")
    return evaluated(play, "none", "rule.md", *suites, *more, experiment=experiment)


def test_the_page_escapes_what_models_and_people_are_called(tmp_path: Path) -> None:
    shown = shown_with(SCRIPT)
    page = scai("report", shown.evaluation.path.name, "-o", "-")
    assert page.code == 0
    read = Page(page.out)
    assert [sum(tag == which for tag, _ in read.tags) for which in ("script", "style", "img", "iframe")] == [1, 1, 0, 0]
    assert "alert" not in read.code["script"]
    assert not [name for _, attributes in read.tags for name in attributes if name.startswith("on")]
    assert "http" not in "".join(read.having("src") + read.having("href"))
    assert "@import" not in page.out
    assert "url(http" not in page.out
    assert "<script>alert(1)</script>" in read.text
    assert read.open == []


def test_the_same_evaluation_is_the_same_page() -> None:
    shown = shown_with("A plain answer.")
    pages = {scai("report", shown.evaluation.path.name, "-o", "-").out for _ in range(2)}
    assert len(pages) == 1


@pytest.mark.parametrize(
    "names", [("markup", "ansi", "osc"), ("lines", "surrogates", "backwards"), ("html", "entities"), ("empty",)]
)
def test_a_hostile_answer_is_stored_shown_and_resumed(names: tuple[str, ...]) -> None:
    shown = shown_with("\n".join(TEXTS[name] for name in names))
    assert shown.evaluation.status == "finished"
    rows = (shown.evaluation.path / "rows.jsonl").read_bytes()
    assert len(rows.decode().splitlines()) == rows.count(b"\n") == len(shown.evaluation.rows)
    run_id = shown.evaluation.path.name
    for command in (("show", run_id), ("show", run_id, "--json"), ("report", run_id, "-o", "-")):
        called = scai(*command)
        assert called.code == 0, called.err
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", called.out)
    assert scai("resume", run_id, "--quiet", "--trust").code == 0
    assert (shown.evaluation.path / "rows.jsonl").read_bytes() == rows


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_no_width_cuts_a_number(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = shown_with("A plain answer.")
    screen = scai("show", shown.evaluation.path.name).out
    assert max(map(len, screen.splitlines())) <= columns
    words = " ".join(screen.split())
    assert "…" not in screen
    for result in shown.evaluation.results:
        for measured in result.measures:
            for value in measured.values.values():
                if value is not None:
                    assert number(value, 2) in words
            found = measured.differences["rule"]
            if found is not None:
                assert f"{found.estimate:+.2f}" in words


def test_long_names_of_systems_keep_their_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    Path("rule.md").write_text("- Give an example.\n", encoding="utf-8")
    names = [f"{letter * 40}" for letter in "abc"]
    systems = [f"{name}={what}" for name, what in zip(names, ("none", "rule.md", "bare"), strict=True)]
    shown = evaluated(lambda _: None, *systems, "--suite", "choice,society", "--n", "4")
    screen = scai("show", shown.evaluation.path.name).out
    value = shown.measure("first place", "choice").values if shown.suite("choice").measures else {}
    assert all(f"{each:.2f}" in screen for each in value.values() if each is not None)


@pytest.mark.parametrize("name", ["<b>", "a b", "[red]x[/red]", "\u2028", "ü", "../x"])
def test_a_name_of_a_system_that_is_not_plain_is_no_name(name: str) -> None:
    Path("played.yaml").write_text(EXPERIMENT, encoding="utf-8")
    called = scai("evaluate", f"{name}=none", "--config", "played.yaml")
    assert (called.code, called.out) == (2, "")
    assert len(called.errors) == 1
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028]", called.errors[0])


def test_a_file_of_a_strange_name_is_a_system_with_a_plain_one() -> None:
    Path("[red]ü\u2028 x.md").write_text("- Be kind.\n", encoding="utf-8")
    shown = evaluated(lambda _: None, "none", "[red]ü\u2028 x.md", "--suite", "choice", "--n", "2")
    assert shown.evaluation.systems == ["none", "red-x"]
    called = scai("show", shown.evaluation.path.name)
    assert called.code == 0
    assert "\u2028" not in called.out
    assert scai("report", shown.evaluation.path.name, "-o", "-").code == 0
    assert scai("list").code == 0


class Partial:
    """A suite of a third party: its answers lack a system, and it has a table of many rows."""

    judged = False

    def items(self, source: SuiteSource) -> list[Item]:
        name = f"{__name__}:Partial"
        return [Item(id=f"i{n}", suite=name, prompt="Why?", cluster=f"i{n}", source="s", licence="l") for n in range(4)]

    def calls(self, source: SuiteSource, items: Sequence[Item], judges: int) -> dict[str, int]:
        return {}

    async def probe(self, context: SuiteContext) -> None:
        return None

    async def play(self, context: SuiteContext, item: Item) -> dict[str, SystemAnswer]:
        return {context.systems[1].name: SystemAnswer({}, (("assistant", "I alone answer."),))}

    def results(self, source: ResultSource) -> SuiteResult:
        before, after = source.systems
        scores = {before: {row.id: 0.0 for row in source.rows}, after: {row.id: 1.0 for row in source.rows}}
        found = Difference(1.0, 0.5, 1.0, 0.01, "new items", 4)
        table = ResultTable("Many", ("row", "n"), [(f"row {n}", str(n)) for n in range(203)])
        return SuiteResult(
            f"{__name__}:Partial", [MeasureResult(Measure("m", "m"), {}, {after: found}, scores)], [table]
        )


def test_a_page_shows_what_is_there_and_counts_what_is_not() -> None:
    shown = evaluated(lambda _: None, "none", "bare", "--suite", f"{__name__}:Partial", "--trust")
    page = scai("report", shown.evaluation.path.name, "--trust", "-o", "-")
    assert page.code == 0, page.err
    text = Page(page.out).text
    assert "I alone answer." in text
    assert "row 199" in text
    assert "row 200" not in text
    assert "and 3 more: scai show --json" in text
