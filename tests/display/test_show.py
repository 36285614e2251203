"""`scai show` as it is looked at: one screen, chats, the matrix of ratings, a run that goes on."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import KNOWN_PEOPLE, Called, events, scai
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from terminal import on_a_terminal

from scai_cli.analysis.headline import headline
from scai_cli.analysis.rule_origins import Wording, rule_wordings
from scai_cli.display.terminal.escape import thinned
from scai_cli.display.terminal.satisfaction import PersonRow, striking
from scai_cli.display.terminal.wrap import wrapped
from scai_cli.runs.history.fold import read_history

TESTS = Path(__file__).parents[1]


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of a finished run, to be changed."""
    return shutil.copytree(finished, tmp_path / "runs" / "tiny")


def change(run: Path, kind: str, at: int = 0, **keys: object) -> None:
    """Change an event of a run: the one of its kind at that place."""
    told = events(run)
    [event for event in told if event["type"] == kind][at].update(keys)
    write(run, told)


def write(run: Path, told: list[dict[str, Any]]) -> None:
    lines = (json.dumps(event, separators=(",", ":"), ensure_ascii=False) + "\n" for event in told)
    (run / "events.jsonl").write_text("".join(lines), encoding="utf-8")


# --- the summary


def test_it_begins_with_the_sentence_then_the_pairs_the_constitution_and_the_numbers() -> None:
    run = TESTS / "golden" / "v0" / "whole"
    found = headline(read_history(run))
    assert found is not None
    shown = scai("show", run).out
    assert " ".join(shown.split()).startswith(f"whole: {found.sentence}")
    parts = [
        *(
            "Cid Brown: “How",
            "version 0 (rated 1): ",
            "version 1 (rated 6): ",
            "made the difference, by the words of both answers: C3",
        ),
        *("Chosen: ", "scai show whole --persona cid --task tea", "Constitution, version 1"),
        *("Satisfaction of simulated", "everyone  ", "Declared welfare", "worst-off person (rawlsian)", "Revisions: "),
    ]
    places = [shown.index(part) for part in parts]
    assert places == sorted(places)
    assert re.search(
        r" whole · finished · 2 of 2 epochs · simulated, \S+ · 217 calls · \S+ tokens$", " ".join(shown.split())
    )
    declared = f"Declared welfare (0 to 1), geometric mean (nash): {found.welfare.words}"
    assert declared in " ".join(shown.split())
    assert found.welfare.words.endswith(", the same 4 people and 2 tasks again)")


def test_a_trend_is_drawn_only_where_the_group_has_changed(tiny: Path) -> None:
    assert "epoch by epoch: " in scai("show", TESTS / "golden" / "v0.4" / "whole").out
    assert "epoch by epoch: " not in scai("show", TESTS / "golden" / "v0" / "whole").out  # no change beyond chance
    kept = ("--set", "revision.acceptance=improves", "--set", "revision.margin=1")
    assert scai("run", tiny, "-q", *kept).code == 0
    shown = scai("show", "tiny").out
    assert "No revision was adopted" in shown
    assert "epoch by epoch" not in shown
    assert not set("▁▂▃▄▅▆▇█") & set(shown)


def test_no_line_is_cut_at_80_columns(tiny: Path) -> None:
    text = tiny.read_text().replace(
        "Ann Smith", "Anna-Maria Smith of the long-established house of Smith and Daughters"
    )
    tiny.write_text(text.replace("warm: 0.5", "warm: 0.5, gives_example: 0.7, names_source: 0.7"))
    assert scai("run", tiny, "-q", "--run-id", "a-very-long-name-of-a-run-" + "x" * 30).code == 0
    lines = scai("show", "latest").out.splitlines()
    cut = [line for line in lines if "…" in line]
    assert all(line.startswith(("Anna-Maria", "Bob", "Cid", "  ")) for line in cut), cut  # questions and answers
    assert max(map(cell_len, lines)) <= 80
    assert "Daughters" in "".join(lines)


