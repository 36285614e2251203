"""A proposal of the ultimatum game is read in the forms in which models write it, and else not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scai_cli.measures.offers import amount_in, offered_share


@pytest.mark.parametrize(
    ("text", "amount", "share"),
    [
        ("I propose this: you get 40 dollars, and I get 60 dollars.", 100, 0.4),
        ("**You:** 40\n**Me:** 60", 100, 0.4),
        ("40 for you, 60 for me", 100, 0.4),
        ("I'd give you $25.", 100, 0.25),
        ("I offer 30 dollars.", 100, 0.3),
        ("I keep 60.", 100, 0.4),
        ("I'll take 7 apples, leaving you with 3.", 10, 0.3),
        ("You get forty-five and I get fifty-five.", 100, 0.45),
        ("You get 40 % and I get 60 per cent.", 50, 0.4),
        ("You get nothing, I take everything.", 10, 0.0),
        ("You get 1,500 and I keep 500.", 2000, 0.75),
        ("For the 100 dollars, the proposer will get 60, and the decider will get 40.", 100, 0.4),
        ("Let us split it 50/50.", 100, 0.5),
        ("We each get 50.", 100, 0.5),
        ("You asked me to divide 100 dollars. I propose 40 for you and 60 for me.", 100, 0.4),
        ("I could offer you 50, but I propose that you get 80 and I get 20.", 100, 0.8),
        ("You get 40 and I get 70.", 100, None),
        ("How about 60/40?", 100, None),
        ("You get 120.", 100, None),
        ("You get 30, or you get 40.", 100, None),
        ("Hello there", 100, None),
        ("", 100, None),
    ],
)
def test_an_offer_is_read(text: str, amount: float, share: float | None) -> None:
    assert offered_share(text, amount) == (None if share is None else pytest.approx(share))


@given(st.text(max_size=300), st.floats(0.01, 1e9))
def test_any_text_gives_a_share_or_none(text: str, amount: float) -> None:
    share = offered_share(text, amount)
    assert share is None or 0 <= share <= 1


def test_the_amount_is_the_first_number_of_a_task() -> None:
    assert amount_in("Divide 1,000 dollars between 2 people.") == 1000
    assert amount_in("Divide fifty apples.") == 50
    assert amount_in("Divide it.") is None
