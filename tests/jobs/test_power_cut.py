"""A power cut may keep any part of what was written since the last sync, of each file: a resume mends what it left."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from conftest import TINY, Called, calls, events, scai
from crash import comparable, society
from loopback import Body, Loopback
from power import Disk
from scripted import failing, script

from scai_cli.errors import AnswerLost, CallFailed, PromptRefused, RunError, UnusedResponse
from scai_cli.messages import ChatRequest, Completion, Message, Usage
from scai_cli.models.call_log import RecordedModel, log_unused
from scai_cli.runs.call_index import CallIndex, paid_calls
from scai_cli.runs.events import Problem
from scai_cli.runs.jsonl import lines

SMALL = """\
name: small
seed: 3
epochs: 2
turns: 1
force: true
personas:
  - {id: ann, name: Ann Smith, description: Ann wants it short., preferences: {concise: 1.0, warm: 0.5}}
  - {id: bob, name: Bob Jones, description: Bob wants it long., preferences: {detailed: 1.0, formal: 0.5}}
tasks: [{id: tea, prompt: How do I make a pot of tea?}]
model: {provider: openai, name: society, base_url: "URL"}
limits: {concurrency: 4}
"""
SEED = int(os.environ.get("CRASH_SEED", "1"))
MOODS = ("moody", "steady")


def moody() -> Callable[[Body], str]:
    """A model that never answers twice alike, and now and then without the form."""
    number = count(1)

    def answer(asked: Body) -> str:
        n = next(number)
        return f"I feel like number {n}." if n % 11 == 0 else society(n)(asked)

    return answer


def start_or_resume(server: Loopback, run: Path) -> Called:
    """Bring a run to its end: a new one if the power cut left none."""
    config = run.parent.parent / "small.yaml"
    config.write_text(SMALL.replace("URL", server.base_url), encoding="utf-8")
    begun = (run / "config.yaml").exists()
    address = ("--set", f"model.base_url={server.base_url}")
    what = ("resume", run, *address) if begun else ("run", config, "--run-id", run.name, "--runs-dir", run.parent)
    called = scai(*what, "-q")
    assert called.code == 0, called.err
    return called


def whole_lines(file: Path) -> list[bytes]:
    return [line for *_, line in lines(file)]


def check(run: Path, server: Loopback, before: list[bytes]) -> None:
    """The run is finished; no answer in `before` was lost or asked for again; its events and files agree."""
    found = events(run)
    assert [event["seq"] for event in found] == list(range(len(found)))
    assert found[-1]["type"] == "run_finished"
    names = [(event["type"], event["id"]) for event in found if event["type"] != "rater_check"]
    assert len(set(names)) == len(names)
    logged = whole_lines(run / "calls.jsonl")
    assert set(before) <= set(logged)
    asked = [(call["id"], call["digest"]) for call in calls(run)]
    assert len(set(asked)) == len(asked)
    texts = {event["epoch"]: event["system_message"] for event in found if event["type"] == "revision"}
    for epoch, text in {0: found[0]["system_message"], **texts}.items():
        assert (run / "constitution" / f"e{epoch}.md").read_text(encoding="utf-8") == f"{text}\n"
    versions = {e["constitution"]["version"]: e["system_message"] for e in found if "system_message" in e}
    assert (run / "system_message.txt").read_text(encoding="utf-8") == f"{versions[found[-1]['version']]}\n"


def check_replay(run: Path, server: Loopback) -> None:
    """Replayed from the calls alone, it is the same: no event rests on anything else."""
    (run / "outcome.json").unlink()
    requests, kept = len(server.requests), (run / "events.jsonl").read_bytes()
    start_or_resume(server, run)
    assert (len(server.requests), (run / "events.jsonl").read_bytes()) == (requests, kept)


def cut_and_resume(disk: Disk, root: Path, server: Loopback, rng: random.Random, *, closely: bool = True) -> Disk:
    """Cut the power at a random moment, resume what it left, and return the disk of the resumed session.

    `closely` looks at it before as well, and replays it after.
    """
    disk.after_cut(rng.randint(0, len(disk.notes)), rng, root)
    (root / "runs").mkdir(exist_ok=True)
    run = root / "runs" / "small"
    before, happened = (whole_lines(run / name) for name in ("calls.jsonl", "events.jsonl"))
    if closely and (run / "config.yaml").exists():
        shown = scai("show", run)
        assert shown.code == 0 or "run 'small' has no events yet; wait, or run" in shown.err, shown
        assert scai("list", "--runs-dir", run.parent).code == 0
    requests = len(server.requests)
    with Disk(root) as again:
        start_or_resume(server, run)
    assert len(whole_lines(run / "calls.jsonl")) == len(set(before)) + len(server.requests) - requests
    assert set(happened) <= {line for file in run.glob("events*.jsonl") for line in whole_lines(file)}
    check(run, server, before)
    if closely:
        check_replay(run, server)
    return again


@pytest.fixture(scope="module", params=MOODS)
def recorded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Disk, Loopback]]:
    """A run's disk, and the server that answered it: each time otherwise, or the same request alike."""
    root = tmp_path_factory.mktemp(request.param)
    with Loopback(answer=moody() if request.param == "moody" else society()) as server:
        with Disk(root) as disk:
            start_or_resume(server, root / "runs" / "small")
        yield disk, server


