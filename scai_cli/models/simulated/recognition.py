"""Which conditions of rules are met: as the assistant guesses, and as voters know of themselves."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from scai_cli.measures.conditions import named, shown
from scai_cli.models.simulated.portrait import draws

Recognises = Callable[[str], bool]
"""Returns whether the condition of a rule, in its words, is believed to be met."""

_TALKS_WITH: Final = re.compile(r"you talk with (.+)")
_MISTAKEN: Final = 3


def recognised_in(user_messages: Sequence[str], skill: float, seed: int) -> Recognises:
    """Return what the assistant recognises in a conversation.

    A condition that a message shows is recognised with the chance `skill`, another one is believed to be met with the
    chance (1 - skill) / 3. There is one draw for each conversation (by its opening) and condition.
    "When you talk with NAME and NAME" is met if one of the names occurs in the messages.
    """
    said = "\n".join(user_messages)

    def has(condition: str) -> bool:
        chance = skill if condition in shown(said) else (1.0 - skill) / _MISTAKEN
        return draws("recognised", seed, user_messages[0] if user_messages else "", condition).random() < chance

    def recognises(condition: str) -> bool:
        if people := _TALKS_WITH.fullmatch(condition):
            names = re.split(r", | and ", people[1])
            return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said, re.IGNORECASE) for name in names)
        return _is_met(condition, has)

    return recognises


def known_to(conditions: frozenset[str]) -> Recognises:
    """Return what those know who have these conditions and no other."""
    return lambda condition: _is_met(condition, conditions.__contains__)


def _is_met(condition: str, has: Callable[[str], bool]) -> bool:
    """Return whether all conditions that a text names are met, or with "or" one of them; False if it names none."""
    conditions = named(condition)
    return bool(conditions) and (any if " or " in condition else all)(map(has, sorted(conditions)))


NOTHING: Final = known_to(frozenset())
"""Recognises nothing."""
