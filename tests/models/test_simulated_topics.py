"""What the simulated assistant takes up from its task, and what simulated users take up from its answers."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_society import FARMER, answer, comment, cross_rate

from scai_cli.experiment.starter import shipped
from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.observed import observe
from scai_cli.measures.requested import requested
from scai_cli.models.simulated.quotes import after_quote, with_quote
from scai_cli.models.simulated.topics import topics
from scai_cli.models.simulated.wordings import remark, rule
from scai_cli.text.data_files import read_lists

LIBRARY = [
    task["prompt"]
    for file in sorted((shipped() / "configs" / "tasks" / "library").glob("*.yaml"))
    for task in read_lists(file)["tasks"]
]


@pytest.mark.parametrize(
    ("task", "first"),
    [
        ("Should we introduce a universal basic income?", "introducing a universal basic income"),
        ("Should the government ban cars in town and tax fuel?", "banning cars in town"),
        ("Should phones be banned in schools, for the teachers as well?", "banning phones in schools"),
        ("Should prisoners be given supervised internet access?", "giving prisoners supervised internet access"),
        ("Is it okay to use robots to sort letters, or not?", "using robots to sort letters"),
        ("Do we need to build more roads because of the cars?", "building more roads"),
        ("Will artificial intelligence make us better off?", "artificial intelligence"),
        ("Plan a dinner for twelve people next Friday.", "planning a dinner"),
        ("I like him. What do I say about his trombone to my flatmate?", "your flatmate"),
        ("The council wants to close the centre to private cars.", "private cars"),
    ],
)
def test_the_first_topic_is_what_the_task_asks_about(task, first):
    assert topics(task)[0] == first


@pytest.mark.parametrize("task", ["", "What now?", "Should it be so?", "Animals?", "{topic} {0}", "Should we build"])
def test_a_task_that_names_nothing_is_answered_all_the_same(task):
    assert topics(task) == ()
    assert len(answer(task=task or " ").split()) > 60


@given(st.text() | st.text(alphabet="should we be it to a the<>{}'- ?.\n", max_size=400))
def test_a_topic_shows_and_asks_for_nothing_and_holds_no_marks(task):
    for topic in topics(task):
        shown = {trait for trait, strength in observe(topic).items() if strength}
        assert shown <= {"concise", "detailed", "plain_words"}
        assert requested(topic) == {}
        assert not set("<>{}\n") & set(topic)


def test_most_answers_hold_a_long_word_of_their_task():
    def long_words(text):
        return {word for word in re.findall(r"\w+", text.lower()) if len(word) > 5}

    shared = sum(bool(long_words(task) & long_words(answer(task=task))) for task in LIBRARY)
    assert shared >= 0.6 * len(LIBRARY)


@pytest.mark.parametrize("trait", [trait for trait in TRAITS if trait != "plain_words"])
@pytest.mark.parametrize(("kind", "sign"), [("minded", -1.0), ("liked", 1.0)])
def test_a_remark_quotes_what_shows_the_trait_and_is_read_as_before(trait, kind, sign):
    quoted = 0
    for seed in range(12):
        rng = random.Random(seed)
        text = answer(f"1. {rule(trait, True, rng)}", seed=seed)
        said = with_quote(remark(trait, kind, rng), trait, text)
        assert requested(said) == {trait: sign}, said
        quote = re.search(r'"(.+?)"|: \d+ words\.', said)
        quoted += quote is not None
        assert quote is None or not quote[1] or quote[1] in text, said
        assert len(said.split()) <= 26
    assert quoted >= 3


def test_a_remark_without_anything_to_quote_stays_as_it_is():
    said = "I missed a word on thrift."
    for text in ("", "Hens are creatures.", "word " * 30, "- \n\n1. ?"):
        assert with_quote("Spare me humour.", "humorous", text) == "Spare me humour."
        assert requested(after_quote(said, text, random.Random(1))) == {"thrift": 1.0}
    assert after_quote(said, "- Knock at six.", random.Random(1)) == f'"Knock at six" is useful. {said}'


def test_users_name_what_is_in_the_answer():
    text = (
        "It is an old tradition. Knock at six. Hens are creatures. Cows feel pain. "
        + "A rug under the chair helps. " * 20
    )
    said = [comment(FARMER, text, seed=seed)["feedback"] for seed in range(20)]
    assert any('"Hens are creatures."' in feedback for feedback in said)
    assert any('"It is an old tradition."' in feedback for feedback in said)
    assert any('" is useful. ' in feedback for feedback in said)
    assert '"' in cross_rate(FARMER, text)["reason"]
