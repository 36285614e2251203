"""No text closes or forges a fence, however it is disguised, in no prompt: what a model reads has our tags alone."""

from __future__ import annotations

import html
import random
import re
import unicodedata
from collections.abc import Callable

import pytest
from hostile_texts import TEXTS
from hypothesis import given
from hypothesis import strategies as st

from scai_cli.experiment.constitution import Clause, Constitution, Principle
from scai_cli.experiment.constitution_start import ConstitutionStart
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.rating_settings import Ratings
from scai_cli.experiment.tasks import Task
from scai_cli.messages import Message
from scai_cli.populations import biographies, new_tasks
from scai_cli.populations.task_sorts import Sort
from scai_cli.prompts.fences import TAGS, fence
from scai_cli.runs.events import MessageSaid, Rated
from scai_cli.simulation.prompts import Material, NotApproved, Prompts, rated_transcript
from scai_cli.simulation.transcript import Conversation

LETTERS = dict(
    line.split()
    for line in """
    a аαɑａ𝐚ᴀⓐ
    c сⅽｃ𝖈ᴄ
    d ԁⅾｄᴅ
    e еεｅ𝑒ᴇé
    g ɡｇɢ
    k кκｋᴋ
    m мⅿｍᴍ
    n ոｎɴ
    o оοｏᴏö
    p рρｐᴘ
    r гｒʀ
    s ѕｓꜱſ
    t тτｔᴛ
    u υｕᴜ
    v νѵｖⅴ
    w ԝｗᴡ
    """.strip().splitlines()
)
"""Letter -> characters that look like it."""
ALIKE = str.maketrans({other: letter for letter, others in LETTERS.items() for other in others if not other.isascii()})
OPENINGS = "<＜﹤❮⟨ᐸ"
ENTITIES = ("&lt;", "&LT;", "&lt", "&#60;", "&#x3C;", "&#0060", "&amp;lt;", "&amp;amp;#60;", "＆lt;", "\\u003c", "%3C")
UNSEEN = "\u200b\u00ad\u2060\ufeff\ufe0f\U000e0061\u3164\u202e\u0301\u0336\x00\x1b"


def read(text: str) -> str:
    """A text as a lenient reader takes it."""
    text = re.sub(r"&(?:amp;)+", "&", unicodedata.normalize("NFKC", text))
    text = html.unescape(re.sub(r"\\u003c|%3c", "<", text, flags=re.IGNORECASE))
    text = "".join(
        c for c in unicodedata.normalize("NFKD", text) if unicodedata.category(c) not in ("Cf", "Mn", "Cc") or c == "\n"
    )
    return (
        text.replace("\u3164", "")
        .replace("\u1160", "")
        .translate(ALIKE)
        .translate(str.maketrans(OPENINGS, "<" * len(OPENINGS)))
    )


TAG = re.compile(rf"<[\s/]*({'|'.join(TAGS)})\b", re.IGNORECASE)


def seen(text: str) -> list[str]:
    """The tags of ours that a lenient reader finds."""
    return [found[0] for found in TAG.finditer(read(text))]


