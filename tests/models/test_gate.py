"""The gate, on a clock that jumps: patience, fairness, limits and what happens when everything goes wrong."""

import asyncio
import itertools
from collections import Counter
from dataclasses import dataclass, field

import pytest
from growth import cpu_s
from hypothesis import given
from hypothesis import strategies as st
from virtual_time import clock, run

from scai_cli.errors import (
    CallFailed,
    CallTransient,
    EndpointFailed,
    Interrupted,
    LimitReached,
    PromptRefused,
    ScaiError,
    Unexplained,
    UnusedResponse,
)
from scai_cli.experiment.config import PriceConfig
from scai_cli.messages import ChatRequest, Completion, Message, Sampling, Usage
from scai_cli.models.gate import Gate, GatedModel, GateSettings
from scai_cli.models.limits import Budget, Caps, Spend
from scai_cli.models.rate import TokenBucket
from scai_cli.models.slots import Slots


def request(number=0, role="user", max_tokens=None, text="x" * 40):
    sampling = Sampling(max_tokens=max_tokens)
    return ChatRequest(f"c{number}", role, "test", "m", (Message("user", text),), sampling)


def busy(retry_after=None):
    return CallTransient("http://h/v1: HTTP 429: slow down", retry_after=retry_after, overloaded=True)


@dataclass
class Model:
    """Answers after `latency`, or raises what `fails(request, time)` gives, after `refusal` seconds."""

    latency: float = 1.0
    fails: object = None
    refusal: float = 0.01
    sent: list = field(default_factory=list)
    now: int = 0
    most: int = 0
    closed: bool = False

    async def complete(self, request):
        self.sent.append((clock(), request.id))
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            error = self.fails(request, clock()) if self.fails else None
            await asyncio.sleep(self.refusal if error else self.latency)
            if error:
                raise error
            return Completion("yes", usage=Usage(10, 20))
        finally:
            self.now -= 1

    async def aclose(self):
        self.closed = True


def script(*errors):
    left = iter(errors)
    return lambda request, time: next(left, None)


async def outcomes(gate, requests):
    async def one(each):
        try:
            return await gate.complete(each)
        except ScaiError as error:
            return error

    found = await asyncio.gather(*map(one, requests))
    assert (gate.slots.used, gate.meter.in_flight, gate.meter.inside) == (0, 0, 0)
    return found


# --- one call


def test_latency_and_retries_are_set():
    async def main():
        gate = Gate(Model(latency=2, fails=script(busy(), busy())), clock=clock)
        (answer,) = await outcomes(gate, [request()])
        assert answer == Completion("yes", usage=Usage(10, 20), latency_s=pytest.approx(2), retries=2)
        assert (gate.meter.calls, gate.meter.retries, gate.meter.usage) == (1, 2, Usage(10, 20))

    run(main())


def test_the_back_off_doubles_and_is_the_same_every_time():
    async def main():
        model = Model(fails=lambda request, time: CallTransient("HTTP 500"), refusal=0)
        gate = Gate(model, GateSettings(max_retries=5), clock=clock)
        await outcomes(gate, [request()])
        times = [time for time, _ in model.sent]
        return [b - a for a, b in itertools.pairwise(times)]

    waits = run(main())
    assert waits == run(main())
    assert all(0.75 * 0.5 * 2**n <= wait <= 0.5 * 2**n for n, wait in enumerate(waits))
    assert len(set(waits)) == 5


@pytest.mark.parametrize("asked", [0.2, 7.0, 130.0, 900.0])
def test_retry_after_is_honoured(asked):
    async def main():
        model = Model(fails=script(busy(asked)), refusal=0)
        await outcomes(Gate(model, clock=clock), [request()])
        assert model.sent[1][0] >= asked
        assert model.sent[1][0] <= max(asked, 0.5)

    run(main())


def test_a_retry_after_beyond_the_cap_stops_the_endpoint_and_says_so():
    async def main():
        model = Model(fails=lambda request, time: busy(3600), refusal=0)
        found = await outcomes(Gate(model, GateSettings(concurrency=2), clock=clock), map(request, range(9)))
        assert {type(error) for error in found} == {EndpointFailed}
        assert "requests a wait of 3600 s" in str(found[0])
        assert len(model.sent) <= 2
        assert clock() < 1

    run(main())


