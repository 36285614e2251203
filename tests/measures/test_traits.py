"""Traits on hand-labelled sentences: what shows a trait, what only looks like it, and what asks for it."""

import json
from pathlib import Path

import pytest
from growth import grows_linearly
from hypothesis import given
from hypothesis import strategies as st

from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.observed import observe, utility
from scai_cli.measures.requested import requested

STYLE = [
    *(
        "concise",
        "detailed",
        "bullet_list",
        "step_by_step",
        "plain_words",
        "formal",
        "casual",
        "warm",
        "humorous",
    ),
    *("asks_back", "gives_example", "names_source", "states_uncertainty", "balanced", "direct"),
]
SUBSTANCE = [
    *("environment", "tradition", "personal_freedom", "equality", "security", "faith", "thrift", "health"),
    *(
        "animal_welfare",
        "family",
        "science",
        "local_community",
        "human_rights",
        "economic_growth",
        "rule_of_law",
    ),
    "pleasure",
]
TEXTS = json.loads((Path(__file__).parents[1] / "data" / "labelled_texts.json").read_text(encoding="utf-8"))

any_text = (
    st.text()
    | st.text(alphabet=st.characters(), max_size=200)
    | st.sampled_from(
        [
            "\ud800",
            "a\u2028b\x85c",
            "😂" * 50,
            "no no not never",
            "1. 1. 1.",
            "- \n- \n",
            "?you?",
            "…" * 99,
            "İ'ı’s",
        ]
    )
)


def test_the_traits_are_those_of_the_design_in_a_fixed_order():
    assert list(TRAITS) == STYLE + SUBSTANCE
    assert [name for name in TRAITS if TRAITS[name].kind == "style"] == STYLE
    assert {(t.name, t.excludes) for t in TRAITS.values() if t.excludes} == {
        *(("concise", "detailed"), ("detailed", "concise")),
        *(("formal", "casual"), ("casual", "formal")),
        *(("balanced", "direct"), ("direct", "balanced")),
    }
    assert all(trait.words and trait.label for trait in TRAITS.values())


@pytest.mark.parametrize("name", TRAITS)
def test_what_shows_a_trait_and_what_only_looks_like_it(name):
    shows, misses = TEXTS[name]["shows"], TEXTS[name]["near_misses"]
    assert len(shows) >= 3
    assert len(misses) >= 2
    assert {text: observe(text)[name] >= 0.3 for text in shows} == dict.fromkeys(shows, True)
    assert {text: observe(text)[name] < 0.3 for text in misses} == dict.fromkeys(misses, True)


def test_more_sentences_show_more_but_never_all():
    one = "Our village has a bakery."
    grades = [observe(" ".join([one] * n))["local_community"] for n in range(5)]
    assert grades == sorted(grades)
    assert grades[:3] == [0.0, pytest.approx(0.6), pytest.approx(0.84)]
    assert grades[4] < 1


def test_length_goes_over_linearly_from_concise_to_detailed():
    shown = [observe("word " * n) for n in (0, 1, 40, 80, 120, 140, 200, 5000)]
    assert [s["concise"] for s in shown] == [0, 1, 1, 0.5, 0, 0, 0, 0]
    assert [s["detailed"] for s in shown] == [0, 0, 0, 0, pytest.approx(1 / 3), 0.5, 1, 1]


@pytest.mark.parametrize(
    ("sentence", "words"),
    [("请你写简短的回答。", 4), ("ช่วยตอบให้สั้นๆซิ ", 4), ("छोटा उत्तर हिन्दी में। ", 4), ("Say it in short. ", 4)],
)
def test_length_is_that_in_words_in_any_script(sentence, words):
    for many, concise, detailed in ((40 // words, 1, 0), (80 // words, 0.5, 0), (200 // words, 0, 1)):
        shown = observe(sentence * many)
        assert (shown["concise"], shown["detailed"]) == (
            pytest.approx(concise, abs=0.1),
            pytest.approx(detailed, abs=0.1),
        )
        if not sentence.endswith("ซิ "):  # Thai has no full stop
            assert shown["plain_words"] == 1


@pytest.mark.parametrize("text", ["", "   ", "\n\n", "?!...", "- \n- ", "123 456"])
def test_a_text_without_words_shows_nothing(text):
    assert not any(observe(text).values())


@given(any_text)
def test_observe_is_total_and_in_range(text):
    shown = observe(text)
    assert list(shown) == list(TRAITS)
    assert all(0 <= value <= 1 for value in shown.values())


@given(any_text)
def test_requested_is_total_and_gives_signs(text):
    assert all(name in TRAITS and sign in (1.0, -1.0) for name, sign in requested(text).items())


@given(
    st.lists(
        st.sampled_from(["no", "avoid", "jokes", "but", "short", ",", "and", "be", ".", "too", "law", "put me off"])
    )
)
def test_requested_is_total_on_its_own_words(words):
    assert set(requested(" ".join(words)).values()) <= {1.0, -1.0}


@pytest.mark.parametrize(
    "piece", ["Is nature fair to you? ", "no ", "rule of ", "(1 ", ". ", "a", "\n - ", "'", "a\t\t"]
)
def test_a_long_text_takes_no_longer_than_its_length_says(piece):
    def read(size):
        text = piece * (size // len(piece))
        observe(text)
        requested(text)

    assert grows_linearly(read, 25_000)


def test_utility_is_the_weighted_share_of_what_is_wanted():
    shown = {"concise": 0.8, "environment": 0.25}
    assert utility({"concise": 1.0}, shown) == pytest.approx(0.8)
    assert utility({"environment": -0.5}, shown) == pytest.approx(0.75)
    assert utility({"concise": 1.0, "environment": -0.5}, shown) == pytest.approx((0.8 + 0.5 * 0.75) / 1.5)
    assert utility({"faith": 1.0}, shown) == 0.0
    assert utility({}, shown) is None
    assert utility({"faith": 0.0}, shown) is None


@given(st.dictionaries(st.sampled_from(list(TRAITS)), st.floats(-1, 1)), any_text)
def test_utility_is_in_range(preferences, text):
    u = utility(preferences, observe(text))
    assert u is None or 0 <= u <= 1


@pytest.mark.parametrize(("text", "wishes"), TEXTS["requests"])
def test_what_a_rule_or_a_wish_asks_for(text, wishes):
    assert requested(text) == wishes


@pytest.mark.parametrize("trait", TRAITS.values(), ids=list(TRAITS))
def test_a_trait_is_asked_for_by_its_label_and_refused_with_a_negation(trait):
    for wish in ("I want {}.", "Please give me {}.", "More {}, please.", "What I missed is {}."):
        assert requested(wish.format(trait.label)) == {trait.name: 1.0}, wish
    for wish in (
        "Avoid {}.",
        "I do not want {}.",
        "Please leave out {}.",
        "Never bring up {}.",
        "Without {}, please.",
    ):
        assert requested(wish.format(trait.label)) == {trait.name: -1.0}, wish
