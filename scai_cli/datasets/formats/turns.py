"""What was said, as the messages of a row that every trainer takes: roles in turns, no content empty."""

from __future__ import annotations

from scai_cli.datasets.formats.format import Layout
from scai_cli.datasets.samples.sample import Answer, Pair, Turn

Message = dict[str, str]


def messages(prompt: tuple[Turn, ...]) -> list[Message] | None:
    """The turns before an answer, those of one role that follow each other made one; None if no reader takes them.

    Two turns of one role are dropped by LLaMA-Factory, raise in Gemma's template and are refused by Together; an empty
    one trains on nothing. A prompt begins and ends with a user's turn.
    """
    said: list[Message] = []
    for turn in prompt:
        if blank(turn.content):
            return None
        if said and said[-1]["role"] == turn.role:
            said[-1]["content"] += f"\n\n{turn.content}"
        else:
            said.append({"role": turn.role, "content": turn.content})
    return said if len(said) % 2 and said[0]["role"] == "user" else None


def conversation(sample: Answer | Pair, layout: Layout) -> list[Message] | None:
    """What comes before the answer, the system message included where it is wanted; None if no reader takes it."""
    said = messages(sample.prompt)
    if said is None:
        return None
    system = layout.system_message(sample.system)
    return said if system is None or blank(system) else [{"role": "system", "content": system}, *said]


def answer(text: str) -> Message:
    """An answer as a message."""
    return {"role": "assistant", "content": text}


def blank(text: str) -> bool:
    """Whether nothing can be read in a text."""
    return not text or text.isspace()


def no_choice(pair: Pair) -> bool:
    """Whether there is nothing to prefer: one side is empty, or both are the same. No trainer minds, none learns."""
    return blank(pair.chosen) or blank(pair.rejected) or _same(pair.chosen, pair.rejected)


def _same(one: str, other: str) -> bool:
    """Whether two texts are the same but for spaces; most differ within their first words."""
    return one.split(None, 4)[:4] == other.split(None, 4)[:4] and one.split() == other.split()
