"""Resume: whatever a run was killed at, it comes out as if nothing had happened, and nothing is paid for twice."""

import dataclasses
import json
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from changed_runs import bare
from conftest import KNOWN_PEOPLE, TINY, calls, events, scai
from crash import EXPERIMENT, answered, comparable, society
from loopback import Loopback
from waiting import until

from scai_cli.errors import RunError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import load_experiment
from scai_cli.jobs.run import resume
from scai_cli.jobs.run import run as run_experiment
from scai_cli.jobs.session import SilentObserver, run_on_loop

MORE = (
    "  - {id: stain, prompt: How do I get a stain out?}\n"
    "  - {id: plant, prompt: Why does my plant die?}\n"
    "  - {id: soup, prompt: What goes into a soup?}\n"
)
"""Tasks, so that a trial's rise can be beyond noise."""
RICH = (
    TINY.replace(KNOWN_PEOPLE, "").replace("limits: {concurrency: 1}\n", MORE)
    + """\
revision: {strategy: grounded, candidates: 2, acceptance: ratify, clauses: people, best_so_far: true}
holdout: {tasks: [sleep]}
constitution:
  principles: [Be kind.]
  contract: [{text: Be brief., for: [ann]}]
"""
)
TRIED = RICH.replace("acceptance: ratify", "acceptance: improves")


class Tracks(SilentObserver):
    """Notes how many bytes both logs hold whenever one of them has grown."""

    def __init__(self, run):
        self.run = run
        self.states = [(0, 0)]

    def see(self, event):
        state = (self.run / "events.jsonl").stat().st_size, (self.run / "calls.jsonl").stat().st_size
        self.states.append(state)


@dataclasses.dataclass(frozen=True)
class Whole:
    """A run that nobody disturbed, and the states its logs went through: (bytes of events, bytes of calls)."""

    path: Path
    states: list
    tries: int

    def logs(self):
        return (self.path / "events.jsonl").read_bytes(), (self.path / "calls.jsonl").read_bytes()

    def cut(self, target, events_end, calls_end):
        """A copy as a kill at that state would have left it."""
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        shutil.copy(self.path / "config.yaml", target)
        for name, data, end in zip(("events.jsonl", "calls.jsonl"), self.logs(), (events_end, calls_end), strict=True):
            (target / name).write_bytes(data[:end])
        return target


@pytest.fixture(scope="module", params=["tiny", "rich", "tried", "crowd"])
def whole(request, tmp_path_factory):
    """One call at a time; everything that makes calls, with ballots or with trials; thirty-two calls at a time."""
    folder = tmp_path_factory.mktemp(request.param)
    crowd = TINY.replace("concurrency: 1", "concurrency: 32")
    text = {"tiny": TINY, "rich": RICH, "tried": TRIED, "crowd": crowd}[request.param]
    (folder / "a.yaml").write_text(text)
    observer = Tracks(folder / "tiny")
    experiment = load_experiment(folder / "a.yaml")
    outcome = run_on_loop(run_experiment(experiment, folder, "tiny", observer))
    assert outcome.status == "finished"
    if request.param == "rich":
        assert any(call["purpose"] == "ballot" for call in calls(folder / "tiny"))
        assert any(event["type"] == "revision" and event["accepted"] for event in events(folder / "tiny"))
    return Whole(folder / "tiny", observer.states, 12 if request.param in ("rich", "tried") else 40)


def line_ends(data):
    return [0] + [n + 1 for n, byte in enumerate(data) if byte == 10]


def check_resumed(whole, run):
    """Resume and compare with the undisturbed run; what was there already stays as it was, or is put aside."""
    before = [(run / name).read_bytes() for name in ("events.jsonl", "calls.jsonl")]
    run_on_loop(resume(run, (), SilentObserver()))
    aside = run / "events.taken-back-1.jsonl"
    for name, old in zip(("events.jsonl", "calls.jsonl"), before, strict=True):
        kept = old[: old.rfind(b"\n") + 1]
        if name == "events.jsonl" and aside.exists():
            assert kept.endswith(aside.read_bytes())
            kept = kept.removesuffix(aside.read_bytes())
        assert (run / name).read_bytes().startswith(kept)
    assert comparable(run) == comparable(whole.path)
    assert [event["seq"] for event in events(run)] == list(range(len(events(run))))
    assert set(answered(run)) == set(answered(whole.path))
    assert set(answered(run).values()) == {1}


