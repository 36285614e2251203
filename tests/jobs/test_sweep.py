"""A sweep: all cells are checked before the first begins, finished ones are kept, and limits are those of the whole."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from shutil import rmtree

import pytest
from conftest import TINY, events, scai
from crash import comparable
from in_process import InProcess

from scai_cli.errors import ConfigError, LimitReached, ProviderError, RunError, ScaiError
from scai_cli.experiment.load import load_experiment
from scai_cli.experiment.sweep_file import read_sweep
from scai_cli.jobs.sweep import SweepOutcome, SweepStart, run_sweep
from scai_cli.jobs.sweep_cell import CellProgress
from scai_cli.jobs.sweep_plan import plan_sweep
from scai_cli.runs.locks import take_lock
from scai_cli.runs.sweep_directory import CellRecord, read_sweep_directory

RUNS = Path("runs")


class Watch:
    """An observer that keeps everything."""

    def __init__(self) -> None:
        self.records: list[CellRecord] = []
        self.lines: list[str] = []
        self.reports: dict[str, list[CellProgress]] = {}
        self.engine: InProcess | None = None

    def begin(self, start: SweepStart) -> None:
        pass

    def report(self, run_id: str, progress: CellProgress) -> None:
        self.reports.setdefault(run_id, []).append(progress)

    def see(self, record: CellRecord) -> None:
        self.records.append(record)

    def say(self, line: str, run_id: str | None = None) -> None:
        self.lines.append(line if run_id is None else f"{run_id}: {line}")

    def end(self) -> None:
        pass

    def make(self, places: int) -> InProcess:
        self.engine = InProcess(places)
        return self.engine

    @property
    def started(self) -> list[str]:
        return self.engine.started if self.engine else []


def write(text: str, experiment: str = TINY) -> Path:
    Path("tiny.yaml").write_text(experiment, encoding="utf-8")
    path = Path("study.yaml")
    path.write_text(f"experiment: tiny.yaml\n{text}", encoding="utf-8")
    return path


def sweep(text: str, at_once: int = 4, experiment: str = TINY) -> tuple[SweepOutcome, Watch]:
    watch = Watch()
    return run_sweep(read_sweep(write(text, experiment)), RUNS, watch.make, at_once, watch), watch


def refused(text: str, kind: type[ScaiError], experiment: str = TINY) -> str:
    with pytest.raises(kind) as error:
        sweep(text, experiment=experiment)
    return str(error.value)


def statuses(outcome: SweepOutcome) -> dict[str, str]:
    return {cell.run_id: cell.status for cell in outcome.sweep.cells}


def test_cells_are_runs_as_without_a_sweep_and_finished_ones_are_kept() -> None:
    outcome, watch = sweep("each: {epochs: 1}\ngrid: {seed: [1, 2]}")
    assert outcome.error is None
    assert statuses(outcome) == {"study-seed-1": "finished", "study-seed-2": "finished"}
    found = scai("run", "tiny.yaml", "--seed", 2, "--set", "epochs=1", "--run-id", "alone", "--quiet")
    assert found.code == 0, found.err
    assert comparable(RUNS / "study-seed-2") == comparable(RUNS / "alone")
    for cell in outcome.sweep.cells:
        said = json.loads((RUNS / cell.run_id / "outcome.json").read_text())
        assert (cell.calls, cell.usd, cell.input_tokens) == (said["calls"], 0.0, said["usage"]["input_tokens"])
        assert cell.measured_on == "epoch 2"  # the product's play
        assert cell.welfare["utilitarian"] == said["welfare"][-1]["utilitarian"]
    before = {cell.run_id: events(RUNS / cell.run_id) for cell in outcome.sweep.cells}
    outcome, watch = sweep("each: {epochs: 1}\ngrid: {seed: [1, 2, 3]}")
    assert watch.started == ["study-seed-3"]
    assert [cell.status for cell in outcome.sweep.cells] == ["finished"] * 3
    assert all(events(RUNS / run_id) == then for run_id, then in before.items())
    over_seeds = scai("show", "study", "--json").json["seeds"]
    assert (over_seeds["runs"], over_seeds["change"]["level"]) == (3, 0.95)
    assert set(over_seeds["took_part"].values()) == {3}
    outcome, watch = sweep("each: {epochs: 1}\ngrid: {seed: [1, 2, 3]}")
    assert watch.engine is None  # no process is started for what is finished


def test_a_run_that_a_shell_loop_has_made_is_a_cell() -> None:
    path = write("grid: {epochs: [1]}")
    assert scai("run", "tiny.yaml", "--set", "epochs=1", "--run-id", "study-epochs-1", "--quiet").code == 0
    outcome = run_sweep(read_sweep(path), RUNS, InProcess, 1, Watch())
    [cell] = outcome.sweep.cells
    assert (cell.status, cell.calls > 0, cell.welfare["utilitarian"] is not None) == ("finished", True, True)


def test_an_unfinished_cell_continues() -> None:
    outcome, _ = sweep("each: {limits.calls: 30}\ngrid: {seed: [1]}")
    assert isinstance(outcome.error, LimitReached)
    assert "1 of 1 cells stopped; the first: study-seed-1: limits.calls: reached" in str(outcome.error)
    assert str(outcome.error).endswith("continue with `scai sweep study.yaml`")
    outcome, _ = sweep("each: {}\ngrid: {seed: [1]}")
    assert statuses(outcome) == {"study-seed-1": "finished"}
    found = scai("run", "tiny.yaml", "--seed", 1, "--run-id", "alone", "--quiet")
    assert found.code == 0
    assert comparable(RUNS / "study-seed-1") == comparable(RUNS / "alone")


def test_a_run_that_was_removed_is_played_again() -> None:
    sweep("each: {epochs: 1}\ngrid: {seed: [1, 2]}")
    rmtree(RUNS / "study-seed-2")
    outcome, watch = sweep("each: {epochs: 1}\ngrid: {seed: [1, 2]}\nlimits: {seconds: 0.000001}")
    assert watch.started == []
    assert statuses(outcome) == {"study-seed-1": "finished", "study-seed-2": "stopped"}
    assert (outcome.sweep.cells[1].welfare, outcome.sweep.cells[1].calls) == ({}, 0)
    outcome, watch = sweep("each: {epochs: 1}\ngrid: {seed: [1, 2]}")
    assert (watch.started, outcome.error) == (["study-seed-2"], None)


def test_the_command_that_continues_names_the_folder_of_the_runs() -> None:
    file = read_sweep(write("each: {limits.calls: 5}\ngrid: {seed: [1]}"))
    outcome = run_sweep(file, Path("other runs"), InProcess, 1, Watch())
    assert str(outcome.error).endswith("continue with `scai sweep study.yaml --runs-dir 'other runs'`")
    shown = scai("show", "study", "--runs-dir", "other runs")
    assert "continue with `scai sweep 'other runs/study/sweep.yaml' --runs-dir 'other runs'`" in shown.out
    assert "--csv" not in shown.err  # it would go on


def test_a_changed_experiment_is_refused_before_any_cell_starts() -> None:
    sweep("each: {epochs: 1}\ngrid: {seed: [2, 3]}")
    text = refused("each: {epochs: 2, turns: 2}\ngrid: {seed: [1, 2, 3]}", RunError)
    assert text.startswith(
        "study.yaml: cell study-seed-2: run 'study-seed-2' exists already, with other values of epochs, turns "
        "(and 1 more cell)"
    )
    assert not (RUNS / "study-seed-1").exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("grid: {seed: [1], turns: [1, 0]}", "study.yaml: cell study-seed-1-turns-0: turns: must be greater than"),
        ("name: latest\ngrid: {seed: [1]}", "study.yaml: name: 'latest' means the newest run"),
        ("grid: {revision.strategi: [x]}", "study.yaml: cell study-strategi-x: revision.strategi: unknown key"),
        ("each: {revision: {quorum: x}}\ngrid: {seed: [1]}", "study.yaml: cell study-seed-1: revision.quorum: must be"),
        ("grid: {model: [opnai]}", "study.yaml: cell study-model-opnai: model opnai: write `simulated` or PROVIDER"),
        ("grid: {personas.9.name: [x]}", "study.yaml: cell study-name-x: there is nothing at '9' to set"),
        (
            "grid: {personas.0.human: [true]}",
            "study.yaml: cell study-human-true: persona 'ann' is a real person, whom only `scai run` asks",
        ),
        (
            "grid: {revision.strategy: [rewrit]}",
            "study.yaml: cell study-strategy-rewrit: revision.strategy: unknown strategy 'rewrit'",
        ),
    ],
)
def test_a_wrong_cell_is_one_line_with_file_cell_and_key(text: str, expected: str) -> None:
    assert refused(text, ConfigError).startswith(expected)
    assert not RUNS.exists()


def test_a_key_is_asked_for_before_any_cell_starts() -> None:
    text = refused("grid: {model: [simulated, 'openai:x']}", ConfigError)
    assert "OPENAI_API_KEY is not set" in text
    assert not RUNS.exists()


def test_one_failed_cell_stops_no_other() -> None:
    dead = "{provider: openai, name: x, base_url: 'http://127.0.0.1:9/v1'}"
    outcome, _ = sweep(f"each: {{limits.max_retries: 0, epochs: 1}}\nlist: [{{model: {dead}}}, {{seed: 1}}]", 1)
    assert isinstance(outcome.error, ProviderError)
    failed, finished = outcome.sweep.cells
    assert (failed.status, finished.status) == ("failed", "finished")
    assert failed.problem is not None
    assert "127.0.0.1:9" in failed.problem
    assert str(outcome.error).startswith(f"1 of 2 cells failed; the first: {failed.run_id}: ")


def test_the_limit_of_calls_is_that_of_all_cells() -> None:
    whole, _ = sweep("each: {epochs: 1}\ngrid: {seed: [1, 2, 3]}")
    calls = sum(cell.calls for cell in whole.sweep.cells)
    limited = "name: other\neach: {epochs: 1}\ngrid: {seed: [1, 2, 3]}\nlimits: {calls: CALLS}"
    outcome, _ = sweep(limited.replace("CALLS", str(calls - 5)), 2)
    assert isinstance(outcome.error, LimitReached)
    assert sum(cell.calls for cell in outcome.sweep.cells) <= calls - 5
    outcome, _ = sweep(limited.replace("CALLS", str(calls)), 2)
    assert outcome.error is None
    assert sum(cell.calls for cell in outcome.sweep.cells) == calls


def test_what_a_small_cell_leaves_goes_to_a_large_one() -> None:
    grid = "grid: {epochs: [1, 6]}"
    whole, _ = sweep(grid)
    small, large = (cell.calls for cell in whole.sweep.cells)
    assert large > 1.5 * small
    outcome, watch = sweep(f"name: other\n{grid}\nlimits: {{calls: {small + large}}}", 2)
    assert outcome.error is None
    assert [cell.calls for cell in outcome.sweep.cells] == [small, large]
    assert watch.started == ["other-epochs-1", "other-epochs-6", "other-epochs-6"]  # its half was too small at first


def test_the_limit_of_time_is_a_deadline_for_all() -> None:
    outcome, watch = sweep("grid: {seed: [1, 2, 3]}\nlimits: {seconds: 0.001}", 1)
    assert isinstance(outcome.error, LimitReached)
    assert len(watch.started) <= 1
    assert {cell.status for cell in outcome.sweep.cells} == {"stopped"}
    outcome, _ = sweep("grid: {seed: [1, 2, 3]}", 1)
    assert outcome.error is None


def test_concurrency_is_divided_by_the_cells_at_once() -> None:
    sweep("grid: {seed: [1, 2, 3]}\nlimits: {concurrency: 7, requests_per_minute: 90000}", 3)
    limits = load_experiment(RUNS / "study-seed-1" / "config.yaml").limits
    assert (limits.concurrency, limits.requests_per_minute) == (1, 30000)  # the experiment's own is 1


def test_a_folder_that_a_former_worker_still_writes_is_waited_for() -> None:
    (RUNS / "study-seed-1").mkdir(parents=True)
    lock = take_lock(RUNS / "study-seed-1")
    release = threading.Timer(0.3, lock.close)
    release.start()
    outcome, watch = sweep("each: {epochs: 1}\ngrid: {seed: [1]}")
    release.join()
    assert outcome.error is None
    assert watch.lines[0] == "waiting for the processes of an earlier sweep, which end in good order"


def test_a_plan_counts_what_is_left_and_writes_nothing() -> None:
    path = write("each: {epochs: 1}\ngrid: {seed: [1, 2]}")
    plan = plan_sweep(read_sweep(path), RUNS)
    assert [cell.state for cell in plan.cells] == ["new", "new"]
    assert not RUNS.exists()
    whole, _ = sweep("each: {epochs: 1}\ngrid: {seed: [1, 2]}")
    assert plan.calls == sum(cell.calls for cell in whole.sweep.cells)
    assert plan.as_object()["usd"] == 0.0
    plan = plan_sweep(read_sweep(path), RUNS)
    assert ([cell.state for cell in plan.cells], plan.calls) == (["finished", "finished"], 0)


def test_a_plan_says_which_limits_are_too_low() -> None:
    plan = plan_sweep(read_sweep(write("limits: {calls: 7, tokens: 10000000, usd: 1}\ngrid: {seed: [1, 2]}")), RUNS)
    [line] = plan.warnings
    assert line == f"limits.calls: 7 is not enough, as all cells take about {plan.calls:,}; some will stop unfinished"


def test_an_unfinished_cell_continues_with_another_remedy_and_a_finished_one_is_kept() -> None:
    sweep("each: {limits.calls: 30}\ngrid: {seed: [1]}")
    outcome, _ = sweep("each: {model.max_tokens: 300}\ngrid: {seed: [1]}")
    assert statuses(outcome) == {"study-seed-1": "finished"}
    assert "with other values of model;" in refused("each: {model.max_tokens: 400}\ngrid: {seed: [1]}", RunError)


def test_a_sweep_can_be_read_while_it_runs() -> None:
    seen = []

    class Reading(Watch):
        def see(self, record: CellRecord) -> None:
            read = read_sweep_directory(RUNS / "study")
            seen.append((read.is_running, [cell.status for cell in read.cells]))

    run_sweep(read_sweep(write("each: {epochs: 1}\ngrid: {seed: [1, 2]}")), RUNS, InProcess, 1, Reading())
    assert seen[0] == (True, ["running", "waiting"])
    assert seen[1] == (True, ["finished", "waiting"])
    assert read_sweep_directory(RUNS / "study").is_running is False
