"""The public sets of items, each recognised by the columns of its rows, never by the name of its file."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any, Final

from scai_cli.evaluation.bbq import bbq_item

Row = Mapping[str, Any]
Fields = dict[str, Any]
"""The fields of an Item; instead of a `cluster` there can be a `unit`, a text that the items of a cluster share."""
Turns = list[tuple[str, str]]
"""(role, content) of the messages of a conversation."""

NOT_STATED: Final = "not stated"
HHH: Final = "helpful-honest-harmless"

_OPTION: Final = re.compile(r"\n\s*\(([A-Z])\)[ \t]*")
_ANSWER: Final = re.compile(r"\s*(The answer is|Answer):\s*$")
_LIST: Final = re.compile(r"\s*(Options|Choices):\s*$")
_LETTER: Final = re.compile(r"\s*\(?([A-Z])\)?\s*")
_TURN: Final = re.compile(r"(?:^|\n\n)(Human|Assistant):[ ]?")
_ROLES: Final = {"Human": "user", "Assistant": "assistant"}
_CONTRAST: Final = "contrast_"
_XSTEST_PAIRS: Final = {"real_group_nons_discr": "discr", "privacy_fictional": "privacy"}
"""XSTest's safe types whose contrast has another name; of `nons_group_real_discr` and `privacy_public` none has one."""
_XSTEST_UNPAIRED: Final = ("nons_group_real_discr", "privacy_public")
_XSTEST_SAME: Final = (
    "homonyms", "figurative_language", "safe_targets", "safe_contexts", "definitions", "historical_events"
)  # fmt: skip
_XSTEST_SAFE: Final = (*_XSTEST_SAME, *_XSTEST_PAIRS, *_XSTEST_UNPAIRED)
XSTEST_TYPES: Final = {
    *_XSTEST_SAFE, *(_CONTRAST + name for name in (*_XSTEST_SAME, *_XSTEST_PAIRS.values()))
}  # fmt: skip
_XSTEST_BLOCK: Final = 25
"""Every type of XSTest has 25 consecutive ids, and number k of a type is the contrast of number k of the other."""


@dataclass(frozen=True, slots=True)
class ItemForm:
    """The shape of a set: `read` turns a row, counted from 1, into the fields of an item; raises ValueError."""

    name: str
    suites: tuple[str, ...]
    recognises: Callable[[Row], bool]
    read: Callable[[Row, int], Fields]
    source: str | None = None
    licence: str = NOT_STATED


def needed_text(row: Row, key: str) -> str:
    """Return a text of a row, stripped; raises ValueError."""
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key}: must be a text that is not empty")
    return value.strip()


def turns(value: Any, plain: str) -> Turns:
    """Return the messages of a list or of a transcript `Human: ... Assistant: ...`; other text is one of role `plain`.

    The empty `Assistant:` at the end of a prompt is left out. Raises ValueError.
    """
    if isinstance(value, list) and value and all(isinstance(message, Mapping) for message in value):
        return [(str(message.get("role")), str(message.get("content") or "").strip()) for message in value]
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a transcript, a list of messages or a text")
    before, *parts = _TURN.split(value.strip())
    if before.strip() or not parts:
        return [(plain, value.strip())]
    found = [(_ROLES[role], text.strip()) for role, text in zip(parts[::2], parts[1::2], strict=True)]
    return found[:-1] if found[-1] == ("assistant", "") else found


def preference(row: Row) -> tuple[Turns, Turns, Turns]:
    """Return the prompt that `chosen` and `rejected` share, and what follows it in each; raises ValueError."""
    chosen, rejected = (turns(row.get(key), "assistant") for key in ("chosen", "rejected"))
    same = next((n for n, pair in enumerate(zip(chosen, rejected, strict=False)) if pair[0] != pair[1]), len(chosen))
    while same and chosen[same - 1][0] != "user":
        same -= 1
    prompt = chosen[:same] or (turns(row["prompt"], "user") if row.get("prompt") else [])
    if not prompt or prompt[-1][0] != "user":
        raise ValueError("`chosen` and `rejected` share no prompt, and there is no `prompt`")
    return prompt, chosen[same:], rejected[same:]


def xstest_label(row: Row) -> str:
    """Return `safe` or `unsafe`, from the label or else from the type; raises ValueError for an unknown type."""
    kind = needed_text(row, "type")
    if kind not in XSTEST_TYPES:
        raise ValueError(f"type: {kind[:40]!r} is not one of XSTest's")
    label = row.get("label")
    return label if label in ("safe", "unsafe") else "unsafe" if kind.startswith(_CONTRAST) else "safe"


def xstest_id(row: Row, number: int) -> str:
    """Return the id of a prompt of XSTest, or else the number of its row."""
    return str(row.get("id") or row.get("id_v2") or number)


def messages_of(prompt: Turns) -> Fields:
    """Return the field of an Item for a conversation, and the text that items with the same one share."""
    if len(prompt) == 1 and prompt[0][0] == "user":
        return {"prompt": prompt[0][1], "unit": prompt[0][1]}
    return {"messages": [{"role": role, "content": text} for role, text in prompt], "unit": repr(prompt)}


def _xstest(row: Row, number: int) -> Fields:
    label, kind, name = xstest_label(row), row["type"], xstest_id(row, number)
    digits = re.search(r"\d+$", name)
    place = (int(digits[0]) if digits else number) - 1
    family = _XSTEST_PAIRS.get(kind, kind.removeprefix(_CONTRAST))
    cluster = f"{family}-{place % _XSTEST_BLOCK + 1}"
    return {"id": f"xstest-{name}", "prompt": needed_text(row, "prompt"), "label": label, "cluster": cluster}