@pytest.mark.slow
def test_a_kill_between_any_two_lines_changes_nothing(whole, tmp_path):
    steps = len(whole.states)
    for events_end, calls_end in whole.states[:: max(1, steps // whole.tries)]:
        check_resumed(whole, whole.cut(tmp_path / "runs" / "tiny", events_end, calls_end))


@pytest.mark.slow
def test_a_line_torn_at_any_byte_is_mended(whole, tmp_path):
    rng = random.Random(7)
    for (events_end, calls_end), (events_next, calls_next) in rng.sample(
        list(zip(whole.states, whole.states[1:], strict=False)), whole.tries // 2
    ):
        # the calls behind an event are logged before it: either a call's line is torn, or the event's
        torn = rng.randint(calls_end, calls_next)
        events_torn = events_end if torn < calls_next else rng.randint(events_end, events_next)
        check_resumed(whole, whole.cut(tmp_path / "runs" / "tiny", events_torn, torn))


@pytest.mark.slow
def test_any_part_of_either_log_is_enough(whole, tmp_path):
    rng = random.Random(8)
    events_ends, calls_ends = map(line_ends, whole.logs())
    for _ in range(whole.tries // 2):
        run = whole.cut(tmp_path / "runs" / "tiny", rng.choice(events_ends), rng.choice(calls_ends))
        check_resumed(whole, run)


@pytest.mark.parametrize("lost", ["events.jsonl", "calls.jsonl", "constitution", ".lock", "system_message.txt"])
def test_a_file_that_is_gone_is_made_again(finished, tmp_path, lost):
    run = tmp_path / "runs" / "tiny"
    shutil.copytree(finished, run)
    shutil.rmtree(run / lost) if (run / lost).is_dir() else (run / lost).unlink()
    assert scai("resume", "tiny", "-q").code == 0
    assert comparable(run) == comparable(finished)
    assert (run / "constitution" / "e2.md").read_text() == (finished / "constitution" / "e2.md").read_text()
    assert (run / "system_message.txt").read_text() == (finished / "system_message.txt").read_text()


def test_a_whole_last_line_that_lacks_its_end_is_kept(finished, tmp_path):
    run = tmp_path / "runs" / "tiny"
    shutil.copytree(finished, run)
    logged = (run / "calls.jsonl").read_bytes()
    (run / "calls.jsonl").write_bytes(logged[:-1])
    called = scai("resume", "tiny")
    assert called.code == 0
    assert "torn" not in called.err
    assert (run / "calls.jsonl").read_bytes() == logged


def test_a_torn_line_is_said(finished, tmp_path):
    run = tmp_path / "runs" / "tiny"
    shutil.copytree(finished, run)
    with (run / "events.jsonl").open("ab") as file:
        file.write(b'{"seq":99,"ti')
    called = scai("resume", "tiny")
    assert called.code == 0
    assert "events.jsonl: removed incomplete or empty lines (13 bytes); lost steps are repeated" in called.lines
    assert comparable(run) == comparable(finished)


@pytest.mark.parametrize("name", ["events.jsonl", "calls.jsonl"])
@pytest.mark.parametrize(
    ("damage", "number"),
    [
        ("{", 1),
        ("{", 5),
        ("{", -1),
        ("[]", 5),
        ("17", 1),
        ('{"seq": 3}', -1),
        ("[" * 200_000, 5),
        ('"text"', 1),
        ("\ufffd{}", 5),
    ],
)
def test_a_damaged_line_is_refused_with_its_number(finished, tmp_path, name, damage, number):
    run = tmp_path / "runs" / "tiny"
    shutil.copytree(finished, run)
    lines = (run / name).read_text().split("\n")[:-1]
    at = number - 1 if number > 0 else len(lines) - 1
    lines[at] = damage
    (run / name).write_text("\n".join(lines) + "\n")
    before = {path.name: path.read_bytes() for path in run.iterdir() if path.suffix == ".jsonl"}
    called = scai("resume", "tiny")
    assert called.code == 2
    assert len(called.lines) == 1
    assert f"{name}:{at + 1}: this line is damaged" in called.err
    assert before == {path.name: path.read_bytes() for path in run.iterdir() if path.suffix == ".jsonl"}


def test_an_event_that_was_changed_by_hand_is_refused(finished, tmp_path):
    run = tmp_path / "runs" / "tiny"
    shutil.copytree(finished, run)
    text = (run / "events.jsonl").read_text()
    (run / "events.jsonl").write_text(text.replace("bad sleep", "good sleep", 1))
    called = scai("resume", "tiny", "-q")
    assert called.code == 2
    assert len(called.lines) == 1
    assert "would differ now" in called.err


CHANGES = {
    "name": "other",
    "seed": 4,
    "epochs": 3,
    "turns": 2,
    "dialogue": "ultimatum",
    "opening": "task",
    "personas": {"inline": [{"id": "ann", "name": "Ann Smith", "description": "Ann wants it long."}]},
    "tasks": {"inline": [{"id": "tea", "prompt": "How do I make a pot of coffee?"}]},
    "model": {"top_p": 0.5},
    "roles": {"meta": {"name": "other"}},
    "ratings": {"cross_weight": 0.5},
    "constitution": {"max_tokens": 300},
    "revision": {"acceptance": "improves"},
    "welfare": "rawlsian",
    "holdout": {"tasks": ["tea"]},
    "format_retries": 1,
    "prompts": {"meta": "Write other rules."},
}
REMEDIES = {
    "model": {"max_tokens": 4000, "structured": "json_schema", "send_seed": False, "system_role": "merge"},
    "roles": {"meta": {"max_tokens": 4000}},
    "revision": {"max_prompt_tokens": 50_000},
}
MAY_CHANGE = {
    "limits": {"calls": 10_000, "concurrency": 2},
    "prices": {"m": {"input": 1, "output": 2}},
    "cache": False,
    "max_failures": 0.5,
    "force": True,
    "generate": {"k": 2},
    "observers": ["collections:Counter"],  # it watches nothing
}


def test_every_key_of_the_experiment_either_may_change_or_may_not():
    assert CHANGES.keys() | MAY_CHANGE.keys() == ExperimentConfig.model_fields.keys()
    assert not CHANGES.keys() & MAY_CHANGE.keys()


@pytest.fixture
def half(finished, tmp_path):
    """The finished run as a kill in its middle would have left it, in ./runs/tiny."""
    run = tmp_path / "runs" / "tiny"
    shutil.copytree(finished, run)
    for name, count in (("events.jsonl", 30), ("calls.jsonl", 26)):
        kept = (run / name).read_bytes().split(b"\n")[:count]
        (run / name).write_bytes(b"\n".join(kept) + b"\n")
    (run / "outcome.json").unlink()
    return run


def change(run, key, value):
    config = yaml.safe_load((run / "config.yaml").read_text())
    merged = {**config.get(key, {}), **value} if isinstance(value, dict) else value
    (run / "config.yaml").write_text(yaml.safe_dump({**config, key: merged}))


@pytest.mark.parametrize("key", CHANGES)
def test_a_changed_experiment_is_refused_with_what_differs(half, key):
    change(half, key, CHANGES[key])
    before = {path.name: path.read_bytes() for path in half.iterdir() if path.is_file()}
    called = scai("resume", "tiny")
    assert called.code == 2
    assert called.lines == [
        f"scai: run 'tiny' cannot continue: it was started with another value of {key} than runs/tiny/config.yaml "
        "and the options have now; undo the change, or start a new run"
    ]
    after = {path.name: path.read_bytes() for path in half.iterdir() if path.is_file()}
    assert {**after, ".lock": b""} == {**before, ".lock": b""}


@pytest.mark.parametrize("key", MAY_CHANGE)
def test_bounds_and_prices_may_change(half, finished, key):
    change(half, key, MAY_CHANGE[key])
    assert scai("resume", "tiny", "-q", *["--trust"] * (key == "observers")).code == 0
    assert comparable(half) == comparable(finished)


def test_the_judge_may_change_as_a_run_has_nothing_to_judge(half, finished):
    change(half, "roles", {"judge": {"provider": "openai", "name": "other"}})
    assert scai("resume", "tiny", "-q").code == 0
    assert comparable(half) == comparable(finished)


@pytest.mark.parametrize("key", REMEDIES)
def test_a_remedy_may_change_and_recorded_answers_stay(half, finished, key):
    before = (half / "events.jsonl").read_bytes()
    made = calls(half)
    change(half, key, REMEDIES[key])
    assert scai("resume", "tiny", "-q").code == 0
    assert (half / "events.jsonl").read_bytes().startswith(before)
    names = [(event["type"], event["id"]) for event in events(finished)]
    assert sorted((event["type"], event["id"]) for event in events(half)) == sorted(names)
    again = {call["id"] for call in calls(half)[len(made) :]}
    written = {event["id"] for event in events(half)[: before.count(b"\n")]}
    assert not [call for call in again if call.rpartition("/")[0] in written]
    if key == "model":  # the calls whose answers are not in the events are made with the new settings
        assert all(call["request"]["max_tokens"] == 4000 for call in calls(half)[len(made) :])


SAMPLING = ("model.temperature=0.5", "model.top_p=0.5", "model.options.noise=0.5", "roles.meta.temperature=0.5")
OTHERS = ("seed=4", "epochs=3", "prompts.user='Play it.'", "personas.inline.0.name=Bo")


@pytest.mark.parametrize("setting", [*OTHERS, *SAMPLING])
def test_an_option_that_changes_the_experiment_is_refused_too(half, setting):
    called = scai("resume", "tiny", "--set", setting)
    assert called.code == 2
    assert len(called.lines) == 1
    assert f"started with another value of {setting.partition('.')[0].partition('=')[0]} than" in called.err


def test_the_address_may_change(half, finished):
    assert scai("resume", "tiny", "-q", "--set", "model.base_url=http://127.0.0.1:9").code == 0
    assert comparable(half) == comparable(finished)


def test_run_on_an_unfinished_run_says_so(half, tiny):
    called = scai("run", tiny, "--run-id", "tiny")
    assert called.code == 2
    assert called.lines == [
        "scai: run 'tiny' exists already and is not finished; "
        "continue with `scai resume tiny`, or choose another --run-id"
    ]
    called = scai("run", tiny, "--run-id", "tiny", "--seed", "4", "--set", "turns=3")
    assert called.code == 2
    assert "(the experiment has changed since: seed, turns); continue with `scai resume tiny`" in called.err


def test_run_on_a_finished_run_says_so(finished, tiny):
    called = scai("run", tiny, "--run-id", "tiny", "--runs-dir", finished.parent)
    assert (called.code, len(called.lines)) == (2, 1)
    assert "exists already and is finished; choose another --run-id" in called.err


def test_a_finished_run_is_left_as_it_is(finished, tmp_path):
    run = tmp_path / "runs" / "tiny"
    shutil.copytree(finished, run)
    kept = ["events.jsonl", "calls.jsonl", "config.yaml", "system_message.txt"]
    before = [(run / name).read_bytes() for name in kept]
    stamp = (run / "config.yaml").stat().st_mtime_ns
    called = scai("resume", "tiny", "-q", "--json")
    assert called.json["status"] == "finished"
    assert called.json["calls"] == len(calls(run))
    assert [(run / name).read_bytes() for name in kept] == before
    assert (run / "config.yaml").stat().st_mtime_ns == stamp  # `latest` is still the run that was begun last


def test_a_finished_run_is_not_replayed(finished, tmp_path):
    run = tmp_path / "runs" / "tiny"
    shutil.copytree(finished, run)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    called = scai("resume", "tiny", "--json")
    said = json.loads((finished / "outcome.json").read_text())
    del said["sha256"]
    assert called.json == {**said, "path": str(Path("runs/tiny"))}
    assert "run 'tiny' is finished already: nothing to resume" in called.lines
    assert {path: path.read_bytes() for path in before} == before
    change(run, "seed", 4)
    assert "started with another value of seed" in scai("resume", "tiny").err


@pytest.mark.parametrize("outcome", ["{}", '{"status": "finished"}', "[]", "", None])
def test_a_finished_run_without_its_outcome_is_replayed(finished, tmp_path, outcome):
    run = tmp_path / "runs" / "tiny"
    shutil.copytree(finished, run)
    said = json.loads((run / "outcome.json").read_text())
    if outcome is None:  # as a version before 0.4 wrote it
        outcome = json.dumps({key: value for key, value in said.items() if key != "sha256"})
    (run / "outcome.json").write_text(outcome)
    assert {**scai("resume", "tiny", "--json").json, "wall_s": 0, "sha256": 0, "path": 0} == {
        **said, "wall_s": 0, "sha256": 0, "path": 0
    }  # fmt: skip
    assert json.loads((run / "outcome.json").read_text())["sha256"] == said["sha256"]


@pytest.mark.parametrize("part", ["finished", "half"])
def test_a_renamed_run_is_continued_under_its_new_name(request, finished, tmp_path, part):
    if part == "half":
        request.getfixturevalue("half").rename(run := tmp_path / "runs" / "dinner")
    else:
        shutil.copytree(finished, run := tmp_path / "runs" / "dinner")
        (run / "outcome.json").unlink()
    first = (run / "events.jsonl").read_bytes().splitlines()[0]
    called = scai("resume", "dinner", "-q", "--json")
    assert (called.code, called.json["run_id"]) == (0, "dinner")
    assert comparable(run) == comparable(finished)
    assert (run / "events.jsonl").read_bytes().splitlines()[0] == first
    assert scai("show", "dinner", "--json").json["run_id"] == "dinner"
    assert [entry["run_id"] for entry in scai("list", "--json").json] == ["dinner"]
    assert scai("export", "dinner", "--format", "system").code == 0


def test_what_a_kill_before_the_config_left_is_taken_over(tmp_path, tiny):
    (tmp_path / "runs" / "tiny" / "constitution").mkdir(parents=True)
    (tmp_path / "runs" / "tiny" / ".lock").write_text("12345\n")
    assert scai("run", tiny, "-q").out == "tiny\n"
    (tmp_path / "runs" / "mine").mkdir()
    assert scai("run", tiny, "-q", "--run-id", "mine").out == "mine\n"


def test_a_folder_of_somebody_else_is_never_taken_over(tmp_path, tiny):
    (tmp_path / "runs" / "tiny").mkdir(parents=True)
    (tmp_path / "runs" / "tiny" / "notes.txt").write_text("mine")
    (tmp_path / "runs" / "tiny-2").write_text("a file")
    assert scai("run", tiny, "-q").out == "tiny-3\n"
    assert scai("run", tiny, "-q", "--run-id", "tiny").code == 2
    assert [path.name for path in (tmp_path / "runs" / "tiny").iterdir()] == ["notes.txt"]


HOLD = (
    "import fcntl, sys, time; f = open(sys.argv[1], 'a+'); fcntl.flock(f, 2); print('held', flush=True); time.sleep(60)"
)


@pytest.mark.parametrize("command", ["resume", "run"])
def test_a_run_in_use_is_refused_and_a_lock_left_by_a_kill_is_not(half, tiny, command):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, half / ".lock"], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        called = scai("resume", "tiny") if command == "resume" else scai("run", tiny, "--run-id", "tiny")
        assert called.code == 2
        assert len(called.lines) == 1
        assert ("in use by process" if command == "resume" else "in progress") in called.err
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    assert scai("resume", "tiny", "-q").code == 0


@pytest.mark.slow
def test_two_sessions_at_once_never_write_one_run(tmp_path):
    with Loopback(script=["ok"] * 8 + ["hold"] * 8, answer=society()) as server:
        config = tmp_path / "crash.yaml"
        config.write_text(EXPERIMENT.replace("URL", server.base_url).replace("epochs: 4", "epochs: 1"))
        command = [sys.executable, "-m", "scai_cli", "run", str(config), "--quiet"]
        first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        until(lambda: len(server.requests) > 8)
        second = scai("resume", "crash")
        assert (second.code, len(second.lines)) == (2, 1)
        assert f"in use by process {first.pid}; wait until it ends, or stop it" in second.err
        server.release()
        output = first.communicate(timeout=120)[0]
        assert first.returncode == 0, output
    assert set(answered(tmp_path / "runs" / "crash").values()) == {1}


def test_a_killed_session_is_shown_as_interrupted_whatever_the_one_before_said(half):
    assert scai("resume", "tiny", "-q", "--set", "limits.calls=23").code == 3
    assert scai("list", "--json").json[0]["status"] == "stopped"
    (half / "outcome.json").write_text('{"status": "running", "wall_s": 3.0}')  # as a session leaves it when killed
    assert scai("list", "--json").json[0]["status"] == "interrupted"
    assert scai("resume", "tiny", "-q", "--json").json["wall_s"] >= 3.0


def test_a_run_directory_that_cannot_be_written_is_one_line(half):
    (half / ".lock").unlink(missing_ok=True)
    (half / ".lock").mkdir()
    called = scai("resume", "tiny")
    assert (called.code, len(called.lines)) == (2, 1)
    assert "cannot be written" in called.err


@pytest.fixture
def served(tmp_path):
    """The crash test's experiment and its clean result: (config, run)."""
    with Loopback(answer=society()) as server:
        config = tmp_path / "crash.yaml"
        config.write_text(EXPERIMENT.replace("URL", server.base_url).replace("epochs: 4", "epochs: 2"))
        assert scai("run", config, "-q", "--runs-dir", tmp_path / "clean").code == 0
    return config, tmp_path / "clean" / "crash"


def at(server):
    return ["--set", f"model.base_url={server.base_url}"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "odds", "said"),
    [
        (["ok"] * 60 + ["401"] * 99, {}, "HTTP 401"),
        (["ok"] * 60 + ["404"] * 99, {}, "HTTP 404"),
        (["401"] * 99, {}, "HTTP 401"),
        ([], {"500": 0.3}, "`scai resume crash` makes failed calls again"),
        (["ok"] * 100, {"422": 1.0}, "a harmless prompt is refused, too"),
    ],
)
def test_a_run_that_a_sick_endpoint_stopped_comes_out_clean_once_it_is_well(served, tmp_path, script, odds, said):
    config, clean = served
    run = tmp_path / "runs" / "crash"
    with Loopback(script=script, odds=odds, answer=society()) as sick:
        called = scai("run", config, "-q", *at(sick), "--set", "limits.max_retries=0")
        assert called.code == 4
        assert len(called.errors) == 1
        assert said in called.err
    paid = answered(run)
    with Loopback(answer=society()) as well:
        assert scai("resume", "crash", "-q", *at(well)).code == 0
        assert len(well.requests) == len(answered(clean)) - len(paid)
    assert comparable(run) == comparable(clean)
    assert set(answered(run).values()) == {1}


@pytest.mark.slow
def test_a_failure_that_is_told_stays_and_one_that_is_not_is_made_again(served, tmp_path):
    config, clean = served
    run = tmp_path / "runs" / "crash"
    with Loopback(script=["ok"] * 20 + ["400"], answer=society()) as server:
        called = scai("run", config, "-q", *at(server), "--set", "max_failures=0.1")
        assert called.code == 0
    log = (run / "events.jsonl").read_bytes()
    problem = next(n for n, line in enumerate(log.split(b"\n")) if b'"type":"problem"' in line)
    failed = next(call["id"] for call in calls(run) if "error" in call)
    told = comparable(run)
    assert told != comparable(clean)
    with Loopback(answer=society()) as well:
        (run / "events.jsonl").write_bytes(b"\n".join(log.split(b"\n")[: problem + 1]) + b"\n")
        assert scai("resume", "crash", "-q", *at(well)).code == 0
        assert comparable(run) == told
        assert len(well.requests) == 0
        assert failed not in answered(run)
        (run / "events.jsonl").write_bytes(b"\n".join(log.split(b"\n")[:problem]) + b"\n")
        assert scai("resume", "crash", "-q", *at(well)).code == 0
        assert comparable(run) == comparable(clean)
        assert answered(run)[failed] == 1


def test_the_summary_counts_what_earlier_sessions_used(half, finished):
    whole = json.loads((finished / "outcome.json").read_text())
    resumed = scai("resume", "tiny", "-q", "--json").json
    assert {**resumed, "path": "", "wall_s": 0, "sha256": {}} == {**whole, "path": "", "wall_s": 0, "sha256": {}}


def test_a_run_is_finished_only_with_the_message_of_its_product(tmp_path, tiny):
    class Obstacle(SilentObserver):
        def see(self, event):
            if event.type == "revision" and event.epoch == 2:
                text.unlink()
                text.mkdir()

    run, text = tmp_path / "runs" / "tiny", tmp_path / "runs" / "tiny" / "system_message.txt"
    experiment = load_experiment(tiny)
    failed = run_on_loop(run_experiment(experiment, tmp_path / "runs", "tiny", Obstacle()))
    assert failed.status == "failed"
    assert events(run)[-1]["type"] != "run_finished"
    text.rmdir()
    assert scai("resume", "tiny", "-q").code == 0
    assert text.read_text().rstrip("\n") in [event.get("system_message") for event in events(run)]


def test_half_written_files_of_killed_sessions_are_removed(half):
    for name in (".outcome.json.12.part", ".config.yaml.9.part", "constitution/.e1.md.77.part"):
        (half / name).write_text("half")
    mine = half / ".notes.part"
    mine.write_text("of the user")
    assert scai("resume", "tiny", "-q").code == 0
    assert [*half.rglob("*.part")] == [mine]


def test_an_error_of_the_library_leaves_no_lock(half, tmp_path):
    change(half, "seed", 9)
    with pytest.raises(RunError, match="started with another value of seed"):
        run_on_loop(resume(half, (), SilentObserver()))
    change(half, "seed", 3)
    assert run_on_loop(resume(half, (), SilentObserver())).status == "finished"


@pytest.mark.slow
def test_failures_before_a_kill_never_stand_in_the_way_of_what_comes_after_it(tmp_path):
    text = RICH + ('max_failures: 1.0\nforce: all\nmodel: {provider: openai, name: society, base_url: "URL"}\n')
    with Loopback(odds={"400": 0.3}, seed=3, answer=society()) as sick, Loopback(answer=society()) as well:
        (tmp_path / "a.yaml").write_text(text.replace("URL", sick.base_url))
        observer = Tracks(tmp_path / "tiny")
        experiment = load_experiment(tmp_path / "a.yaml")
        run_on_loop(run_experiment(experiment, tmp_path, "tiny", observer))
        sick_run = Whole(tmp_path / "tiny", observer.states, 24)
        problems = [event for event in events(sick_run.path) if event["type"] == "problem"]
        assert len(problems) > 2
        for number, (events_end, calls_end) in enumerate(observer.states[:: len(observer.states) // sick_run.tries]):
            run = sick_run.cut(tmp_path / "runs" / "tiny", events_end, calls_end)
            before = (run / "events.jsonl").read_bytes()
            server = well if number % 2 else sick
            assert (
                run_on_loop(resume(run, [f"model.base_url={server.base_url}"], SilentObserver())).status == "finished"
            )
            assert (run / "events.jsonl").read_bytes().startswith(before)
            assert set(answered(run).values()) == {1}


FREE = "when this is solved, continue with"


def test_a_full_disk_costs_at_most_what_was_in_flight(tmp_path, tiny, finished):
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)); "
        "from scai_cli.cli import main; sys.argv = ['scai', 'run', sys.argv[1], '-q']; main()"
    )
    full = subprocess.run([sys.executable, "-c", program, str(tiny)], capture_output=True, check=False)
    assert full.returncode == 4
    said = full.stderr.decode()
    assert said.count("\n") == 1
    assert said.endswith(f"calls.jsonl: cannot be written: File too large; {FREE} `scai resume tiny`\n")
    assert full.stdout == b"tiny\n"
    assert json.loads(Path("runs/tiny/outcome.json").read_bytes())["status"] == "failed"
    run = tmp_path / "runs" / "tiny"
    assert (run / "calls.jsonl").read_bytes().endswith(b"\n")
    paid = answered(run)
    assert len(paid) > 10
    assert scai("resume", "tiny", "-q").code == 0
    assert comparable(run) == comparable(finished)
    assert set(answered(run).values()) == {1}


