"""Count false and true findings of `improves` and `explain` in simulated societies; write `docs/benchmarks.md`.

python benchmarks/noise.py                 # all of it
python benchmarks/noise.py --quick         # printed only
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean

from benchmarks.documents import line, write_between
from benchmarks.regret.societies import JUDGED
from scai_cli.analysis.leave_one_out import RuleRounds, person_effects
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Add, Constitution
from scai_cli.experiment.load import Overrides, load_experiment
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.rating_settings import Ratings
from scai_cli.experiment.tasks import Task
from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.observed import observe
from scai_cli.models.simulated import connect
from scai_cli.models.simulated.answers import compose
from scai_cli.models.simulated.attention import demands, shared
from scai_cli.models.simulated.options import SocietyOptions
from scai_cli.models.simulated.portrait import draws
from scai_cli.models.simulated.user import acceptability, satisfaction
from scai_cli.models.simulated.wordings import rule as wording
from scai_cli.runs.events import Event, WelfareMeasured
from scai_cli.runs.records import Candidate
from scai_cli.simulation.acceptance.improves import ALPHA, try_candidates
from scai_cli.simulation.agent import Agent
from scai_cli.simulation.engine import simulate
from scai_cli.simulation.epoch import play
from scai_cli.simulation.epoch_context import EpochContext, build_agents
from scai_cli.simulation.outcome import Outcome
from scai_cli.simulation.revision_context import RevisionContext
from scai_cli.simulation.utilities import epoch_utilities
from scai_cli.stats.intervals import paired_difference

PEOPLE, EFFECT, EPOCHS = 12, 0.05, 5
RATERS, NULLS, SAMPLES, SOCIETIES = 2, 4, 30, 50
ROUNDS = (2, 4, 8)
TASKS = (
    *JUDGED,
    Task(id="bike", prompt="Which bicycle should I buy for a short way to work?"),
    Task(id="garden", prompt="What can I plant on a balcony without much sun?"),
    Task(id="speech", prompt="How do I prepare a short speech for a birthday?"),
    Task(id="sleep", prompt="How can I fall asleep earlier in the evening?"),
)
QUICKSTART = Path(__file__).parents[1] / "configs" / "quickstart.yaml"
CHOSEN = ("revision={strategy: rewrite, acceptance: always, best_so_far: true}", "epochs=6")
NULL_RULES = (
    "Remember the spirit of the meeting.",
    "Act as the committee has agreed.",
    "Keep in mind what was said before.",
    "Do as one would expect.",
    "Bear the usual points in mind.",
)
"""Rules in which the simulated assistant reads no trait."""


@dataclass(frozen=True, slots=True)
class Society:
    """People whose rule for `trait` has a known effect on each: `EFFECT`, found by scaling how much they want it."""

    seed: int
    people: tuple[Persona, ...]
    trait: str
    config: ExperimentConfig

    def context(self, name: str, rules: Sequence[str]) -> EpochContext:
        """Return the context of a play of some rules."""
        model = connect(self.config.model, seed=self.seed)
        agents = build_agents(self.config, lambda role, settings: Agent(role, model, settings, self.seed))
        constitution = Constitution().apply([Add(text=text) for text in rules], epoch=0)
        return EpochContext(agents, name, 1, constitution, self.people, TASKS, lambda _: None)


def society(seed: int) -> Society:
    """Draw people, and find for each the weight of the common trait that makes the rule's effect `EFFECT`."""
    rng = random.Random(f"noise/{seed}")
    trait = rng.choice(["warm", "names_source", "asks_back", "gives_example", "health", "family", "science", "thrift"])
    others = [name for name in TRAITS if name != trait and TRAITS[name].excludes is None]
    sides = [_observed(rules, seed) for rules in ("", f"- {_rule(trait)}")]
    people = []
    for n in range(PEOPLE):
        wants = {name: round(rng.uniform(0.4, 1.0), 2) for name in rng.sample(others, 4)}
        low, high = 0.0, 8.0
        for _ in range(14):
            middle = (low + high) / 2
            before, after = (_utility(_scaled(wants, trait, middle), side) for side in sides)
            low, high = (middle, high) if after - before < EFFECT else (low, middle)
        people.append(Persona(id=f"u{n}", preferences=_scaled(wants, trait, (low + high) / 2)))
    config = ExperimentConfig.model_validate(
        {
            "seed": seed,
            "epochs": EPOCHS,
            "turns": 1,
            "personas": {"inline": people},
            "tasks": {"inline": TASKS},
            "ratings": {"cross_raters": RATERS},
        }
    )
    return Society(seed, tuple(people), trait, config)