@pytest.mark.parametrize(("failing", "waits"), [(1, False), (2, True)])
def test_two_calls_that_fail_in_a_row_cool_the_endpoint_down_and_one_does_not(failing, waits):
    async def main():
        model = Model(latency=0.01, fails=script(*[CallTransient("HTTP 500")] * failing), refusal=0)
        gate = Gate(model, clock=clock)
        early = [asyncio.create_task(gate.complete(request(n))) for n in range(failing)]
        await asyncio.sleep(0.05)
        await gate.complete(request(9))
        assert (next(time for time, name in model.sent if name == "c9") > 0.3) == waits
        await asyncio.gather(*early)

    run(main())


def test_patience_with_an_endpoint_that_answers_others_ends():
    async def main():
        model = Model(fails=lambda request, time: busy() if request.id == "c0" else None)
        settings = GateSettings(4, max_retries=2, patience_s=100, max_backoff_s=10)
        gate = Gate(model, settings, clock=clock)

        async def others():
            for n in range(1, 200):
                await gate.complete(request(n))

        stream = asyncio.create_task(others())
        with pytest.raises(CallFailed, match="gave up"):
            async with asyncio.timeout(1000):
                await gate.complete(request(0))
        assert 100 <= clock() < 130
        await stream

    run(main())


def test_a_call_that_never_succeeds_fails_alone_and_keeps_nobody_waiting():
    def poison(request, time):
        return CallTransient("HTTP 500: poison") if request.id == "c0" else None

    async def main():
        model = Model(fails=poison)
        gate = Gate(model, GateSettings(concurrency=4), clock=clock)
        poisoned = asyncio.create_task(gate.complete(request(0)))
        for number in range(1, 41):
            await gate.complete(request(number))
        assert clock() == pytest.approx(40, abs=0.01)
        with pytest.raises(CallFailed, match="poison; gave up after 7 attempts"):
            await poisoned

    run(main())


# --- all calls


@pytest.mark.parametrize(
    "error",
    [CallTransient("the connection failed"), CallTransient("HTTP 503", overloaded=True)],
    ids=["refused", "503"],
)
@pytest.mark.parametrize("calls", [1, 2, 8, 32, 500])
def test_an_endpoint_dead_for_ten_seconds_is_survived(calls, error):
    async def main():
        model = Model(fails=lambda request, time: error if 0.5 <= time < 10.5 else None)
        gate = Gate(model, clock=clock)
        await asyncio.sleep(0.5)
        found = await outcomes(gate, map(request, range(calls)))
        assert all(isinstance(each, Completion) for each in found)
        wasted = len(model.sent) - calls
        assert wasted <= 6 * min(calls, 32) + 32  # a storm would be thousands
        return clock()

    assert run(main()) < 22 + 1.5 * calls / 16 + (10 if calls > 32 else 0)


def test_an_endpoint_that_stays_dead_fails_as_a_whole():
    async def main():
        model = Model(fails=lambda request, time: CallTransient("http://h/v1: the connection failed"))
        found = await outcomes(Gate(model, GateSettings(concurrency=8), clock=clock), map(request, range(100)))
        assert {type(each) for each in found} == {EndpointFailed}
        assert "in 7 rounds" in str(found[0])
        assert "calls in a row failed" in str(found[0])
        assert clock() < 40

    run(main())


def test_an_endpoint_that_stays_dead_is_noticed_by_calls_one_after_the_other():
    async def main():
        gate = Gate(Model(fails=lambda request, time: CallTransient("HTTP 500")), clock=clock)
        found = [(await outcomes(gate, [request(n)]))[0] for n in range(4)]
        assert [type(each) for each in found] == [CallFailed, CallFailed, EndpointFailed, EndpointFailed]

    run(main())


def test_a_bad_key_stops_all_calls_at_once():
    async def main():
        model = Model(fails=lambda request, time: EndpointFailed("HTTP 401"))
        found = await outcomes(Gate(model, GateSettings(concurrency=3), clock=clock), map(request, range(50)))
        assert {str(each) for each in found} == {"HTTP 401"}
        assert len(model.sent) == 3

    run(main())


