"""Reading a run: what is passed over changes nothing of what is told, and takes no memory."""

from __future__ import annotations

import json
import shutil
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from changed_runs import Rows, changed
from conftest import events, scai
from growth import steps
from hypothesis import given
from hypothesis import strategies as st

from scai_cli.analysis.rating_validity import rating_validity
from scai_cli.analysis.version_cells import VersionPlays, version_cells
from scai_cli.errors import RunError
from scai_cli.runs.history.event_lines import CompactRating, glance
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.history.listings import last_rated, list_entries
from scai_cli.runs.history.ratings import RatingIndex
from scai_cli.runs.history.selection import Selection
from scai_cli.runs.history.status import spent


def rating(conversation: str, kind: Any, value: float | None, **more: Any) -> CompactRating:
    """Ann's rating of a conversation's answer."""
    found = {"epoch": 1, "final": True, **more}
    place = f"{conversation}/m1"
    return CompactRating(
        id=place, kind=kind, metric="m", rater="ann", conversation=conversation, message=place, value=value, **found
    )


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of a finished run, to be damaged."""
    return shutil.copytree(finished, tmp_path / "runs" / "tiny")


def test_without_words_everything_else_is_there(finished: Path) -> None:
    whole, short = read_history(finished), read_history(finished, messages=False, ratings=False)
    assert [epoch.welfare for epoch in short.epochs] == [epoch.welfare for epoch in whole.epochs]
    assert short.versions() == whole.versions()
    assert (short.status, short.finished, short.outcome) == (whole.status, whole.finished, whole.outcome)
    assert not any(epoch.ratings or epoch.conversations for epoch in short.epochs)
    assert rating_validity(short) == rating_validity(whole) != {}


@pytest.mark.parametrize(
    "outcome",
    ["[" * 200_000, '{"status":"running","wall_s":' + "9" * 400 + "}", '{"wall_s":1e999}', "[]", "{" + " " * 2**24],
)
def test_a_broken_outcome_is_passed_over(run: Path, outcome: str) -> None:
    (run / "outcome.json").write_text(outcome, encoding="utf-8")
    assert scai("list", "--json").json[0]["status"] == "finished"
    assert scai("show", "tiny").code == 0
    resumed = scai("resume", "tiny", "-q", "--json")
    assert resumed.code == 0, resumed.err
    assert resumed.json["status"] == "finished"


def test_the_work_of_reading_grows_with_the_epochs_not_with_their_square(finished: Path, tmp_path: Path) -> None:
    def epochs(count: int) -> Path:
        kinds = ("epoch_started", "welfare", "revision")

        def many(rows: Rows) -> Rows:
            one = [row for row in rows if row["type"] in kinds and row["epoch"] == 1]
            again = (
                {**row, "id": row["id"].replace("e1", f"e{n}", 1), "epoch": n} for n in range(1, count) for row in one
            )
            return [rows[0], *again]

        return changed(finished, tmp_path / f"of-{count}", many)

    few, many = epochs(60), epochs(240)
    assert len(read_history(few).versions()) == 2  # what is imported late is imported
    assert steps(lambda: read_history(many)) < 5 * steps(lambda: read_history(few))


@pytest.mark.parametrize(
    "chosen",
    [
        Selection(epoch=2),
        Selection(persona="bob"),
        Selection(task="tea"),
        Selection(epoch=1, persona="cid", task="tea"),
    ],
)
def test_a_selection_reads_what_lies_within_and_no_more(finished: Path, chosen: Selection) -> None:
    whole, some = read_history(finished), read_history(finished, selection=chosen)
    for all_of_it, part in zip(whole.epochs, some.epochs, strict=True):
        here = chosen.epoch in (None, part.number)
        wanted = {
            name: said
            for name, said in all_of_it.conversations.items()
            if here and chosen.has(said[0].persona, said[0].task)
        }
        assert part.conversations == wanted
        assert part.ratings == [rating for rating in all_of_it.ratings if rating.conversation in wanted]
    assert rating_validity(some) == rating_validity(whole)


def test_the_cells_make_the_utilities_that_the_run_recorded(finished: Path) -> None:
    history = read_history(finished, messages=False, ratings=False)
    for measured in history.measured:
        (played,) = version_cells(history, VersionPlays(measured.version, [measured.epoch]))
        for user, utility in measured.utilities.items():
            mine = [value for (who, _), value in played.utility.cells.items() if who == user]
            assert sum(mine) / len(mine) == pytest.approx(utility)


def test_the_ratings_of_all_final_answers_are_kept_on_demand() -> None:
    index = RatingIndex(finals=True)
    for conversation, kind, value in (
        ("e1/ann/tea", "own", 3.0), ("e1/ann/sleep", "own", 8.0), ("e1/bob/tea", "cross", None),
        ("e1/cid/tea", "cross", 4.0), ("e1/cid/sleep", "cross", 5.0),
    ):  # fmt: skip
        index.add(rating(conversation, kind, value))
    index.add(rating("e1/ann/tea", "own", 0.0, final=False))
    found = index.finals_of(1)
    assert list(found)[2] == ("cross", "ann", "e1/bob/tea", None)
    assert list(found.conversations) == ["e1/ann/tea", "e1/ann/sleep", "e1/bob/tea", "e1/cid/tea", "e1/cid/sleep"]
    assert found.own_ranges() == {"ann": (3.0, 8.0)}
    assert found.means() == {("ann", "ann"): 5.5, ("ann", "bob"): None, ("ann", "cid"): 4.5}
    assert list(index.finals_of(2)) == []


def test_namesakes_are_told_apart(run: Path) -> None:
    lines = (run / "events.jsonl").read_text().splitlines(keepends=True)
    started = {**json.loads(lines[0]), "personas": {"ann": "Ann", "bob": "Ann", "carl": "Carl"}}
    (run / "events.jsonl").write_text("".join([json.dumps(started) + "\n", *lines[1:]]))
    assert read_history(run).names == {"ann": "Ann (ann)", "bob": "Ann (bob)", "carl": "Carl"}
    assert scai("show", "tiny", "--constitution").out.count("Ann (ann)") > 0


def test_missing_ratings_count_nowhere() -> None:
    index = RatingIndex()
    index.add(rating("e1/ann/tea", "own", None, observed=0.5))
    assert not index.observed


@given(st.text(max_size=300))
def test_a_look_never_takes_what_is_said_for_what_it_is(text: str) -> None:
    said = json.dumps({"seq": 1, "time": "T", "id": "e1/ann/tea/m1", "type": "message", "content": text})
    assert glance(said.encode() + b"\n") == (b"e1/ann/tea/m1", b"message")
    assert glance(said.encode()) == (b"", b"")
    inside = json.dumps({"seq": 1, "content": text + '{"seq":1,"time":"T","id":"x","type":"rating",'})
    assert glance(inside.encode() + b"\n") == (b"", b"")


@pytest.mark.parametrize("kind", ["message", "rating"])
def test_damage_in_what_is_passed_over_is_told(run: Path, kind: str) -> None:
    lines = (run / "events.jsonl").read_bytes().split(b"\n")
    at = next(n for n, line in enumerate(lines) if f'"type":"{kind}"'.encode() in line)
    lines[at] = lines[at][:-30]
    (run / "events.jsonl").write_bytes(b"\n".join(lines))
    with pytest.raises(RunError, match=rf"events.jsonl:{at + 1}: this line is damaged"):
        read_history(run, messages=False, ratings=False)
    called = scai("show", "tiny")
    assert (called.code, called.err.count("\n")) == (2, 1)


def test_a_run_is_listed_from_its_ends(run: Path) -> None:
    (entry,) = list_entries(run.parent)
    assert (entry["status"], entry["epochs_done"], entry["epochs"]) == ("finished", 2, 2)
    told = events(run)
    lines = (run / "events.jsonl").read_bytes().splitlines(keepends=True)
    for count in range(len(lines) + 1):
        (run / "events.jsonl").write_bytes(b"".join(lines[:count]) + b'{"seq":99,"torn')
        (entry,) = list_entries(run.parent)
        assert entry["epochs_done"] == sum(event["type"] == "revision" for event in told[:count])
        assert entry["status"] == ("finished" if count == len(lines) else "interrupted")
        rated = [event["epoch"] for event in told[:count] if event["type"] == "rating"]
        assert last_rated(run) == (rated[-1] if rated else None)


def test_what_a_killed_run_spent_is_counted_from_its_calls(run: Path) -> None:
    outcome = json.loads((run / "outcome.json").read_text())
    found = spent(run)
    assert found is not None
    calls, usage = found
    assert calls == outcome["calls"]
    assert usage.total == sum(outcome["usage"][key] for key in ("input_tokens", "output_tokens"))
    (run / "outcome.json").write_text('{"status": "running", "wall_s": 1}')
    with (run / "calls.jsonl").open("ab") as file:
        file.write(b"damaged\n")
    assert f"{outcome['calls']} calls, " in scai("show", "tiny").out
    (run / "calls.jsonl").unlink()
    assert spent(run) is None


def long_run(path: Path, source: Path, times: int) -> int:
    """A run whose first epoch's messages and ratings happen so many times; how many events it has."""
    told = events(source)
    body = [event for event in told if event["type"] in ("message", "rating") and event["epoch"] == 1]
    rest: list[dict[str, Any]] = told[told.index(body[-1]) + 1 :]
    path.mkdir(parents=True)
    shutil.copy(source / "config.yaml", path)
    with (path / "events.jsonl").open("w", encoding="utf-8") as file:
        for event in [*told[:2], *(body * times), *rest]:
            file.write(json.dumps(event, separators=(",", ":")) + "\n")
    return 2 + len(body) * times + len(rest)


def test_the_memory_of_a_summary_hardly_grows_with_the_run(finished: Path, tmp_path: Path) -> None:
    peaks = []
    for times in (1, 200):
        count = long_run(tmp_path / f"r{times}", finished, times)
        tracemalloc.start()
        read_history(tmp_path / f"r{times}", messages=False, ratings=False)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert (peaks[1] - peaks[0]) / count < 40  # bytes an event: two floats a rating


def test_the_run_that_the_benchmark_makes_up_is_one(tmp_path: Path) -> None:
    """`benchmarks/reading.py` measures what the program reads as a finished run."""
    from benchmarks.reading import AN_EPOCH, commands, make

    make(tmp_path / "runs" / "big", 3 * AN_EPOCH)
    history = read_history(tmp_path / "runs" / "big")
    assert (history.status, len(history.measured)) == ("finished", 3)
    assert len(events(tmp_path / "runs" / "big")) == 2 + 3 * AN_EPOCH
    for name, command in commands(tmp_path / "runs").items():
        if name.startswith(("show", "list")):
            assert scai(*command[3:]).code == 0
