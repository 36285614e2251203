"""Answers as real models and servers send them, drawn at random, each with what may be read from it.

The grammar composes thoughts, forms, faults and chatter. It was written before the parser, by an author who had not
seen one, and imports nothing of `scai_cli`. A reader is right about a sample if `sample.accepts(value)`. None, a
missing answer, is always accepted, but a reader may return it for at most 3 % of the samples that are `clear`.

A value is a float for `rating` and `cross rating`; a tuple of rule texts for `rewrite` (its principles) and `edits`
(the texts of its edits); a tuple of opinions (letter, me, condition, everyone) for `ballot`; a letter for `letter`.

A clear sample has one answer, and a reader has to find it. A careful person would ask back about the other samples, or
a reader may do without them (`"7,5"`, `"7-8"`, `"8 (very good)"`); `allowed` is still all that it may return. Where
`allowed` is empty there is nothing to read. The example in `context.example` is never an answer, whatever it says. A
draft that the text takes back is never the answer either, even where the answer after it cannot be read.

Pass the examples of your own prompts to `answers`, so that the echoed ones are those that the reader knows.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from answer_messages import MESSAGES, WITHOUT_TEXT, add_tail, message_of, nothing_table, parts_tables
from answer_values import (
    COMMENT,
    KINDS,
    NOTHING,
    ODD_BALLOTS,
    RATING_KINDS,
    RATINGS,
    SCALES,
    Context,
    Draw,
    Form,
    Kind,
    Reading,
    Value,
    fill,
    form_of,
    letter,
    other,
    rules_form,
    words,
)
from faulty_json import Fault, Source, faults, is_clear, write


@dataclass(frozen=True)
class Sample:
    """One answer. `text` is the raw `content` where that is a text; `body` is the whole chat completion."""

    kind: Kind
    text: str | None
    body: Mapping[str, Any]
    context: Context
    truth: Value | None
    """One of `allowed`, the only one if the sample is clear; None if nothing may be read."""
    allowed: frozenset[Value]
    clear: bool
    recipe: tuple[str, ...]

    def accepts(self, value: Value | Sequence[Any] | None) -> bool:
        """Return whether a reader may return `value`; white space in rules and the order of opinions are ignored."""
        if value is None:
            return True
        if self.kind in RATING_KINDS:
            return any(abs(right - value) < 1e-6 for right in self.allowed)
        return _normal(self.kind, value) in {_normal(self.kind, right) for right in self.allowed}


def _normal(kind: Kind, value: Any) -> Any:
    if kind == "ballot":
        return frozenset(map(tuple, value))
    return value if kind == "letter" else tuple(" ".join(text.split()) for text in value)


def answers(seed: int, count: int, examples: Mapping[str, str] | None = None) -> Iterator[Sample]:
    """Yield `count` samples, the same for the same seed; `examples` replaces the prompts' examples by kind."""
    draw = Draw(random.Random(seed))
    for _ in range(count):
        draw.recipe, draw.finish = [], "stop"
        kind = cast(Kind, draw.weighted("kind", KINDS))
        example = (examples or {}).get(kind) or draw.item(f"example: {kind}", words()["examples"][kind])
        letters = tuple("AB" if kind == "letter" else "ABCDE"[: draw.rng.randint(2, 5)])
        yield _sample(draw, kind, Context(draw.item("scale", SCALES), letters, example))


def _sample(draw: Draw, kind: Kind, context: Context) -> Sample:
    shape = draw.weighted("message", MESSAGES)
    text, reading = "", NOTHING
    if shape not in WITHOUT_TEXT:
        text, reading = letter(draw) if kind == "letter" else _form_text(draw, kind, context)
        text, reading = add_tail(draw, kind, context, text, reading)
    message, reading = message_of(draw, kind, context, shape, text, reading)
    content = message["content"]
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": draw.finish}
    usage = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    return Sample(
        kind=kind,
        text=content if isinstance(content, str) else None,
        body=body,
        context=context,
        truth=min(reading.allowed, key=lambda value: (len(repr(value)), repr(value)), default=None),
        allowed=reading.allowed,
        clear=reading.clear and bool(reading.allowed),
        recipe=(kind, *draw.recipe),
    )