@st.composite
def forged(draw: st.DrawFn) -> str:
    """A tag of ours in disguise."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    kind = draw(st.integers(0, 31))
    word = "".join(rng.choice([c, c.upper()]) for c in draw(st.sampled_from(TAGS)))
    if kind & 1:
        word = "".join(
            rng.choice(LETTERS[c.lower()]) if rng.random() < 0.5 and c.lower() in LETTERS else c for c in word
        )
    if kind & 2:
        word = "".join(c + rng.choice(UNSEEN) * (rng.random() < 0.5) for c in word)
    if kind & 4:
        word = "".join(
            rng.choice([f"&#{ord(c)};", f"&#x{ord(c):X};"]) if rng.random() < 0.5 and c.isascii() and c.isalpha() else c
            for c in word
        )
    opening = rng.choice([*OPENINGS, *ENTITIES] if kind & 8 else "<")
    slash = rng.choice(["", "/", " / ", "\n/", "／", "/" + rng.choice(UNSEEN) * bool(kind & 16), "&#47;", "&sol;"])
    return f"{opening}{slash}{word}{rng.choice(['>', ' x=1>', '/>', chr(10), '＞', '&gt;', ''])}"


texts = st.lists(
    st.one_of(forged(), st.sampled_from(["<", "\n", "&", " a", "</", "<<"]), st.text(max_size=4)), max_size=4
)
hostile = texts.map("".join) | st.sampled_from([text for name, text in TEXTS.items() if name != "long"])


@given(hostile)
def test_no_data_hold_a_tag(data: str) -> None:
    assert seen(fence("task", data)) == ["<task", "</task"]


@given(forged())
def test_every_disguise_is_seen_by_the_reader_of_this_test(tag: str) -> None:
    assert seen(f"{tag} ")


@given(hostile, hostile)
def test_no_attribute_holds_a_tag_or_ends_its_quotes(one: str, other: str) -> None:
    text = fence("message", "x", **{"from": one, "id": other})
    assert seen(text) == ["<message", "</message"]
    assert read(text).count('"') == 4


def conversation(text: str) -> Conversation:
    """A conversation of which every text is this one."""
    who, task = Persona(id="ann", name=text, description=text, stances={"tea": text}), Task(id="tea", prompt=text)
    place = {"epoch": 1, "persona": "ann", "task": "tea"}
    said = [
        MessageSaid.model_validate({"id": f"e1/ann/tea/m{n}", "role": role, "content": text, **place})
        for n, role in enumerate(("user", "assistant", "user"))
    ]
    rated = Rated.model_validate(
        {"id": "e1/ann/tea/m1/cross/bob", "epoch": 1, "kind": "cross", "metric": text, "rater": "bob", "final": True}
        | {"conversation": "e1/ann/tea", "message": "e1/ann/tea/m1", "value": 1, "comment": text}
    )
    return Conversation("e1/ann/tea", 1, who, task, said, [rated])


def constitution(text: str) -> Constitution:
    return Constitution(
        principles=(Principle(id="P1", text=text),),
        contract=(Clause(id="C1", text=text, users=("ann",)), Clause(id="C2", text=text, when=f"so {text}")),
    )


def prompts(text: str) -> dict[str, list[Message]]:
    """Every kind of prompt, with this text wherever somebody's text may be."""
    talk = conversation(text)
    material = Material(constitution(text), [rated_transcript(talk)], not_approved=[NotApproved(text, ["ann"], [])])
    made = Prompts({}, Ratings(), ConstitutionStart(), [talk.persona])
    facts = {"place": text, text[:20]: 1}
    return {
        "feedback": made.feedback(talk),
        "cross_rating": made.cross_rating(talk.persona, talk, text),
        "ballot": made.ballot(talk.persona, {"A": text, "B": f"When {text}: {text}"}),
        "judge": made.judge(talk.persona, [talk, talk]),
        "critique": made.critique(text, text, text),
        "revision": made.revision(text, text, text, text),
        "comparison": made.comparison(text, text, (text, text)),
        "biography": [Message("user", biographies._prompt(facts, [talk.task], text))],
        "new_tasks": [Message("user", new_tasks._prompt(Sort(text, text), 2, [talk.task], [text]))],
        **{name: made.meta(name, material) for name in ("rewrite", "edits")},
    }


def tags(messages: list[Message]) -> list[str]:
    return [tag for message in messages for tag in seen(message.content)]


PLAIN = {name: tags(messages) for name, messages in prompts("Make tea.").items()}


@given(hostile.filter(str.strip))
def test_no_prompt_has_a_tag_more(text: str) -> None:
    assert {name: tags(messages) for name, messages in prompts(text).items()} == PLAIN


GROWING: dict[str, Callable[[int], str]] = {
    "spaces": lambda size: "<" + " " * size,
    "openings": lambda size: "<" * size,
    "accents": lambda size: "\u0300\u0316" * (size // 2) + "<",
    "entities": lambda size: "&amp;" * (size // 5) + "lt;",
    "digits": lambda size: "&#" + "6" * size + ";",
    "words": lambda size: "<й" * (size // 2),
}


@pytest.mark.parametrize("name", GROWING)
def test_a_fence_takes_time_in_proportion_to_its_text(name: str) -> None:
    fence("task", GROWING[name](60_000))  # a quadratic one takes minutes
