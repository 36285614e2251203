"""The three workloads of every client, their sizes, and the least time that they can take.

Only the standard library: the peers' environment, without scai, reads this file, too.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

IN_FLIGHT = 256
CHECKS = 6
"""The calls with which an experiment checks its rater, while the first epoch is played."""

Message = dict[str, str]
Ask = Callable[[list[Message]], Awaitable[str]]


@dataclass(frozen=True)
class Workload:
    """A workload: numbers of parallel experiments, users, tasks, turns and epochs."""

    name: str
    what: str
    experiments: int
    users: int
    tasks: int
    turns: int
    epochs: int
    cross: bool = True
    """Whether the others rate each final answer."""
    revise: bool = True
    """Whether each epoch ends with a rewritten constitution."""

    @property
    def pairs(self) -> int:
        return self.users * self.tasks

    @property
    def plays(self) -> int:
        """Return how often the conversations are played: in each epoch, and after the last revision."""
        return self.epochs + self.revise

    @property
    def calls(self) -> int:
        """Return the number of calls. A play has 2 calls per turn and a cross rating by each other user."""
        crossings = self.pairs * (self.users - 1) if self.cross else 0
        a_play = 2 * self.turns * self.pairs + crossings
        return self.experiments * (self.plays * a_play + self.epochs * self.revise + CHECKS)

    @property
    def steps(self) -> int:
        """Return the number of calls that must wait for one another: in a conversation, a cross rating, a revision."""
        return self.plays * (2 * self.turns + self.cross) + self.epochs * self.revise

    def limit(self, latency: float, in_flight: int = IN_FLIGHT) -> float:
        """Return the least wall time: the endpoint's, if everything else took no time."""
        return latency * max(self.steps, self.calls / in_flight)

    def smaller(self) -> Workload:
        """Return a small workload that uses every part, for a warm-up."""
        return replace(self, experiments=1, users=min(2, self.users), tasks=1, turns=1, epochs=1)


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("W1", "one experiment of 8 users, 4 turns, 5 epochs", 1, 8, 1, 4, 5),
        Workload("W2", "64 experiments of 4 users, 2 turns, 3 epochs at once", 64, 4, 1, 2, 3),
        Workload("W3", "5,000 independent conversations of 2 turns", 1, 100, 50, 2, 1, cross=False, revise=False),
    )
}

WORDS = re.findall(
    r"\w+",
    "lives with works in a small town near the coast since many years and keeps two goats believes that people should "
    "decide for themselves pays attention to prices distrusts long words likes clear steps reads the paper every "
    "morning sings in a choir votes for whoever mends the road wants sources for bold claims minds being lectured",
)


def text(seed: str, words: int) -> str:
    """Return a text of this many meaningless words."""
    return " ".join(random.Random(seed).choices(WORDS, k=words)).capitalize() + "."


def portrait(user: int) -> str:
    return text(f"user {user}", 60)


def question(task: int) -> str:
    return text(f"task {task}", 25)


# What follows is the loop as a peer does it: the same calls in the same order as scai makes, with words as long.

PLAY = "You play one person who uses an AI assistant. Stay this person: want what they want, judge as they would.\n\n"
FEEDBACK = (
    "Tell the assistant in at most three sentences, in your own voice, what you liked about its last answer and what "
    "you would change. Then rate that last answer for satisfaction, from 0 (worst) to 10 (best).\n\n"
    'Answer with one JSON object of this form and nothing else:\n{"feedback": "...", "rating": 0}'
)
CROSSING = (
    "You took no part in it. Rate this answer for harmlessness, from 0 (it harms you, people like you or what you care "
    "about) to 10 (you can well live with the assistant saying this), and say why in one sentence.\n\n"
    'Answer with one JSON object of this form and nothing else:\n{"reason": "...", "rating": 0}'
)
META = "You write the constitution of an AI assistant that serves a group of people who want different things."
REWRITE = (
    "First write a critique: whom does the constitution serve well or badly, and why? Then write the whole "
    "constitution anew. Principles hold for everyone and name no person and no task; at most 10. Contract clauses "
    "hold only for the users (by id) that they name, and never against a principle. Each rule is one sentence "
    "that tells the assistant what to do; all of them together take at most 400 tokens.\n\n"
    "Answer with one JSON object of this form and nothing else:\n"
    '{"critique": "...", "no_change": false, "principles": [{"id": "P1", "text": "..."}], '
    '"contract": [{"id": "C1", "text": "...", "for": ["user-id"]}]}'
)


def told(said: list[Message]) -> str:
    return "\n".join(f'<message from="{m["role"]}">\n{m["content"]}\n</message>' for m in said)


async def converse(ask: Ask, system: str, user: int, task: int, turns: int) -> list[Message]:
    """Play one conversation: [the assistant answers; the user comments and rates] x turns."""
    said = [{"role": "user", "content": question(task)}]
    for _ in range(turns):
        answer = await ask([{"role": "system", "content": system}, *said])
        said.append({"role": "assistant", "content": answer})
        shown = f"Your conversation with the assistant so far:\n\n{told(said)}\n\n{FEEDBACK}"
        form = await ask([{"role": "system", "content": PLAY + portrait(user)}, {"role": "user", "content": shown}])
        said.append({"role": "user", "content": json.loads(form)["feedback"]})
    return said


async def cross_rate(ask: Ask, rater: int, said: list[Message]) -> float:
    """Rate the final answer as a user who was not in the conversation."""
    shown = f"Another user asked:\n\n{said[0]['content']}\n\nIts answer was:\n\n{said[-2]['content']}\n\n{CROSSING}"
    form = await ask([{"role": "system", "content": PLAY + portrait(rater)}, {"role": "user", "content": shown}])
    return json.loads(form)["rating"]


async def check_rater(ask: Ask) -> None:
    """Rate the answers that show whether a model can rate."""
    asked = [{"role": "system", "content": PLAY}, {"role": "user", "content": f"{text('check', 120)}\n\n{FEEDBACK}"}]
    await asyncio.gather(*(ask(asked) for _ in range(CHECKS)))


async def experiment(ask: Ask, load: Workload) -> None:
    """Play one experiment: each epoch plays, cross-rates, revises; the last revision is played, too."""
    checks = asyncio.ensure_future(check_rater(ask))
    system = "You are a helpful assistant."
    for epoch in range(load.plays):

        async def pair(user: int, task: int, system: str = system) -> list[Message]:
            said = await converse(ask, system, user, task, load.turns)
            if load.cross:
                raters = (rater for rater in range(load.users) if rater != user)
                await asyncio.gather(*(cross_rate(ask, rater, said) for rater in raters))
            return said

        pairs = [(user, task) for user in range(load.users) for task in range(load.tasks)]
        dialogues = await asyncio.gather(*(pair(user, task) for user, task in pairs))
        if epoch < load.epochs and load.revise:
            shown = "\n\n".join(told(said) for said in dialogues)
            asked = f"The constitution now:\n\n{system}\n\nWhat happened under it:\n\n{shown}\n\n{REWRITE}"
            written = await ask([{"role": "system", "content": META}, {"role": "user", "content": asked}])
            rules = "\n".join(rule["text"] for rule in json.loads(written)["principles"])
            system = f"You are a helpful assistant.\n\n{rules}"
    await checks


async def perform(ask: Ask, load: Workload) -> None:
    """Play the whole workload."""
    await asyncio.gather(*(experiment(ask, load) for _ in range(load.experiments)))
