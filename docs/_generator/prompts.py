"""Write the page of the shipped prompts, with their places."""

from __future__ import annotations

from typing import Final

from scai_cli.prompts.templates import EVERY, places

SAID: Final = {
    "assistant": "The assistant's system message.",
    "user": "The system message of a user, with the persona.",
    "opening": "The request for a user's first message, under the user's system message.",
    "opening_request": "The `{{request}}` of `opening`: the task in the user's own words.",
    "introduction_request": "The `{{request}}` of `opening` for a long task, code or several lines: an introduction.",
    "feedback": "The user's comment on an answer, with the own rating.",
    "cross_rating": "A user's rating of another user's answer.",
    "judge": "A judge's rating of how well a user's words fit the persona.",
    "meta": "The system message of the meta role.",
    "rewrite": "The meta-prompt of the strategy `rewrite`.",
    "edits": "The meta-prompt of the strategy `grounded`.",
    "ballot": "A user's opinion on each proposed rule.",
    "critique_request": "The request for a critique, in `scai generate`.",
    "critique": "A critique of an answer by one principle.",
    "revision_request": "The request for a revision.",
    "revision": "A revision of an answer after its critique.",
    "comparison": "A judge's comparison of two answers by one principle.",
    "comparison_by_choice": "The comparison by a principle's own `comparison`.",
    "comparison_by_pair": "The comparison by a principle that is a pair of requests alone.",
    "feedback_form": "The `{{form}}` of `feedback`.",
    "cross_rating_form": "The `{{form}}` of `cross_rating`.",
    "judge_form": "The `{{form}}` of `judge`.",
    "rewrite_form": "The `{{form}}` of `rewrite`.",
    "edits_form": "The `{{form}}` of `edits`.",
    "ballot_form": "The `{{form}}` of `ballot`.",
    "talk": "The system message of a user that only talks, in the dialogues `talk` and `talk_as_user`.",
    "decision": "A decider's reply to a proposal, in the dialogue `ultimatum`.",
    "policy_selfish": "The `{{policy}}` of `decision` for a player with the attribute `policy: selfish`.",
    "policy_fair": "The same for `policy: fair`.",
    "policy_altruistic": "The same for `policy: altruistic`.",
    "manners_neutral": "The `{{manners}}` of `decision` for a player with `manners: neutral`, or without manners.",
    "manners_polite": "The same for `manners: polite`.",
    "manners_rude": "The same for `manners: rude`.",
    "decision_form": "The `{{form}}` of `decision`.",
}
INTRO: Final = """\
# Prompts

`prompts:` in the experiment replaces a prompt by its name. A `{{place}}` is filled once, with data: text from a
persona or a model is put between tags that it cannot close, and is not read as a template again. `{{form}}` is the
JSON form of the answer, a prompt of its own; `<...>` in it marks what the model writes. A form that is sent
back as it is does not count as an answer. `{{clauses}}` and `{{clause}}` say what clauses are bound to, conditions or
people, as `revision.clauses` wants it. `scai plan CONFIG --prompts` prints every prompt as it would be sent.
"""


def page() -> str:
    """Return the whole page."""
    return "\n".join([INTRO, *(_section(name, text) for name, text in EVERY.items())])


def _section(name: str, text: str) -> str:
    there = ", ".join(f"`{{{{{place}}}}}`" for place in sorted(places(text)))
    told = f"{SAID[name]} Places: {there}." if there else SAID[name]
    return f"## `{name}`\n\n{told}\n\n```text\n{text}\n```\n"