def crowd(tmp_path: Path, count: int) -> Path:
    wants = ("concise", "detailed", "warm", "formal")
    people = [
        {"id": f"u{n}", "name": f"User {n}", "description": "Somebody.", "preferences": {wants[n % 4]: 1.0}}
        for n in range(count)
    ]
    config = {"name": "crowd", "seed": 1, "epochs": 2, "turns": 1, "personas": people, "ratings": {"cross_raters": 1}}
    config["tasks"] = [{"id": "tea", "prompt": "How do I make tea?"}]
    config["revision"] = yaml.safe_load(KNOWN_PEOPLE)["revision"]
    (tmp_path / "crowd.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    assert scai("run", tmp_path / "crowd.yaml", "-q").code == 0
    return tmp_path / "runs" / "crowd"


@pytest.mark.slow
def test_many_users_fit_a_screen_that_names_the_least_satisfied(tmp_path: Path) -> None:
    crowd(tmp_path, 60)
    lines = scai("show", "crowd").out.splitlines()
    assert len(lines) <= 60
    assert any(re.fullmatch(r"\(\d+ more: --ratings\)", line) for line in lines)
    satisfaction = {}
    for row in scai("show", "crowd", "--json").json["epochs"][-1]["welfare"]["satisfaction"].items():
        satisfaction[row[0]] = row[1]
    lowest = min(satisfaction, key=lambda user: satisfaction[user])
    shown = {line.split("  ")[0] for line in lines if re.match(r"User \d+  ", line)}
    assert 2 < len(shown) < 20
    assert any(satisfaction[name.replace("User ", "u")] == satisfaction[lowest] for name in shown)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [24, 30, 50])
def test_it_fits_the_terminal_there_is(tmp_path: Path, rows: int) -> None:
    crowd(tmp_path, 30)
    shown = on_a_terminal("show", "crowd", LINES=str(rows))
    lines = shown.replace("\r\n", "\n").splitlines()
    assert len(lines) <= rows - 1
    for said in (
        "crowd: Satisfaction of 30 simulated people",
        "everyone",
        "Constitution, version",
        "C1",
    ):
        assert said in shown


