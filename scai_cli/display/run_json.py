"""A run as one JSON object: what `scai show --json` prints; its keys are a contract."""

from __future__ import annotations

from typing import Any, Final

from scai_cli.analysis.rating_validity import rating_validity
from scai_cli.experiment.constitution import Constitution
from scai_cli.runs.events import Rated
from scai_cli.runs.history.history import Epoch, History
from scai_cli.runs.history.selection import Selection

_STAMP: Final = {"seq", "time", "type", "id"}


def run_object(history: History, selection: Selection) -> dict[str, Any]:
    """The run with its config, epochs, conversations, ratings, welfare and revisions, as far as selected."""
    return {
        "run_id": history.run_id,
        "status": history.status,
        "config": history.config.model_dump(mode="json", by_alias=True),
        "epochs": [epoch_object(epoch, selection) for epoch in history.chosen(selection.epoch)],
        "holdout": None if history.holdout is None else history.holdout.model_dump(mode="json", exclude=_STAMP),
        "honesty": {persona: found.as_object() for persona, found in rating_validity(history).items()},
        "outcome": dict(history.outcome),
    }


def epoch_object(epoch: Epoch, selection: Selection) -> dict[str, Any]:
    """One epoch with what was said and rated in the conversations selected."""
    chosen = [
        conversation
        for conversation in dict.fromkeys([*epoch.conversations, *(r.conversation for r in epoch.ratings)])
        if _chosen(conversation, selection)
    ]
    revision, welfare = epoch.revision, epoch.welfare
    return {
        "epoch": epoch.number,
        "constitution": {**constitution_object(epoch.constitution), "system_message": epoch.system_message},
        "conversations": [
            {
                "id": conversation,
                "persona": conversation.split("/")[-2],
                "task": conversation.split("/")[-1],
                "messages": [
                    {"id": message.id, "role": message.role, "content": message.content}
                    for message in epoch.conversations.get(conversation, [])
                ],
            }
            for conversation in chosen
        ],
        "ratings": [_rating(rating) for rating in epoch.ratings if rating.conversation in set(chosen)],
        "anchors": [_rating(rating) for rating in epoch.anchors],
        "welfare": None
        if welfare is None
        else welfare.model_dump(mode="json", exclude={"seq", "time", "type", "id", "epoch"}),
        "revision": None
        if revision is None
        else {
            **revision.model_dump(
                mode="json", by_alias=True, exclude={"seq", "time", "type", "id", "epoch", "constitution"}
            ),
            "constitution": constitution_object(revision.constitution),
        },
        "problems": [{"id": p.id, "where": p.where, "problem": p.problem} for p in epoch.problems],
    }


def constitution_object(constitution: Constitution) -> dict[str, Any]:
    """A constitution's version and rules."""
    return {
        "version": constitution.version,
        "principles": [rule.model_dump(mode="json") for rule in constitution.principles],
        "contract": [rule.model_dump(mode="json", by_alias=True) for rule in constitution.contract],
    }


def _chosen(conversation: str, selection: Selection) -> bool:
    _, persona, task = conversation.split("/")[-3:]
    return selection.has(persona, task)


def _rating(rating: Rated) -> dict[str, Any]:
    return {
        "id": rating.id,
        "kind": rating.kind,
        "metric": rating.metric,
        "rater": rating.rater,
        "conversation": rating.conversation,
        "message": rating.message,
        "final": rating.final,
        "value": rating.value,
        "observed": rating.observed,
        "comment": rating.comment,
        "problem": rating.problem,
    }
