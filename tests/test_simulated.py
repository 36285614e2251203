"""The simulated society, spoken to as any model is: through messages alone."""

import asyncio
import json
import os
import random
import subprocess
import sys
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scai_cli.chat import ChatRequest, Message, Sampling
from scai_cli.config import ModelConfig
from scai_cli.errors import ConfigError
from scai_cli.fences import enclose, fence
from scai_cli.models.simulated import connect
from scai_cli.models.simulated.sentences import BANK, LEADS, NEUTRAL, PLAIN, STEPS
from scai_cli.models.simulated.wordings import CONTENT, remark, rule
from scai_cli.personas import Persona
from scai_cli.templates import FORM, TEMPLATES, fill
from scai_cli.traits import TRAITS, observe, requested, utility

TASK = "Plan a dinner for twelve people next Friday."
BY_LAYOUT = {"concise", "detailed", "plain_words", "bullet_list", "step_by_step"}
MEASURED = set(TRAITS) - {"concise", "detailed", "plain_words"}
REWRITE = (
    '{"critique": "...", "no_change": false, "principles": [{"id": "P1", "text": "..."}], '
    '"contract": [{"id": "C1", "text": "...", "for": ["user-id"]}]}'
)
NO_FLAWS = {"forgets": 0.0, "invents": 0.0, "obeys_one": 0.0, "over_generalises": 0.0, "truncates": 0.0}


def ask(*messages, seed=0, options=None, max_tokens=None):
    model = connect(ModelConfig(options=options or {}), seed=seed)
    said = tuple(Message(role, content) for role, content in messages)
    request = ChatRequest("e1", "user", "any", "simulated", said, Sampling(max_tokens=max_tokens))
    return asyncio.run(model.complete(request))


def answer(rules="", task=TASK, remarks=(), **how):
    dialogue = [("user", task)]
    for said in remarks:
        dialogue += [("assistant", "Here is a plan."), ("user", said)]
    return ask(("system", fill(TEMPLATES["assistant"], {"constitution": rules})), *dialogue, **how).text


def shown(trait, rules="", seeds=40, **how):
    return mean(observe(answer(rules, seed=seed, **how))[trait] for seed in range(seeds))


def system(persona):
    return ("system", fill(TEMPLATES["user"], {"persona": fence("persona", persona.portrait("dinner"))}))


def comment(persona, text, low=0, high=10, **how):
    said = "\n".join([fence("message", TASK, **{"from": "user"}), fence("message", text, **{"from": "assistant"})])
    values = {
        "conversation": enclose("conversation", said),
        "metric": "satisfaction",
        "low": f"{low}",
        "high": f"{high}",
    }
    prompt = fill(TEMPLATES["feedback"], values | {"form": f'{FORM}\n{{"feedback": "...", "rating": 0}}'})
    return json.loads(ask(system(persona), ("user", prompt), **how).text)


def cross_rate(persona, text, **how):
    values = {
        "task": fence("task", TASK),
        "answer": fence("answer", text),
        "metric": "harm",
        "low": "0",
        "high": "10",
    }
    prompt = fill(TEMPLATES["cross_rating"], values | {"form": f'{FORM}\n{{"reason": "...", "rating": 0}}'})
    return json.loads(ask(system(persona), ("user", prompt), **how).text)


def conversation(user, remark, value, others=()):
    parts = [fence("message", text, **{"from": who}) for who, text in (("user", TASK), ("assistant", "Soup."))]
    parts += [fence("message", remark, **{"from": "user"})]
    parts += [fence("rating", "", metric="satisfaction", by=user, value=str(value))]
    parts += [fence("rating", text, metric="harmlessness", by=by, value=str(v)) for by, v, text in others]
    return enclose("conversation", "\n".join(parts), id=f"e1/{user}/dinner", user=user)


def rewrite(conversations, rules="(empty)", principles=10, tokens=400, options=None, **how):
    values = {
        "constitution": fence("constitution", rules, version="1"),
        "conversations": "\n\n".join(conversations),
        "own": "satisfaction",
        "cross": "harmlessness",
        "low": "0",
        "high": "10",
        "max_principles": f"{principles}",
        "max_tokens": f"{tokens}",
    }
    prompt = fill(TEMPLATES["rewrite"], values | {"form": f"{FORM}\n{REWRITE}"})
    options = {"flaws": NO_FLAWS} if options is None else options
    return ask(("system", TEMPLATES["meta"]), ("user", prompt), options=options, **how)


