"""What servers and chat templates leave around an answer: thoughts, special tokens, parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from answer_values import NOTHING, Context, Draw, Kind, Reading, other, words


def add_tail(draw: Draw, kind: Kind, context: Context, text: str, reading: Reading) -> tuple[str, Reading]:
    """Add special tokens, or a model that plays the next turn: its answer there is never the answer."""
    if draw.finish == "length" or draw.chance(0.8):
        return text, reading
    if draw.chance(0.65):
        return text + draw.production("tail", words()["tails"]), reading
    run_on = draw.production("run on", words()["run_ons"])
    return f"{text}{run_on}And now?\n{other(draw, kind, context, reading)[0]}", reading


def _musing(draw: Draw, kind: Kind, context: Context, reading: Reading) -> str:
    """Return thoughts: words, often a draft that says something else, sometimes the example."""
    parts = [draw.item("musing", words()["musings"])]
    if draw.chance(0.3):
        parts.append(f"The form is {context.example}")
    if draw.chance(0.7):
        parts.append(f"Maybe {other(draw, kind, context, reading)[0]}")
        parts.append(draw.item("musing", words()["musings"]))
    return "\n".join(parts)


MESSAGES = {
    "plain": 75, "thoughts": 32, "rare thoughts": 3, "end tag alone": 8, "empty thoughts": 4, "start tag alone": 3,
    "nested thoughts": 3, "repeated thoughts": 4, "thoughts after": 1, "reasoning_content": 7, "reasoning": 4,
    "reasoning_content and tags": 1, "parts": 6, "nothing": 4,
}  # fmt: skip

WITHOUT_TEXT = {"start tag alone", "nothing"}

Message = dict[str, Any]


def message_of(
    draw: Draw, kind: Kind, context: Context, shape: str, text: str, reading: Reading
) -> tuple[Message, Reading]:
    """Return the message of a chat completion in one of the shapes of `MESSAGES`."""
    draw.recipe.append(f"message: {shape}")
    thoughts = _musing(draw, kind, context, reading)
    if shape == "parts":
        return _parts(draw, thoughts, text, reading)
    if shape == "nothing":
        return _nothing(draw, thoughts), NOTHING
    if shape == "start tag alone":
        draw.finish = draw.rng.choice(["length", "stop"])
        return {"content": draw.production(shape, words()["start_tags"]) + thoughts}, NOTHING
    if shape.startswith("reasoning"):
        content = f"<think>\n\n</think>\n\n{text}" if shape.endswith("tags") else text
        return {"content": content, shape.split()[0]: thoughts}, reading
    content = text if shape == "plain" else _tagged(draw, shape, thoughts, text)
    return {"content": content}, reading.unclear() if shape in ("rare thoughts", "thoughts after") else reading


def _tagged(draw: Draw, shape: str, thoughts: str, text: str) -> str:
    if shape in ("thoughts", "rare thoughts"):
        start, end = draw.production(shape, words()[shape.replace(" ", "_")])
    else:
        start, end = draw.item("tags", [words()["thoughts"][name] for name in ("think", "thinking", "magistral")])
    return {
        "end tag alone": f"{thoughts}{draw.item('end tag', words()['end_tags'])}{text}",
        "empty thoughts": f"{start}{end}{text}",
        "nested thoughts": f"{start}Well. {start}{thoughts}{end}No: {thoughts}{end}{text}",
        "repeated thoughts": f"{start}{thoughts}{end}{start}{thoughts}{end}{text}",
        "thoughts after": f"{text}\n{start}{thoughts}{end}",
    }.get(shape, f"{start}{thoughts}{end}{text}")


def parts_tables(thoughts: str, text: str, at: int) -> tuple[Mapping[str, list[Any]], Mapping[str, list[Any]]]:
    """Return content as a list of parts, in shapes that must be read and in others; a text may end `at` a place."""
    answer = {"type": "text", "text": text}
    known: Mapping[str, list[Any]] = {
        "thinking, text": [{"type": "thinking", "thinking": [{"type": "text", "text": thoughts}]}, answer],
        "thinking as a text, text": [{"type": "thinking", "thinking": thoughts}, answer],
        "text": [answer],
    }
    rare: Mapping[str, list[Any]] = {
        "thinking closed, text": [
            {"type": "thinking", "thinking": [answer | {"text": thoughts}], "closed": True},
            answer,
        ],
        "two texts": [{"type": "text", "text": text[:at]}, {"type": "text", "text": text[at:]}],
        "reasoning, text": [{"type": "reasoning", "text": thoughts}, answer],
        "redacted, text": [{"type": "redacted_thinking", "data": "EmwKAhgB"}, answer],
        "output_text": [{"type": "output_text", "text": text}],
        "plain string": [text],
    }
    return known, rare


def _parts(draw: Draw, thoughts: str, text: str, reading: Reading) -> tuple[Message, Reading]:
    known, rare = parts_tables(thoughts, text, draw.rng.randint(0, len(text)))
    if draw.chance(0.7):
        return {"content": draw.production("parts", known)}, reading
    return {"content": draw.production("rare parts", rare)}, reading.unclear()


def nothing_table(thoughts: str) -> Mapping[str, Message]:
    """Return messages without an answer, whatever their thoughts say."""
    return {
        "null, reasoning_content": {"content": None, "reasoning_content": thoughts},
        "null, reasoning": {"content": None, "reasoning": thoughts},
        "absent, reasoning": {"content": "", "reasoning": thoughts},
        "empty": {"content": ""},
        "white space": {"content": " \n\n\t"},
        "thinking part": {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": thoughts}]}]},
        "no parts": {"content": []},
        "only thoughts": {"content": f"<think>{thoughts}</think>"},
        "only tokens": {"content": "<|im_end|>"},
        "only analysis": {"content": f"<|channel|>analysis<|message|>{thoughts}<|end|>"},
        "refusal": {"content": None, "refusal": "I can't rate this."},
        "tool call": {"content": None, "tool_calls": [_tool_call(thoughts)]},
    }


def _nothing(draw: Draw, thoughts: str) -> Message:
    message = draw.production("nothing", nothing_table(thoughts))
    draw.finish = "tool_calls" if "tool_calls" in message else draw.rng.choice(["length", "stop"])
    return message


def _tool_call(arguments: str) -> Message:
    return {"id": "t1", "type": "function", "function": {"name": "fill", "arguments": arguments}}
