"""The simulated model at its boundary: determinism, options, limits, forms, garbage."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_society import (
    FARMER,
    REWRITE,
    answer,
    ask,
    comment,
    conversation,
    rewritten,
    system,
)

from scai_cli.errors import ConfigError
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Message
from scai_cli.models.simulated import connect
from scai_cli.prompts.templates import FORM

PROCESS = """
import asyncio, hashlib
from scai_cli.messages import ChatRequest, Message
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.models.simulated import connect
from simulated_society import FARMER, TASK, answer, comment, cross_rate, conversation, rewrite
from scai_cli.experiment.personas import Persona
bo = Persona(id="bo")
said = [answer("1. Be warm.\\n2. Mention faith and family.", seed=s) for s in range(5)]
said += [str(comment(p, t, seed=3)) + str(cross_rate(p, t, seed=3)) for p in (FARMER, bo) for t in said]
told = [conversation(u, "I missed thrift. No jokes.", 2) for u in "abc"]
said += [rewrite(told, options={}, seed=s).text for s in range(5)]
print(hashlib.sha256("|".join(said).encode()).hexdigest())
"""


@pytest.mark.slow
def test_the_same_words_in_every_process():
    digests = {
        subprocess.run(
            [sys.executable, "-c", PROCESS],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(Path(__file__).parents[1] / "support")},
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
    model = connect(ModelSettings(), seed=7)
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
        connect(ModelSettings(options=options), seed=0)


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
    assert {"critique", "no_change", "principles", "contract", "removed"} == revision.keys()
