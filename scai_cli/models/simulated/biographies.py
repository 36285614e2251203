"""Biographies of invented people: a name, four sentences and a stance on each task, from the facts in a prompt."""

import random
from collections.abc import Mapping
from functools import cache
from typing import Any

from scai_cli.measures.catalogue import TRAITS
from scai_cli.models.simulated.forms import FormRequest
from scai_cli.models.simulated.names import invented_name
from scai_cli.models.simulated.topics import topics
from scai_cli.prompts.fences import fenced
from scai_cli.text.data_files import read_data_file


@cache
def _lists() -> dict[str, Any]:
    """Read the word lists when the first person is invented: few commands invent people."""
    return read_data_file(__file__)


def biography(request: FormRequest, rng: random.Random) -> dict[str, object]:
    """Fill the form `{"name", "biography", "stances"}` for the fenced facts and tasks of the prompt."""
    portrait = next((piece.text for piece in fenced(request.prompt, "persona")), "")
    facts = _facts(portrait)
    name = invented_name(facts, rng)
    first = name.split()[0]
    past = rng.choice(_lists()["young"] if _years(facts) < 24 else _lists()["past"])
    sentences = [_work_and_home(name, facts, rng), f"{first} {past}.", _life(first, facts, rng), _wants(first, rng)]
    tasks = {piece.attributes.get("id", ""): piece.text for piece in fenced(request.prompt, "task")}
    stances = {key: _stance(first, text, facts.get("politics", ""), rng) for key, text in tasks.items() if key}
    return {"name": name, "biography": " ".join(sentences), "stances": stances}


def _facts(portrait: str) -> dict[str, str]:
    line = next((line for line in portrait.split("\n") if line.startswith("Facts: ")), "Facts: ")
    pairs = (part.partition(":") for part in line.removeprefix("Facts: ").split("; "))
    return {key.strip(): value.strip() for key, _, value in pairs if value.strip()}


def _years(facts: Mapping[str, str]) -> int:
    age = facts.get("age", "")
    return int(age) if age.isdecimal() and len(age) < 4 else 40


def _work_and_home(name: str, facts: Mapping[str, str], rng: random.Random) -> str:
    years = _years(facts)
    aged = f", {facts['age']}," if "age" in facts else ""
    place = rng.choice(_lists()["places"]) + (f" in {facts['country']}" if "country" in facts else "")
    occupation = facts.get("occupation")
    if occupation:
        article = "an" if occupation[:1].lower() in "aeiou" else "a"
        work = f"works as {article} {occupation}"
    elif years < 19:
        work = "goes to school and earns a little on the side"
    elif years > 67:
        work = f"is retired; most people still come for advice to the one who {_past(rng.choice(_lists()['work']))}"
    else:
        work = rng.choice(_lists()["work"])
    return f"{name}{aged} lives in {place} and {work}."


def _past(work: str) -> str:
    """Move the third person of a regular verb to the past: "repairs bicycles" -> "used to repair bicycles"."""
    verb, _, rest = work.partition(" ")
    stem = (
        verb[:-2] if verb.endswith(("shes", "ches", "sses")) else verb[:-3] + "y" if verb.endswith("ies") else verb[:-1]
    )
    return f"used to {stem} {rest}".rstrip()


def _life(first: str, facts: Mapping[str, str], rng: random.Random) -> str:
    """Describe the person's days, with one or two of the remaining facts."""
    religion, politics, income = (facts.get(key, "").strip() for key in ("religion", "politics", "income"))
    extras = []
    if religion and religion.lower() not in ("none", "no religion", "atheist", "secular"):
        extras.append(f"holds to being {religion} without making a show of it")
    elif religion:
        extras.append("has no use for religion")
    if politics:
        extras.append(rng.choice(("is", "has always been", "has become")) + f" {politics} in politics")
    if income:
        extras.append(f"gets by on {income} means" if income in ("low", "middle", "high") else f"earns {income}")
    habit = rng.choice(_lists()["now"])
    kept = " and ".join(extras[:2])
    return f"{first} {habit}{', and ' if ' and ' in habit + kept else ' and '}{kept}." if kept else f"{first} {habit}."


def _wants(first: str, rng: random.Random) -> str:
    one, other, third = _traits(rng)
    wants = f"{TRAITS[one].label} as well as {TRAITS[other].label}"
    return rng.choice((
        f"From an answer {first} wants {wants}, but no {_bare(third)}.",
        f"Asking for advice, {first} likes {wants} and minds {TRAITS[third].label}.",
        f"What {first} needs from an assistant is {wants}; {TRAITS[third].label} would be too much.",
    ))  # fmt: skip


def _traits(rng: random.Random) -> tuple[str, str, str]:
    """Draw two traits to want, which do not exclude each other, and one to mind."""
    names = list(TRAITS)
    while True:
        one, other, third = rng.sample(names, 3)
        if TRAITS[one].excludes != other:
            return one, other, third


def _bare(trait: str) -> str:
    label = TRAITS[trait].label
    return label.split(" ", 1)[1] if label.startswith(("a ", "the ")) else label


def _stance(first: str, task: str, politics: str, rng: random.Random) -> str:
    leaning = next((lean for word, lean in _lists()["leanings"].items() if word in politics.lower()), "")
    opinion = rng.choice(_lists()["stances"][leaning] if leaning and rng.random() < 0.6 else _lists()["stances"][""])
    others = [topic for topic in topics(task) if not {"you", "your", "yours"} & set(topic.split())]
    where = f", at least when it comes to {rng.choice(others)}" if others and rng.random() < 0.6 else ""
    return f"{first} believes that {opinion}{where}."