def same_as_undisturbed(disk: Disk, root: Path, request: pytest.FixtureRequest) -> bool:
    """Whether a run that was cut came out as the undisturbed one; a moody model's need not."""
    return "moody" in request.node.name or comparable(root / "runs/small") == comparable(disk.root / "runs/small")


@pytest.mark.parametrize("number", range(4))
def test_a_run_survives_a_power_cut(
    recorded: tuple[Disk, Loopback], number: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    print(f"CRASH_SEED={SEED}, number {number}")
    disk, server = recorded
    cut_and_resume(disk, tmp_path / "cut", server, random.Random(f"{SEED}/{number}"))
    assert same_as_undisturbed(disk, tmp_path / "cut", request)


@pytest.mark.slow
def test_a_run_survives_many_power_cuts_in_a_row(
    recorded: tuple[Disk, Loopback], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Each model; the next one cuts the session that resumed after the last one."""
    first, server = recorded
    print(f"CRASH_SEED={SEED}")
    rng = random.Random(f"{SEED}/many")
    disk = first
    for number in range(60):
        root = tmp_path / str(number)
        again = cut_and_resume(disk, root, server, rng, closely=number % 6 == 0)
        assert same_as_undisturbed(first, root, request), number
        disk = again if rng.random() < 0.6 else first


def test_what_has_ended_is_on_the_disk(recorded: tuple[Disk, Loopback], tmp_path: Path) -> None:
    disk, _ = recorded
    for number in range(20):
        disk.after_cut(len(disk.notes), random.Random(number), tmp_path / str(number))
        for name in ("config.yaml", "calls.jsonl", "events.jsonl", "system_message.txt"):
            left, written = (root / "runs" / "small" / name for root in (tmp_path / str(number), disk.root))
            assert left.read_bytes() == written.read_bytes()


def test_a_config_is_whole_or_not_there(recorded: tuple[Disk, Loopback], tmp_path: Path) -> None:
    disk, _ = recorded
    whole = (disk.root / "runs/small/config.yaml").read_bytes()
    states = set()
    for moment in range(60):
        disk.after_cut(moment, random.Random(moment), tmp_path / str(moment))
        left = tmp_path / str(moment) / "runs/small"
        states.add((left / "config.yaml").exists())
        assert not (left / "config.yaml").exists() or (left / "config.yaml").read_bytes() == whole
        assert (left / "config.yaml").exists() or not (left / "calls.jsonl").exists()
    assert states == {True, False}


def test_at_the_end_of_an_epoch_calls_are_synced_before_the_events(
    recorded: tuple[Disk, Loopback], tmp_path: Path
) -> None:
    disk, server = recorded
    assert len(sync_order(disk, disk.root)) >= 2 * 3  # two epochs and the end
    disk.after_cut(len(disk.notes) // 2, random.Random(SEED), tmp_path / "cut")
    with Disk(tmp_path / "cut") as again:
        start_or_resume(server, tmp_path / "cut/runs/small")
    for each in (disk, again):
        order = sync_order(each, each.root)
        assert order == [0, 1] * (len(order) // 2) != []


def sync_order(disk: Disk, root: Path) -> list[int]:
    """The syncs of the logs: 0 for the calls, 1 for the events."""
    logs = [disk.number_of(root / "runs/small" / name) for name in ("calls.jsonl", "events.jsonl")]
    return [logs.index(note.key) for note in disk.notes if note.of == "file" and note.is_sync and note.key in logs]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, Loopback]]:
    """A finished run of the moody model."""
    with Loopback(answer=moody()) as server:
        start_or_resume(server, tmp_path / "runs" / "small")
        yield tmp_path / "runs" / "small", server


def bob_opens_before_ann(run: Path) -> None:
    """Let the opening of the later conversation be the earlier event, as when the first call takes longer."""
    found = events(run)
    (opening,) = [event for event in found if event["id"] == "e1/bob/tea/m0"]
    found.remove(opening)
    found.insert([event["id"] for event in found].index("e1/ann/tea/m0"), opening)
    written = (
        json.dumps(event | {"seq": seq}, separators=(",", ":"), ensure_ascii=False) for seq, event in enumerate(found)
    )
    (run / "events.jsonl").write_text("".join(f"{line}\n" for line in written), encoding="utf-8")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.97])
def test_events_without_their_calls_are_taken_back_and_said(served: tuple[Path, Loopback], share: float) -> None:
    run, server = served
    bob_opens_before_ann(run)
    logged, happened = (whole_lines(run / name) for name in ("calls.jsonl", "events.jsonl"))
    kept = logged[: int(share * len(logged))]
    (run / "calls.jsonl").write_bytes(b"".join(kept))
    requests = len(server.requests)
    called = start_or_resume(server, run)
    (said,) = [line for line in called.errors if "taken-back" in line]
    aside = whole_lines(run / "events.taken-back-1.jsonl")
    assert said.startswith("events.jsonl: calls.jsonl has lost answers that 'e")
    assert said.endswith(f"its last {len(aside)} lines were moved to events.taken-back-1.jsonl and are made again")
    now = whole_lines(run / "events.jsonl")
    assert now[: len(happened) - len(aside)] + aside == happened
    assert len(server.requests) - requests == len(whole_lines(run / "calls.jsonl")) - len(kept)
    check(run, server, kept)
    check_replay(run, server)


def test_texts_of_revisions_that_were_taken_back_are_removed(served: tuple[Path, Loopback]) -> None:
    run, server = served
    (run / "constitution" / "e-notes.md").touch()
    logged = whole_lines(run / "calls.jsonl")
    (run / "calls.jsonl").write_bytes(b"".join(logged[: len(logged) // 4]))
    settings = ("--set", f"model.base_url={server.base_url}", "--set", f"limits.calls={len(logged) // 4 + 1}")
    assert scai("resume", run, *settings, "-q").code == 3
    revised = [event["epoch"] for event in events(run) if event["type"] == "revision"]
    assert revised == []
    assert {file.name for file in (run / "constitution").iterdir()} == {"e0.md", "e-notes.md"}
    assert (run / "system_message.txt").read_bytes() == (run / "constitution" / "e0.md").read_bytes()


def test_a_revision_whose_prompt_was_too_long_has_lost_no_call(tiny: Path, tmp_path: Path) -> None:
    short, long = (("--set", f"revision.max_prompt_tokens={tokens}") for tokens in (500, 50_000))
    assert scai("run", tiny, "-q", "--set", "force=all", *short).code == 0
    run = tmp_path / "runs" / "tiny"
    assert {event["no_answer"] for event in events(run) if event["type"] == "revision"} == {"oversized"}
    before = (run / "events.jsonl").read_bytes()
    assert scai("resume", "tiny", "-q", *long).code == 0
    assert (run / "events.jsonl").read_bytes() == before


STRATEGY = """
from scai_cli.errors import CallFailed
from scai_cli.messages import Message
async def shy(context):
    try:
        await context.agents.meta.say(context.id, "revision", [Message("user", "Any ideas?")])
    except CallFailed:
        pass
    return []
"""


def test_a_revision_that_did_without_a_failed_call_has_lost_none(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shy_strategy.py").write_text(STRATEGY, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    strategy = ("--set", "revision.strategy='shy_strategy:shy'", "--set", "revision.acceptance=always")
    assert scai("run", tiny, "-q", *strategy, *script(failing("e1/revision"))).code == 0
    run = tmp_path / "runs" / "tiny"
    assert [call["id"] for call in calls(run) if "error" in call] == ["e1/revision/meta"]
    before = (run / "events.jsonl").read_bytes()
    (run / "outcome.json").unlink()
    assert scai("resume", "tiny", "-q", "--trust").code == 0
    assert (run / "events.jsonl").read_bytes() == before


ASKED = ChatRequest("e1/ann/tea/m1/assistant", "assistant", "answer", "m", (Message("user", "How do I make tea?"),))
OTHER = replace(ASKED, messages=(Message("user", "And coffee?"),))
TEA = Completion("Boil wat", "length", Usage(30, 4, 20), "m-2026", 0.25, 2, "model", (("Bo", -0.25),), "Water first.")
End = Completion | CallFailed | UnusedResponse


class Ends:
    """A model that always says the same, or always fails."""

    def __init__(self, end: Completion | CallFailed) -> None:
        self.end = end

    async def complete(self, request: ChatRequest) -> Completion:
        if isinstance(self.end, CallFailed):
            raise self.end
        return self.end

    async def aclose(self) -> None:
        pass


def logged(*ends: End, request: ChatRequest = ASKED) -> Path:
    """Log calls of one request that end so."""
    path = Path("log.jsonl")
    with path.open("ab") as file:
        for end in ends:
            if isinstance(end, UnusedResponse):
                log_unused(lambda line: file.write(line + b"\n"), request, end, "no text")
            else:
                with suppress(CallFailed):
                    asyncio.run(RecordedModel(Ends(end), lambda line: file.write(line + b"\n")).complete(request))
    return path


@pytest.mark.parametrize("said", [TEA, replace(TEA, logprobs=None, thoughts="")])
def test_an_answer_is_read_back_as_it_was_logged(said: Completion) -> None:
    with closing(CallIndex.read(logged(said))) as index:
        assert index.answer(ASKED) == replace(said, source="replay")
        assert index.answer(OTHER) is None
        assert (index.paid_calls, index.spent) == (1, {("assistant", "m"): TEA.usage})


def test_a_call_that_is_not_wanted_is_paid_and_has_no_answer() -> None:
    log = logged(TEA)
    for wanted in (ASKED.id, "another"):
        with closing(CallIndex.read(log, wanted=wanted.__eq__)) as index:
            assert (index.answer(ASKED) is None, index.paid_calls) == (wanted != ASKED.id, 1)


@pytest.mark.parametrize(("refused", "kind"), [(False, CallFailed), (True, PromptRefused)])
def test_a_failure_that_an_event_records_is_raised_again(refused: bool, kind: type[CallFailed]) -> None:
    problem = Problem(id="e1/ann/tea", epoch=1, where="e1/ann/tea", problem="HTTP 400", refused=refused)
    with closing(CallIndex.read(logged(TEA), {ASKED.id: problem})) as index:
        with pytest.raises(kind, match="HTTP 400") as raised:
            index.answer(ASKED)
        assert type(raised.value) is kind
        assert raised.value.is_problem


@pytest.mark.parametrize(
    ("kind", "failed", "lost"),
    [
        ("message", False, True),
        ("message", True, True),
        ("revision", False, True),
        ("revision", True, False),
        ("oversized", False, False),
        ("", True, False),
    ],
)
def test_an_answer_is_lost_if_an_event_cannot_be_without_it(kind: str, failed: bool, lost: bool) -> None:
    with closing(CallIndex.read(logged(*[CallFailed("HTTP 500")] * failed), settled=lambda _: kind)) as index:
        if not lost:
            assert index.answer(ASKED) is None
            return
        for _ in range(2):  # it stays lost, whichever call comes next
            with pytest.raises(AnswerLost) as raised:
                index.answer(ASKED)
            assert raised.value.args == ({ASKED.id},)


@pytest.mark.parametrize(
    "part", ["response", "finish_reason", "usage", "answered_by", "latency_s", "retries", "source", "digest"]
)
def test_a_call_without_one_of_its_parts_is_damaged(part: str) -> None:
    log = logged(TEA)
    call = json.loads(log.read_bytes())
    del call[part]
    log.write_text(json.dumps(call) + "\n", encoding="utf-8")
    with pytest.raises(RunError, match=r"log\.jsonl:1: this line is damaged"):
        CallIndex.read(log)


def test_a_settled_call_has_the_answer_to_its_last_request_and_a_copy_of_another_changes_nothing() -> None:
    before, coffee = replace(ASKED, id="e1/ann/sleep/m1/assistant"), replace(TEA, text="Grind beans.")
    log = logged(TEA, request=before)
    logged(TEA)
    logged(coffee, request=OTHER)
    logged(TEA)
    with closing(CallIndex.read(log, settled=lambda _: "message")) as index:
        assert index.answer(ASKED) == replace(coffee, source="replay")
        assert index.answer(before) == replace(TEA, source="replay")
        assert index.paid_calls == 3


def test_each_response_without_an_answer_is_paid() -> None:
    one, two = UnusedResponse("", input_tokens=3, output_tokens=5), UnusedResponse("", input_tokens=3, output_tokens=6)
    with closing(CallIndex.read(logged(one, two, one))) as index:
        assert index.answer(ASKED) is None
        assert (index.paid_calls, index.spent) == (2, {("assistant", "m"): Usage(6, 11)})


def test_paid_calls_are_told_once_each_whatever_else_is_in_the_log() -> None:
    others = (replace(TEA, source="cache"), replace(TEA, source="human"), CallFailed("HTTP 500"))
    log = logged(*others, TEA, TEA)
    log.write_bytes(b'{"id":\n' + log.read_bytes())
    logged(replace(TEA, text="Boil water."), TEA)
    assert [call.response for call in paid_calls(log)] == ["Boil wat", "Boil water."]


def test_a_copy_of_a_response_without_an_answer_is_not_counted(finished: Path, tmp_path: Path) -> None:
    answer, *others = whole_lines(finished / "calls.jsonl")
    unused = json.dumps({**json.loads(answer), "used": False}).encode() + b"\n"
    (tmp_path / "log.jsonl").write_bytes(b"".join([unused, answer, *others]))
    once = CallIndex.read(tmp_path / "log.jsonl")
    (tmp_path / "log.jsonl").write_bytes(b"".join([unused, answer, *others, unused, answer]))
    twice = CallIndex.read(tmp_path / "log.jsonl")
    assert (once.paid_calls, once.spent) == (twice.paid_calls, twice.spent)
    assert once.paid_calls == len(others) + 2
    once.close()
    twice.close()


def test_a_call_that_is_lost_in_the_middle_costs_itself_and_what_rests_on_it(served: tuple[Path, Loopback]) -> None:
    run, server = served
    logged = whole_lines(run / "calls.jsonl")
    at = next(n for n, line in enumerate(logged) if b'{"id":"e2/ann/tea/m1/assistant"' in line)
    hole = b"\0" * (len(logged[at]) - 1) + b"\n"
    (run / "calls.jsonl").write_bytes(b"".join([*logged[:at], hole, *logged[at + 1 :]]))
    start_or_resume(server, run)
    others = [line for line in logged if line != logged[at]]
    again = [call for call in calls(run)[len(others) :] if not call["id"].startswith(("e2/ann/tea", "e2/revision"))]
    assert not [call for call in again if not call["id"].startswith(("e3", "holdout"))]
    check(run, server, others)
    check_replay(run, server)


def test_an_event_changed_by_hand_is_refused_also_when_calls_are_lost(served: tuple[Path, Loopback]) -> None:
    run, server = served
    (run / "calls.jsonl").write_bytes(b"".join(whole_lines(run / "calls.jsonl")[:-2]))
    text = (run / "events.jsonl").read_text(encoding="utf-8")
    changed = json.loads(next(line for line in text.splitlines() if "a pot of tea" in line))["id"]
    (run / "events.jsonl").write_text(text.replace("a pot of tea", "a pot of mud", 1), encoding="utf-8")
    called = scai("resume", run, "--set", f"model.base_url={server.base_url}", "-q")
    assert (called.code, len(called.errors)) == (2, 1)
    assert f"{changed!r} would differ now" in called.err


@pytest.mark.slow
@pytest.mark.parametrize("name", ["events.jsonl", "calls.jsonl"])
@pytest.mark.parametrize("tail", [b"\0" * 5000, b"\0" * 5000 + b"\n", b'{"seq":9' + b"\0" * 5000])
def test_a_tail_of_nul_is_read_and_mended_like_a_torn_line(
    finished: Path, tmp_path: Path, name: str, tail: bytes
) -> None:
    run = shutil.copytree(finished, tmp_path / "runs" / "tiny")
    with (run / name).open("ab") as file:
        file.write(tail)
    for view in (("--json",), ("--follow",), ("--prompts", "e1")):
        assert scai("show", "tiny", *view).code == 0
    assert scai("list", "--json").json[0]["status"] == "finished"
    called = scai("resume", "tiny")
    assert f"{name}: removed incomplete or empty lines ({len(tail)} bytes); lost steps are repeated" in called.lines
    assert (run / name).read_bytes() == (finished / name).read_bytes()


@pytest.mark.parametrize("number", [0, 3, 20])
def test_events_after_a_hole_are_taken_back(finished: Path, tmp_path: Path, number: int) -> None:
    run = shutil.copytree(finished, tmp_path / "runs" / "tiny")
    happened = whole_lines(run / "events.jsonl")
    hole = happened[number][:9] + b"\0" * 400 + b"\n"
    (run / "events.jsonl").write_bytes(b"".join([*happened[:number], hole, *happened[number + 1 :]]))
    called = scai("resume", "tiny", "-q")
    assert any(line.startswith(f"events.jsonl: event {number} is missing: its last ") for line in called.lines)
    assert comparable(run) == comparable(finished)
    assert whole_lines(run / "events.taken-back-1.jsonl") == happened[number + 1 :]


@pytest.mark.parametrize("span", [(0, None), (3, 8), (-2, None)])
def test_lines_that_stand_twice_count_once(served: tuple[Path, Loopback], span: tuple[int, int | None]) -> None:
    run, server = served
    whole = json.loads((run / "outcome.json").read_text(encoding="utf-8"))
    for name in ("calls.jsonl", "events.jsonl"):
        found = whole_lines(run / name)
        (run / name).write_bytes(b"".join([*found, *found[slice(*span)]]))
    shown = scai("show", run, "--json")
    assert shown.code == 0, shown.err
    requests = len(server.requests)
    again = scai("resume", run, "--set", f"model.base_url={server.base_url}", "-q", "--json")
    assert again.code == 0, again.err
    assert len(server.requests) == requests
    assert (again.json["calls"], again.json["usage"]) == (whole["calls"], whole["usage"])
    check_events = [event["seq"] for event in events(run)]
    assert check_events == list(range(len(check_events)))


def test_of_two_answers_to_one_request_the_first_counts_and_both_are_paid(served: tuple[Path, Loopback]) -> None:
    run, server = served
    first, *others = whole_lines(run / "calls.jsonl")
    second = first.replace(b'"response":"', b'"response":"Or rather: ', 1)
    for order in ([first, second, *others], [first, *others, second]):
        (run / "calls.jsonl").write_bytes(b"".join(order))
        before, requests = (run / "events.jsonl").read_bytes(), len(server.requests)
        again = scai("resume", run, "--set", f"model.base_url={server.base_url}", "-q", "--json")
        assert again.code == 0, again.err
        assert ((run / "events.jsonl").read_bytes(), len(server.requests)) == (before, requests)
        assert again.json["calls"] == sum(call["source"] == "model" for call in calls(run))


def test_answers_that_were_not_paid_for_are_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCAI_CACHE", str(tmp_path / "cache.sqlite3"))
    (tmp_path / "tiny.yaml").write_text(f"{TINY}cache: true\n", encoding="utf-8")
    paid = scai("run", "tiny.yaml", "-q", "--json").json
    assert paid["calls"] == len(calls(tmp_path / "runs" / "tiny")) > 0
    free = scai("run", "tiny.yaml", "-q", "--json", "--run-id", "free").json
    (tmp_path / "runs/free/outcome.json").unlink()
    resumed = scai("resume", "free", "-q", "--json", "--set", "limits.calls=1").json
    for summary in (free, resumed):
        assert (summary["status"], summary["calls"]) == ("finished", 0)
        assert summary["usage"]["input_tokens"] == summary["usage"]["output_tokens"] == 0
    assert {call["source"] for call in calls(tmp_path / "runs" / "free")} == {"cache"}
