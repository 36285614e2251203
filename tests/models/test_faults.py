"""Every way in which an endpoint misbehaves, through provider and gate, the same over both transports."""

import asyncio
import re
from dataclasses import replace

import pytest
from loopback import FAULTS, LIBRARY, Loopback

from scai_cli.errors import CallFailed, CallTransient, EndpointFailed, PromptRefused, PromptTooLong, ProviderError
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Completion, Message
from scai_cli.models.gate import Gate, GateSettings
from scai_cli.models.openai import connect

SWIFT = GateSettings(concurrency=8, backoff_s=0.01, max_backoff_s=0.03)

PASSING = {  # a fault that one more attempt heals -> what the message of a call that gives up holds
    "429": "HTTP 429: Rate limit reached",
    "429-after": "HTTP 429: Rate limit reached",
    "429-after-ms": "HTTP 429: Rate limit reached",
    "429-after-date": "HTTP 429: Slow",
    "408": "HTTP 408",
    "409": "HTTP 409",
    "500": "HTTP 500: Internal error",
    "502": "HTTP 502: 502 Bad Gateway",
    "503": "HTTP 503: Loading model",
    "529": "HTTP 529: Overloaded",
    "drop-before": "the server closed the connection without an answer; check that the server is up",
    "drop-body": "the server closed the connection in the middle of its answer",
    "truncated": "no chat completion",
    "malformed": "no chat completion",
    "not-an-object": "no chat completion",
    "html": "no chat completion",
    "error-body": "The backend had a hiccup",
    "paid-error": "Provider returned error",
}
PASSING_TOO = {  # the same, but not for the test with faults at random, which takes its time
    "gzip-broken": "the response is packed, and damaged",
    "gzip-twice": "the content-encoding gzip, gzip",
    "brotli": "the content-encoding br",
    "header-long": "the head of the response is too long",
    "headers-many": "the head of the response is too long",
    "headers-endless": "the connection failed",
    "status-endless": "the connection failed",
    "500-endless": "HTTP 500: Too much.",
    "500-bomb": "HTTP 500",
    "500-deep": "HTTP 500",
    "500-digits": "HTTP 500: limit 999",
    "429-after-never": "HTTP 429: Slow",
}
TOO_LONG = {  # what the message holds, of a response with a limit of one megabyte
    **dict.fromkeys(("endless", "endless-chunked", "endless-close", "endless-sse"), "over 1 MB"),
    **dict.fromkeys(("bomb", "bomb-deflate", "bomb-empty", "bomb-behind"), "over 1 MB (model.max_response_mb)"),
    "long-text": "1,500,000 characters, over",
}
SLOW = {
    "trickle",
    "hang",
    "endless-bytes",
    "continue-endless",
}  # as PASSING, where an answer takes longer than the client waits
ANSWERS = {  # odd, but an answer -> its text and finish reason
    "length": ("It begins", "length"),
    "length-null": ("", "length"),
    "null-content": ("", "stop"),
    "filtered-text": ("It begins", "content_filter"),
    "refusal": ("I will not say that.", "refusal"),
    "surrogate": ("odd \ufffd text", "stop"),
    "no-usage": ("You said: call 0", "stop"),
    "gzip": ("You said: call 0", "stop"),
    "redirects": ("You said: call 0", "stop"),
}
PROMPT_REFUSED = {  # this prompt alone -> its error, what the message holds
    "400": (PromptTooLong, "HTTP 400: maximum context length"),
    "413": (PromptTooLong, "HTTP 413"),
    "filtered": (PromptRefused, "content filter"),
}
UNEXPLAINED = {  # without a known reason: what the message holds
    "400-echo": "HTTP 400: call 0",
    "400-text": "HTTP 400",
    "403": "HTTP 403: Not for you; the key in OPENAI_API_KEY",
    "422": "HTTP 422",
}
ENDPOINT_FAILS = {  # no call can succeed -> what the message holds, the remedy included
    "401": "HTTP 401: Incorrect API key provided; check the key in OPENAI_API_KEY",
    "404": "HTTP 404: The model tiny does not exist; check the model's name and model.base_url",
    "quota": "HTTP 429: You exceeded your current quota; check the plan, the budget and the billing",
    "429-after-long": "requests a wait of 86400 s",
}

both_transports = pytest.mark.parametrize("transport", ["aiohttp", "plain"])


def request(number=0):
    return ChatRequest(f"c{number}", "user", "test", "tiny", (Message("user", f"call {number}"),))


def run(base_url, transport, calls=1, settings=SWIFT, timeout_s=60, **model):
    """The outcomes of so many calls at once, and the gate afterwards."""

    async def one(gate, number):
        try:
            return await gate.complete(request(number))
        except ProviderError as error:
            return error

    async def main():
        options = {"transport": transport}
        config = ModelSettings(
            provider="openai", name="tiny", base_url=base_url, timeout_s=timeout_s, options=options, **model
        )
        gate = Gate(connect(config, seed=0), settings)
        try:
            return await asyncio.gather(*(one(gate, n) for n in range(calls))), gate
        finally:
            await gate.aclose()

    outcomes, gate = asyncio.run(main())
    assert (gate.slots.used, gate.meter.in_flight, gate.meter.inside) == (0, 0, 0)
    return outcomes, gate


