"""Budgets and prices: pure arithmetic."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from virtual_time import run as run_async

from scai_cli.errors import ConfigError, LimitReached
from scai_cli.experiment.config import PriceConfig
from scai_cli.messages import ChatRequest, Message, Usage
from scai_cli.models.limits import Budget, Caps, Spend, prompt_tokens
from scai_cli.models.prices import FREE, price_of, published_price, require_price


def claim(budget, spend):
    """Whether a call may begin now; False where it has to wait for those in flight."""

    async def main():
        try:
            await asyncio.wait_for(budget.claim(spend), 1)
        except TimeoutError:
            return False
        return True

    return run_async(main())


@pytest.mark.parametrize(
    ("caps", "line"),
    [
        (Caps(calls=1), "limits.calls: reached, 1 of 1 used"),
        (Caps(tokens=1100), "limits.tokens: reached, 1,000 of 1,100 used"),
        (Caps(usd=0.6), "limits.usd: reached, 0.5000 of 0.6000 used"),
        (Caps(seconds=60), "limits.seconds: reached, 61 of 60 used"),
    ],
)
def test_a_limit_that_is_reached_is_named_in_one_line(caps, line):
    now = [0.0]
    budget = Budget(caps, clock=lambda: now[0])
    call = Spend(1, 1000, 0.5)
    claim(budget, call)
    budget.settle(call, call)
    now[0] = 61.0
    with pytest.raises(LimitReached) as caught:
        claim(budget, call)
    assert str(caught.value).startswith(line)
    assert "scai resume" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert budget.reserved == Spend()


def test_a_resumed_run_goes_on_counting():
    budget = Budget(Caps(calls=3, seconds=100), clock=lambda: 0.0)
    budget.charge(Spend(2), 99)
    claim(budget, Spend(1))
    budget.settle(Spend(1), Spend(1))
    with pytest.raises(LimitReached, match="calls"):
        claim(budget, Spend(1))


def test_every_session_adds_to_calls_and_time():
    budget = Budget(Caps(seconds=100), clock=lambda: 0.0)
    for seconds in (60, 39):
        budget.charge(Spend(1, 10, 0.5), seconds)
        assert claim(budget, Spend(1))
        budget.settle(Spend(1), Spend())
    budget.charge(Spend(1), 1)
    assert (budget.used, budget.seconds) == (Spend(3, 20, 1.0), 100)
    with pytest.raises(LimitReached, match=r"limits\.seconds: reached, 100 of 100"):
        claim(budget, Spend(1))


def test_money_may_be_spent_to_the_last_cent_of_a_sum_of_floats():
    budget, call = Budget(Caps(usd=0.3), clock=lambda: 0.0), Spend(1, 0, 0.1)
    for _ in range(3):
        assert claim(budget, call)
        budget.settle(call, call)
    assert claim(Budget(Caps(usd=0.3), clock=lambda: 0.0), Spend(1, 0, 0.3))
    with pytest.raises(LimitReached, match=r"limits\.usd"):
        claim(budget, call)


def test_a_call_that_no_other_can_make_room_for_does_not_wait():
    budget = Budget(Caps(tokens=10), clock=lambda: 0.0)
    assert claim(budget, Spend(1, 5, 0.5))
    with pytest.raises(LimitReached, match=r"limits\.tokens"):
        claim(budget, Spend(1, 11))
    assert claim(budget, Spend(1, 4, 0.25))
    budget.settle(Spend(1, 5, 0.5), Spend(1, 6, 0.5))
    assert (budget.reserved, budget.used) == (Spend(1, 4, 0.25), Spend(1, 6, 0.5))


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50))), st.integers(0, 1000))
def test_what_is_reserved_never_exceeds_a_limit_and_all_is_settled(calls, cap):
    budget, open_calls = Budget(Caps(tokens=cap)), []
    for expected, used in calls:
        try:
            begins = claim(budget, Spend(1, expected))
        except LimitReached:
            begins = False
            assert budget.used.tokens + expected > cap
        if not begins:
            assert budget.used.tokens + budget.reserved.tokens + expected > cap
            break
        open_calls.append((expected, used))
        assert budget.used.tokens + budget.reserved.tokens <= cap
    for expected, used in open_calls:
        budget.settle(Spend(1, expected), Spend(1, used))
    assert budget.reserved == Spend()
    assert budget.used == Spend(len(open_calls), sum(used for _, used in open_calls))


def test_tokens_are_estimated_from_characters():
    request = ChatRequest("c", "user", "p", "m", (Message("system", "abc"), Message("user", "defgh")))
    assert prompt_tokens(request) == 2


def test_a_price_is_per_million_tokens():
    assert PriceConfig(input=2.0, output=8.0).cost(Usage(500_000, 250_000)) == 3.0


def test_the_table_goes_before_the_published_prices_and_those_before_nothing():
    price = price_of("openai", {"gpt-4o-mini": PriceConfig(input=1, output=2), "mine": PriceConfig(input=3, output=4)})
    assert price("gpt-4o-mini") == PriceConfig(input=1, output=2)
    assert price("mine") == PriceConfig(input=3, output=4)
    assert price("gpt-4o") == published_price("gpt-4o") != None  # noqa: E711
    assert price("nobody-knows-it") is None


def test_the_simulated_provider_is_free():
    assert price_of("simulated", {})("anything") == FREE


def test_the_same_name_at_an_unknown_endpoint_has_no_published_price():
    assert published_price("gpt-4o-mini", "http://127.0.0.1:8000/v1") is None


def test_a_limit_in_money_needs_every_price():
    price = price_of("openai", {"mine": PriceConfig(input=1, output=2)})
    require_price(price, "mine")
    with pytest.raises(ConfigError, match=r"limits\.usd: the price of model 'other' is unknown"):
        require_price(price, "other")


def test_cached_input_has_its_own_price():
    used = Usage(1_000_000, 500_000, 400_000)
    assert PriceConfig(input=2.0, output=8.0).cost(used) == 2.0 + 4.0
    assert PriceConfig(input=2.0, output=8.0, cached_input=0.5).cost(used) == pytest.approx(1.2 + 0.2 + 4.0)
    published = published_price("gpt-4o-mini")
    assert published is not None
    assert published.cached_input == pytest.approx(published.input / 2)
