"""The stages of a run: which one a call belongs to, and how many calls each takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from scai_cli.experiment.config import ExperimentConfig
from scai_cli.models.call_count import Place, Stage
from scai_cli.simulation.dialogue_lines import FEEDBACK, lines_of, rating_call
from scai_cli.simulation.groups import dev_people
from scai_cli.simulation.rater_check import CALLS_OF_CHECK, is_checked

PLAY, REVISION, VOTE, TRIAL, HOLDOUT = range(5)
"""The kinds of places, in the order of an epoch; the product's play and the holdout follow the last epoch."""
_RATINGS: Final = 1
"""The part of a play that follows its conversations."""


def stages_of(epochs: int) -> Callable[[str], Stage]:
    """Return id of a call -> its stage, for a run of this number of epochs."""

    def stage_of(call: str) -> Stage:
        first, *rest = call.split("/", 3)
        epoch = int(first[1:]) if first[:1] == "e" and first[1:].isdecimal() else epochs + 1
        if first == "holdout":
            return Stage((epoch, HOLDOUT), 0, "held-out people")
        where = "final play" if epoch > epochs else f"epoch {epoch} of {epochs}"
        second = rest[0] if rest else ""
        if second == "revision":
            if rest[1:2] == ["ballot"]:
                return Stage((epoch, VOTE), 0, f"{where}: votes on the revision")
            return Stage((epoch, REVISION), 0, f"{where}: revising the constitution")
        if second[:1] in ("~", "+"):
            return Stage((epoch, TRIAL), 0, f"{where}: testing the revision")
        if "/cross/" in call:
            return Stage((epoch, PLAY), _RATINGS, f"{where}: ratings by others")
        return Stage((epoch, PLAY), 0, f"{where}: conversations")

    return stage_of


def expected_calls(config: ExperimentConfig) -> dict[Place, float]:
    """Return the expected calls of each place of a run, without repetitions of calls that fail or cannot be read.

    Which trials a revision needs depends on what it changes; the estimate is that it concerns all users.
    """
    revision, epochs = config.revision, config.epochs
    people, tasks, raters = group_sizes(config)
    lines = lines_of(config)
    opening, *others = (len(line.calls) for line in lines)
    turns = sum(others)
    play = people * tasks * (turns + raters + opening)
    # Trials repeat the openings of their epoch, and one side of the holdout those of the other.
    trial = 0.0
    if revision.acceptance == "improves":
        trial = revision.candidates * people * tasks * (turns + raters)
    elif share := len(dev_people(config)) / len(config.train_personas):
        trial = share * people * tasks * turns
    found: dict[Place, float] = {}
    for epoch in range(1, epochs + 1):
        found[epoch, PLAY] = play
        found[epoch, REVISION] = revision.candidates
        found[epoch, VOTE] = people if revision.acceptance == "ratify" else 0
        found[epoch, TRIAL] = trial
    if rating_call(lines) == FEEDBACK:
        raters_checked = {model.model_dump_json() for model in config.raters if is_checked(model)}
        found[1, PLAY] += len(raters_checked) * CALLS_OF_CHECK
    found[epochs + 1, PLAY] = play
    people, tasks, raters = group_sizes(config, holdout=True)
    found[epochs + 1, HOLDOUT] = people * tasks * (2 * (turns + raters) + opening)
    return found


def group_sizes(config: ExperimentConfig, *, holdout: bool = False) -> tuple[int, int, int]:
    """Return the numbers of personas, tasks and cross raters of an epoch or of the holdout."""
    if holdout:
        personas, tasks = (len(part) for part in config.held_out)
    else:
        personas = config.personas.per_epoch or len(config.train_personas)
        tasks = config.tasks.per_epoch or len(config.train_tasks)
    wanted = config.ratings.cross_raters
    others = max(0, personas - 1)
    return personas, tasks, others if wanted == "all" else min(wanted, others)