def test_one_cool_down_holds_back_every_call():
    async def main():
        model = Model(latency=0.1, fails=script(busy(30)))
        gate = Gate(model, GateSettings(concurrency=4), clock=clock)
        first = asyncio.create_task(gate.complete(request(0)))
        await asyncio.sleep(1)
        await asyncio.gather(first, *(gate.complete(request(n)) for n in range(1, 20)))
        assert sorted(time for time, _ in model.sent)[1] >= 30

    run(main())


def refuse_above(most):
    """An endpoint that refuses more than so many calls at once."""
    model = Model(latency=1.0)
    model.fails = lambda request, time: busy() if model.now > most else None
    return model


@pytest.mark.parametrize("most", [1, 5, 20])
def test_concurrency_falls_to_what_the_endpoint_bears(most):
    async def main():
        model = refuse_above(most)
        gate = Gate(model, GateSettings(concurrency=64), clock=clock)
        found = await outcomes(gate, map(request, range(400)))
        assert all(isinstance(each, Completion) for each in found)
        late = [time for time, _ in model.sent if time > 60]
        refused = len(model.sent) - 400
        assert refused < 64 * 2 + 0.6 * len(late)
        return clock()

    assert run(main()) < 2.2 * 400 / most + 30


def test_concurrency_grows_back_to_its_bound():
    async def main():
        model = Model(latency=1, fails=script(*[busy()] * 32))
        gate = Gate(model, GateSettings(concurrency=32), clock=clock)
        found = await outcomes(gate, map(request, range(1000)))
        assert all(isinstance(each, Completion) for each in found)
        assert gate.slots.size == 32
        assert model.most == 32

    run(main())


def test_concurrency_is_cut_once_in_a_round_trip():
    async def main():
        gate = Gate(Model(fails=script(*[busy()] * 16)), GateSettings(concurrency=16), clock=clock)
        calls = asyncio.gather(*(gate.complete(request(n)) for n in range(16)))
        await asyncio.sleep(0.1)
        assert gate.slots.size == 8
        await calls

    run(main())


def test_refusals_do_not_fail_a_call_while_the_endpoint_answers_others():
    async def main():
        bucket = TokenBucket(60, clock, burst_s=1)

        def refuse(request, time):
            if bucket.take(1) == 0:
                return None
            bucket.give_back(1)
            return busy()

        gate = Gate(Model(latency=0.02, fails=refuse), GateSettings(concurrency=128), clock=clock)
        found = await outcomes(gate, map(request, range(128)))
        assert Counter(map(type, found)) == {Completion: 128}

    run(main())


def test_no_more_than_so_many_are_in_flight_and_the_first_come_is_the_first_served():
    async def main():
        model = Model()
        gate = Gate(model, GateSettings(concurrency=7), clock=clock)
        calls = asyncio.create_task(outcomes(gate, map(request, range(50))))
        await asyncio.sleep(0.5)
        assert (gate.meter.in_flight, gate.meter.waiting) == (7, 43)
        await calls
        assert model.most == 7
        assert [name for _, name in model.sent] == [f"c{n}" for n in range(50)]
        assert clock() == pytest.approx(8, abs=0.01)

    run(main())


def test_requests_per_minute():
    async def main():
        model = Model(latency=0.01)
        gate = Gate(model, GateSettings(requests_per_minute=120), clock=clock)
        await outcomes(gate, map(request, range(300)))
        times = sorted(time for time, _ in model.sent)
        most = max(sum(start <= t < start + 60 for t in times) for start in times)
        assert 120 <= most <= 132
        assert times[-1] == pytest.approx(300 / 2 - 6, abs=1)

    run(main())


def test_tokens_per_minute_follow_what_was_really_used():
    async def main():
        model = Model(latency=0.01)  # 30 tokens a call, and 10 + 20 expected
        gate = Gate(model, GateSettings(tokens_per_minute=3000, concurrency=4), clock=clock)
        await outcomes(gate, (request(n, max_tokens=1000) for n in range(400)))
        return clock()

    assert run(main()) == pytest.approx(400 * 30 / 50, rel=0.1)


