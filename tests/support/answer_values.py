"""What answers say: ratings, rules, ballots and letters, with the values that may be read from each."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from faulty_json import Source

Kind = Literal["rating", "cross rating", "rewrite", "edits", "ballot", "letter"]
Value = float | str | tuple[Any, ...]

KINDS: dict[Kind, int] = {"rating": 6, "cross rating": 3, "rewrite": 3, "edits": 2, "ballot": 3, "letter": 3}
RATING_KINDS = ("rating", "cross rating")
COMMENT = {"rating": "feedback", "cross rating": "reason"}
SCALES = [(0, 10)] * 6 + [(0, 100), (1, 5), (-5, 5)]


@dataclass(frozen=True)
class Context:
    """What the reader knows of the request: the scale of ratings, the letters to choose from, the form's example."""

    scale: tuple[float, float]
    letters: tuple[str, ...]
    example: str


@dataclass(frozen=True)
class Reading:
    """The values that may be read; `clear` says that one of them must be, in 97 of 100 samples."""

    allowed: frozenset[Value]
    clear: bool = True

    def unclear(self) -> Reading:
        return replace(self, clear=False)


NOTHING = Reading(frozenset(), clear=False)


@cache
def words() -> Mapping[str, Any]:
    """Return the texts that the grammar composes."""
    text = Path(__file__).with_name("answer_grammar.yaml").read_text(encoding="utf-8")
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


