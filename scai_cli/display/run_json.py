"""The JSON object of `scai show --json`; its keys are a contract."""

from dataclasses import asdict
from typing import Any, Final

from scai_cli.analysis.before_after import before_after
from scai_cli.analysis.config_warnings import seed_dependence
from scai_cli.analysis.headline import headline
from scai_cli.analysis.health import health_object
from scai_cli.analysis.holdout import holdout_change
from scai_cli.analysis.rating_validity import rating_validity
from scai_cli.analysis.recovery import run_recovery
from scai_cli.analysis.representation import representation
from scai_cli.experiment.constitution import Constitution
from scai_cli.runs.history.event_lines import CompactRating
from scai_cli.runs.history.history import Epoch, History
from scai_cli.runs.history.selection import Selection

_STAMP: Final = {"seq", "time", "type", "id"}
_RATING: Final = (
    *("id", "kind", "metric", "rater", "conversation", "message"),
    *("final", "value", "observed", "comment", "problem"),
)


def run_object(history: History, selection: Selection) -> dict[str, Any]:
    """Return the run with its config, its result, and the selected part of each epoch."""
    found, represented, recovered = headline(history), representation(history), run_recovery(history)
    return {
        "run_id": history.run_id,
        "status": history.status,
        "config": history.config.model_dump(mode="json", by_alias=True),
        "epochs": [epoch_object(epoch, selection) for epoch in history.chosen(selection.epoch)],
        "holdout": _holdout(history),
        "honesty": {persona: asdict(validity) for persona, validity in rating_validity(history).items()},
        "rater_check": [] if history.rater_check is None else history.rater_check.model_dump(mode="json")["checks"],
        "outcome": dict(history.outcome),
        "headline": None if found is None else found.as_object(),
        "warnings": seed_dependence(history.config),
        "health": health_object(history.answers, history.config),
        "before_after": [pair.as_object() for pair in before_after(history, found)],
        "representation": represented and represented.as_object(),
        **({"recovery": recovered.as_object()} if recovered else {}),
    }


def _holdout(history: History) -> dict[str, Any] | None:
    """Return the comparison as the log has it, with the change as `scai show` computes it from the ratings."""
    moved = holdout_change(history)
    if history.holdout is None or moved is None:
        return None
    return {**history.holdout.model_dump(mode="json", exclude=_STAMP), **moved.as_object()}


def epoch_object(epoch: Epoch, selection: Selection) -> dict[str, Any]:
    """Return an epoch with the messages and ratings of the selected conversations."""
    conversations = [
        conversation
        for conversation in dict.fromkeys([*epoch.conversations, *(r.conversation for r in epoch.ratings)])
        if selection.has(*_persona_and_task(conversation))
    ]
    selected = set(conversations)
    welfare = epoch.welfare
    return {
        "epoch": epoch.number,
        "product": epoch.is_product,
        "constitution": {**constitution_object(epoch.constitution), "system_message": epoch.system_message},
        "conversations": [_conversation(epoch, conversation) for conversation in conversations],
        "ratings": [_rating(rating) for rating in epoch.ratings if rating.conversation in selected],
        "welfare": None if welfare is None else welfare.model_dump(mode="json", exclude={*_STAMP, "epoch"}),
        "revision": _revision(epoch),
        "problems": [{"id": p.id, "where": p.where, "problem": p.problem} for p in epoch.problems],
    }


def constitution_object(constitution: Constitution) -> dict[str, Any]:
    """Return a constitution's version and rules."""
    return {
        "version": constitution.version,
        "principles": [rule.model_dump(mode="json") for rule in constitution.principles],
        "contract": [
            {**rule.model_dump(mode="json", by_alias=True), "when": rule.when, "kind": rule.kind}
            for rule in constitution.contract
        ],
    }


def _persona_and_task(conversation: str) -> tuple[str, str]:
    _, persona, task = conversation.split("/")[-3:]
    return persona, task


def _conversation(epoch: Epoch, conversation: str) -> dict[str, Any]:
    persona, task = _persona_and_task(conversation)
    messages = [{"id": m.id, "role": m.role, "content": m.content} for m in epoch.conversations.get(conversation, ())]
    return {"id": conversation, "persona": persona, "task": task, "messages": messages}


def _revision(epoch: Epoch) -> dict[str, Any] | None:
    if epoch.revision is None:
        return None
    revision = epoch.revision.model_dump(mode="json", by_alias=True, exclude={*_STAMP, "epoch", "constitution"})
    return {**revision, "constitution": constitution_object(epoch.revision.constitution)}


def _rating(rating: CompactRating) -> dict[str, Any]:
    return {name: getattr(rating, name) for name in _RATING}