def test_closing_lets_calls_in_flight_end_and_stops_the_others():
    async def main():
        model = Model(latency=5, fails=script(None, CallTransient("HTTP 500")), refusal=1)
        gate = Gate(model, GateSettings(concurrency=3, requests_per_minute=60, backoff_s=100), clock=clock)
        calls = asyncio.create_task(outcomes(gate, map(request, range(40))))
        await asyncio.sleep(2)  # one backs off, three are in flight, the others wait
        assert (gate.meter.in_flight, gate.meter.waiting) == (3, 37)
        gate.close_for_new_calls(Interrupted("stopped"))
        gate.close_for_new_calls(CallFailed("a later reason"))
        found = await calls
        assert [type(each) for each in found].count(Completion) == 3
        assert {str(each) for each in found if isinstance(each, ScaiError)} == {"stopped"}
        assert clock() < 8
        with pytest.raises(Interrupted):
            await gate.complete(request(99))
        assert len(model.sent) == 4

    run(main())


@given(st.integers(1, 4), st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9)), min_size=1, max_size=25))
def test_cancelled_calls_leak_nothing(concurrency, plans):
    async def main():
        model = Model(latency=1, fails=script(busy(), None, busy(2)))
        gate = Gate(model, GateSettings(concurrency, requests_per_minute=240, tokens_per_minute=9000), clock=clock)

        async def one(number, start, patience):
            await asyncio.sleep(start)
            async with asyncio.timeout(patience):
                await gate.complete(request(number))

        await asyncio.gather(*(one(n, *plan) for n, plan in enumerate(plans)), return_exceptions=True)
        assert (gate.slots.used, gate.meter.inside, gate.meter.in_flight) == (0, 0, 0)
        assert model.most <= concurrency
        assert (await gate.complete(request(99))).text == "yes"

    run(main())


def test_a_slot_given_to_a_call_that_is_cancelled_in_the_same_moment_goes_to_the_next():
    async def main():
        slots = Slots(1)
        await slots.acquire()
        second, third = (asyncio.create_task(slots.acquire()) for _ in range(2))
        await asyncio.sleep(0)
        slots.release()
        second.cancel()
        await third
        assert second.cancelled()
        assert slots.used == 1

    run(main())


def test_the_budget_stops_calls_before_they_are_made_and_lets_those_in_flight_end():
    async def main():
        budget = Budget(Caps(calls=10), clock=clock)
        model = Model()
        found = await outcomes(Gate(model, GateSettings(4), budget=budget, clock=clock), map(request, range(30)))
        assert Counter(map(type, found)) == {Completion: 10, LimitReached: 20}
        assert (budget.used.calls, budget.reserved.calls) == (10, 0)
        assert len(model.sent) == 10

    run(main())


def test_a_failed_call_costs_nothing():
    async def main():
        budget = Budget(Caps(calls=2), clock=clock)
        gate = Gate(Model(fails=script(CallFailed("HTTP 400"))), budget=budget, clock=clock)
        found = [type((await outcomes(gate, [request(n)]))[0]) for n in range(4)]
        assert found == [CallFailed, Completion, Completion, LimitReached]

    run(main())


def test_a_gate_that_closes_while_a_call_waits_for_the_budget_gives_its_share_back():
    async def main():
        budget = Budget(Caps(calls=1), clock=clock)
        other = Gate(Model(fails=script(CallFailed("HTTP 400")), refusal=5), budget=budget, clock=clock)
        gate = Gate(Model(), budget=budget, clock=clock)
        first = asyncio.create_task(outcomes(other, [request(0)]))
        await asyncio.sleep(1)
        second = asyncio.create_task(outcomes(gate, [request(1)]))
        await asyncio.sleep(1)
        gate.close_for_new_calls(Interrupted("stopped"))
        assert [type(error) for error in (*await first, *await second)] == [CallFailed, Interrupted]
        assert budget.reserved == Spend()
        assert [type(found) for found in await outcomes(other, [request(2)])] == [Completion]

    run(main())


