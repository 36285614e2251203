"""The simulated assistant and users: what they say is what is heard, wanted and rated."""

import random
from statistics import mean

import pytest
from simulated_society import FARMER, answer, comment, cross_rate, shown

from scai_cli.experiment.personas import Persona
from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.observed import observe, utility
from scai_cli.measures.requested import requested
from scai_cli.models.simulated.sentences import GENERAL
from scai_cli.models.simulated.wordings import CONTENT, HARMLESS, PRAISE, remark, rule
from scai_cli.prompts.templates import TEMPLATES


@pytest.mark.parametrize("trait", TRAITS)
@pytest.mark.parametrize(
    ("kind", "sign"), [*((k, 1.0) for k in ("missed", "wished", "more", "liked")), ("minded", -1.0)]
)
def test_a_remark_is_heard_with_the_right_trait_and_sign(trait, kind, sign):
    said = {remark(trait, kind, random.Random(n)) for n in range(60)}
    assert len(said) >= 4
    assert {text: requested(text) for text in said} == {text: {trait: sign} for text in said}


@pytest.mark.parametrize("trait", TRAITS)
@pytest.mark.parametrize("wanted", [True, False])
def test_a_rule_is_read_with_the_right_trait_and_sign(trait, wanted):
    rules = {rule(trait, wanted, random.Random(n)) for n in range(60)}
    assert len(rules) >= 2
    assert {text: requested(text) for text in rules} == {text: {trait: 1.0 if wanted else -1.0} for text in rules}


def test_words_of_courtesy_ask_for_nothing():
    for text in (*CONTENT, *HARMLESS, *PRAISE, TEMPLATES["assistant"], TEMPLATES["user"]):
        assert requested(text) == {}, text


@pytest.mark.parametrize("trait", TRAITS)
def test_a_rule_makes_the_assistant_show_the_trait_and_a_ban_does_not(trait):
    wanted, banned = (f"1. {rule(trait, sign, random.Random(3))}" for sign in (True, False))
    with_rule, without, against = shown(trait, wanted), shown(trait), shown(trait, banned)
    assert with_rule >= without + 0.25
    assert with_rule >= 0.6
    assert against <= without + 0.02


def test_more_rules_make_each_weaker():
    asked = [
        "environment",
        "family",
        "science",
        "warm",
        "gives_example",
        "thrift",
        "health",
        "faith",
        "equality",
    ]
    asked += ["security", "asks_back", "direct", "pleasure", "rule_of_law"]
    one = f"1. {rule('environment', True, random.Random(0))}"
    many = "\n".join(f"{n}. {rule(trait, True, random.Random(n))}" for n, trait in enumerate(asked, 1))
    alone, among = shown("environment", one), shown("environment", many)
    assert among < alone - 0.1
    assert shown("environment", many, options={"attention": 40}) > among


def test_a_remark_counts_less_than_a_rule_and_an_old_one_less_than_a_new_one():
    wish = "Please say more about the environment."
    without, by_rule = shown("environment", seeds=200), shown("environment", wish, seeds=200)
    new = shown("environment", remarks=["Thanks.", wish], seeds=200)
    old = shown("environment", remarks=[wish, "Fine."], seeds=200)
    assert without < old < new < by_rule - 0.2


def test_of_two_that_exclude_each_other_both_cannot_be_had():
    assert shown("concise", "1. Keep every answer short.") > 0.8
    both = shown("concise", "1. Keep every answer short.\n2. Explain things in detail.")
    assert both < 0.5


def test_length_follows_the_rules():
    def words(rules):
        return mean(len(answer(rules, seed=seed).split()) for seed in range(30))

    assert 25 <= words("1. Be brief.") <= 45
    assert 85 <= words("") <= 135
    assert 160 <= words("1. Be thorough.") <= 210


def test_an_answer_repeats_no_sentence_and_takes_up_what_the_task_names():
    for seed in range(40):
        text = answer("1. Explain things in detail.\n2. Use plain words.", seed=seed)
        sentences = [s.strip() for s in text.replace("\n", ". ").split(". ") if s.strip()]
        assert len(sentences) == len(set(sentences))
        assert "{" not in text
    assert shown("environment", task="How do we help the climate?") > shown("environment") + 0.2
    assert all("planning a dinner" in answer(seed=seed) for seed in range(20))


def test_a_user_rates_by_the_stated_preferences_and_says_what_is_missed_and_minded():
    good = comment(FARMER, "It is an old tradition. Our ancestors did so, too.")
    bad = comment(FARMER, "Animals are dear. Hens are creatures. " * 30)
    assert good["rating"] >= 8
    assert bad["rating"] <= 3
    assert set(requested(bad["feedback"]).items()) <= {
        ("concise", 1.0),
        ("tradition", 1.0),
        ("animal_welfare", -1.0),
    }
    assert requested(bad["feedback"])


