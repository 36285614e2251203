"""The wordings in which simulated users and the simulated meta ask for a trait or against it.

`{label}` is the trait's label, a noun phrase; `traits.requested` reads each sentence with the right sign.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final

from scai_cli.measures.catalogue import TRAITS

MISSED: Final = (
    "I would have liked {label}.",
    "I missed {label}.",
    "Next time I want {label}.",
    "What I would like is {label}.",
    "Please give me {label}.",
    "For me it lacked {label}.",
)
MISSED_THEME: Final = (
    "There was nothing about {label}.",
    "Please say more about {label}.",
    "I missed a word on {label}.",
    "Please think of {label} as well.",
    "To me {label} matters, so please bring it in.",
    "It should also speak of {label}.",
)
MINDED: Final = (
    "I could do without {label}.",
    "I do not want {label}.",
    "Please do without {label} next time.",
    "I am tired of {label}.",
    "Spare me {label}.",
    "To be honest, {label} put me off.",
)
MINDED_THEME: Final = (
    "Please leave out {label}.",
    "There was too much about {label}.",
    "I do not want to hear about {label}.",
    "Less about {label}, please.",
    "I could do without the talk of {label}.",
    "For my taste, {label} has no place in it.",
)
LIKED: Final = (
    "I liked {label}.",
    "Thank you for {label}.",
    "I loved {label} in it.",
    "It pleased me to find {label}.",
    "I appreciate {label}.",
)
LIKED_THEME: Final = (
    "I liked that it spoke of {label}.",
    "Thank you for thinking of {label}.",
    "I appreciate what it said on {label}.",
    "It pleased me to read about {label}.",
)
DEMANDED: Final = (
    "Write a principle that gives me {label}.",
    "Write a rule for me with {label} in it.",
    "Add a principle for me: I want {label}.",
    "I demand a rule of my own that gives me {label}.",
)
CONTENT: Final = ("That will do for me.", "I have no complaint.", "That was all right.", "Go on like this.")

RULE_THEME: Final = (
    "Say what a choice means for {label}.",
    "Take {label} into account in every answer.",
    "Mention {label} where it is touched.",
    "Give due weight to {label} when you advise.",
    "Let {label} have a place in what you suggest.",
)
BAN_THEME: Final = (
    "Do not bring up {label} on your own.",
    "Avoid talk of {label}.",
    "Leave out {label} unless the task is about it.",
    "Do not dwell on {label}.",
)

RULE: Final[Mapping[str, tuple[str, ...]]] = {
    "concise": (
        "Keep every answer short.",
        "Be brief and stop when the point is made.",
        "Say it in few words.",
    ),
    "detailed": (
        "Explain things in detail.",
        "Be thorough in what you explain.",
        "Give a complete picture and go into depth.",
    ),
    "bullet_list": (
        "Put the main points in a bullet list.",
        "Use bullet points.",
        "Lay the options out as a list.",
    ),
    "step_by_step": (
        "Lay out what to do step by step.",
        "Number the steps of a plan.",
        "Walk people through it one step after another.",
    ),
    "plain_words": (
        "Use plain words that everybody knows.",
        "Write in everyday language.",
        "Avoid jargon.",
    ),
    "formal": (
        "Keep a formal tone.",
        "Write in a polite and formal style.",
        "Speak in a professional manner.",
    ),
    "casual": (
        "Write in a casual tone.",
        "Keep the tone informal.",
        "Talk in a laid-back, chatty way.",
    ),
    "warm": (
        "Be warm towards people.",
        "Show kindness and encourage people.",
        "Write with empathy.",
    ),
    "humorous": (
        "Add a touch of humour.",
        "Make people smile with a small joke.",
        "Let some wit into the answer.",
    ),
    "asks_back": (
        "Ask what the person needs.",
        "End with a question that helps you understand the person.",
        "Ask a question back before you settle on one plan.",
    ),
    "gives_example": (
        "Give an example for what you say.",
        "Illustrate your advice with a case from real life.",
        "Make it concrete with examples.",
    ),
    "names_source": (
        "Name the sources of what you claim.",
        "Cite where the facts come from.",
        "Give a reference for each claim.",
    ),
    "states_uncertainty": (
        "Say when you are unsure.",
        "Be open about what you do not know.",
        "Name the limits of what you know and how certain you are.",
    ),
    "balanced": (
        "Present both sides of a matter.",
        "Weigh the pros and cons.",
        "Show different points of view.",
    ),
    "direct": (
        "Give direct advice.",
        "Commit to a clear recommendation.",
        "Come straight to a firm answer.",
    ),
}
BAN: Final[Mapping[str, tuple[str, ...]]] = {
    "concise": ("Do not keep answers brief.", "Do not be terse."),
    "detailed": ("Do not go into detail.", "Leave out needless details."),
    "bullet_list": ("Do not use bullet points.", "Write in flowing text instead of lists."),
    "step_by_step": ("Do not break advice into steps.", "Avoid step by step instructions."),
    "plain_words": ("Do not simplify the wording.", "Do not limit yourself to simple words."),
    "formal": ("Avoid a formal tone.", "Do not sound official."),
    "casual": ("Do not slip into slang.", "Avoid a casual tone."),
    "warm": ("Avoid warm words and keep to the matter.", "Do not talk about feelings."),
    "humorous": ("Do not make jokes.", "Leave out humour."),
    "asks_back": ("Do not ask questions back.", "Avoid questions at the end."),
    "gives_example": ("Do not add examples.", "Leave out anecdotes and examples."),
    "names_source": ("Do not cite sources.", "Leave out references."),
    "states_uncertainty": ("Do not hedge.", "Avoid caveats."),
    "balanced": ("Do not weigh every point of view.", "Do not stay neutral."),
    "direct": ("Do not be blunt.", "Avoid firm recommendations."),
}


def remark(trait: str, kind: str, rng: random.Random) -> str:
    """Return a sentence about a trait that was `missed`, `minded` or `liked`."""
    style, theme = {"missed": (MISSED, MISSED_THEME), "minded": (MINDED, MINDED_THEME)}.get(kind, (LIKED, LIKED_THEME))
    return _choose(trait, style if TRAITS[trait].kind == "style" else theme, rng)


def demand(trait: str, rng: random.Random) -> str:
    """Return a sentence that demands a rule for the speaker alone."""
    return _choose(trait, DEMANDED, rng)


def rule(trait: str, wanted: bool, rng: random.Random) -> str:
    """Return a rule of one sentence, in the imperative, that asks for a trait or against it."""
    themes, style = (RULE_THEME, RULE) if wanted else (BAN_THEME, BAN)
    return _choose(trait, style.get(trait, themes), rng)


def _choose(trait: str, sentences: tuple[str, ...], rng: random.Random) -> str:
    return rng.choice(sentences).format(label=TRAITS[trait].label)
