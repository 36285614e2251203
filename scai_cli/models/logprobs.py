"""Find the log-probabilities at the letter of an answer among those of all its tokens."""

import re
from collections.abc import Mapping
from itertools import accumulate
from typing import Any, Final

from scai_cli.text.characters import clean
from scai_cli.text.choice import choice

_WORD: Final = re.compile(r"[^\W_]")
_BYTE_LEVEL: Final = str.maketrans("ĠĊ▁", " \n ")
"""White space as some servers write it in tokens."""
_LETTERS: Final = "ABCDEFGH"
"""The letters of more options than two; `I` is a word."""
_MOST: Final = 100
_LONGEST: Final = 100
"""The candidates of a token, and the characters of one: both far more than endpoints send."""


def answer_logprobs(logprobs: object, raw: str, start: int) -> tuple[tuple[str, float], ...] | None:
    """Return the candidates at the letter that an answer chooses, with their natural log-probabilities.

    `logprobs` is that key of a choice. `raw` is the text as the server sent it, without special tokens at its end; the
    answer begins at `start`, after the thoughts. If it chooses no letter, its first word counts. The result is empty if
    the tokens do not contain the answer, and None if the endpoint gave no log-probabilities.
    """
    content = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    tokens = [token for token in content if isinstance(token, Mapping)] if isinstance(content, list) else []
    texts = [str(token.get("token", "")).translate(_BYTE_LEVEL) for token in tokens]
    at = _position("".join(texts), raw[start:].strip(), after_thoughts=start > 0)
    ends = enumerate(accumulate(map(len, texts)))
    found = () if at is None else _candidates(tokens[next(n for n, end in ends if end > at)])
    return found or (() if any(map(_candidates, tokens)) else None)


def _position(said: str, answer: str, *, after_thoughts: bool) -> int | None:
    """Return the offset of the letter, else of the answer's first word, in the text of all tokens."""
    chosen, word = choice(answer) or choice(answer, _LETTERS), _WORD.search(answer)
    at = chosen.at if chosen else word.start() if word else None
    # From the end, as str.rfind would take quadratic time.
    behind, skipped = said[::-1].find(answer[::-1]), len(said) - len(said.lstrip())
    if at is not None and behind >= 0:
        return len(said) - behind - len(answer) + at
    if after_thoughts or at is None:
        return None
    # Servers may write rare characters in another way: the beginning is then enough.
    if chosen and said.startswith(answer[: at + 1], skipped):
        return skipped + at
    first = _WORD.search(said)
    return first.start() if first else None


def _candidates(token: Mapping[str, Any]) -> tuple[tuple[str, float], ...]:
    likely = token.get("top_logprobs")
    listed = likely[:_MOST] if isinstance(likely, list) else []
    pairs = [(t.get("token"), t.get("logprob")) for t in listed if isinstance(t, Mapping)]
    # Endpoints write -9999 for the probability 0.
    valid = ((t, p) for t, p in pairs if isinstance(t, str) and isinstance(p, int | float) and -1e6 < p <= 0)
    return tuple((clean(t.translate(_BYTE_LEVEL)), float(p)) for t, p in valid if len(t) <= _LONGEST)