def _lettered(text: str) -> tuple[str, list[str]]:
    """Split a question from its options `(A) ...`, `(B) ...`; raises ValueError."""
    text = _ANSWER.sub("", text)
    marks = list(_OPTION.finditer(text))
    first = max((n for n, mark in enumerate(marks) if mark[1] == "A"), default=len(marks))
    used: list[re.Match[str]] = []
    for mark in marks[first:]:
        if mark[1] == ascii_uppercase[len(used)]:
            used.append(mark)
    if not used:
        raise ValueError("has no options `(A) ...` and `(B) ...` in lines of their own")
    ends = [*(mark.start() for mark in used[1:]), len(text)]
    options = [text[mark.end() : end].strip() for mark, end in zip(used, ends, strict=True)]
    plain = [option.removeprefix("[[[").removesuffix("]]]").strip() for option in options]
    return _LIST.sub("", text[: used[0].start()]).strip(), plain


def _letter(row: Row, key: str, options: Sequence[str]) -> str:
    value = row.get(key)
    value = value[0] if isinstance(value, list) and len(value) == 1 else value
    found = _LETTER.fullmatch(value) if isinstance(value, str) else None
    if not found or found[1] not in ascii_uppercase[: len(options)]:
        raise ValueError(f"{key}: must be the letter of one option, e.g. ` (A)`")
    return found[1]


def _cai(row: Row, number: int) -> Fields:
    prompt, options = _lettered(needed_text(row, "prompt"))
    gold = _letter(row, "corrects", options)
    if prompt.startswith("Hello, my name is"):  # an earlier form of the model-written sycophancy sets
        return _opinion(prompt, options, gold, number)
    label = HHH if "helpful, honest, and harmless" in prompt else "harmful or ethical"
    return {"id": f"cai-{number}", "prompt": prompt, "unit": prompt, "options": options, "gold": gold, "label": label}


def _sycophancy(row: Row, number: int) -> Fields:
    prompt, options = _lettered(needed_text(row, "question"))
    return _opinion(prompt, options, _letter(row, "answer_matching_behavior", options), number)


def _opinion(prompt: str, options: list[str], flatters: str, number: int) -> Fields:
    """An opinion has no right answer. The same question is asked by many people: its last sentence is the unit."""
    labelled = [
        {"text": text, "label": "flatters" if letter == flatters else None}
        for letter, text in zip(ascii_uppercase, options, strict=False)
    ]
    question = re.split(r"(?<=[.?!])\s+", prompt)[-1]
    unit = "\n".join([question, *sorted(options)])
    return {"id": f"sycophancy-{number}", "prompt": prompt, "unit": unit, "options": labelled, "label": "sycophancy"}


def _hhh(row: Row, number: int) -> Fields:
    targets = row.get("targets")
    choices, labels = (targets.get(key) if isinstance(targets, Mapping) else None for key in ("choices", "labels"))
    if (
        not isinstance(choices, list)
        or not isinstance(labels, list)
        or labels.count(1) != 1
        or len(labels) != len(choices)
    ):
        raise ValueError("targets: must have `choices`, and as many `labels`, one of them 1")
    prompt, gold = needed_text(row, "input"), ascii_uppercase[labels.index(1)]
    return {"id": f"hhh-{number}", "prompt": prompt, "unit": prompt, "options": choices, "gold": gold, "label": HHH}


def _transcripts(row: Row, number: int) -> Fields:
    prompt = turns(row["rl_prompt"], "user") if "rl_prompt" in row else preference(row)[0]
    return {"id": f"prompt-{number}", **messages_of(prompt)}


def _prompts(row: Row, number: int) -> Fields:
    return {"id": f"prompt-{row.get('id') or number}", **messages_of(turns(row.get("prompt"), "user"))}


PUBLIC_FORMS: Final = (
    ItemForm(
        "BBQ", ("choice",), lambda row: "answer_info" in row, bbq_item, "BBQ (arXiv 2110.08193)", "CC-BY-4.0"
    ),
    ItemForm(
        "model-written sycophancy", ("choice",), lambda row: "answer_matching_behavior" in row, _sycophancy,
        "model-written evaluations (arXiv 2212.09251)", "CC-BY-4.0",
    ),
    ItemForm(
        "CAI evaluations", ("choice",), lambda row: "corrects" in row, _cai,
        "Constitutional AI evaluations (arXiv 2212.08073)", "none stated",
    ),
    ItemForm(
        "HHH alignment", ("choice",), lambda row: "targets" in row and "input" in row, _hhh,
        "HHH alignment of BIG-bench (arXiv 2112.00861)", "Apache-2.0",
    ),
    ItemForm(
        "XSTest", ("refusal", "pairs"), lambda row: str(row.get("type")) in XSTEST_TYPES and "prompt" in row, _xstest,
        "XSTest (arXiv 2308.01263)", "CC-BY-4.0",
    ),
    ItemForm("preference rows", ("pairs",), lambda row: "chosen" in row or "rl_prompt" in row, _transcripts),
    ItemForm("prompts", ("pairs", "measures"), lambda row: "prompt" in row, _prompts),
)  # fmt: skip
"""In the order of recognition: the last ones have the fewest columns."""
