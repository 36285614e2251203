"""Experiments that an earlier version saved: a default that has changed since stays as it was."""

from collections.abc import Mapping
from typing import Any, Final

_SAVED: Final = {
    "assistant", "comparison", "critique", "critique_request", "cross_rating", "edits", "feedback", "further_edits",
    "judge", "meta", "reflect", "revision", "revision_request", "rewrite", "user", "vote",
}  # fmt: skip
"""The prompts that every version has saved with an experiment."""


def is_before_openings(prompts: object) -> bool:
    """Return whether these are the prompts of an experiment that a version before 0.5 saved, without any for openings.

    An experiment of one's own has a few prompts or none; a saved one has all that its version knows.
    """
    return isinstance(prompts, Mapping) and prompts.keys() >= _SAVED and "opening" not in prompts


def keep_first_defaults(data: dict[str, Any]) -> None:
    """Write the first default of `opening` into an experiment that a version before 0.5 saved without the key."""
    if is_before_openings(data.get("prompts")):
        data.setdefault("opening", "task")