class Draw:
    """A seeded source of productions: every entry of a table is drawn once before one of them is drawn again."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.recipe: list[str] = []
        self.finish = "stop"
        self._left: dict[str, list[Any]] = {}

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def weighted(self, table: str, weights: Mapping[str, int]) -> str:
        """Return the next of the names, each as often as its weight says."""
        return self.item(table, [name for name, weight in weights.items() for _ in range(weight)])

    def item(self, table: str, entries: Sequence[Any]) -> Any:
        """Return the next of `entries` in random order."""
        left = self._left.get(table) or self.rng.sample(list(entries), len(entries))
        self._left[table] = left
        return left.pop()

    def production(self, table: str, entries: Mapping[str, Any] | Sequence[str]) -> Any:
        """Return the value of the next production, whose name joins the recipe."""
        name = self.item(table, list(entries))
        self.recipe.append(f"{table}: {name}")
        return entries[name] if isinstance(entries, Mapping) else name


Form = dict[str, Any]


def form_of(draw: Draw, kind: Kind, context: Context) -> tuple[Form, Reading]:
    """Return a form and what it says."""
    if kind in RATING_KINDS:
        source, reading = _rating(draw, context.scale)
        form = rating_form(draw, kind, Source(source))
        return form, reading.unclear() if "think>" in form[COMMENT[kind]] else reading
    return _ballot(draw, context) if kind == "ballot" else _rules(draw, kind, context)


def rating_form(draw: Draw, kind: Kind, rating: Any) -> Form:
    named = draw.chance(0.015)
    if named:
        draw.recipe.append("form: tag named in the comment")
    comment = words()["comment_on_tags"] if named else draw.item("comment", words()["comments"])
    comment, number = {COMMENT[kind]: comment}, {"rating": rating}
    if draw.chance(0.1):
        draw.recipe.append("form: further keys")
        comment |= {"mood": "calm", "confidence": 1}
    return number | comment if draw.chance(0.2) else comment | number


RATINGS = {
    "clear": 75, "half": 12, "share": 18, "percent": 8, "maybe": 7, "maybe_half": 4, "maybe_share": 3, "missing": 9,
}  # fmt: skip


def _rating(draw: Draw, scale: tuple[int, int]) -> tuple[str, Reading]:
    table = draw.weighted("rating", RATINGS)
    template = draw.production(f"rating {table}", words()["ratings"][table])
    if table in ("share", "percent", "maybe_share"):
        return _share(draw, template, scale, clear=not table.startswith("maybe"))
    low, high = scale
    of_unit = "{H}" in template
    first = low if table == "clear" and not of_unit else max(low, 0)
    value = draw.rng.randint(first, high - 1 if "{word}" not in template else min(high - 1, 10))
    source = fill(template, _number_words(draw, value, scale))
    if table == "missing":
        return source, NOTHING
    right = value + (0.5 if table.endswith("half") else 0)
    if low < 0 and of_unit:
        return source, Reading(frozenset({right, low + right / high * (high - low)}), clear=False)
    return source, Reading(frozenset({right}), clear=not table.startswith("maybe"))


def _number_words(draw: Draw, value: int, scale: tuple[int, int]) -> dict[str, Any]:
    low, high = scale
    other = draw.rng.choice([number for number in range(max(low, 0), high + 1) if number != value])
    return {
        "{v}": value, "{w}": value + 1, "{u}": other, "{L}": low, "{H}": high,
        "{over}": high + 2, "{below}": low - 1, "{minus}": abs(low - 1),
        "{full}": "".join(chr(ord(digit) + 0xFEE0) for digit in str(value)),
        "{arabic}": "".join(chr(ord(digit) - ord("0") + 0x0660) for digit in str(value)),
        "{word}": words()["numbers"][value] if 0 <= value <= 10 else value,
    }  # fmt: skip


def _share(draw: Draw, template: str, scale: tuple[int, int], *, clear: bool) -> tuple[str, Reading]:
    """Return a share of 5, 10, 20 or 100, and its place on the scale; clear if the scale starts at 0 or is the unit."""
    low, high = scale
    parts = 100 if "%" in template else draw.item("unit", [5, 10, 20, 100])
    share = draw.rng.randint(1, parts)
    source = fill(template, {"{n}": share, "{d}": parts})
    if low == 0:
        return source, Reading(frozenset({share / parts * high}), clear)
    if low > 0 and parts == high:
        return source, Reading(frozenset({share}), clear)
    places = {low + share / parts * (high - low), low + (share - 1) / (parts - 1) * (high - low), share / parts * high}
    places |= {share} if parts == high else set()
    return source, Reading(frozenset(place for place in places if low <= place <= high), clear=False)


def fill(template: str, values: Mapping[str, Any]) -> str:
    """Replace the names in `template`, one after the other."""
    for name, value in values.items():
        template = template.replace(name, str(value))
    return template


def _rules(draw: Draw, kind: Kind, context: Context) -> tuple[Form, Reading]:
    texts = draw.rng.sample(words()["rules"], draw.rng.randint(1, 4))
    good = tuple(texts)
    reading = Reading(frozenset({good}))
    if draw.chance(0.14):
        copied = draw.chance(0.3)
        refused = _copied(draw, context) if copied else draw.production("refused rule", words()["refused_rules"])
        keep = draw.chance(0.5)
        at = draw.rng.randint(0, len(texts))
        texts = [*texts[:at], refused, *texts[at:]] if keep else [refused]
        reading = Reading(frozenset({good} if keep else {()} if kind == "edits" else ()), clear=False)
    form = rules_form(kind, texts, bare=draw.chance(0.05))
    if isinstance(form[_rules_key(kind)][0], str):
        draw.recipe.append("form: rules as texts")
        reading = reading.unclear()
    return form, reading


def _copied(draw: Draw, context: Context) -> str:
    """Return the placeholder of a rule in the prompt's example, slightly changed."""
    found = re.search(r'"text": "([^"]*)"', context.example)
    name = draw.item("copied placeholder", ["as it is", "upper case", "spaces", "full stop", "quotes"])
    draw.recipe.append(f"refused rule: placeholder, {name}")
    placeholder = found[1] if found else "..."
    changed = {"upper case": placeholder.upper(), "spaces": f"  {placeholder} \n", "full stop": f"{placeholder}."}
    return changed.get(name, f"“{placeholder}”" if name == "quotes" else placeholder)


def _rules_key(kind: Kind) -> str:
    return "edits" if kind == "edits" else "principles"


def rules_form(kind: Kind, texts: Sequence[str], *, bare: bool = False) -> Form:
    critique = {"critique": "They want it shorter."}
    if kind == "edits":
        edits = [
            {"op": "add", "text": text, "for": [], "reason": "Two asked for it.", "evidence": []} for text in texts
        ]
        return critique | {"edits": list(texts) if bare else edits}
    rules = [{"id": None, "text": text, "reason": "Two asked for it.", "evidence": []} for text in texts]
    rest = {"contract": [], "removed": []}
    return critique | {"no_change": False, "principles": list(texts) if bare else rules} | rest


