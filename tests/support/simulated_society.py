"""How the tests talk with the simulated society: through messages alone, as with any model."""

import asyncio
import json
from statistics import mean

from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.experiment.personas import Persona
from scai_cli.measures.observed import observe
from scai_cli.messages import ChatRequest, Message, Sampling
from scai_cli.models.simulated import connect
from scai_cli.prompts.fences import enclose, fence
from scai_cli.prompts.templates import CLAUSES, TEMPLATES, fill
from scai_cli.text.characters import clean

TASK = "Plan a dinner for twelve people next Friday."
FARMER = Persona(id="farmer", preferences={"concise": 1.0, "tradition": 0.8, "animal_welfare": -0.5})
REWRITE, EDITS = (fill(TEMPLATES[name], CLAUSES["people"]) for name in ("rewrite_form", "edits_form"))
"""The forms with clauses for people."""
NO_FLAWS = {"forgets": 0.0, "invents": 0.0, "obeys_one": 0.0, "over_generalises": 0.0, "truncates": 0.0}


def ask(*messages, seed=0, options=None, max_tokens=None):
    model = connect(ModelSettings(options=options or {}), seed=seed)
    said = tuple(Message(role, clean(content)) for role, content in messages)
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
    prompt = fill(TEMPLATES["feedback"], values | {"form": fill(TEMPLATES["feedback_form"], values)})
    return json.loads(ask(system(persona), ("user", prompt), **how).text)


def cross_rate(persona, text, **how):
    values = {
        "task": fence("task", TASK),
        "answer": fence("answer", text),
        "metric": "harm",
        "low": "0",
        "high": "10",
    }
    prompt = fill(TEMPLATES["cross_rating"], values | {"form": fill(TEMPLATES["cross_rating_form"], values)})
    return json.loads(ask(system(persona), ("user", prompt), **how).text)


def conversation(user, remark, value, others=(), epoch=1):
    place = f"e{epoch}/{user}/dinner"
    said = [("user", TASK), ("assistant", "Soup."), ("user", remark)]
    parts = [fence("message", text, id=f"{place}/m{n}", **{"from": who}) for n, (who, text) in enumerate(said)]
    parts += [fence("rating", "", id=f"{place}/m2/own", metric="satisfaction", by=user, value=str(value))]
    parts += [
        fence("rating", text, id=f"{place}/cross/{by}", metric="harmlessness", by=by, value=str(v))
        for by, v, text in others
    ]
    return enclose("conversation", "\n".join(parts), id=place, user=user)


def revise(kind, form, conversations, rules="(empty)", principles=10, tokens=400, options=None, **how):
    values = {
        "constitution": fence("constitution", rules, version="1"),
        "conversations": "\n\n".join(conversations),
        "own": "satisfaction",
        "cross": "harmlessness",
        "low": "0",
        "high": "10",
        "max_principles": f"{principles}",
        "max_tokens": f"{tokens}",
        **CLAUSES["people"],
    }
    prompt = fill(TEMPLATES[kind], values | {"form": form})
    options = {"flaws": NO_FLAWS} if options is None else options
    return ask(("system", TEMPLATES["meta"]), ("user", prompt), options=options, **how)


def rewrite(*args, **how):
    return revise("rewrite", REWRITE, *args, **how)


def rewritten(*args, **how):
    return json.loads(rewrite(*args, **how).text)


def edited(*args, **how):
    return json.loads(revise("edits", EDITS, *args, **how).text)["edits"]


def ballot(persona, rules, **how):
    """A user's words on each rule by its letter: for themselves, under its condition, for everyone."""
    shown = "\n\n".join(fence("candidate", text, letter=letter) for letter, text in rules.items())
    prompt = fill(TEMPLATES["ballot"], {"rules": shown, "form": TEMPLATES["ballot_form"]})
    cast = json.loads(ask(system(persona), ("user", prompt), **how).text)["ballot"]
    return {opinion["rule"]: (opinion["me"], opinion["condition"], opinion["everyone"]) for opinion in cast}