LAYOUTS = {
    "alone": 55, "fenced": 12, "chatter before": 10, "chatter after": 10, "chatter around a fence": 7,
    "example before": 6, "example at once before": 3, "draft before": 9, "broken form before": 5, "example after": 4,
    "other object after": 3, "schema before": 3, "pretty": 6, "example alone": 4, "schema alone": 1, "wrapped": 2,
    "counterfactual after": 1, "superseded draft": 1, "cut": 2, "cut number": 1, "no form": 2, "several answers": 1,
}  # fmt: skip
OF_CLEAR_FORMS = {"draft before", "counterfactual after", "several answers"}
"""Layouts with a second form: what they say is plain only if the answer itself is."""


def _form_text(draw: Draw, kind: Kind, context: Context) -> tuple[str, Reading]:
    layout = draw.weighted("layout of ratings" if kind in RATING_KINDS else "layout", LAYOUTS)
    if layout in WITHOUT_FORM:
        draw.recipe.append(f"layout: {layout}")
        return WITHOUT_FORM[layout](draw, kind, context)
    form, reading = form_of(draw, kind, context)
    if layout in OF_CLEAR_FORMS and not reading.clear:
        layout = "alone"
    draw.recipe.append(f"layout: {layout}")
    if layout == "pretty":
        return _pretty(form), reading
    text, reading = _written(draw, form, reading, last=layout in ("alone", "chatter before", "example before"))
    if layout in AROUND_THE_FORM:
        return _around(draw, kind, context, layout, text), reading
    return _with_another(draw, kind, context, layout, text, reading)


def _written(draw: Draw, form: Form, reading: Reading, *, last: bool) -> tuple[str, Reading]:
    """Write the form, now and then with a fault; a missing brace is clear only where nothing follows."""
    fault = Fault()
    if draw.chance(0.3):
        rare = draw.chance(0.1)
        fault = draw.production("rare fault" if rare else "fault", faults(rare=rare))
    clear = is_clear(form, fault) and (last or not fault.cut)
    return write(form, fault), reading if clear else reading.unclear()


def _pretty(form: Form) -> str:
    """Return the form over many lines; its numbers may be no JSON."""
    sources = {f"<<{key}>>": str(value) for key, value in form.items() if isinstance(value, Source)}
    marked = {key: f"<<{key}>>" if isinstance(value, Source) else value for key, value in form.items()}
    text = json.dumps(marked, indent=2, ensure_ascii=False)
    return fill(text, {json.dumps(mark): source for mark, source in sources.items()})


AROUND_THE_FORM = {
    "alone": "{form}", "fenced": "{fence}", "chatter before": "{before}{form}", "chatter after": "{form}{after}",
    "chatter around a fence": "{before}{fence}{after}", "example before": "The form is {example}\n\n{form}",
    "example at once before": "{example}\n{form}", "broken form before": "{not a form} {broken}\n{form}",
    "example after": "{form}\n\nI used the form {example}", "schema before": "{schema}\n\n{form}",
    "other object after": '{form}\n{"note": "end of form", "tokens": 3}',
}  # fmt: skip
FENCES = ["```json\n{}\n```", "```\n{}\n```", "```JSON\n{}\n```", "~~~json\n{}\n~~~", "``` json\n{}\n```\n"]


def _around(draw: Draw, kind: Kind, context: Context, layout: str, text: str) -> str:
    parts = {
        "{before}": draw.item("before", words()["before"]),
        "{after}": draw.item("after", words()["after"]),
        "{broken}": BROKEN[kind],
        "{schema}": words()["schema"],
        "{example}": context.example,
        "{fence}": draw.item("fence", FENCES).replace("{}", "{form}"),
        "{form}": text,
    }
    return fill(AROUND_THE_FORM[layout], parts)


def _with_another(
    draw: Draw, kind: Kind, context: Context, layout: str, text: str, reading: Reading
) -> tuple[str, Reading]:
    if layout == "wrapped":
        wrapped = draw.production("wrapped", words()["wrapped"])
        return fill(wrapped, {"ESCAPED": json.dumps(text), "FORM": text}), reading.unclear()
    another, value = other(draw, kind, context, reading)
    if layout == "draft before":
        start, end = draw.item("between", words()["between"])
        return f"{start}{another}{end}{text}", reading
    if layout == "several answers":
        return f"[{another}, {text}]", reading.unclear()
    return f"{text}\n\nWith a source it would have been {another}", Reading(reading.allowed | {value}, clear=False)