def test_a_user_asks_for_more_of_a_theme_that_an_answer_touches_and_misses_it_only_elsewhere():
    parent = Persona(id="parent", preferences={"family": 1.0, "science": 0.5})
    touched = {comment(parent, "Ask your family. Then wait.", seed=seed)["feedback"] for seed in range(30)}
    untouched = {comment(parent, "Wait a week.", seed=seed)["feedback"] for seed in range(30)}
    assert not [said for said in touched if "nothing about family" in said or "missed a word on family" in said]
    assert any("more about family" in said for said in touched)
    assert any("nothing about family" in said for said in untouched)


def test_a_high_rating_comes_with_praise_and_a_low_one_without():
    parent = Persona(id="parent", preferences={"family": 1.0})
    good, bad = "Ask your family. Your parents know. Ask a child. Ask an aunt.", "Wait a week."
    assert all(comment(parent, good, seed=seed)["feedback"].startswith(PRAISE) for seed in range(20))
    assert not any(comment(parent, bad, seed=seed)["feedback"].startswith(PRAISE) for seed in range(20))


@pytest.mark.parametrize(("low", "high"), [(0, 10), (1, 5), (1, 100), (-5, 5), (1, 7), (0, 1)])
def test_ratings_keep_to_any_scale(low, high):
    for text in ("It is an old tradition.", "Animals. " * 200, "from 200 to 300 hens"):
        value = comment(FARMER, text, low, high)["rating"]
        assert low <= value <= high
        assert isinstance(value, int) == (high - low >= 5) or value in (low, high)


@pytest.mark.slow
def test_the_noise_is_fixed_by_the_seed_and_has_the_size_asked_for():
    text = "It is an old tradition. " + "There is more to say about it. " * 12

    def ratings(noise):
        return [comment(FARMER, text, 0, 1000, seed=s, options={"noise": noise})["rating"] for s in range(60)]

    assert ratings(0.05) == ratings(0.05)
    assert len(set(ratings(0.0))) == 1
    assert 25 < (mean((r - mean(ratings(0.05))) ** 2 for r in ratings(0.05))) ** 0.5 < 75


def test_cross_ratings_care_about_substance_and_most_about_what_is_minded():
    vegan = Persona(id="vegan", preferences={"animal_welfare": 1.0, "tradition": -0.8, "concise": 1.0})
    neutral = mean(cross_rate(vegan, "Put soup on the table.", seed=s)["rating"] for s in range(30))
    long = mean(cross_rate(vegan, "Put soup on the table. " * 60, seed=s)["rating"] for s in range(30))
    good = mean(cross_rate(vegan, "Hens feel pain. Animals count.", seed=s)["rating"] for s in range(30))
    bad = cross_rate(vegan, "It is an old tradition. Our ancestors did so.")
    assert 6 <= neutral <= 8
    assert long == pytest.approx(neutral, abs=0.5)
    assert good > neutral + 1
    assert bad["rating"] < neutral - 3
    assert requested(bad["reason"]) == {"tradition": -1.0}


def test_without_stated_preferences_the_biography_speaks_and_the_rest_is_inborn():
    ada = Persona(id="ada", description="Ada loves science and distrusts the church.", attributes={"work": "nurse"})
    scientific, pious = "Research gives evidence. Data show it.", "Pray to God. The church is open."
    ratings = [
        (cross_rate(ada, scientific, seed=s)["rating"], cross_rate(ada, pious, seed=s)["rating"]) for s in range(9)
    ]
    assert all(a > b + 2 for a, b in ratings)
    plain = Persona(id="bo", name="Bo")
    texts = [sentences[0] for sentences in GENERAL.traits.values()]
    assert len({comment(plain, text, options={"noise": 0.0})["rating"] for text in texts}) > 1
    assert [comment(plain, t)["rating"] for t in texts] == [comment(plain, t)["rating"] for t in texts]


def test_a_constitution_that_grants_what_is_wanted_is_worth_more_than_remarks():
    wants = {"warm": 1.0, "thrift": 0.8, "family": 0.7, "humorous": -0.5}
    rules = "\n".join(f"{n}. {rule(t, w > 0, random.Random(n))}" for n, (t, w) in enumerate(wants.items(), 1))
    remarks = ["I would have liked a warm tone.", "I missed a word on thrift."]

    def worth(*args, **how):
        return mean(utility(wants, observe(answer(*args, seed=seed, **how))) for seed in range(30))

    assert worth("") < worth("", remarks=remarks) < worth(rules) - 0.2
