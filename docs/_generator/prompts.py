"""The prompts as they are shipped, with their places."""

from __future__ import annotations

from typing import Final

from scai_cli.prompts.templates import TEMPLATES, places

SAID: Final = {
    "assistant": "The assistant's system message.",
    "user": "The system message of a user: who is played.",
    "feedback": "The user's comment on an answer, with the own rating.",
    "cross_rating": "A user's rating of an answer that somebody else got.",
    "judge": "Whether a user's words fit the persona.",
    "meta": "The system message of the meta-prompt.",
    "rewrite": "The meta-prompt of the strategy `rewrite`.",
    "reflect": "The meta-prompt of the strategy `reflect`.",
    "edits": "The meta-prompt of the strategies `edits` and `grounded`.",
    "further_edits": "The meta-prompt of `grounded` about its own draft.",
    "vote": "A ballot.",
    "critique_request": "What a critique is asked for, in `scai generate`.",
    "critique": "A critique of an answer by one principle.",
    "revision_request": "What a revision is asked for.",
    "revision": "A revision of an answer after its critique.",
    "comparison": "Which of two answers keeps to a principle better.",
}
INTRO: Final = """\
# Prompts

Each can be put in other words under `prompts:` in the experiment, by its name. `{{place}}` is filled once, with data:
what a persona or a model wrote stands between tags, is never read as a template again, and cannot close its tag.
`{{form}}` is the JSON form that the answer must have. `scai plan CONFIG --prompts` shows every prompt as it would be
sent.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([INTRO, *(_section(name, text) for name, text in TEMPLATES.items())])


def _section(name: str, text: str) -> str:
    there = ", ".join(f"`{{{{{place}}}}}`" for place in sorted(places(text)))
    told = f"{SAID[name]} Places: {there}." if there else SAID[name]
    return f"## `{name}`\n\n{told}\n\n```text\n{text}\n```\n"