def test_the_tables_here_name_every_fault():
    here = [PASSING, PASSING_TOO, TOO_LONG, SLOW, ANSWERS, PROMPT_REFUSED, UNEXPLAINED, ENDPOINT_FAILS]
    elsewhere = {"ok", "hold", "429-after-minute", "empty-choices", "chunk-size-endless"}
    assert FAULTS.keys() == elsewhere.union(*here)


@both_transports
@pytest.mark.parametrize("fault", PASSING | PASSING_TOO)
def test_a_passing_fault_leaves_no_trace_but_a_retry(fault, transport):
    with Loopback(script=[fault]) as server:
        ((outcome,), gate) = run(server.base_url, transport)
    assert isinstance(outcome, Completion)
    assert (outcome.text, outcome.finish_reason, outcome.retries) == ("You said: call 0", "stop", 1)
    assert (gate.meter.calls, gate.meter.retries) == (2 if fault == "paid-error" else 1, 1)
    assert [r.fault for r in server.requests] == [fault, "ok"]


@both_transports
@pytest.mark.parametrize("fault", sorted(SLOW))
def test_an_answer_that_takes_too_long_is_asked_for_again(fault, transport):
    """The first answer never comes in time; later ones do, unless the machine is busy."""
    with Loopback(script=[fault]) as server:
        ((outcome,), gate) = run(server.base_url, transport, timeout_s=0.25)
    assert isinstance(outcome, Completion)
    assert (outcome.text, outcome.finish_reason) == ("You said: call 0", "stop")
    assert gate.meter.calls == 1
    assert gate.meter.retries == outcome.retries >= 1
    assert [r.fault for r in server.requests][:2] == [fault, "ok"]


@both_transports
def test_an_answer_that_always_takes_too_long_fails_the_call(transport):
    with Loopback(odds={"hang": 1.0}) as server:
        settings = GateSettings(backoff_s=0.01, max_retries=1)
        ((outcome,), _) = run(server.base_url, transport, settings=settings, timeout_s=0.25)
    assert isinstance(outcome, CallFailed)
    assert "no complete answer within 0.25 s" in str(outcome)
    assert str(outcome).endswith("; gave up after 2 attempts")


@both_transports
@pytest.mark.parametrize("fault", sorted((PASSING | PASSING_TOO).keys() - {"429-after"}))
def test_a_fault_that_stays_fails_the_call(fault, transport):
    with Loopback(script=[fault] * 3) as server:
        ((outcome,), _) = run(server.base_url, transport, settings=GateSettings(backoff_s=0.01, max_retries=2))
    assert isinstance(outcome, CallFailed)
    assert not isinstance(outcome, CallTransient)
    assert str(outcome).startswith(server.base_url)
    assert (PASSING | PASSING_TOO)[fault] in str(outcome)
    assert str(outcome).endswith("; gave up after 3 attempts")
    assert "\n" not in str(outcome)
    assert not re.search(LIBRARY, str(outcome))


@both_transports
@pytest.mark.parametrize("fault", ANSWERS)
def test_an_odd_answer_is_an_answer(fault, transport):
    with Loopback(script=[fault]) as server:
        ((outcome,), _) = run(server.base_url, transport)
    assert (outcome.text, outcome.finish_reason, outcome.retries) == (*ANSWERS[fault], 0)


@both_transports
@pytest.mark.parametrize("fault", PROMPT_REFUSED)
def test_a_refused_prompt_fails_alone(fault, transport):
    kind, words = PROMPT_REFUSED[fault]
    with Loopback(script=[fault]) as server:
        outcomes, _ = run(server.base_url, transport, calls=3, settings=GateSettings(concurrency=1))
    assert [type(o) for o in outcomes] == [kind, Completion, Completion]
    assert words in str(outcomes[0])
    assert len(server.requests) == 3


@both_transports
@pytest.mark.parametrize("fault", UNEXPLAINED)
def test_a_refusal_without_a_reason_is_the_prompt_s_if_a_harmless_one_is_answered(fault, transport):
    with Loopback(script=[fault]) as server:
        outcomes, _ = run(server.base_url, transport, calls=3, settings=GateSettings(concurrency=1))
    assert [type(o) for o in outcomes] == [PromptRefused, Completion, Completion]
    assert UNEXPLAINED[fault] in str(outcomes[0])
    assert str(outcomes[0]).endswith("; other prompts are answered")
    assert len(server.requests) == 4