def test_once_too_much_has_failed_no_further_conversation_begins(tmp_path):
    people = "".join(f"  - {{id: p{n}, description: Person {n}.}}\n" for n in range(40))
    tasks = "".join(f"  - {{id: t{n}, prompt: Question {n}?}}\n" for n in range(20))
    text = f"turns: 1\nepochs: 1\npersonas:\n{people}tasks:\n{tasks}ratings: {{cross_raters: 0}}\n"
    config = tmp_path / "wide.yaml"
    config.write_text(
        f'{text}model: {{provider: "scripted:connect", options: {{script: [{{at: /m1/, fail: gone}}]}}}}\n'
    )
    called = scai("run", config, "-q")
    assert called.code == 4
    assert "of 800 conversations of epoch 1 failed, more than max_failures allows" in called.err
    assert len(calls(tmp_path / "runs" / "experiment")) < 800


@pytest.mark.parametrize("kind", ["own", "cross"])
def test_another_version_continues_a_run_and_is_named_where_it_alone_can(
    finished: Path, tmp_path: Path, kind: str
) -> None:
    run = shutil.copytree(finished, tmp_path / "runs" / "tiny")
    whole = of_version(run, "0.1.9")
    lines = [re.sub('"observed":[^,]*,', '"observed":0.9,', e) if f'"{kind}"' in e else e for e in whole]
    (run / "events.jsonl").write_text("".join(lines[:-1]), encoding="utf-8")
    assert scai("resume", "tiny", "-q").code == 0  # what the program sees in a text is not a reason to stop
    assert bare(events(run)[-1]) == bare(json.loads(whole[-1]))
    assert (run / "events.jsonl").read_text(encoding="utf-8").startswith("".join(lines[:-1]))
    changed = "".join(lines[:-1]).replace('"welfare":"utilitarian"', '"welfare":"nash"', 1)
    (run / "events.jsonl").write_text(changed, encoding="utf-8")
    refused = scai("resume", "tiny", "-q")
    assert (refused.code, len(refused.lines)) == (2, 1)
    assert "its run_started 'run' would differ now; scai 0.1.9 started the run and can continue it" in refused.err


