"""Which whole conversations of an epoch are kept: enough for its prompts, drawn evenly, whichever end first."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest
from conftest import calls, events, scai
from hypothesis import given
from hypothesis import strategies as st

from scai_cli.experiment.personas import Persona
from scai_cli.experiment.revision_settings import Revision
from scai_cli.experiment.tasks import Task
from scai_cli.runs.events import MessageSaid
from scai_cli.simulation.kept_conversations import KeptConversations, drawn_evenly, room
from scai_cli.simulation.transcript import Conversation

PEOPLE = [Persona(id=f"p{n}") for n in range(6)]
TASKS = [Task(id=f"t{n}", prompt="?") for n in range(5)]
OWNERS = [persona.id for persona in PEOPLE for _ in TASKS]


def conversations(sizes: Sequence[int]) -> list[Conversation]:
    found = []
    for place, size in enumerate(sizes):
        persona, task = PEOPLE[place // len(TASKS)], TASKS[place % len(TASKS)]
        said = {"epoch": 1, "persona": persona.id, "task": task.id, "role": "user", "content": "x" * size}
        message = MessageSaid.model_validate({"id": f"{place}/m0", **said})
        found.append(Conversation(str(place), 1, persona, task, [message]))
    return found


def kept(played: Sequence[Conversation], order: Sequence[int], most: int) -> list[Conversation]:
    keeper = KeptConversations(OWNERS, "7/e1", most)
    for place in order:
        keeper.keep(place, played[place])
    return keeper.conversations


SIZES = st.lists(st.integers(0, 40), min_size=len(OWNERS), max_size=len(OWNERS))


@given(SIZES, st.integers(1, 900), st.randoms(use_true_random=False))
def test_they_are_the_first_of_the_order_that_fill_the_room(sizes: list[int], most: int, rng: random.Random) -> None:
    played = conversations(sizes)
    found = kept(played, rng.sample(range(len(played)), len(played)), most)
    first, total = set(), 0
    for place in drawn_evenly(OWNERS, "7/e1/kept"):
        if total < most:
            first.add(place)
        total += sizes[place]
    assert [int(each.id) for each in found] == sorted(first)


@given(SIZES)
def test_all_are_kept_if_they_fit(sizes: list[int]) -> None:
    played = conversations(sizes)
    assert kept(played, range(len(played)), sum(sizes) + 1) == played


def test_every_person_is_kept_once_before_any_is_kept_again() -> None:
    found = kept(conversations([10] * len(OWNERS)), range(len(OWNERS)), 10 * 2 * len(PEOPLE))
    assert Counter(each.persona.id for each in found) == dict.fromkeys((p.id for p in PEOPLE), 2)


@pytest.mark.parametrize("settings", [{}, {"max_prompt_tokens": 2_000_000}, {"candidates": 5}])
def test_there_is_room_for_twice_what_all_prompts_can_show(settings: dict[str, int]) -> None:
    revision = Revision.model_validate(settings)
    assert room(revision) >= 2 * 4 * revision.max_prompt_tokens * revision.candidates


@pytest.mark.slow
def test_a_prompt_counts_what_the_epoch_did_not_keep(tiny, tmp_path) -> None:  # type: ignore[no-untyped-def]
    """Of an epoch with more than a million characters, all conversations but those shown are counted as left out."""
    tasks = ", ".join(f"{{id: t{n}, prompt: 'Tell me about {n}. {'Go on. ' * 600}'}}" for n in range(150))
    (tmp_path / "tasks.yaml").write_text(f"tasks: [{tasks}]")
    scai("run", tiny, "--run-id", "long", "-q", "--set", "epochs=1", "--set", "tasks={from: tasks.yaml}",
         "--set", "opening=task", "--set", "ratings.cross_raters=0", "--set", "holdout.personas=0")  # fmt: skip
    run = tmp_path / "runs" / "long"
    ended = sum(event["type"] == "rating" and event["epoch"] == 1 for event in events(run))
    candidates = next(event for event in events(run) if event["type"] == "revision")["candidates"]
    prompt = next(call for call in calls(run) if call["role"] == "meta")["request"]["messages"][-1]["content"]
    assert candidates[0]["left_out"] == ended - prompt.count("</conversation>") > 0


def test_what_a_strategy_sets_aside_had_room_in_the_prompt(tiny, tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "one_alone.py").write_text(
        "from dataclasses import replace\n"
        "from scai_cli.api import rewrite\n"
        "async def one_alone(context):\n"
        "    return await rewrite(replace(context, conversations=context.heard[:1]))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    scai("run", tiny, "--run-id", "one", "-q", "--set", "epochs=1", "--set", "revision.strategy='one_alone:one_alone'")
    revision = next(event for event in events(tmp_path / "runs" / "one") if event["type"] == "revision")
    assert revision["candidates"][0]["left_out"] == 0
