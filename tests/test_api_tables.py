"""A run as a notebook reads it: its tables, its page, and that no text of a stranger does anything there."""

from __future__ import annotations

import html
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from changed_runs import EVIL as CHANGED_TEXT
from changed_runs import changed, hostile
from conftest import events, scai
from hostile_texts import TEXTS, UNSEEN
from rich.cells import cell_len

import scai_cli as api
from scai_cli.text.characters import visible

HEADS = {
    "people": "name before after estimate low high verdict level before_version after_version tasks estimand persona",
    "ratings": "epoch version rater_name kind value persona_name task metric comment final problem rater persona "
    "answer_id",
    "messages": "epoch version persona_name role content task persona conversation id",
    "constitutions": "version after_epoch id kind text when for_names for",
}
PLAIN_MARKS = ("div", "p", "b", "table", "thead", "tbody", "tr", "td")
BARE = api.Table(["content"], [{"content": "plain"}])
EVIL = [pytest.param(text, id=name) for name, text in TEXTS.items()]


@pytest.fixture(scope="module")
def run(finished: Path) -> api.Run:
    return api.load(finished)


@pytest.fixture(scope="module")
def log(finished: Path) -> list[dict[str, Any]]:
    return events(finished)


def of(log: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in log if event["type"] == kind]


# --- the tables of a run


@pytest.mark.parametrize("name", HEADS)
def test_the_columns_of_a_table_are_these(run: api.Run, name: str) -> None:
    table = getattr(run, name)()
    assert list(table.columns) == HEADS[name].split()
    assert all(list(row) == HEADS[name].split() for row in table)


def test_every_rating_is_there_with_names_epoch_and_version(run: api.Run, log: list[dict[str, Any]]) -> None:
    ratings, rated = run.ratings(), of(log, "rating")
    said = [(r["epoch"], r["rater"], r["message"], r["value"], r["comment"]) for r in rated]
    assert [(r["epoch"], r["rater"], r["answer_id"], r["value"], r["comment"]) for r in ratings] == said
    assert {r["rater"]: r["rater_name"] for r in ratings} == {
        "ann": "Ann Smith",
        "bob": "Bob Jones",
        "cid": "Cid Brown",
    }
    assert {r["epoch"]: r["version"] for r in ratings} == {e["epoch"]: e["version"] for e in of(log, "epoch_started")}


def test_a_rating_is_called_as_in_the_export(run: api.Run, finished: Path) -> None:
    exported = list(api.export([finished], "ratings"))
    shared = [name for name in HEADS["ratings"].split() if name in exported[0]]
    assert {"rater", "kind", "metric", "value", "comment", "answer_id", "persona", "task"} == set(shared)
    ours = {tuple(row[name] for name in shared) for row in run.ratings()}
    assert {tuple(row[name] for name in shared) for row in exported} == ours


def test_messages_are_those_of_the_log_and_answers_of_ratings(run: api.Run, log: list[dict[str, Any]]) -> None:
    messages = run.messages()
    assert sorted((m["id"], m["content"]) for m in messages) == sorted(
        (m["id"], m["content"]) for m in of(log, "message")
    )
    roles = {m["id"]: m["role"] for m in messages}
    assert {roles[r["answer_id"]] for r in run.ratings()} == {"assistant"}


def test_people_have_the_means_and_intervals_of_show(run: api.Run, finished: Path) -> None:
    shown = scai("show", finished, "--json").json["headline"]
    people = run.people()
    assert [(p["before_version"], p["after_version"]) for p in people] == [
        (shown["start"]["version"], shown["compared"]["version"])
    ] * 3
    for person in people:
        assert {key: person[key] for key in shown["people"][person["persona"]] if key in person} == {
            key: value for key, value in shown["people"][person["persona"]].items() if key in person
        }
    assert run.sentence == shown["sentence"]


def test_the_welfare_of_each_epoch(run: api.Run, log: list[dict[str, Any]]) -> None:
    for row, event in zip(run.welfare(), of(log, "welfare"), strict=True):
        assert {name: row[name] for name in event["values"]} == event["values"]
        means = list(event["satisfaction"].values())
        assert row["satisfaction"] == pytest.approx(sum(means) / len(means))
        assert (row["epoch"], row["version"], row["people"]) == (event["epoch"], event["version"], 3)
    assert [row["product"] for row in run.welfare()] == [False, False, True]


def test_constitutions_have_the_rules_of_every_version(run: api.Run) -> None:
    product, message = run.history.product
    rules = [row for row in run.constitutions() if row["version"] == product.version]
    assert [(row["id"], row["text"]) for row in rules] == [(rule.id, rule.text) for rule in product.rules]
    assert {row["after_epoch"] for row in rules} == {2}
    clauses = [row for row in rules if row["for"]]
    assert clauses
    assert all(run.history.names[user] in row["for_names"] for row in clauses for user in row["for"].split(", "))
    assert run.system_message == message