def test_what_another_version_finished_stays_as_it_is_whatever_would_be_played_now(
    finished: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(finished, tmp_path / "runs" / "tiny")
    left = (line for line in of_version(run, "0.1.9") if '"id":"e3' not in line)  # the product's own play
    written = "".join(re.sub(r'"seq":\d+', f'"seq":{seq}', line, count=1) for seq, line in enumerate(left))
    (run / "events.jsonl").write_text(written, encoding="utf-8")
    (run / "calls.jsonl").write_text("", encoding="utf-8")
    (run / "outcome.json").unlink()
    resumed = scai("resume", "tiny", "-q", "--json")
    assert (resumed.code, resumed.json["status"], resumed.json["calls"]) == (0, "finished", 0), resumed.err
    assert resumed.json["welfare"] == json.loads((finished / "outcome.json").read_text())["welfare"][:2]
    assert (run / "events.jsonl").read_text(encoding="utf-8") == written


def of_version(run: Path, version: str) -> list[str]:
    """The events of a run as another version of scai would have started it."""
    text = (run / "events.jsonl").read_text(encoding="utf-8")
    return re.sub('"scai":"[^"]*"', f'"scai":"{version}"', text, count=1).splitlines(keepends=True)


@pytest.mark.parametrize("name", ["events.jsonl", "calls.jsonl"])
@pytest.mark.parametrize(
    "change",
    [
        lambda log: log + b"\n",
        lambda log: log.replace(b"\n", b"\n\n", 3),
        lambda log: log.replace(b"\n", b"\r\n"),
        lambda log: b"\xef\xbb\xbf" + log,
    ],
    ids=["empty last line", "empty lines", "CRLF", "BOM"],
)
def test_what_an_editor_leaves_in_a_log_costs_nothing(finished, tmp_path, change, name):
    run = shutil.copytree(finished, tmp_path / "runs" / "tiny")
    (run / "outcome.json").unlink()
    (run / name).write_bytes(change((run / name).read_bytes()))
    assert scai("show", "tiny", "--json").json["status"] == "finished"
    called = scai("resume", "tiny", "-q", "--json")
    assert called.code == 0, called.err
    assert (events(run), calls(run)) == (events(finished), calls(finished))