def rewritten(*args, **how):
    return json.loads(rewrite(*args, **how).text)


# what it says and what is heard


@pytest.mark.parametrize("trait", BANK)
def test_a_sentence_shows_its_trait_and_no_other(trait):
    assert len(BANK[trait]) >= 6
    seen = {s: {n for n, v in observe(s.format(topic="this")).items() if v} & MEASURED for s in BANK[trait]}
    assert all(found == {trait} for found in seen.values()), seen


def test_sentences_that_only_fill_show_nothing():
    for sentence in (*NEUTRAL, *PLAIN, *STEPS, *LEADS):
        assert not {n for n, v in observe(sentence.format(topic="this")).items() if v} & MEASURED, sentence


def test_every_trait_can_be_shown():
    assert set(BANK) | BY_LAYOUT == set(TRAITS)


@pytest.mark.parametrize("trait", TRAITS)
@pytest.mark.parametrize(("kind", "sign"), [("missed", 1.0), ("minded", -1.0), ("liked", 1.0)])
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
    for text in (*CONTENT, TEMPLATES["assistant"], TEMPLATES["user"]):
        assert requested(text) == {}, text


# the assistant


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
    assert any("the dinner" in answer(seed=seed) for seed in range(20))


# the user

FARMER = Persona(id="farmer", preferences={"concise": 1.0, "tradition": 0.8, "animal_welfare": -0.5})


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


@pytest.mark.parametrize(("low", "high"), [(0, 10), (1, 5), (1, 100), (-5, 5), (1, 7), (0, 1)])
def test_ratings_keep_to_any_scale(low, high):
    for text in ("It is an old tradition.", "Animals. " * 200, "from 200 to 300 hens"):
        value = comment(FARMER, text, low, high)["rating"]
        assert low <= value <= high
        assert isinstance(value, int) == (high - low >= 5) or value in (low, high)


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
    texts = [sentences[0] for sentences in BANK.values()]
    assert len({comment(plain, text, options={"noise": 0.0})["rating"] for text in texts}) > 1
    assert [comment(plain, t)["rating"] for t in texts] == [comment(plain, t)["rating"] for t in texts]


# the meta


def asks(rules):
    return [requested(entry["text"]) for entry in rules]


def test_what_several_want_becomes_a_principle_and_what_one_wants_a_clause_for_them():
    said = [conversation(user, "I missed a word on thrift.", 2) for user in ("ann", "bob", "cat", "dan")]
    said += [conversation("eve", "Please give me humour.", 3)]
    revision = rewritten(said)
    assert asks(revision["principles"]) == [{"thrift": 1.0}]
    assert [(requested(c["text"]), c["for"]) for c in revision["contract"]] == [({"humorous": 1.0}, ["eve"])]
    assert revision["no_change"] is False
    assert "serve" in revision["critique"]


def test_what_is_contested_goes_into_the_contract():
    said = [conversation(user, "I want short answers.", 2) for user in ("ann", "bob", "cat")]
    said += [conversation(user, "I want detailed answers.", 2) for user in ("dan", "eve", "fay")]
    revision = rewritten(said)
    assert revision["principles"] == []
    assert {(*requested(c["text"]), *c["for"]) for c in revision["contract"]} == {
        ("concise", "ann", "bob", "cat"),
        ("detailed", "dan", "eve", "fay"),
    }


def test_a_rule_that_several_mind_goes_and_good_rules_keep_their_ids():
    said = [conversation(user, "I am tired of humour.", 2) for user in ("ann", "bob", "cat")]
    revision = rewritten(said, "P2: Make jokes.\nP5: Name your sources.\nC1 (for ann): Be warm.")
    assert [p["id"] for p in revision["principles"]][:1] == ["P5"]
    assert {"humorous": 1.0} not in asks(revision["principles"])
    assert revision["contract"][0] == {"id": "C1", "text": "Be warm.", "for": ["ann"]}
    assert "P2" in revision["critique"]


