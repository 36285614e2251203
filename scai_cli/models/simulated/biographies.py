"""Biographies of invented people: a name, four sentences and a stance on each task, from the facts in a prompt."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final

from scai_cli.measures.catalogue import TRAITS
from scai_cli.models.simulated.answers import noun_phrases
from scai_cli.models.simulated.forms import FormRequest
from scai_cli.models.simulated.names import name_of
from scai_cli.prompts.fences import fenced

_PLACES: Final = (
    "a small town", "a fishing village", "the old quarter of a port", "a terrace at the end of a tram line",
    "a flat above a bakery", "a farmhouse that is never finished", "a housing block from the seventies",
    "a mining town whose mine has closed", "a market town by a river", "a valley with one road",
    "a new district without trees", "a university town", "a house near the border", "a street of workshops",
    "a village of forty people",
)  # fmt: skip
_WORK: Final = (
    "repairs bicycles", "keeps the accounts of a dairy", "drives the night bus", "teaches mathematics",
    "sells vegetables at the station", "runs a small pharmacy", "lays tiles", "translates court papers",
    "nurses people at home", "raises goats", "writes software for hospitals", "guards a car park",
    "cuts hair", "restores church organs", "delivers parcels", "plans bridges", "cooks in a school",
    "manages a warehouse", "fishes for crab", "tunes pianos", "inspects lifts", "runs a phone repair stall",
    "edits a local newspaper", "grows tea", "cleans offices before dawn", "prepares tax returns",
)  # fmt: skip
_PAST: Final = (
    "once walked home for two days when the buses were on strike",
    "lost a shop to a flood and opened it again on the same spot",
    "raised three brothers after a mine accident",
    "studied law for a year and left over a matter of honour",
    "spent ten years abroad and came back for the food",
    "learned to read at forty from a neighbour's child",
    "won a regional chess cup and has hidden the trophy since",
    "was the first of the family to finish school",
    "sat on a jury for a month and has trusted quick verdicts less ever since",
    "survived an illness that the first two doctors did not find",
    "organised a strike, lost it, and kept the banner",
    "sailed on container ships until the first child was born",
    "inherited a debt and paid it off in coins, as family legend has it",
    "sang in a band that was nearly famous",
    "built the house with two cousins and one borrowed drill",
    "left the city after a burglary and does not miss it",
    "was cheated once by a letter with a fine letterhead",
    "cared for a father who forgot everyone but the dog",
    "planted a wood of four hundred trees, of which most still stand",
    "failed the same examination three times and passed it with honours",
    "met a spouse in the queue of a tax office",
    "served two terms on the village council",
    "gave up a scholarship to look after twins",
    "crossed a desert in a lorry and speaks of it to nobody",
)  # fmt: skip
_NOW: Final = (
    "gets up before five and does the best thinking over the first coffee",
    "keeps a notebook of prices, weather and insults",
    "never misses the evening news and argues with it",
    "plays the same three songs on an accordion every Sunday",
    "reads one long book each winter",
    "fixes the neighbours' radios without charge",
    "feeds more cats than the street agrees to",
    "swims in the river until October",
    "cannot pass a bookshop or a funeral without going in",
    "saves half of every pay packet in a biscuit tin",
    "writes letters by hand to a sister overseas",
    "coaches a girls' football team that has yet to win",
    "cooks for fourteen on feast days",
    "distrusts anything that arrives by email",
    "trades seeds with a club of pensioners",
    "follows three podcasts at double speed",
    "tends a grave on the first of every month",
    "knows the timetable of every bus by heart",
    "paints signs for friends",
    "is learning a fourth language from songs",
)  # fmt: skip
_YOUNG: Final = (
    "won a school prize for a bridge of matchsticks", "moved three times before the age of ten",
    "looked after two small cousins for a whole summer", "was once the only one to pass a test, and was not believed",
    "taught a grandmother to read messages on a telephone", "broke an arm on a roof and would climb it again",
    "earned a first wage picking fruit", "sold drawings at a bus stop to pay for a school trip",
)  # fmt: skip
_STANCES: Final[Mapping[str, tuple[str, ...]]] = {
    "": (
        "such things are best decided by those who have to live with them",
        "the honest answer depends on who asks, and that one should say so",
        "a little patience settles more of these matters than advice does",
        "experience at home counts for more here than any study",
        "there is a fair middle in this, which both sides walk past",
        "one should first ask what it costs and who pays",
        "nobody has yet asked the right people about this",
        "good advice here begins with a question back",
        "most people know the answer and want company in it",
        "this looks simple only from far away",
    ),
    "conservative": (
        "what has long worked should not be thrown away in a hurry",
        "this is a matter for families before it is one for offices",
        "a promise kept is worth more than a new idea",
    ),
    "left": (
        "it always comes down to who pays and who is spared",
        "nobody should be left behind for want of money",
        "what helps the weakest first will help everybody later",
    ),
    "green": (
        "it must be judged by what is left for those who come later",
        "less would be enough for most of us",
        "what is good for the soil is seldom bad for people",
    ),
    "liberal": (
        "grown-up people should be free to be wrong about this",
        "open argument helps more than any rule",
        "everybody may live with the price of their own choice",
    ),
}
_LEANINGS: Final = {
    "conservative": "conservative", "right": "conservative", "republican": "conservative", "left": "left",
    "socialist": "left", "social democrat": "left", "labour": "left", "green": "green", "liberal": "liberal",
    "libertarian": "liberal",
}  # fmt: skip


def biography(request: FormRequest, rng: random.Random) -> dict[str, object]:
    """Fill the form `{"name", "biography", "stances"}` for the fenced facts and tasks of the prompt."""
    portrait = next((piece.text for piece in fenced(request.prompt, "persona")), "")
    facts = _facts(portrait)
    name = name_of(facts.get("country", ""), facts.get("gender", ""), rng)
    first = name.split()[0]
    past = rng.choice(_YOUNG if _years(facts) < 24 else _PAST)
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
    place = rng.choice(_PLACES) + (f" in {facts['country']}" if "country" in facts else "")
    occupation = facts.get("occupation")
    if occupation:
        article = "an" if occupation[:1].lower() in "aeiou" else "a"
        work = f"works as {article} {occupation}"
    elif years < 19:
        work = "goes to school and earns a little on the side"
    elif years > 67:
        work = f"is retired; most people still come for advice to the one who {_past(rng.choice(_WORK))}"
    else:
        work = rng.choice(_WORK)
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
    habit = rng.choice(_NOW)
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
    leaning = next((lean for word, lean in _LEANINGS.items() if word in politics.lower()), "")
    opinion = rng.choice(_STANCES[leaning] if leaning and rng.random() < 0.6 else _STANCES[""])
    nouns = [phrase for phrase in noun_phrases(task) if phrase.startswith("the ")]
    where = f", at least where {rng.choice(nouns)} is concerned" if nouns and rng.random() < 0.6 else ""
    return f"{first} believes that {opinion}{where}."