def paid(*, error=CallTransient, tokens=(600, 400)):
    """An error that a paid response without a usable answer caused."""
    failed = error("http://h/v1: HTTP 200, but no chat completion")
    failed.response = UnusedResponse("Half an ans", "error", *tokens)
    return failed


def test_a_paid_response_counts_and_is_noted_whether_it_could_be_used_or_not():
    async def main():
        budget, noted = Budget(Caps(), clock=clock), []
        price = {"m": PriceConfig(input=1e3, output=1e3)}.get
        gate = Gate(Model(fails=script(paid(), busy())), budget=budget, price=price, clock=clock)
        gate.tally.note_unused = lambda *response: noted.append(response)
        (answer,) = await outcomes(gate, [request()])
        assert (answer.text, answer.retries) == ("yes", 2)
        assert noted == [(request(), UnusedResponse("Half an ans", "error", 600, 400), str(paid()))]
        assert (gate.meter.calls, gate.meter.usage) == (2, Usage(610, 420))
        assert (budget.used.calls, budget.used.tokens, budget.used.usd) == (2, 1030, pytest.approx(1.03))
        assert gate.meter.usd == pytest.approx(1.03)

    run(main())


@pytest.mark.parametrize("error", [CallTransient, CallFailed])
def test_responses_without_a_usable_answer_reach_the_limit(error):
    """A limit of 20,000 tokens was passed three times over by answers of 1,000 tokens that could not be used."""

    async def main():
        budget = Budget(Caps(tokens=20_000), clock=clock)
        model, settings = Model(fails=lambda request, time: paid(error=error)), GateSettings(1, max_retries=99)
        gate = Gate(model, settings, budget=budget, clock=clock)
        found = await outcomes(gate, map(request, range(60)))
        assert LimitReached in map(type, found)
        assert 19_000 <= budget.used.tokens <= 20_000
        assert budget.used.calls == gate.meter.calls == budget.used.tokens // 1000

    run(main())


def test_tokens_of_unused_responses_count_towards_the_rate():
    async def main():
        gate = Gate(
            Model(fails=script(paid(error=CallFailed, tokens=(0, 5000)))),
            GateSettings(1, tokens_per_minute=600),
            clock=clock,
        )
        await outcomes(gate, [request(0), request(1)])
        assert clock() > 60

    run(main())


def test_a_model_s_thoughts_are_no_part_of_its_answer():
    async def main():
        model = Model()
        model.complete = answering(Completion("<think>Hm.</think>\n\nyes<|im_end|>", usage=Usage(10, 20)))
        (answer,) = await outcomes(Gate(model, clock=clock), [request()])
        assert (answer.text, answer.thoughts) == ("yes", "Hm.")

    run(main())


def answering(completion):
    async def complete(request):
        return completion

    return complete


def test_two_gates_share_a_budget_of_money():
    async def main():
        budget = Budget(Caps(usd=1.0), clock=clock)
        # 0.3 USD a call, and nothing.
        dear, free = ({"m": PriceConfig(input=usd, output=usd)}.get for usd in (1e4, 0))
        gates = [Gate(Model(), GateSettings(1), budget=budget, price=price, clock=clock) for price in (dear, free)]
        found = await asyncio.gather(*(outcomes(gate, (request(n, max_tokens=20) for n in range(9))) for gate in gates))
        assert [Counter(map(type, each))[Completion] for each in found] == [3, 9]
        assert budget.used.usd == pytest.approx(0.9)
        assert [gate.meter.usd for gate in gates] == [pytest.approx(0.9), 0]

    run(main())


def test_an_unknown_price_shows_as_unknown():
    async def main():
        gate = Gate(Model(), price=lambda model: None, clock=clock)
        await outcomes(gate, [request()])
        assert gate.meter.usd is None

    run(main())


def test_several_models_stand_behind_one_gate():
    async def main():
        first, second = Model(), Model(latency=2)
        gate = Gate(first, GateSettings(1), clock=clock)
        other = GatedModel(gate, second)
        await asyncio.gather(gate.complete(request(0)), other.complete(request(1)), gate.complete(request(2)))
        await other.aclose()
        assert [len(model.sent) for model in (first, second)] == [2, 1]
        assert (first.closed, second.closed) == (False, True)
        assert clock() == pytest.approx(4)

    run(main())