def test_a_run_without_an_ended_epoch_has_empty_tables(finished: Path, tmp_path: Path) -> None:
    young = shutil.copytree(finished, tmp_path / "runs" / "young")
    lines = (finished / "events.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (young / "events.jsonl").write_text("".join(lines[:4]), encoding="utf-8")
    run = api.load(young)
    assert (len(run.people()), len(run.ratings()), len(run.welfare())) == (0, 0, 0)
    assert len(run.messages()) == 2
    assert run.sentence == "No epoch has ended yet."
    assert run.people().to_pandas().shape == (0, 13)


# --- what load takes


def test_load_takes_an_outcome_an_id_a_path_and_a_folder(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(finished.parent)
    outcome = api.Outcome("tiny", Path("tiny"), None)  # in the folder of the runs itself
    for run in (
        api.load(outcome),
        api.load(finished),
        api.load("ti", "."),
        api.load("latest", runs_dir=finished.parent),
    ):
        assert run.path.resolve() == finished.resolve()
        assert run.status == "finished"


@pytest.mark.parametrize(
    ("name", "file", "words"),
    [
        (
            *("a.yaml", None),
            "a.yaml: is an experiment file; use scai.load_experiment('a.yaml'), or play it with scai.run('a.yaml')",
        ),
        ("s", "generation.yaml", "'s' is a generated set; read its rows with scai.export(['s'], FORMAT)"),
        ("e", "evaluation.yaml", "'e' is an evaluation; read it with scai.verdicts('e')"),
        ("w", "sweep.yaml", "'w' is a sweep; load one of the runs that `scai show w` lists, by its path"),
        ("nowhere", None, "there is no run in runs; start one with `scai run CONFIG`, or give another --runs-dir"),
    ],
)
def test_what_is_no_run_is_one_line_with_what_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, file: str | None, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if file is not None:
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / file).touch()
    with pytest.raises(api.ScaiError, match=f"^{re.escape(words)}$"):
        api.load(name)


# --- a table


def rows(count: int) -> api.Table:
    return api.Table(["n", "text"], ({"n": n, "text": f"row {n}"} for n in range(count)))


def test_a_table_is_a_sequence_of_dicts() -> None:
    table = rows(50)
    assert (len(table), table[0], table[-1]) == (50, {"n": 0, "text": "row 0"}, {"n": 49, "text": "row 49"})
    assert isinstance(table[10:12], api.Table)
    assert table[10:12] == api.Table(["n", "text"], [{"text": "row 10", "n": 10}, {"text": "row 11", "n": 11}])
    assert table[::-1][0] == table[-1]
    assert {"n": 7, "text": "row 7"} in table
    with pytest.raises(IndexError):
        table[50]


def test_it_shows_some_rows_and_how_many_more_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert repr(rows(50)).splitlines() == ["n   text", *(f"{n:<2}  row {n}" for n in range(20)), "30 more of 50 rows"]
    assert repr(rows(1)).splitlines() == ["n  text", "0  row 0", "1 row"]
    shown = rows(50)._repr_html_()
    assert shown.count("<tr>") == 21
    assert "and 30 more of 50 rows" in shown
    monkeypatch.setenv("COLUMNS", "6")
    assert repr(rows(1)).splitlines() == ["n", "0", "1 row; not shown:", "text"]


def test_numbers_are_short_and_missing_values_a_dash() -> None:
    table = api.Table(["a", "b", "c"], [{"a": 1 / 3, "b": None, "c": -1e-17}])
    assert "<td>0.3333</td><td>–</td><td>0</td>" in table._repr_html_()
    assert repr(table).splitlines()[1] == "0.3333  –  0"


def test_pandas_gets_the_types_and_a_missing_library_is_named(run: api.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = run.ratings().to_pandas()
    assert list(frame.columns) == HEADS["ratings"].split()
    assert frame["value"].dtype == "float64"
    assert frame["value"].sum() == sum(row["value"] for row in run.ratings())
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(api.ConfigError, match=r"^to_polars\(\) needs polars; install it with: pip install polars$"):
        run.ratings().to_polars()


@pytest.mark.slow
def test_polars_takes_columns_whose_first_values_are_missing() -> None:
    pytest.importorskip("polars")
    table = api.Table(["value"], [*({"value": None} for _ in range(200)), {"value": 0.5}])
    assert table.to_polars()["value"].sum() == 0.5


# --- texts of strangers


@pytest.mark.parametrize("text", EVIL)
def test_a_hostile_text_stays_text_in_a_table(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    table = api.Table(["content"], [{"content": text}])
    shown = table._repr_html_()
    assert re.findall(r"<(/?\w+)", shown) == re.findall(r"<(/?\w+)", BARE._repr_html_())
    assert not UNSEEN.search(shown)
    assert len(shown) < 2000
    assert not UNSEEN.search(repr(table))
    assert max(map(cell_len, repr(table).splitlines())) <= 80
    assert repr(table).count("\n") == 2


@pytest.mark.slow
def test_a_hostile_run_shows_only_marks_of_ours_in_a_notebook(finished: Path, tmp_path: Path) -> None:
    run = api.load(changed(finished, tmp_path / "runs" / "hostile", hostile))
    for shown in (run, run.people(), run.ratings(), run.messages(), run.welfare(), run.constitutions()):
        marks = set(re.findall(r"<(\w+)([^>]*)", shown._repr_html_()))
        assert marks <= {*((name, "") for name in PLAIN_MARKS), ("th", ' scope="col"')}
        assert not UNSEEN.search(shown._repr_html_())
        assert not UNSEEN.search(repr(shown))


def test_a_page_is_in_a_frame_of_its_own(tmp_path: Path) -> None:
    page = api.Page("Report about tiny", f"<!doctype html>\n<p>&amp; {CHANGED_TEXT}")
    page.save(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_bytes().decode() == page.html
    shown = page._repr_html_()
    frame = re.fullmatch(r'<iframe srcdoc="([^"]*)" sandbox="allow-scripts" title="[^"]*" [^<>]*></iframe>', shown)
    assert frame
    assert html.unescape(frame[1]) == visible(page.html)
    assert repr(page) == "Page(title='Report about tiny')"
    with pytest.raises(api.ConfigError, match="does not exist"):
        page.save(tmp_path / "nowhere" / "page.html")
