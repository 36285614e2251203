"""Experiments of earlier versions: a saved one keeps their defaults; in one's own, names that are gone are errors."""

from collections.abc import Mapping
from typing import Any, Final, TypeGuard

_SAVED: Final = {
    "assistant", "comparison", "critique", "critique_request", "cross_rating", "edits", "feedback", "further_edits",
    "judge", "meta", "reflect", "revision", "revision_request", "rewrite", "user", "vote",
}  # fmt: skip
"""The prompts that every version before 0.6 has saved with an experiment."""

_FIRST_REVISION: Final = {
    "strategy": "rewrite", "acceptance": "always", "clauses": "people", "quorum": 0.66,
}  # fmt: skip
"""The defaults of `revision` before 0.6, as far as they are others now."""

REPLACED: Final[Mapping[str, Mapping[str, str]]] = {
    "strategy": {
        "reflect": "`rewrite` with `revision.memory: 2` replaced it in 0.6",
        "edits": "`grounded` replaced it in 0.6",
        "candidates": "any strategy with `revision.candidates: 3` replaced it in 0.6",
    },
    "acceptance": {
        "vote": "`ratify` replaced it in 0.6",
        "both": "`ratify` replaced it in 0.6",
    },
    "revision": {
        "base": "it went in 0.6; `strategy` names the one that proposes `candidates`",
        "satisfied": "it went in 0.6, with the strategy `reflect`; remove it",
        "rounds": "it went in 0.6, as further drafts in an epoch gained nothing; remove it",
        "rule": "it went in 0.6, with the votes; remove it",
    },
    "prompts": {
        "reflect": "`rewrite` replaced it in 0.6",
        "further_edits": "`edits` replaced it in 0.6",
        "vote": "`ballot` replaced it in 0.6",
        "vote_form": "`ballot_form` replaced it in 0.6",
    },
}
"""Kind of name, or section of an experiment -> name that is gone -> its remedy."""


def is_before_ballots(prompts: object) -> TypeGuard[Mapping[str, Any]]:
    """Return whether these are the prompts of an experiment that a version before 0.6 saved.

    An experiment of one's own has a few prompts or none; a saved one has all that its version knows.
    """
    return isinstance(prompts, Mapping) and prompts.keys() >= _SAVED


def keep_first_defaults(data: dict[str, Any], *, new: bool) -> None:
    """Write the meaning of an experiment that a version before 0.6 saved in the keys of this one.

    Keys that are gone are left out; its prompts, from which its version is known, only if it becomes a `new` one.
    """
    prompts = data.get("prompts")
    if not is_before_ballots(prompts):
        return
    if "opening" not in prompts:  # before 0.5
        data.setdefault("opening", "task")
    given = {key: value for key, value in (data.get("revision") or {}).items() if key not in REPLACED["revision"]}
    revision = {**_FIRST_REVISION, **given}
    # They were keys of one strategy each, saved with every other.
    if revision["strategy"] != "candidates":
        revision["candidates"] = 1
    if revision["strategy"] != "reflect":
        revision["memory"] = 1
    data["revision"] = revision
    if new:
        data["prompts"] = {name: text for name, text in prompts.items() if name not in REPLACED["prompts"]}