def test_the_gate_costs_no_more_than_some_switches_of_tasks():
    class Instant:
        async def complete(self, request):
            return Completion("yes")

        async def aclose(self): ...

    async def switch():
        for _ in range(2000):
            await asyncio.sleep(0)

    async def call():
        gate, asked = Gate(Instant()), request()
        for _ in range(2000):
            await gate.complete(asked)

    assert cpu_s(lambda: asyncio.run(call())) < 20 * cpu_s(lambda: asyncio.run(switch()))


def test_a_quota_per_minute_is_waited_out_however_long_it_takes():
    """Ten calls a minute are answered, the endpoint says when the next minute begins, and a call may wait for hours."""
    answered = Counter()

    def quota(request, time):
        minute = time // 60
        answered[minute] += 1
        return busy(60 * (minute + 1) - time) if answered[minute] > 10 else None

    async def main():
        gate = Gate(Model(fails=quota, latency=0.1), GateSettings(concurrency=32), clock=clock)
        found = await outcomes(gate, map(request, range(300)))
        assert {type(outcome) for outcome in found} == {Completion}
        assert clock() > 60 * 28

    run(main())


def unexplained(again=0):
    return Unexplained("http://h/v1: HTTP 400: no", again)


def test_the_probe_has_the_shape_of_the_refused_request_and_is_logged_as_unused():
    """The roles, the schema and the sampling are kept; the words are not."""
    seen, noted = [], []

    class Picky(Model):
        async def complete(self, request):
            seen.append(request)
            if request.purpose != "probe":
                raise unexplained()
            return await super().complete(request)

    async def main():
        gate = Gate(Picky(), clock=clock)
        gate.tally.note_unused = lambda *noting: noted.append(noting)
        turns = tuple(Message(role, "secret") for role in ("system", "user", "assistant", "user"))
        asked = ChatRequest("c", "meta", "test", "m", turns, Sampling(0.5), {"type": "object"}, logprobs=2)
        (outcome,) = await outcomes(gate, [asked])
        assert type(outcome) is PromptRefused
        assert gate.meter.calls == 1
        return asked

    asked = run(main())
    assert seen[0] is asked
    assert (seen[1].id, seen[1].sampling, seen[1].schema, seen[1].logprobs) == (
        "c/probe",
        asked.sampling,
        asked.schema,
        2,
    )
    assert [m.role for m in seen[1].messages] == [m.role for m in asked.messages]
    assert not any("secret" in m.content for m in seen[1].messages)
    assert [(probe.id, response.input_tokens) for probe, response, _ in noted] == [("c/probe", 10)]


def test_the_probe_asks_the_model_that_refused_and_the_refusal_keeps_its_response():
    async def main():
        refusal, noted = unexplained(), []
        refusal.response = UnusedResponse("", "stop", 7, 0)
        own, picky = Model(), Model(fails=lambda request, time: None if request.purpose == "probe" else refusal)
        gate = Gate(own, clock=clock)
        gate.tally.note_unused = lambda *response: noted.append(response)
        with pytest.raises(PromptRefused, match="HTTP 400: no; other prompts are answered") as caught:
            await GatedModel(gate, picky).complete(request())
        assert caught.value.response == refusal.response
        assert ([name for _, name in picky.sent], own.sent) == (["c0", "c0/probe"], [])
        assert (noted[-1][1].text, noted[-1][2]) == ("yes", "asked to find out why another prompt is refused")
        with pytest.raises(EndpointFailed, match="HTTP 400: no; a harmless prompt is refused, too"):
            await Gate(Model(fails=lambda request, time: unexplained()), clock=clock).complete(request())

    run(main())


def test_a_probe_counts_towards_the_limits():
    async def main():
        model = Model(fails=lambda request, time: None if request.purpose == "probe" else unexplained())
        budget = Budget(Caps(calls=1))
        gate = Gate(model, budget=budget, clock=clock)
        assert [type(found) for found in await outcomes(gate, [request()])] == [PromptRefused]
        assert [type(found) for found in await outcomes(gate, [request(1)])] == [LimitReached]
        assert budget.used.calls == 1

    run(main())