@pytest.mark.parametrize("columns", [44, 60, 66, 80])
def test_the_people_keep_their_names_on_narrow_terminals(
    finished: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = scai("show", "tiny", "--runs-dir", finished.parent).out
    for name in ("Ann", "Bob", "Cid", "everyone"):
        assert re.search(rf"^{name}( [A-Z][a-z]+)? +-?\d", shown, re.MULTILINE), shown
    assert bool(re.search(r"[+-]\S+ +(gained|cannot tell)", shown)) is (columns == 80)


@pytest.mark.slow
def test_the_proof_fits_the_terminal_too(tiny: Path) -> None:
    """With everything there is: a holdout, rules, problems."""
    settings = ["holdout.personas=0.34", "epochs=4"]
    assert scai("run", tiny, "-q", *(part for setting in settings for part in ("--set", setting))).code == 0
    told = events(Path("runs/tiny"))
    said = {"type": "problem", "epoch": 4, "where": "e4/ann/tea", "problem": "HTTP 500: no"}
    rules = [{"id": f"P{n}", "text": "Be brief. " * 20, "since": 1, "evidence": []} for n in range(1, 30)]
    revision = [event for event in told if event["type"] == "revision"][-1]
    revision["constitution"].update(principles=rules, last_principle=40)
    write(Path("runs/tiny"), [*told[:-1], {**said, "seq": 99, "time": "T", "id": "e4/ann/tea/m1/user"}, told[-1]])
    shown = on_a_terminal("show", "tiny", LINES="24", NO_COLOR="1")
    assert shown.count("\r\n") <= 23
    for part in ("tiny · finished", "everyone", "Held out", "P1", "HTTP 500: no"):
        assert part in shown


def test_those_to_look_at_are_the_least_satisfied_and_the_most_changed() -> None:
    values: dict[str, list[float | None]] = {
        "low": [5, 1],
        "lower": [1, 0.5],
        "up": [1, 9],
        "down": [9, 6],
        "same": [7, 7],
        "unknown": [None, None],
    }
    people = [
        PersonRow(name, pair, pair[1], None if pair[0] is None or pair[1] is None else pair[1] - pair[0])
        for name, pair in values.items()
    ]
    assert [one.user for one in striking(people, 4)] == ["low", "lower", "up", "down"]
    assert striking(people, 6) == people
    assert [one.user for one in striking(people, 1)] == ["lower"]


@given(st.lists(st.one_of(st.none(), st.floats(0, 10)), max_size=100), st.integers(1, 30))
def test_a_long_row_is_thinned_within_its_range(values: list[float | None], width: int) -> None:
    found = thinned(values, width)
    assert len(found) == min(len(values), width)
    known = [value for value in values if value is not None]
    assert all(min(known) - 1e-9 <= value <= max(known) + 1e-9 for value in found if value is not None)
    assert (not known) == all(value is None for value in found)


def test_only_missing_ratings_are_told_as_such(run: Path) -> None:
    told = events(run)
    for event in told:
        if event["type"] == "rating":
            event.update(value=None, problem="no number in it")
        if event["type"] == "welfare":
            nobody = dict.fromkeys(event["utilities"])
            event.update(utilities=nobody, satisfaction=nobody, harmlessness=nobody, missing=18)
            event["values"] = dict.fromkeys(event["values"])
    write(run, told)
    shown = scai("show", "tiny")
    assert shown.code == 0
    assert "Problems: 0 calls failed, 54 ratings are missing" in shown.out
    assert "0.00" not in shown.out
    assert "nan" not in shown.out
    matrix = scai("show", "tiny", "--ratings").out
    assert "Product, version 2: 18 final ratings (18 missing)" in matrix
    assert sum(line.split()[2:].count("?") for line in matrix.splitlines()) == 1 + 3 + 6  # explained, own, by others
    assert "rates satisfaction missing: no number in it" in scai("show", "tiny", "--persona", "ann").out


def test_one_play_has_not_changed(tiny: Path) -> None:
    kept = ("--set", "revision.acceptance=improves", "--set", "revision.margin=1")
    assert scai("run", tiny, "-q", "--set", "epochs=1", *kept).code == 0
    shown = scai("show", "tiny").out
    assert "No revision was adopted: one play of one constitution (version 0)." in " ".join(shown.split())
    assert not re.search(r"change|interval|[+]0", shown)


def test_a_stopped_a_failed_and_a_killed_run_say_so(tiny: Path) -> None:
    assert scai("run", tiny, "-q", "--set", "limits.calls=36").code == 3
    shown = scai("show", "tiny").out
    assert shown.startswith("tiny: stopped, 1 of 2 epochs. Satisfaction of 3 simulated")
    assert "limits.calls: reached" in shown
    (Path("runs/tiny") / "outcome.json").unlink()
    shown = scai("show", "tiny").out
    assert shown.startswith("tiny: interrupted, 1 of 2 epochs. Satisfaction of 3 simulated")
    assert "36 calls, " in shown
    assert "It was stopped from outside before its end; continue with `scai resume tiny`." in shown


def test_equal_problems_are_one_line(run: Path) -> None:
    told = events(run)
    said = {"type": "problem", "epoch": 2, "where": "e2/ann/tea", "problem": "HTTP 500: no"}
    problems = [{**said, "seq": 90 + n, "time": "T", "id": f"e2/ann/tea/m{n}/user"} for n in range(7)]
    write(run, [*told[:-1], *problems, told[-1]])
    shown = scai("show", "tiny").out
    assert "Problems: 7 calls failed" in shown
    assert shown.count("HTTP 500: no") == 1
    assert "7 times, first at e2/ann/tea/m0/user" in shown


# --- transcripts


@example("\t ", 4)
@given(st.text(alphabet=st.sampled_from("ab é日本 \n\t\u00a0-"), max_size=200), st.integers(4, 30))
def test_wrapping_loses_nothing_and_keeps_to_the_width(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert len(lines) >= text.count("\n") + 1


def test_wrapping_breaks_at_spaces_and_keeps_indentation() -> None:
    assert wrapped("one two three\n  def f():\n\nend", 8) == ["one two", "three", "  def", "f():", "", "end"]
    assert wrapped("a bb cc", 5, 2) == ["a", "bb cc"]
    assert wrapped("a" * 10, 4) == ["aaaa", "aaaa", "aa"]
    assert wrapped("日本語日本語", 4) == ["日本", "語日", "本語"]


def test_a_message_of_a_megabyte_is_shown_whole(run: Path) -> None:
    change(run, "message", 6, content="All work and no play. " * 47_700)
    place = [event for event in events(run) if event["type"] == "message"][6]
    shown = scai("show", "tiny", "--epoch", "1", "--persona", place["persona"], "--task", place["task"]).out
    assert " ".join(shown.split()).count("All work and no play.") == 47_700
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--persona", "anne"), "no persona 'anne'; did you mean 'ann'?"),
        (("--task", "te"), "no task 'te'; did you mean 'tea'?"),
        (("--ratings", "--persona", "zed"), "no persona 'zed'; known are ann, bob, cid"),
        (("--epoch", "0"), "has no epoch 0"),
        (("--epoch", "4", "--persona", "ann"), "has no epoch 4"),
        (("--persona", "\x1b[31m"), "no persona"),
    ],
)
def test_what_is_not_there_is_one_line_with_what_is(finished: Path, options: tuple[str, ...], said: str) -> None:
    called = scai("show", finished, *options)
    assert (called.code, called.out, called.err.count("\n")) == (2, "", 1)
    assert said in called.err
    assert "\x1b" not in called.err