def _scaled(wants: dict[str, float], trait: str, weight: float) -> dict[str, float]:
    """Return preferences of at most 1: a larger share for one trait is a smaller one for the others."""
    return {name: value / max(1.0, weight) for name, value in wants.items()} | {trait: min(1.0, weight)}


def _observed(rules: str, seed: int) -> list[dict[str, float]]:
    """Return the traits of many first answers under some rules."""
    attention = SocietyOptions().attention
    strengths = {task: shared(demands(rules, (task.prompt,)), attention) for task in TASKS}
    return [
        observe(compose(strengths[task], task.prompt, draws("noise", seed, n, task.id)))
        for task in TASKS
        for n in range(SAMPLES)
    ]


def _utility(wants: dict[str, float], answers: Sequence[dict[str, float]]) -> float:
    """Return the mean utility of a person for whom all answers are of one kind, its own and the others'."""
    weight = Ratings().cross_weight
    return fmean((1 - weight) * satisfaction(wants, a) + weight * acceptability(wants, a) for a in answers)


def _rule(trait: str) -> str:
    return wording(trait, True, random.Random(0))


def _played(context: EpochContext) -> list[Outcome]:
    return asyncio.run(play(context))


@dataclass(frozen=True, slots=True)
class Found:
    """What the tests found in one society: of rules without effect, and of the true one."""

    adopted: tuple[int, ...]
    """Adopted rules: principles and clauses without effect, and principles with the true one."""
    tried: int
    named: tuple[tuple[int, int, int, int, int], ...]
    """After some rounds: null effects, those named, true effects, those named with the right sign, calls."""
    curse: float
    """How much higher the best version of a run was measured when it was chosen than in the play after that."""


def measure(seed: int) -> Found:
    """Try null rules and the true one with `improves`, and explain a constitution of both."""
    some = society(seed)
    null = random.Random(seed).sample(NULL_RULES, NULLS)
    trials = (null, False), (null, True), ([_rule(some.trait)] * NULLS, False)
    adopted = tuple(
        sum(_improves(some, f"e{number}", text, alone=alone) for number, text in enumerate(rules))
        for rules, alone in trials
    )
    return Found(adopted, NULLS, tuple(_explained(some, [*null[:2], _rule(some.trait)])), _curse(seed))


def _improves(some: Society, name: str, text: str, *, alone: bool) -> bool:
    """Return whether a principle, or a clause for the person who rated lowest in the epoch, passes its trial."""
    epoch = some.context(name, [])
    outcomes = _played(epoch)
    utilities = epoch_utilities(epoch, outcomes)
    lowest = min(some.people, key=lambda person: utilities.utilities[person.id] or 0.0)
    rule = Add.model_validate({"text": text, "for": [lowest.id] if alone else []})
    candidate = Candidate(id="c", critique="", constitution=epoch.constitution.apply([rule], epoch=1))
    context = RevisionContext(some.config, epoch, f"{name}/revision", (), outcomes, utilities)
    (trial,) = asyncio.run(try_candidates(context, [candidate]))
    return trial.rises(0)


