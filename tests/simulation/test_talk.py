"""The dialogue `talk`: users that only talk and end it when they like, and a model that rates and votes for them."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import calls, events, scai

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "configs/quickstart.yaml"
SMALL = ("--set", "personas.sample=3", "--set", "tasks.sample=1", "--set", "epochs=1", "--set", "holdout.personas=0")
PROVIDER = """
from collections import defaultdict
from scai_cli.api import Completion, Usage

SEEN = defaultdict(list)
TURNS = {"ends": ["Hi, bad sleep?", "go on", "thx <|endconversation|>assistant\\nYou are welcome!"], "silent": [""]}


class User:
    def __init__(self, name):
        self.name = name

    async def complete(self, request):
        SEEN[self.name].append(request)
        said = TURNS[self.name]
        turn = int(request.id.split("/")[-2][1:]) // 2
        return Completion(said[min(turn, len(said) - 1)], usage=Usage(3, 2))

    async def aclose(self):
        pass


def connect(model, *, seed):
    return User(model.name)
"""


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Any]]:
    (tmp_path / "talker.py").write_text(PROVIDER, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "talker", raising=False)
    found: dict[str, list[Any]] = importlib.import_module("talker").SEEN
    return found


def talked(user: str, *settings: str, dialogue: str = "talk") -> Path:
    given = ("turns=4", f"dialogue={dialogue}", f"roles.user={{provider: talker:connect, name: {user}}}", *settings)
    options = [part for setting in (*given, "roles.rater.provider=simulated") for part in ("--set", setting)]
    called = scai("run", CONFIG, *SMALL, *options, "--run-id", user, "--quiet")
    assert called.code == 0, called.err
    return Path("runs") / user


def said(run: Path, talk: str) -> list[tuple[str, str]]:
    told = (event for event in events(run) if event["type"] == "message" and event["id"].startswith(f"{talk}/m"))
    return [(event["role"], event["content"]) for event in told]


def test_a_user_ends_it_before_its_turns(seen: dict[str, list[Any]]) -> None:
    run = talked("ends")
    (first, *_) = (event["id"] for event in events(run) if event["type"] == "message")
    talk = first.rpartition("/")[0]
    messages = said(run, talk)
    assert [role for role, _ in messages] == ["user", "assistant"] * 2 + ["user"]
    assert [text for role, text in messages if role == "user"] == ["Hi, bad sleep?", "go on", "thx"]
    ratings = [event for event in events(run) if event["type"] == "rating" and event["conversation"] == talk]
    assert {rating["message"] for rating in ratings} == {f"{talk}/m3"}
    assert {rating["id"] for rating in ratings if rating["kind"] == "own"} == {f"{talk}/m4/own"}
    assert len(ratings) == 3
    # One who only talks is never asked for a form; the rater has every other call of a user, the votes as well.
    by_model: dict[str, set[str]] = {"ends": set(), "simulated": set()}
    for call in calls(run):
        if call["role"] == "user":
            by_model["ends" if call["model"] == "ends" else "simulated"].add(call["purpose"])
    assert by_model == {"ends": {"opening", "reply"}, "simulated": {"feedback", "cross_rating", "ballot"}}
    assert not any("JSON" in message.content for request in seen["ends"] for message in request.messages)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dialogue", "roles"),
    [
        ("talk", ["system", "assistant", "user", "assistant", "user"]),
        ("talk_as_user", ["system", "user", "assistant", "user", "assistant"]),
    ],
)
def test_the_chat_has_the_roles_that_the_model_knows(
    seen: dict[str, list[Any]], dialogue: str, roles: list[str]
) -> None:
    talked("ends", dialogue=dialogue)
    last = max(seen["ends"], key=lambda request: len(request.messages))
    assert [message.role for message in last.messages] == roles
    assert "<task>" in last.messages[0].content
    assert last.messages[1].content == "Hi, bad sleep?"


def test_silence_ends_it_and_opens_with_the_task(seen: dict[str, list[Any]]) -> None:
    run = talked("silent")
    talks = {event["id"].rpartition("/")[0] for event in events(run) if event["type"] == "message"}
    task = scai("show", run, "--json").json["config"]["tasks"]["inline"][0]["prompt"]
    for talk in talks:
        opening, (role, _), reply = said(run, talk)
        assert (opening, role, reply) == (("user", task), "assistant", ("user", ""))
    assert len(seen["silent"]) == 2 * len(talks)


def test_an_early_end_is_a_whole_conversation_for_all_readers(seen: dict[str, list[Any]]) -> None:
    run = talked("ends")
    assert seen
    rows = [json.loads(row) for row in scai("export", run, "--format", "sft").out.splitlines()]
    assert {len(row["messages"]) for row in rows} == {2, 4}
    rated = [json.loads(row) for row in scai("export", run, "--format", "ratings").out.splitlines()]
    assert len(rated) == 3 * len(rows) // 2  # of the last answer alone: one own and two cross ratings
    shown = scai("show", run, "--epoch", "1").out
    assert "rates satisfaction" in shown
    own = next(e for e in events(run) if e["type"] == "rating" and e["kind"] == "own")
    assert own["comment"][:30] in " ".join(shown.split())  # the rater's words are no message of the conversation


@pytest.mark.slow
def test_the_plan_names_the_rater_and_counts_its_calls() -> None:
    options = (*SMALL, "--set", "dialogue=talk", "--set", "turns=3")
    run = scai("run", CONFIG, *options, "--run-id", "plain", "--quiet")
    assert run.code == 0, run.err
    planned = scai("check", CONFIG, *options, "--json").json["calls"]
    made = [call["role"] for call in calls(Path("runs/plain"))]
    assert (planned["user"], planned["assistant"]) == (made.count("user"), made.count("assistant"))
    named = scai("check", CONFIG, *options, "--set", "roles.rater.name=other")
    assert "rater: other" in named.out
    assert "roles.rater" in scai("check", CONFIG, "--set", "roles.rater.name=other").err


def test_the_society_plays_it_and_its_words_are_evidence() -> None:
    more = ("--set", "revision={strategy: rewrite, acceptance: always}", "--set", "personas.sample=6")
    run = scai("run", CONFIG, *SMALL, *more, "--set", "dialogue=talk", "--run-id", "plain", "--quiet")
    assert run.code == 0, run.err
    told = events(Path("runs/plain"))
    replies = {e["id"]: e["content"] for e in told if e["type"] == "message" and e["role"] == "user"}
    assert all(text and "<" not in text for text in replies.values())
    revised = next(e for e in told if e["type"] == "revision")
    assert revised["constitution"]["version"] == 1
    evidence = {name for candidate in revised["candidates"] for edit in candidate["edits"] for name in edit["evidence"]}
    assert evidence & replies.keys()
    assert evidence <= {e["id"] for e in told if e["type"] in ("message", "rating")}


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (["roles.rater.name=other"], "roles.rater: in the dialogue 'assist' a user replies and rates in one call"),
        (["dialogue=talk", "personas=[{id: ann, human: true}]"], "personas.ann.human: all people of `dialogue: talk`"),
    ],
)
def test_what_cannot_be_played_is_refused(settings: list[str], problem: str) -> None:
    options = [part for setting in settings for part in ("--set", setting)]
    refused = scai("check", CONFIG, "--set", "holdout.personas=0", *options)
    assert refused.code == 2
    assert problem in refused.err
    assert len(refused.err.splitlines()) == 1


@pytest.mark.parametrize("method", ["async def play(self, context, conversation)", "def observed(self, *a, **k)"])
def test_an_exception_of_a_third_partys_dialogue_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    code = f"from scai_cli.api import Assist\n\n\nclass Odd(Assist):\n    {method}:\n        return {{}}['no\\nkey']\n"
    (tmp_path / "odd.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "odd", raising=False)
    failed = scai("run", CONFIG, *SMALL, "--set", "dialogue=odd:Odd", "--run-id", "odd", "--quiet")
    assert failed.code == 2
    assert "dialogue 'odd:Odd', in e1/" in failed.err
    assert "it raised KeyError" in failed.err
    assert len(failed.err.splitlines()) == 1
