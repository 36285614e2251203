"""Questions of the simulated society: who proposes, approves, asks and answers them, and what they cost."""

from statistics import mean

import pytest
from simulated_society import answer, ballot, comment, shown
from test_simulated_conditions import FORM, NO_FLAWS, talk

from scai_cli.experiment.constitution import Clause, Constitution
from scai_cli.experiment.personas import Persona
from scai_cli.models.simulated.forms import FormRequest
from scai_cli.models.simulated.meta import propose_rules
from scai_cli.models.simulated.portrait import draws
from scai_cli.models.simulated.questions import asked_in, question, without_questions
from scai_cli.models.simulated.recognition import NOTHING, known_to
from scai_cli.prompts.fences import fence

ASK = "Ask whether more detail is wanted."
HURRY = "the user is in a hurry"
CAN_ASK = {**FORM, "contract": [{"id": None, "text": "", "when": "", "ask": False}]}


def rules(when: str | None = None, text: str = ASK) -> str:
    return Constitution(contract=(Clause(id="C1", text=text, kind="ask", when=when),)).render()


def contested(form: dict, more: str = "") -> list[dict]:
    """The contract that an author writes where two people want more detail and two less, and none shows a condition."""
    wishes = {"ann": "more detail", "bob": "more detail", "cid": "a shorter answer", "dan": "a shorter answer"}
    talks = [talk(user, "What can I cook?", f"I would have liked {wish}.") for user, wish in wishes.items()]
    talks += [talk(user, "What can I cook?", "Fine.", 9) for user in ("eve", "fay", "gil", "hal")]
    constitution = fence("constitution", more or "(empty)")
    prompt = "\n\n".join(["At most 10 principles, at most 400 tokens.", *talks, constitution])
    return propose_rules(FormRequest("", prompt, form), NO_FLAWS, draws("author")).as_rewrite()["contract"]


def test_the_author_asks_where_wishes_differ_and_nothing_shows_whose_is_whose():
    [clause] = contested(CAN_ASK)
    assert clause["ask"]
    assert clause["when"] is None
    assert clause["text"].startswith("Ask whether ")
    assert contested(FORM) == []  # the form has no questions
    assert len(contested(CAN_ASK, f"C1 (ask): {clause['text']}")) == 1


def test_the_assistant_asks_once_and_the_reply_counts_as_a_rule():
    first = answer(rules())
    assert asked_in(first) == "detailed"
    assert asked_in(answer(rules(), remarks=["Fine."])) is None
    assert asked_in(answer("Explain things in detail.")) is None
    told = "Next time I would also like more detail."
    asked, passing = (shown("detailed", text, remarks=[told], seeds=20) for text in (rules(), ""))
    assert asked > passing


def test_a_question_with_a_condition_is_asked_of_those_who_show_it():
    assert question(rules(HURRY), known_to(frozenset({"in_a_hurry"}))) == "detailed"
    assert question(rules(HURRY), NOTHING) is None
    assert question("- Ask whether more detail is wanted.", NOTHING) is None  # a rule, outside of the questions


def test_a_question_asks_for_no_trait():
    assert list(without_questions(f"Be kind.\n\n{rules()}\n\nBe brief.")) == ["Be kind.", "", "", "Be brief."]


@pytest.mark.parametrize(("weight", "says"), [(0.8, "more detail"), (-0.8, "detail"), (0.0, "")])
def test_a_user_answers_and_is_annoyed(weight, says):
    person = Persona(id="ann", preferences={"detailed": weight, "warm": 0.6})
    plain = "Start with the soup and ask each guest what they cannot eat."
    told = [comment(person, f"{plain}\n\nWould you like more detail?", seed=seed) for seed in range(20)]
    quiet = [comment(person, plain, seed=seed) for seed in range(20)]
    assert mean(one["rating"] for one in told) <= mean(one["rating"] for one in quiet)
    assert all(says in one["feedback"] for one in told)


@pytest.mark.parametrize(
    ("preferences", "opinion"),
    [
        ({"detailed": 0.9}, "approve"),
        ({"detailed": -0.9}, "indifferent"),
        ({"detailed": 0.9, "asks_back": -0.9}, "object"),
    ],
)
def test_a_voter_weighs_what_a_question_is_worth(preferences, opinion):
    person = Persona(id="ann", preferences={**preferences, "warm": 0.1})
    cast = ballot(person, {"A": f"At the beginning: {ASK}"}, options={"misjudgement": 0.0})
    assert cast["A"] == (opinion, opinion, opinion)