@both_transports
@pytest.mark.parametrize("fault", UNEXPLAINED)
def test_a_refusal_of_every_prompt_is_the_endpoint_s(fault, transport):
    with Loopback(script=[fault] * 50) as server:
        outcomes, _ = run(server.base_url, transport, calls=20, settings=GateSettings(concurrency=4))
    assert all(isinstance(o, EndpointFailed) for o in outcomes)
    assert str(outcomes[0]).endswith("; a harmless prompt is refused, too")
    assert len(server.requests) <= 12


@both_transports
def test_an_answer_without_choices_is_asked_for_again_before_the_prompt_is_blamed(transport):
    for faults, kind, sent in ((1, Completion, 2), (2, Completion, 3), (3, PromptRefused, 4), (9, EndpointFailed, 6)):
        with Loopback(script=["empty-choices"] * faults) as server:
            ((outcome,), _) = run(server.base_url, transport)
        assert (type(outcome), len(server.requests)) == (kind, sent)


@both_transports
@pytest.mark.parametrize("fault", TOO_LONG)
def test_a_response_that_is_too_long_is_read_once_and_one_to_a_harmless_prompt_decides(fault, transport):
    limit = {} if fault == "long-text" else {"max_response_mb": 1}
    for faults, kind, sent in ((1, PromptRefused, 2), (9, EndpointFailed, 2)):
        with Loopback(script=[fault] * faults) as server:
            ((outcome,), _) = run(server.base_url, transport, **limit)
        assert (type(outcome), len(server.requests)) == (kind, sent)
        assert f"is too long: {TOO_LONG[fault]}" in str(outcome)


@both_transports
def test_a_response_of_the_longest_size_is_an_answer(transport):
    text = "a" * 490_000
    with Loopback(answer=lambda asked: text) as server:
        ((outcome,), _) = run(server.base_url, transport, max_response_mb=0.5)
        assert outcome.text == text
        ((outcome,), _) = run(server.base_url, transport, max_response_mb=0.4)
        assert "over 0.4 MB" in str(outcome)


@both_transports
def test_many_long_responses_at_once_are_all_read(transport):
    with Loopback(answer=lambda asked: f"{asked['messages'][0]['content']}😀" * 60_000) as server:
        outcomes, _ = run(server.base_url, transport, calls=12)
    assert [o.text for o in outcomes] == [f"call {n}😀" * 60_000 for n in range(12)]


@both_transports
def test_an_endless_size_of_a_chunk_is_not_waited_for(transport):
    with Loopback(script=["chunk-size-endless"] * 2) as server:
        settings = GateSettings(backoff_s=0.01, max_retries=1)
        ((outcome,), _) = run(server.base_url, transport, settings=settings, timeout_s=0.25)
    assert isinstance(outcome, CallFailed)


@both_transports
@pytest.mark.parametrize("fault", ENDPOINT_FAILS)
def test_an_endpoint_that_cannot_succeed_is_asked_no_more(fault, transport):
    with Loopback(script=[fault] * 50) as server:
        outcomes, _ = run(server.base_url, transport, calls=50, settings=GateSettings(concurrency=4))
    assert all(isinstance(o, EndpointFailed) for o in outcomes)
    assert len(server.requests) <= 4
    assert str(outcomes[0]).startswith(server.base_url)
    assert ENDPOINT_FAILS[fault] in str(outcomes[0])


@both_transports
@pytest.mark.parametrize("hang", [0.0, pytest.param(0.02, marks=pytest.mark.slow)])
def test_faults_at_random_are_all_survived(transport, hang):
    """A machine that is busy for seconds adds faults of its own, so calls have many retries."""
    odds = dict.fromkeys((fault for fault in PASSING if fault != "429-after"), 0.02) | {"hang": hang}
    settings = replace(SWIFT, max_retries=40)
    with Loopback(odds=odds, seed=5) as server:
        outcomes, gate = run(server.base_url, transport, settings=settings, calls=150, timeout_s=2 if hang else 60)
    assert [o.text for o in outcomes] == [f"You said: call {n}" for n in range(150)]
    assert gate.meter.retries >= sum(r.fault != "ok" for r in server.requests) > 30


@pytest.mark.slow
@both_transports
def test_a_server_that_dies_and_comes_back_is_survived(transport):
    """The default patience, a tenth as long: 1 s is to it as 10 s are to the default."""
    settings = GateSettings(concurrency=16, backoff_s=0.05)
    with Loopback(latency=0.01) as server:
        server.die(1.0)
        outcomes, _ = run(server.base_url, transport, calls=64, settings=settings)
    assert [o.text for o in outcomes] == [f"You said: call {n}" for n in range(64)]
    assert len(server.requests) == 64


@both_transports
def test_a_server_that_stays_dead_is_an_endpoint_s_failure(transport):
    with Loopback() as server:
        url = server.base_url
    outcomes, gate = run(url, transport, calls=20)
    assert all(isinstance(o, EndpointFailed) for o in outcomes)
    assert "calls in a row failed" in str(outcomes[0])
    assert gate.meter.calls == 0
