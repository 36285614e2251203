"""No screen states a change that the ratings do not show: without a revision, and with revisions of no effect."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from conftest import scai

ROOT: Final = Path(__file__).parents[2]

STRATEGIES: Final = '''\
from scai_cli.experiment.constitution import Add
from scai_cli.runs.records import Candidate


async def nothing(context):
    """Propose no change."""
    return [Candidate(id=context.id, critique="Fine.")]


async def no_effect(context):
    """Add a rule after the first epoch in which the simulated assistant recognises nothing."""
    edits = (Add(text="Sit where the window is."),) if context.epoch_context.epoch == 1 else ()
    return [Candidate(id=context.id, critique="Fine.", edits=edits)]
'''

CLAIMS: Final = re.compile(
    r"\b(rose|rises?|risen|fell|falls?|gain(s|ed|ers?)?|los[et]s?|losers?|loss(es)?|pa(ys|id)|winners?|better off|"
    r"worse|improve[sd]?|(more|less) satisfied|higher|lower)\b(?!-)|epoch by epoch",
    re.IGNORECASE,
)
"""Words (and the title of a picture) that state a change; ids hold hyphens."""

Runner = Callable[[str, int], Path]


def members(kind: str) -> list[dict[str, Any]]:
    """Return the people or the tasks of the library that the project ships."""
    folder = ROOT / ("personas/library" if kind == "personas" else "configs/tasks/library")
    return [one for file in sorted(folder.glob("*.yaml")) for one in yaml.safe_load(file.read_text())[kind]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """Run six people with three tasks, others for every seed, by a strategy of ours."""
    (tmp_path / "strategies_of_ours.py").write_text(STRATEGIES)
    monkeypatch.syspath_prepend(str(tmp_path))
    people, tasks = members("personas"), members("tasks")

    def play(strategy: str, seed: int) -> Path:
        rng = random.Random(seed)
        revision = {"strategy": f"strategies_of_ours:{strategy}", "acceptance": "always"}
        config = {"name": f"run-{seed}", "seed": seed, "epochs": 3, "turns": 1, "revision": revision}
        config["ratings"] = {"cross_raters": 1}
        config |= {"personas": rng.sample(people, 6), "tasks": rng.sample(tasks, 3)}
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
        called = scai("run", tmp_path / "config.yaml", "-q", "--runs-dir", tmp_path / "runs")
        assert called.code == 0, called.err
        return tmp_path / "runs" / called.out.strip()

    return play


def stated(run: Path, *others: Path) -> Iterator[str]:
    """Yield the lines in which a screen or a field states a change; the words of messages and prompts are not ours."""
    screens = [
        scai("show", run).out,
        scai("show", run, "--constitution").out,
        scai("list", "--runs-dir", run.parent).out,
    ]
    screens += [scai("compare", run, other).out for other in others]
    # The words of the two answers are quoted, up to the next sentence about a rule, a person or an empty line.
    screens[0] = re.sub(r"(?s): “.*?(?=\n  The rule that|\n\n)", "", screens[0])
    screens.append(json.dumps(scai("show", run, "--json").json["headline"]))
    for screen in screens:
        yield from (line for line in screen.splitlines() if CLAIMS.search(line))


def check_nothing_adopted(run: Runner, seeds: range) -> None:
    runs = [run("nothing", seed) for seed in seeds]
    for one, other in zip(runs, [*runs[1:], runs[0]], strict=True):
        assert list(stated(one, other)) == []
        shown = scai("show", one, "--json").json
        assert (shown["headline"]["verdict"], shown["before_after"]) == ("one constitution", [])
        assert "No revision was adopted: 3 plays of one constitution (version 0)." in scai("show", one).out


def check_no_effect(run: Runner, seeds: range, most: int) -> None:
    claims = []
    for seed in seeds:
        one = run("no_effect", seed)
        found = scai("show", one, "--json").json["headline"]
        verdicts = {found["satisfaction"]["verdict"], found["welfare"]["verdict"]}
        assert verdicts <= {"higher", "lower", "no change beyond chance"}
        if list(stated(one)):  # of the group, or of a person: each is wrong in one run of twenty
            claims.append(seed)
        else:
            assert verdicts == {"no change beyond chance"}
    assert len(claims) <= most, claims


def test_a_run_in_which_nothing_was_adopted_states_no_change(run: Runner) -> None:
    check_nothing_adopted(run, range(1))


@pytest.mark.slow
def test_twenty_runs_in_which_nothing_was_adopted_state_no_change(run: Runner) -> None:
    check_nothing_adopted(run, range(100, 120))


@pytest.mark.slow
def test_twenty_runs_whose_revisions_have_no_effect_seldom_state_a_change(run: Runner) -> None:
    check_no_effect(run, range(100, 120), 4)


def test_a_change_is_found_where_it_is_stated() -> None:
    assert any("rose" in line for line in stated(ROOT / "tests/golden/v0.4/whole"))
