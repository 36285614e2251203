"""The judge of generated sets: log-probabilities, votes, refusals, and answers that are not whole."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY, calls, scai
from crash import society
from loopback import FAULTS, Body, Loopback, Reply, completion, error
from scripted import Line, script

Answer = Callable[[Body, bytes], Reply]


@pytest.fixture(autouse=True)
def _constitution() -> None:
    Path("rules.md").write_text("- Name a source.\n- Keep it short.\n", encoding="utf-8")
    Path("tiny.yaml").write_text(TINY, encoding="utf-8")


def generate(*options: object) -> list[dict[str, Any]]:
    """The rows of a new set of two rows."""
    called = scai("generate", "rules.md", "--config", "tiny.yaml", "--n", 2, "--run-id", "set", "-q", *options)
    assert called.code == 0
    assert all(line.startswith("warning: ") for line in called.err.splitlines())  # about answers that are not whole
    return rows()


def rows() -> list[dict[str, Any]]:
    with Path("runs/set/rows.jsonl").open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def judge_at(server: Loopback, **keys: str) -> tuple[str, ...]:
    """Options for a judge at a server of its own, which alone compares the answers."""
    more = "".join(f", {key}: {value}" for key, value in keys.items())
    model = f"roles.judge={{provider: openai, name: judge, base_url: '{server.base_url}'{more}}}"
    return "--set", "generate={judge: model, votes: 3}", "--set", model, "--set", "limits.max_retries=0"


def judged(monkeypatch: pytest.MonkeyPatch, answer: Answer, *options: str, **keys: str) -> tuple[Any, list[Body]]:
    """The judgements of a judge with these answers, and what it was asked."""
    monkeypatch.setitem(FAULTS, "judge", answer)
    with Loopback(script=["judge"] * 999, answer=society()) as server:
        found = generate(*judge_at(server, **keys), *options)
        return [judgement for row in found for judgement in row["judgements"]], [r.body for r in server.requests]


def told(asked: Body, text: str, likely: dict[str, float]) -> Reply:
    """An answer with the probabilities of its first token."""
    body = json.loads(completion(text, asked))
    if "logprobs" in asked:
        top = [{"token": token, "logprob": math.log(p)} for token, p in likely.items()]
        body["choices"][0]["logprobs"] = {"content": [{"token": text, "logprob": -0.1, "top_logprobs": top}]}
    return Reply(body=json.dumps(body).encode())


def voting(*votes: str) -> Answer:
    """Answers without log-probabilities, the votes of each order in turn."""
    asked_before: list[None] = []

    def answer(asked: Body, good: bytes) -> Reply:
        if "logprobs" in asked:
            return Reply(body=completion("A", asked))
        asked_before.append(None)
        return Reply(body=completion(votes[(len(asked_before) - 1) % len(votes)], asked))

    return answer


def test_log_probabilities_keep_both_orders_and_the_mass(monkeypatch: pytest.MonkeyPatch) -> None:
    def first_is_better(asked: Body, good: bytes) -> Reply:
        return told(asked, "A", {"A": 0.6, " (A": 0.12, "B": 0.18, "The": 0.1})

    judgements, _ = judged(monkeypatch, first_is_better)
    assert judgements
    for judgement in judgements:
        assert judgement["by"] == "logprobs"
        assert judgement["p"] == 0.5
        assert (judgement["p_ab"], judgement["p_ba"], judgement["mass"]) == (0.8, 0.2, 0.9)


def test_a_letter_without_most_of_the_mass_is_no_probability(monkeypatch: pytest.MonkeyPatch) -> None:
    def doubtful(asked: Body, good: bytes) -> Reply:
        return told(asked, "A", {"A": 0.1, "The": 0.8})

    judgements, asked = judged(monkeypatch, doubtful)
    assert {(j["by"], j["p"], j["p_ab"], j["p_ba"], j["mass"]) for j in judgements} == {("votes", 0.5, 1.0, 0.0, 0.1)}
    assert len(asked) == 1 + len(judgements) * 2 * (1 + 3)


def test_an_article_with_most_of_the_mass_is_no_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    def article(asked: Body, good: bytes) -> Reply:
        text = "A shorter answer keeps to the principle." if "logprobs" in asked else "B"
        return told(asked, text, {"A": 0.9})

    judgements, _ = judged(monkeypatch, article)
    assert {(j["by"], j["p_ab"], j["p_ba"]) for j in judgements} == {("votes", 0.0, 1.0)}


@pytest.mark.parametrize("status", [400, 403, 422])
@pytest.mark.parametrize(
    "message",
    [
        "You are not allowed to request logprobs from this model",
        "This model does not support the 'logprobs' parameter.",
        "Unsupported parameter: top_logprobs",
    ],
)
def test_refused_log_probabilities_lead_to_votes(monkeypatch: pytest.MonkeyPatch, status: int, message: str) -> None:
    def refusing(asked: Body, good: bytes) -> Reply:
        return error(status, message) if "logprobs" in asked else Reply(body=completion("(A)", asked))

    judgements, asked = judged(monkeypatch, refusing)
    assert {j["by"] for j in judgements} == {"votes"}
    assert sum("logprobs" in body for body in asked) == 1  # the probe
    assert all("mass" not in judgement for judgement in judgements)


@pytest.mark.parametrize(
    ("votes", "p"),
    [
        (("A", "(A)", "Answer: B"), 0.5),
        (("A", "A shorter answer is better.", "Both."), None),  # a single readable vote is no label
        (("Both.", "Neither", "A or B"), None),
    ],
)
def test_votes_count_only_if_two_can_be_read(
    monkeypatch: pytest.MonkeyPatch, votes: tuple[str, ...], p: float | None
) -> None:
    judgements, _ = judged(monkeypatch, voting(*votes))
    assert {j["p"] for j in judgements} == {p}
    assert {j["by"] for j in judgements} == {"votes" if p else None}
    assert all(("p_ab" in j) == (p is not None) for j in judgements)


def test_a_single_vote_counts_if_only_one_was_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    judgements, _ = judged(monkeypatch, voting("A"), "--set", "generate.votes=1")
    assert {(j["p"], j["p_ab"], j["p_ba"]) for j in judgements} == {(0.5, 1.0, 0.0)}


@pytest.mark.parametrize(
    ("text", "finish", "p_ab"),
    [
        ("(A", "length", 1.0),
        ("A", "strange", 1.0),
        ("A. The first", "length", None),
        ("A", "content_filter", None),
    ],
)
def test_a_vote_that_is_not_whole_must_be_nothing_but_a_letter(
    monkeypatch: pytest.MonkeyPatch, text: str, finish: str, p_ab: float | None
) -> None:
    judgements, _ = judged(monkeypatch, lambda asked, good: Reply(body=completion(text, asked, finish=finish)))
    assert {j.get("p_ab") for j in judgements} == {p_ab}


def test_a_vote_is_limited_to_the_letters_where_the_server_can(monkeypatch: pytest.MonkeyPatch) -> None:
    def by_schema(asked: Body, good: bytes) -> Reply:
        return Reply(body=completion('{"letter": "B"}' if "response_format" in asked else "well", asked))

    judgements, asked = judged(monkeypatch, by_schema, structured="json_schema")
    assert {(j["by"], j["p_ab"], j["p_ba"]) for j in judgements} == {("votes", 0.0, 1.0)}
    for body in asked:
        assert ("response_format" in body) == ("logprobs" not in body)
    enum = asked[-1]["response_format"]["json_schema"]["schema"]["properties"]["letter"]["enum"]
    assert enum == ["A", "B"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"at": "s1/critique", "finish": "length"}, "r0/s1/critique: the critique is cut"),
        ({"at": "s1/assistant", "finish": "content_filter"}, "r0/s1: the revision is withheld"),
        ({"at": "s1/assistant", "finish": "strange"}, "r0/s1: the revision is not whole"),
        ({"at": "s1/critique", "say": " \n"}, "r0/s1/critique: the critique is empty"),
    ],
)
def test_a_step_with_a_part_that_is_not_whole_is_not_used(line: Line, said: str) -> None:
    found = generate(*script(line), "--set", "generate.k=2")
    for row in found:
        assert row["steps"] == []
        assert row["initial"]["text"]
        assert row["final"]["text"]
        assert len(row["judgements"]) == 1
    assert found[0]["problem"].startswith(said)


def test_what_is_unusual_about_an_answer_is_marked() -> None:
    found = generate(*script({"at": "initial", "finish": "length"}, {"at": "final", "say": "@blank"}))
    assert {tuple(row["initial"]["marks"]) for row in found} == {("cut",)}
    assert {tuple(row["final"]["marks"]) for row in found} == {("empty",)}
    assert all("marks" not in row["steps"][0]["revision"] for row in found)


def test_the_text_of_an_unreadable_rating_is_no_comment() -> None:
    found = generate(*script({"at": "/user", "say": "I like it, and give it a nine or so."}))
    ratings = [rating for row in found for rating in row["ratings"]]
    assert {(rating["value"], rating["comment"]) for rating in ratings} == {(None, "")}
    assert all(rating["problem"] for rating in ratings)


def test_the_calls_of_the_judge_are_logged_with_their_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    judged(monkeypatch, lambda asked, good: told(asked, "(B)", {"(A": 0.3, "(B": 0.6}))
    logged = [call for call in calls(Path("runs/set")) if call["purpose"] == "comparison"]
    assert all([token for token, _ in call["logprobs"]] == ["(A", "(B"] for call in logged)


def test_what_is_unusual_about_a_rating_is_marked() -> None:
    said = "{'feedback': 'Good.', 'reason': 'Good.', 'rating': 7,}"
    found = generate(*script({"at": "/user", "say": said}))
    ratings = [rating for row in found for rating in row["ratings"]]
    assert {(rating["value"], tuple(rating["marks"])) for rating in ratings} == {(7.0, ("repaired",))}


@pytest.mark.slow
def test_an_outage_during_the_probe_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    down = True

    def answer(asked: Body, good: bytes) -> Reply:
        return FAULTS["503"](asked, good) if down else told(asked, "A", {"A": 0.9})

    monkeypatch.setitem(FAULTS, "judge", answer)
    with Loopback(script=["judge"] * 999, answer=society()) as server:
        # One row and no retry: each comparison asks again, and the pause after a failure doubles.
        options = ("rules.md", "--config", "tiny.yaml", "--n", 1, "--run-id", "set", "-q", *judge_at(server))
        assert scai("generate", *options).code == 4
        down = False
        assert scai("resume", "set", "-q").code == 0
    assert {judgement["by"] for row in rows() for judgement in row["judgements"]} == {"logprobs"}
