"""Words that say that people or the group changed: allowed about the group alone, where the interval excludes 0."""

from __future__ import annotations

import re
from typing import Final

CHANGE_WORDS: Final = re.compile(
    r"\b(rose|risen|rising|fell|fallen|gain(s|ed|ers?)?|lost|los(s|es|ers?)|paid|pa(y|ys|yers?)|win(s|ners?)|"
    r"better off|worse(?!-)|(more|less) satisfied|improve[ds]|improvement|higher|lower|happier|"
    r"benefit(s|ed)?|harm(s|ed)?)\b",
    re.IGNORECASE,
)


def change_words(text: str, *but: str) -> list[str]:
    """Return the words of change in a text, after the phrases `but`, which explain and claim nothing, are removed."""
    for phrase in but:
        text = text.replace(phrase, "")
    return [match[0] for match in CHANGE_WORDS.finditer(text)]