# --- the matrix


def test_the_matrix_tells_missing_from_not_asked(tmp_path: Path, tiny: Path) -> None:
    assert scai("run", tiny, "-q", "--set", "ratings.cross_raters=1").code == 0
    change(tmp_path / "runs" / "tiny", "rating", -1, value=None, problem="no number")
    shown = scai("show", "tiny", "--ratings", "--task", "tea").out
    missing = scai("show", "tiny", "--ratings", "--task", "sleep").out
    cells = [cell for text in (shown, missing) for line in text.splitlines()[3:] for cell in line.split()[2:]]
    assert (cells.count("·"), cells.count("?")) == (12, 1)  # nobody is asked about its own answers
    assert sum("(1 missing)" in text for text in (shown, missing)) == 1


@pytest.mark.slow
def test_of_a_large_group_the_ends_of_the_ranking_are_shown(run: Path) -> None:
    told = events(run)
    people = {f"u{n}": f"User {n}" for n in range(250)}
    first, began = (next(event for event in told if event["type"] == kind) for kind in ("run_started", "epoch_started"))
    sample = next(event for event in told if event["type"] == "rating" and event["kind"] == "own" and event["final"])
    dice = random.Random(5)
    own = {user: dice.randrange(1, 10) for user in people} | {"u17": 10, "u99": 0, "u5": None}
    rows: list[dict[str, Any]] = [{**first, "personas": people}, {**began, "personas": list(people), "tasks": ["tea"]}]
    for user in people:
        about = {"conversation": f"e1/{user}/tea", "message": f"e1/{user}/tea/m1", "epoch": 1}
        rows.append(sample | about | {"id": f"e1/{user}/tea/m2/own", "rater": user, "value": own[user]})
        for rater in dice.sample(list(people.keys() - {user}), 240):
            value = {"u1": 0, "u2": 10}.get(rater, dice.randrange(3, 8))
            cross = {"id": f"e1/{user}/tea/cross/{rater}", "kind": "cross", "rater": rater, "value": value}
            rows.append(sample | about | cross)
    write(run, rows)
    lines = scai("show", "tiny", "--ratings").out.splitlines()
    at = lines.index("Epoch 1: 60,250 final ratings (1 missing)")
    titles, *shown, remedy = lines[at + 2 : at + 24]
    assert titles.split()[:2] == ["own", "others"]
    assert re.search(r" \d\d\d more *$", titles)
    best, *_, worst, unread = [row.split()[:3] for row in shown]
    assert (len(shown), remedy) == (20, "and 230 more, whose own ratings are between these: --json")
    assert (best, worst, unread) == (["User", "17", "10"], ["User", "99", "0"], ["User", "5", "?"])
    of_one = scai("show", "tiny", "--ratings", "--persona", "u99").out.splitlines()
    assert [line.split()[:2] for line in of_one[3:]] == [["tea", "0"]]
    assert max(map(cell_len, lines)) <= 80


def test_the_matrix_is_narrowed_and_follows_the_experiment(finished: Path) -> None:
    def names(*options: object) -> list[str]:
        lines = scai("show", finished, "--ratings", *options).out.splitlines()
        at = next(n for n, line in enumerate(lines) if line.startswith("a row: "))
        return [line.split()[0] for line in lines[at + 2 :] if line.strip()]

    assert names()[:3] == ["Ann", "Bob", "Cid"]
    assert names("--persona", "bob") == ["tea", "sleep"]
    assert names("--task", "tea", "--epoch", "1") == ["Ann", "Bob", "Cid"]