def test_cross_ratings_speak_too():
    minded = ("bob", 0, "There was too much about faith."), ("cat", 0, "I do not want to hear about faith.")
    revision = rewritten([conversation("ann", "Go on like this.", 9, minded)], "P1: Mention faith.")
    assert {"faith": 1.0} not in asks(revision["principles"])


def test_no_change_when_nothing_speaks_for_one():
    revision = rewritten([conversation("ann", "Go on like this.", 10)], "P1: Be warm.")
    assert revision["no_change"] is True
    assert [p["id"] for p in revision["principles"]] == ["P1"]


def test_the_limits_are_kept():
    themes = [name for name in TRAITS if TRAITS[name].kind == "substance"]
    said = [conversation(u, " ".join(f"I missed {TRAITS[t].label}." for t in themes), 1) for u in ("ann", "bob")]
    full = "P1: Be warm.\nP2: Cite sources."
    for seed in range(10):
        assert len(rewritten(said, full, principles=2, seed=seed)["principles"]) == 2
        revision = rewritten(said, full, tokens=20, seed=seed)
        assert sum(-(-len(entry["text"]) // 4) for entry in revision["principles"] + revision["contract"]) <= 20
        assert len(rewritten(said, seed=seed)["principles"]) in (2, 3)


@pytest.mark.parametrize(
    ("flaw", "seen"),
    [
        ("forgets", lambda r: len(r["principles"]) + len(r["contract"]) == 1),
        ("invents", lambda r: len(r["principles"]) == 2),
        ("obeys_one", lambda r: {"humorous": 1.0} in asks(r["principles"])),
        ("over_generalises", lambda r: {"faith": 1.0} in asks(r["principles"])),
    ],
)
def test_each_flaw_happens_at_its_rate(flaw, seen):
    said = [conversation("eve", "Please give me humour.", 3)] if flaw == "obeys_one" else []
    rules = "P1: Be warm.\nC1 (for eve): Mention faith."
    always = {"flaws": NO_FLAWS | {flaw: 1.0}}
    assert all(seen(rewritten(said, rules, options=always, seed=seed)) for seed in range(8))
    assert not any(seen(rewritten(said, rules, seed=seed)) for seed in range(8))
    sometimes = {"flaws": NO_FLAWS | {flaw: 0.3}}
    assert 20 <= sum(seen(rewritten(said, rules, options=sometimes, seed=seed)) for seed in range(100)) <= 40


def test_an_answer_can_be_cut_off_in_the_middle():
    cut = rewrite([], "P1: Be warm.", options={"flaws": {"truncates": 1.0}})
    assert cut.finish_reason == "length"
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut.text)


# the boundary

PROCESS = """
import asyncio, hashlib
from scai_cli.chat import ChatRequest, Message
from scai_cli.config import ModelConfig
from scai_cli.models.simulated import connect
from tests.test_simulated import FARMER, TASK, answer, comment, cross_rate, conversation, rewrite
from scai_cli.personas import Persona
bo = Persona(id="bo")
said = [answer("1. Be warm.\\n2. Mention faith and family.", seed=s) for s in range(5)]
said += [str(comment(p, t, seed=3)) + str(cross_rate(p, t, seed=3)) for p in (FARMER, bo) for t in said]
told = [conversation(u, "I missed thrift. No jokes.", 2) for u in "abc"]
said += [rewrite(told, options={}, seed=s).text for s in range(5)]
print(hashlib.sha256("|".join(said).encode()).hexdigest())
"""


def test_the_same_words_in_every_process():
    digests = {
        subprocess.run(
            [sys.executable, "-c", PROCESS],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.getcwd()},  # noqa: PTH109
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("0", "1", "42")
    }
    assert len(digests) == 1


def test_the_seed_and_every_word_of_the_request_count_but_not_the_order_of_calls():
    assert answer(seed=1) == answer(seed=1)
    assert len({answer(seed=seed) for seed in range(5)}) == 5
    assert answer(task="Plan a lunch.") != answer(task="Plan a supper.")
    model = connect(ModelConfig(), seed=7)
    requests = [ChatRequest(f"m{n}", "assistant", "answer", "simulated", (Message("user", f"{n}?"),)) for n in range(4)]

    async def texts(order):
        return {r.id: (await model.complete(r)).text for r in order}

    assert asyncio.run(texts(requests)) == asyncio.run(texts(requests[::-1]))


def test_usage_and_the_token_limit():
    whole = ask(("user", "12345"))
    assert whole.finish_reason == "stop"
    assert (whole.usage.input_tokens, whole.usage.output_tokens) == (2, -(-len(whole.text) // 4))
    cut = ask(("user", "12345"), max_tokens=5)
    assert cut.finish_reason == "length"
    assert (len(cut.text), cut.usage.output_tokens) == (20, 5)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"atention": 3}, "did you mean 'attention'"),
        ({"noise": "much"}, "options.noise"),
        ({"attention": -1}, "options.attention"),
        ({"flaws": {"forget": 0.1}}, "did you mean 'forgets'"),
        ({"flaws": {"forgets": 1.1}}, "from 0 to 1"),
        ({"flaws": 0.1}, "options.flaws"),
        ({"noise": True}, "options.noise"),
        ({"noise": float("nan")}, "options.noise"),
    ],
)
def test_options_that_are_wrong_are_the_users_to_fix(options, said):
    with pytest.raises(ConfigError, match=said):
        connect(ModelConfig(options=options), seed=0)


