"""Write messages in the form that every trainer takes (alternating roles, no empty content), and read them back."""

from collections.abc import Sequence
from typing import Any

from scai_cli.datasets.formats.format import Fields, Layout
from scai_cli.datasets.samples.sample import Answer, Pair, Turn
from scai_cli.text.words import usual

Message = dict[str, str]


def messages(prompt: tuple[Turn, ...]) -> list[Message] | None:
    """Return the turns before an answer, with consecutive turns of one role joined; None if trainers reject them.

    Of two consecutive turns of one role LLaMA-Factory drops one, Gemma's template raises an error, and Together refuses
    the file. An empty turn trains on nothing. A prompt begins and ends with a user's turn.
    """
    joined: list[Message] = []
    for turn in prompt:
        if blank(turn.content):
            return None
        if joined and joined[-1]["role"] == turn.role:
            joined[-1]["content"] += f"\n\n{turn.content}"
        else:
            joined.append({"role": turn.role, "content": turn.content})
    return joined if len(joined) % 2 and joined[0]["role"] == "user" else None


def conversation(sample: Answer | Pair, layout: Layout) -> list[Message] | None:
    """Return everything before the answer, with the system message if wanted; None if trainers reject it."""
    turns = messages(sample.prompt)
    if turns is None:
        return None
    system = layout.system_message(sample.system)
    return turns if system is None or blank(system) else [{"role": "system", "content": system}, *turns]


def answer(text: str) -> Message:
    """Return an answer as a message."""
    return {"role": "assistant", "content": text}


def blank(text: str) -> bool:
    """Return whether a text is empty or white space."""
    return not text or text.isspace()


def no_choice(pair: Pair) -> bool:
    """Return whether one side is empty or both are equal: trainers accept the pair and learn nothing from it."""
    return blank(pair.chosen) or blank(pair.rejected) or _same(pair.chosen, pair.rejected)


def _same(one: str, other: str) -> bool:
    """Return whether two texts differ only in white space and in the encoding of accents."""
    if one.isascii() and other.isascii():  # compare the first words before the rest
        return one.split(None, 4)[:4] == other.split(None, 4)[:4] and one.split() == other.split()
    return usual(one).split() == usual(other).split()


def read_prompt(value: str | Sequence[Fields], role: str = "role", content: str = "content") -> tuple[str, str]:
    """Return the text of all turns, and the system message; a prompt in plain text has no system message."""
    if isinstance(value, str):
        return value, ""
    turns = [(str(message[role]), str(message[content])) for message in value]
    return (
        "\n\n".join(text for role, text in turns if role != "system"),
        "\n\n".join(text for role, text in turns if role == "system"),
    )


def read_answer(value: Any) -> str:
    """Return the content of the last message, or the text itself."""
    return value if isinstance(value, str) else str(value[-1]["content"])