@pytest.mark.parametrize("columns", [44, 60, 80, 120])
def test_means_of_own_ratings_and_of_the_others_are_apart_and_fit(
    finished: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = scai("show", finished, "--ratings").out
    assert max(map(cell_len, shown.splitlines())) <= columns
    found = headline(read_history(finished))
    assert found is not None
    (ann,) = re.findall(r"^Ann.*", shown, re.MULTILINE)[:1]
    own, given = found.people["ann"], scai("show", finished, "--json").json["epochs"]
    assert ([f"{own.before:.1f}"] if columns >= 80 else []) + [f"{own.after:.1f}"] == ann.removeprefix(
        "Ann Smith"
    ).split()[: 1 + (columns >= 80)]
    others = [
        [
            r["value"]
            for r in epoch["ratings"]
            if r["metric"] == "harmlessness" and r["conversation"].split("/")[1] == "ann"
        ]
        for epoch in given
        if epoch["epoch"] in (*found.start.epochs, *found.compared.epochs)
    ]
    assert f"{sum(others[-1]) / len(others[-1]):.1f}" in ann.split()
    assert ("95 % interval" in shown.partition("\n\n")[0]) is (columns == 120)


# --- following


def follow(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "scai_cli", "show", *map(str, arguments), "--follow"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> Called:
    out, err = process.communicate(timeout=120)
    return Called(process.returncode, out, err)


@pytest.mark.slow
def test_a_run_that_is_not_there_yet_is_waited_for(tiny: Path) -> None:
    follower = follow("tiny")
    assert follower.stderr is not None
    assert "there is no run" in follower.stderr.readline()
    assert follower.stderr.readline() == "waiting for it; Ctrl-C ends\n"
    assert scai("run", tiny, "-q").code == 0
    called = ended(follower)
    assert (called.code, called.err) == (0, scai("show", "tiny").err)
    assert "finished: 2 epochs" in called.out
    assert called.out.endswith(scai("show", "tiny").out)


def test_ctrl_c_ends_it_quietly() -> None:
    follower = follow("nothing")
    assert follower.stderr is not None
    assert "there is no run" in follower.stderr.readline()
    assert follower.stderr.readline() == "waiting for it; Ctrl-C ends\n"
    follower.send_signal(signal.SIGINT)
    assert ended(follower) == Called(130, "", "")


@pytest.mark.slow
def test_a_run_that_is_killed_ends_it(tmp_path: Path, tiny: Path) -> None:
    (tmp_path / "slowly.py").write_text(
        "import asyncio\n"
        "from scai_cli.models import simulated\n"
        "class Slow:\n"
        "    def __init__(self, inner): self.inner = inner\n"
        "    async def complete(self, request):\n"
        "        await asyncio.sleep(0.02)\n"
        "        return await self.inner.complete(request)\n"
        "    async def aclose(self): await self.inner.aclose()\n"
        "def connect(model, *, seed): return Slow(simulated.connect(model, seed=seed))\n"
    )
    settings = ["--set", "model.provider=slowly:connect", "--set", "epochs=50"]
    writer = subprocess.Popen(
        [sys.executable, "-m", "scai_cli", "run", str(tiny), "-q", *settings],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdout=subprocess.DEVNULL,
    )
    follower = follow("tiny", "--persona", "ann")
    while (
        not any(e["type"] == "rating" for e in events(Path("runs/tiny")))
        if Path("runs/tiny/events.jsonl").exists()
        else True
    ):
        time.sleep(0.05)
        assert writer.poll() is None
    writer.kill()
    writer.wait()
    called = ended(follower)
    assert called.code == 0
    assert "How do I make a pot of tea?" in called.out
    assert "Bob Jones: " not in called.out
    assert "tiny · interrupted · " in called.out


def test_following_as_json_is_a_line_for_each_event(finished: Path) -> None:
    called = scai("show", finished, "--follow", "--json")
    assert [json.loads(line) for line in called.out.splitlines()] == events(finished)
    some = scai("show", finished, "--follow", "--json", "--persona", "ann", "--epoch", "2").out.splitlines()
    said = [event for event in map(json.loads, some) if event["type"] in ("message", "rating")]
    assert said == [e for e in events(finished) if e["type"] in ("message", "rating") and e["id"].startswith("e2/ann/")]


@pytest.mark.parametrize("option", [("--ratings",), ("--constitution",), ("--diff", 0, 1), ("--prompts", "e1")])
def test_following_takes_no_option_that_it_would_ignore(finished: Path, option: tuple[object, ...]) -> None:
    called = scai("show", finished, "--follow", *option)
    assert (called.code, called.out, called.err.count("\n")) == (2, "", 1)
    assert "drop the other options" in called.err


# --- what changed


def clause_run(run: Path) -> None:
    told = events(run)
    first, second = (event for event in told if event["type"] == "revision")
    clause = {"id": "C1", "text": "Be brief.", "for": ["ann"], "since": 1, "evidence": []}
    edit = {"op": "add", "text": "Be brief.", "for": ["ann"], "reason": "Ann asks for it.", "evidence": []}
    change = {**edit, "op": "modify", "id": "C1", "for": ["ann", "bob"], "reason": "", "evidence": ["a", "b", "c", "d"]}
    made = {"version": 1, "principles": [], "contract": [clause], "last_principle": 0, "last_clause": 1}
    first.update(accepted=True, from_version=0, edits=[edit], constitution=made, critique="")
    later = {**made, "version": 2, "contract": [{**clause, "for": ["ann", "bob"]}]}
    second.update(accepted=True, from_version=1, edits=[change], constitution=later, critique="Bob\nis bored.")
    told[-1]["version"] = 2
    write(run, told)


def test_a_clause_for_other_users_has_changed(run: Path) -> None:
    clause_run(run)
    shown = " ".join(scai("show", "tiny", "--diff", "1", "2").out.split())
    assert shown.startswith(
        "C1 for Ann [-Smith:-] {+Smith, Bob Jones:+} Be brief. epoch 2, modify; evidence: a, b, c and 1"
    )
    assert shown.endswith("epoch 2: the model gave no reason for edits without one; critique: Bob is bored.")
    assert shown.count("no reason") == 1
    first = scai("show", "tiny", "--diff", "0", "1").out
    assert "epoch 1, add: Ann asks for it" in first
    assert "critique" not in first


def test_a_reworded_rule_shows_its_old_text_where_it_changed(run: Path) -> None:
    told = events(run)
    for n, event in enumerate(event for event in told if event["type"] == "revision"):
        rule = {"id": "P1", "text": ("Be brief.", "Be kind and brief.")[n], "since": 1, "evidence": []}
        made = {"version": n + 1, "principles": [rule], "contract": [], "last_principle": 1, "last_clause": 0}
        event.update(accepted=True, from_version=n, edits=[], constitution=made)
    write(run, told)
    shown = scai("show", "tiny", "--constitution").out
    assert "P1 Be brief." in shown
    assert "P1 Be {+kind and+} brief." in shown
    assert rule_wordings(read_history(run), 2) == {"P1": Wording(2, "Be brief.")}
    assert rule_wordings(read_history(run), 1) == {"P1": Wording(1, "")}


def test_a_run_in_which_nothing_was_rated_yet_says_so(run: Path) -> None:
    (run / "events.jsonl").write_bytes((run / "events.jsonl").read_bytes().splitlines(keepends=True)[0])
    assert scai("show", "tiny", "--ratings").out == "Nothing has been rated yet.\n"


@pytest.mark.parametrize("view", [("--ratings",), ("--constitution",), ()])
def test_a_run_that_holds_nothing_yet_says_so(run: Path, view: tuple[str, ...]) -> None:
    (run / "events.jsonl").write_bytes(b"")
    assert "It has no events yet." in scai("show", "tiny", *view).out
    for target in ("rows.jsonl", "rows/"):
        called = scai("export", "tiny", "--format", "dpo", "-o", target)
        assert (called.code, called.err.count("\n")) == (2, 1)
        assert "'tiny' has no events yet" in called.err
    assert not Path("rows").exists()
    for other in (("--diff", "0", "1"), ("--persona", "ann"), ("--prompts", "e9"), ("--epoch", "1")):
        called = scai("show", "tiny", *other)
        assert (called.code, called.out, called.err.count("\n")) == (2, "", 1)


def test_prompts_are_those_of_the_call_and_below_and_no_others(finished: Path) -> None:
    shown = scai("show", finished, "--prompts", "e1/ann/tea/m1").out
    heads = [line for line in shown.splitlines() if re.match(r"e\d+/", line)]
    assert heads
    assert all(line.startswith("e1/ann/tea/m1/") for line in heads)
    assert scai("show", finished, "--prompts", "e1/an").code == 2  # no call is called so


@pytest.mark.parametrize(
    "options",
    [
        ("--prompts", "e1", "--task", "tea"),
        ("--diff", "0", "1", "--epoch", "1"),
        ("--constitution", "--epoch", "1"),
        ("--prompts", "e1", "--ratings"),
    ],
)
def test_no_option_is_taken_and_ignored(finished: Path, options: tuple[str, ...]) -> None:
    called = scai("show", finished, *options)
    assert (called.code, called.out, called.err.count("\n")) == (2, "", 1)
    assert "; drop " in called.err


def test_views_of_a_kind_go_together(finished: Path) -> None:
    both = scai("show", finished, "--constitution", "--ratings", "--diff", "0", "1").out
    for view in (("--constitution",), ("--ratings",), ("--diff", "0", "1")):
        assert scai("show", finished, *view).out in both