BROKEN: Mapping[Kind, str] = {
    "rating": '{"feedback": "Fine."}', "cross rating": '{"reason": "Fine."}', "rewrite": '{"critique": "Fine."}',
    "edits": '{"critique": "Fine."}', "ballot": '{"votes": "as above"}',
}  # fmt: skip


def _prose(draw: Draw, kind: Kind, context: Context) -> tuple[str, Reading]:
    """Return a rating that is not in a form; for other kinds, words alone."""
    if kind not in RATING_KINDS:
        return draw.item("musing", words()["musings"]), NOTHING
    value = draw.rng.randint(max(context.scale[0], 0), context.scale[1])
    named = {"{v}": value, "{H}": context.scale[1], "{comment}": "Good, but long.", "{example}": context.example}
    return fill(draw.production("prose", words()["prose"]), named), Reading(frozenset({value}), clear=False)


AROUND_EXAMPLES = ["{}", *FENCES, "The form is {}", "{} {}", "Sure!\n\n{}\n\nDone."]


def _example_alone(draw: Draw, kind: Kind, context: Context) -> tuple[str, Reading]:
    return draw.item("around an example", AROUND_EXAMPLES).replace("{}", context.example), NOTHING


def _schema_alone(draw: Draw, kind: Kind, context: Context) -> tuple[str, Reading]:
    return words()["schema"], NOTHING


def _superseded(draw: Draw, kind: Kind, context: Context) -> tuple[str, Reading]:
    """Return a draft, then an answer that cannot be read: the draft is not the answer."""
    start, end = draw.item("between", words()["between"])
    broken: Any = {"ballot": [{"rule": "Z"}]}
    if kind in RATING_KINDS:
        broken = {COMMENT[kind]: "Fine.", "rating": context.scale[1] + 2}
    elif kind != "ballot":
        broken = rules_form(kind, ["..."])
    return f"{start}{other(draw, kind, context, NOTHING)[0]}{end}{json.dumps(broken)}", NOTHING


def _cut(draw: Draw, kind: Kind, context: Context) -> tuple[str, Reading]:
    """Return the start of a form: a rating without its number, half of a rule, half of an opinion."""
    draw.finish = draw.rng.choice(["length", "length", "stop"])
    text = other(draw, kind, context, NOTHING)[0]
    if kind in RATING_KINDS:
        return text[: text.index('"rating"') + draw.rng.randint(-2, 10)], NOTHING
    mark = '"me": "' if kind == "ballot" else '"text": "'
    return text[: text.index(mark) + len(mark) + 3], NOTHING


def _cut_number(draw: Draw, kind: Kind, context: Context) -> tuple[str, Reading]:
    """Return a form that ends within its number, as 1 of 10; the server says so."""
    if kind not in RATING_KINDS:
        return _cut(draw, kind, context)
    draw.finish = "length"
    return f'{{"{COMMENT[kind]}": "Fine.", "rating": 1', NOTHING


WITHOUT_FORM = {
    "example alone": _example_alone,
    "schema alone": _schema_alone,
    "superseded draft": _superseded,
    "cut": _cut,
    "cut number": _cut_number,
    "no form": _prose,
}


def productions() -> frozenset[str]:
    """Return the names that recipes may hold: all of them occur in 2,000 samples."""
    texts = words()
    tables: dict[str, Any] = {
        **{f"rating {name}": texts["ratings"][name] for name in RATINGS},
        **{f"letter {name}": texts["letters"][name] for name in texts["letters"]},
        **{name.replace("_", " "): texts[name] for name in ("thoughts", "rare_thoughts", "prose", "wrapped")},
        "refused rule": texts["refused_rules"],
        "ballot": ODD_BALLOTS,
        "fault": faults(rare=False),
        "rare fault": faults(rare=True),
        "layout": LAYOUTS,
        "message": MESSAGES,
        "start tag alone": texts["start_tags"],
        "tail": texts["tails"],
        "run on": texts["run_ons"],
        "nothing": nothing_table(""),
        **dict(zip(("parts", "rare parts"), parts_tables("", "", 0), strict=True)),
    }
    return frozenset(f"{table}: {name}" for table, names in tables.items() for name in names)
