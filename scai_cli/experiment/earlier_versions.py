"""Experiments of earlier versions: a saved one keeps their defaults; in one's own, names that are gone are errors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from scai_cli.experiment.model_settings import ModelSettings

_ALWAYS_SAVED: Final = {
    "assistant", "comparison", "critique", "critique_request", "cross_rating", "edits", "feedback", "judge", "meta",
    "revision", "revision_request", "rewrite", "user",
}  # fmt: skip
"""The prompts that every version before 0.7 has saved with an experiment."""

_SAVED: Final = {*_ALWAYS_SAVED, "further_edits", "reflect", "vote"}
"""The prompts that every version before 0.6 has saved with an experiment."""

_FIRST_REVISION: Final = {
    "strategy": "rewrite", "acceptance": "always", "clauses": "people", "quorum": 0.66,
}  # fmt: skip
"""The defaults of `revision` before 0.6, as far as they are others now."""

_MAY_BE_UNSET: Final = ("name", "base_url", "api_key_env", "temperature", "top_p", "max_tokens")
"""The keys of a model that the null of a role cannot unset."""

_FIDELITY: Final = "the suite `fidelity` replaced it in 0.7: `scai evaluate RUN --suite fidelity`"

REPLACED: Final[Mapping[str, Mapping[str, str]]] = {
    "": {
        "controls": _FIDELITY,
        "judge": "`roles: {judge: ...}` replaced it in 0.7; "
        "how well users stay in character is measured by `scai evaluate RUN --suite fidelity`",
    },
    "ratings": {"anchors": _FIDELITY},
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
"""Kind of name, or section of an experiment, "" for its top -> name that is gone -> its remedy."""


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
    if (found := saved_fidelity(data)) is not None:
        _move_fidelity(data, found, new=new)
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


@dataclass(frozen=True, slots=True)
class SavedFidelity:
    """The keys about the users' fidelity, which went in 0.7, in an experiment that an earlier version saved."""

    controls: Any = False
    anchors: Any = 0
    judge: Mapping[str, Any] | None = None
    judge_fits: bool = True
    """Whether `roles.judge` can describe the judge: its null unsets no key of `model`."""

    @property
    def needed(self) -> list[str]:
        """The keys that let a run make calls."""
        wanted = {"controls": self.controls, "ratings.anchors": self.anchors, "judge": self.judge is not None}
        return [key for key, is_wanted in wanted.items() if is_wanted]


def saved_fidelity(data: Mapping[str, Any]) -> SavedFidelity | None:
    """Return the keys of an experiment that a version before 0.7 saved; None for another experiment."""
    prompts, ratings = data.get("prompts"), data.get("ratings")
    if not isinstance(prompts, Mapping) or not prompts.keys() >= _ALWAYS_SAVED or "controls" not in data:
        return None
    anchors = ratings.get("anchors", 0) if isinstance(ratings, Mapping) else 0
    judge = data.get("judge")
    if not isinstance(judge, Mapping):
        return SavedFidelity(data["controls"], anchors)
    model = data.get("model") or {}
    fits = all(judge.get(key) is not None or model.get(key) is None for key in _MAY_BE_UNSET)
    return SavedFidelity(data["controls"], anchors, judge, fits)


def _move_fidelity(data: dict[str, Any], found: SavedFidelity, *, new: bool) -> None:
    """Leave out the keys, in a `new` experiment those without effect; the judge becomes the one of `roles`."""
    if not (new and found.controls):
        del data["controls"]
    if not (new and found.anchors) and isinstance(data.get("ratings"), dict):
        data["ratings"].pop("anchors", None)
    if not new and data.pop("judge", None) is not None and found.judge is not None:
        data["roles"] = {**(data.get("roles") or {}), "judge": _judge_changes(data.get("model") or {}, found.judge)}


def _judge_changes(model: Mapping[str, Any], judge: Mapping[str, Any]) -> dict[str, Any]:
    """Return what changes `model` to the judge, as far as it can be said."""
    known = {key: field.get_default(call_default_factory=True) for key, field in ModelSettings.model_fields.items()}
    changes = {key: value for key, value in {**known, **judge}.items() if value is not None}
    if changes.get("base_url") == model.get("base_url"):  # one that came from the environment may be renewed there
        changes.pop("base_url", None)
        changes.pop("base_url_from", None)
    return changes