STANCES = ("approve", "indifferent", "object")
Opinions = tuple[tuple[str, str, str | None, str], ...]
"""An opinion on each rule: its letter, then the stances "me", "condition" and "everyone"."""


def _opinions(draw: Draw, context: Context) -> Opinions:
    """Return opinions on all letters in any order."""
    letters = draw.rng.sample(context.letters, len(context.letters))
    return tuple((letter, *(draw.rng.choice(STANCES) for _ in range(3))) for letter in letters)


def ballot_form(opinions: Opinions) -> Form:
    keys = ("rule", "me", "condition", "everyone")
    return {"ballot": [dict(zip(keys, opinion, strict=True)) for opinion in opinions]}


ODD_BALLOTS = [
    "title case",
    "inflected",
    "with a reason",
    "no condition",
    "null condition",
    "lower case letters",
    "by letters",
    "other words",
    "one missing",
    "one twice",
    "unknown letter",
    "empty",
    "placeholder",
]


def _ballot(draw: Draw, context: Context) -> tuple[Form, Reading]:
    opinions = _opinions(draw, context)
    reading, form = Reading(frozenset({opinions})), ballot_form(opinions)
    if draw.chance(0.86):
        return form, reading
    odd = draw.production("ballot", ODD_BALLOTS)
    without = Reading(frozenset({tuple((letter, me, None, everyone) for letter, me, _, everyone in opinions)}))
    if odd in ("no condition", "null condition"):
        for opinion in form["ballot"]:
            opinion["condition"] = None
            if odd == "no condition":
                del opinion["condition"]
        return form, without.unclear()
    written: dict[str, Any] = {
        "title case": lambda stance: stance.title(),
        "inflected": lambda stance: {"approve": "approved", "object": "objects"}.get(stance, stance),
        "with a reason": lambda stance: f"{stance}, as it helps",
        "other words": lambda stance: {"approve": "yes", "object": "no"}.get(stance, "maybe"),
    }
    if odd in written:
        changed = tuple((letter, *map(written[odd], stances)) for letter, *stances in opinions)
        return ballot_form(changed), NOTHING if odd == "other words" else reading.unclear()
    if odd == "lower case letters":
        return ballot_form(tuple((letter.lower(), *stances) for letter, *stances in opinions)), reading.unclear()
    if odd == "by letters":
        return {"ballot": {opinion.pop("rule"): opinion for opinion in form["ballot"]}}, reading.unclear()
    broken = {
        "one missing": opinions[1:],
        "one twice": (*opinions, opinions[0]),
        "unknown letter": (*opinions, ("Z", *opinions[0][1:])),
        "placeholder": tuple((letter, "...", "...", "...") for letter, *_ in opinions),
        "empty": (),
    }
    return ballot_form(broken[odd]), NOTHING


def letter(draw: Draw) -> tuple[str, Reading]:
    table = draw.weighted("letter", {"clear": 12, "x": 2, "none": 2})
    phrase = draw.production(f"letter {table}", words()["letters"][table])
    chosen, other = draw.rng.sample("AB", 2)
    reading = NOTHING if table == "none" else Reading(frozenset({chosen}), clear=table == "clear")
    return fill(phrase, {"{x}": chosen, "{y}": other}), reading


def other(draw: Draw, kind: Kind, context: Context, reading: Reading) -> tuple[str, Value]:
    """Return a well-written form that says something else than `reading`, and its value."""
    low, high = context.scale
    if kind == "letter":
        value: Value = draw.rng.choice([letter for letter in "AB" if letter not in reading.allowed])
        return f"({value}) is better, I would say {value}", value
    if kind == "ballot":
        opinions = _opinions(draw, context)
        while sorted(opinions) in [sorted(right) for right in reading.allowed]:  # type: ignore[arg-type]
            opinions = _opinions(draw, context)
        return json.dumps(ballot_form(opinions)), opinions
    if kind in RATING_KINDS:
        number = draw.rng.choice(
            [n for n in range(low, high + 1) if all(abs(n - right) > 0.01 for right in reading.allowed)]
        )
        return json.dumps({COMMENT[kind]: "Fine.", "rating": number}), number
    rule = draw.item("drafted rule", words()["drafted_rules"])
    return json.dumps(rules_form(kind, [rule]), ensure_ascii=False), (rule,)