def _explained(some: Society, rules: Sequence[str]) -> Iterator[tuple[int, int, int, int, int]]:
    whole = some.context("r0", rules)
    people = [persona.id for persona in some.people]
    rounds = [RuleRounds(rule, frozenset(people)) for rule in whole.constitution.rules]
    each = 2 + RATERS
    for number in range(1, max(ROUNDS) + 1):
        table = epoch_utilities(whole, _played(some.context(f"r{number}", rules))).table
        for n, one in enumerate(rounds):
            rest = [text for m, text in enumerate(rules) if m != n]
            one.whole.append(table)
            one.without.append(epoch_utilities(whole, _played(some.context(f"r{number}", rest))).table)
        if number in ROUNDS:
            *null, true = person_effects(rounds, people)
            named = [one.verdict for effects in null for one in effects.values() if one.verdict != "cannot tell"]
            right = sum(one.verdict == "gains" for one in true.values())
            calls = number * (1 + len(rules)) * len(people) * len(TASKS) * each
            yield PEOPLE * len(null), len(named), PEOPLE, right, calls


def _curse(seed: int) -> float:
    """Run an experiment whose product is the best of the played versions."""
    config = load_experiment(QUICKSTART, Overrides([f"seed={seed}", *CHOSEN]))
    model = connect(config.model, seed=seed)
    agents = build_agents(config, lambda role, settings: Agent(role, model, settings, seed))
    events: list[Event] = []
    asyncio.run(simulate(config, agents, events.append, run_id="run", digests={}))
    *before, last = (event for event in events if isinstance(event, WelfareMeasured))
    chosen = [event.values["utilitarian"] or 0.0 for event in before if event.version == last.version]
    return fmean(chosen) - (last.values["utilitarian"] or 0.0)


def report(found: Sequence[Found]) -> Iterator[str]:
    """Yield the lines of the tables."""
    tried = sum(one.tried for one in found)
    null, clauses, true = (sum(numbers) for numbers in zip(*(one.adopted for one in found), strict=True))
    calls = PEOPLE * len(TASKS) * (2 + RATERS)
    yield (
        f"`python benchmarks/noise.py`: {len(found)} societies of {PEOPLE} people and {len(TASKS)} tasks, {RATERS} "
        f"cross raters, one turn. A rule has a true effect of {EFFECT} on each person, or none."
    )
    yield ""
    yield (
        f"`improves`, at {ALPHA} over {EPOCHS} epochs: it adopts {null} of {tried} principles without effect, "
        f"{clauses} of {tried} clauses for one person, who rated lowest, and {true} of {tried} principles with the "
        f"true effect. A trial of a principle takes {calls:,} calls, that of a clause for one person "
        f"{calls * 2 // PEOPLE}."
    )
    yield ""
    yield line("`explain`, rounds", "calls", "effects of null rules named", "true effects named")
    yield line("---:", "---:", "---:", "---:")
    for n, rounds in enumerate(ROUNDS):
        nulls, wrong, trues, right = (sum(one.named[n][k] for one in found) for k in range(4))
        shares = (
            f"{wrong} of {nulls}, {100 * wrong / nulls:.1f} %",
            f"{right} of {trues}, {100 * right / trues:.0f} %",
        )
        yield line(str(rounds), f"{found[0].named[n][4]:,}", *shares)
    yield ""
    curse = paired_difference([[0.0]] * len(found), [[one.curse] for one in found], "new people")
    assert curse is not None
    assert curse.low is not None
    assert curse.high is not None
    yield (
        f"The winner's curse: in {len(found)} runs of the quickstart ({', '.join(CHOSEN)}) the product was measured "
        f"{curse.estimate:.3f} [{curse.low:.3f}, {curse.high:.3f}] higher when it was chosen than after that."
    )


def main() -> None:
    """Parse, measure, print, and write the tables unless the run is quick."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="four societies")
    quick = parser.parse_args().quick
    with get_context("spawn").Pool(2) as pool:
        found = pool.map(measure, range(4 if quick else SOCIETIES), chunksize=1)
    text = "\n".join(report(found))
    print(text)
    if not quick:
        write_between("noise", text)


if __name__ == "__main__":
    main()