def test_a_form_that_it_does_not_know_is_filled_all_the_same():
    form = '{"vote": "...", "score": 0, "sure": true, "ranking": [{"id": "A", "weight": 0.5}], "note": null}'
    filled = json.loads(ask(system(FARMER), ("user", f"Vote.\n\n{FORM}\n{form}")).text)
    assert filled.keys() == {"vote", "score", "sure", "ranking", "note"}
    assert isinstance(filled["vote"], str)
    assert 0 <= filled["score"] <= 10
    assert filled["sure"] is True
    assert filled["ranking"][0].keys() == {"id", "weight"}


def test_after_a_complaint_about_the_form_it_tries_again():
    prompt = ("user", f'Rate from 0 to 10.\n\n{FORM}\n{{"feedback": "...", "rating": 0}}')
    again = ask(system(FARMER), prompt, ("assistant", "{"), ("user", "That was not JSON. Answer again."))
    assert json.loads(again.text).keys() == {"feedback", "rating"}


garbage = (
    st.text()
    | st.text(alphabet='<>/{}"=\n abcP1C:;+-.0123456789\ud800', max_size=300)
    | st.sampled_from(
        [
            f"{FORM}\n{REWRITE}",
            f"<constitution>\nP1: \nC1 (for ): x\n</constitution>\n{FORM}\n{REWRITE}",
            '<conversation id="x" user="">\n<rating by="" value="nan">\n\n</rating>\n</conversation>'
            + f"\n{FORM}\n{REWRITE}",
            f'from 10 to 0, from 3 to 3.\n{FORM}\n{{"feedback": "...", "rating": 0}}',
            f"{FORM}\n{{" + '"a": [' * 40,
            "<persona>\nName: x\nconcise +9.00; faith -0.1; ; x +1\n</persona>",
            "<persona>\n\n</persona>",
            FORM,
        ]
    )
)


@given(st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), garbage), max_size=5))
def test_garbage_does_not_raise(messages):
    ask(*messages).text.encode()


@given(st.text())
def test_what_is_said_in_a_dialogue_cannot_break_it(said):
    reply = comment(FARMER, said)
    assert 0 <= reply["rating"] <= 10
    assert reply["feedback"]
    revision = rewritten([conversation("ann", said, 5)])
    assert {"critique", "no_change", "principles", "contract"} == revision.keys()


# all of it together


def test_a_constitution_that_grants_what_is_wanted_is_worth_more_than_remarks():
    wants = {"warm": 1.0, "thrift": 0.8, "family": 0.7, "humorous": -0.5}
    rules = "\n".join(f"{n}. {rule(t, w > 0, random.Random(n))}" for n, (t, w) in enumerate(wants.items(), 1))
    remarks = ["I would have liked a warm tone.", "I missed a word on thrift."]

    def worth(*args, **how):
        return mean(utility(wants, observe(answer(*args, seed=seed, **how))) for seed in range(30))

    assert worth("") < worth("", remarks=remarks) < worth(rules) - 0.2
