"""What each prompt says: the experiment's wording, filled with data between fences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.messages import Message, clean
from scai_cli.prompts.fences import enclose, fence
from scai_cli.prompts.templates import FORM, fill
from scai_cli.runs.events import MessageSaid, Rated
from scai_cli.simulation.transcript import Conversation

FEEDBACK_FORM = '{"feedback": "...", "rating": 0}'
CROSS_RATING_FORM = '{"reason": "...", "rating": 0}'
REWRITE_FORM = (
    '{"critique": "...", "no_change": false, "principles": [{"id": "P1", "text": "..."}], '
    '"contract": [{"id": "C1", "text": "...", "for": ["user-id"]}]}'
)
EDITS_FORM = (
    '{"critique": "...", "edits": [{"op": "add", "text": "...", "for": [], "reason": "...", "evidence": ["e1/..."]}]}'
)
VOTE_FORM = '{"ranking": [["A"], ["B", "C"]]}'

_SILENCE = "(says nothing)"
"""Stands for an empty message in a prompt: many endpoints refuse empty content."""


class Prompts:
    """Every prompt of one experiment, as messages."""

    def __init__(self, config: ExperimentConfig) -> None:
        self._config = config
        low, high = config.ratings.scale
        self._scale = {"low": f"{low:g}", "high": f"{high:g}"}
        self._names = {persona.id: persona.called for persona in config.personas.inline}
        self._persona_messages: dict[tuple[str, str], Message] = {}

    def system_message(self, constitution: Constitution, user: str | None = None) -> str:
        """The assistant's system message: for one user, or with every clause of the contract."""
        rules = constitution.render(user=user, names=self._names)
        return clean(fill(self._config.prompt("assistant"), {"constitution": rules}))

    def answer(self, system: Message, said: Sequence[MessageSaid]) -> list[Message]:
        """Ask the assistant for its next message."""
        return [system, *(Message(m.role, m.content or _SILENCE) for m in said)]

    def feedback(self, conversation: Conversation) -> list[Message]:
        """Ask the user for a comment on the last answer and its own rating."""
        values = {
            "conversation": _talk(conversation),
            "metric": self._config.ratings.own,
            "form": f"{FORM}\n{FEEDBACK_FORM}",
            **self._scale,
        }
        return [self._as(conversation.persona, conversation.task), self._asked("feedback", values)]

    def cross_rating(self, rater: Persona, conversation: Conversation, answer: str) -> list[Message]:
        """Ask a user who took no part for a rating of the final answer."""
        values = {
            "task": fence("task", conversation.task.prompt),
            "answer": fence("answer", answer),
            "metric": self._config.ratings.cross,
            "form": f"{FORM}\n{CROSS_RATING_FORM}",
            **self._scale,
        }
        return [self._as(rater, conversation.task), self._asked("cross_rating", values)]

    def rewrite(self, constitution: Constitution, conversations: Iterable[Conversation]) -> list[Message]:
        """Ask the meta model for a critique and the whole constitution anew."""
        return self._revision("rewrite", constitution, conversations, REWRITE_FORM)

    def reflect(self, constitution: Constitution, conversations: Iterable[Conversation]) -> list[Message]:
        """Ask the meta model what it could have done better, and for the whole constitution anew."""
        return self._revision("reflect", constitution, conversations, REWRITE_FORM)

    def edits(self, constitution: Constitution, conversations: Iterable[Conversation]) -> list[Message]:
        """Ask the meta model for a critique and a few edits with their evidence."""
        return self._revision("edits", constitution, conversations, EDITS_FORM)

    def further_edits(self, draft: Constitution, conversations: Iterable[Conversation]) -> list[Message]:
        """Ask the meta model for what its own draft still lacks."""
        return self._revision("further_edits", draft, conversations, EDITS_FORM)

    def vote(self, voter: Persona, choices: Mapping[str, Constitution]) -> list[Message]:
        """Ask a user to rank constitutions, known to it by letters."""
        shown = "\n\n".join(
            fence("candidate", choice.render(user=voter.id) or "(no rules)", letter=letter)
            for letter, choice in choices.items()
        )
        return [self._as(voter, None), self._asked("vote", {"candidates": shown, "form": f"{FORM}\n{VOTE_FORM}"})]

    def judge(self, persona: Persona, conversations: Iterable[Conversation]) -> list[Message]:
        """Ask the judge whether what a user said fits the persona."""
        values = {
            "persona": fence("persona", persona.portrait()),
            "conversations": "\n\n".join(_talk(conversation) for conversation in conversations),
            "form": f"{FORM}\n{CROSS_RATING_FORM}",
        }
        return [self._asked("judge", values)]

    def critique_request(self, principle: str) -> str:
        """The wish for a critique by one principle, in words."""
        return self._filled("critique_request", {"principle": principle})

    def critique(self, task: str, answer: str, principle: str) -> list[Message]:
        """Ask the assistant where an answer falls short of one principle."""
        request = self.critique_request(fence("principle", principle))
        values = {"task": fence("task", task), "answer": fence("answer", answer), "request": request}
        return [self._asked("critique", values)]

    def revision_request(self, principle: str) -> str:
        """The wish for a revision by one principle, in words."""
        return self._filled("revision_request", {"principle": principle})

    def revision(self, task: str, answer: str, critique: str, principle: str) -> list[Message]:
        """Ask the assistant for an answer without the faults that a critique found in it."""
        values = {
            "task": fence("task", task),
            "answer": fence("answer", answer),
            "critique": fence("critique", critique),
            "request": self.revision_request(fence("principle", principle)),
        }
        return [self._asked("revision", values)]

    def comparison(self, task: str, principle: str, answers: tuple[str, str]) -> list[Message]:
        """Ask which of two answers, A or B in this order, keeps to one principle better."""
        shown = "\n\n".join(fence("candidate", text, letter=name) for name, text in zip("AB", answers, strict=True))
        values = {"task": fence("task", task), "answers": shown, "principle": fence("principle", principle)}
        return [self._asked("comparison", values)]

    def _revision(
        self, name: str, constitution: Constitution, conversations: Iterable[Conversation], form: str
    ) -> list[Message]:
        ratings, start = self._config.ratings, self._config.constitution
        values = {
            "constitution": _rules(constitution),
            "conversations": "\n\n".join(told(conversation) for conversation in conversations),
            "own": ratings.own,
            "cross": ratings.cross,
            "max_principles": str(start.max_principles),
            "max_tokens": str(start.max_tokens),
            "form": f"{FORM}\n{form}",
            **self._scale,
        }
        return [Message("system", self._config.prompt("meta")), self._asked(name, values)]

    def _asked(self, name: str, values: dict[str, str]) -> Message:
        return Message("user", self._filled(name, values))

    def _filled(self, name: str, values: dict[str, str]) -> str:
        return clean(fill(self._config.prompt(name), values))

    def _as(self, persona: Persona, task: Task | None) -> Message:
        about = (task.id, task.topic) if task else ("", "")
        key = (persona.id, persona.stance(*about))  # not the task: there may be a million
        if key not in self._persona_messages:
            portrait = fence("persona", persona.portrait(*about))
            text = fill(self._config.prompt("user"), {"persona": portrait})
            self._persona_messages[key] = Message("system", clean(text))
        return self._persona_messages[key]


def _rules(constitution: Constitution) -> str:
    lines = [f"{rule.id}: {rule.text}" for rule in constitution.principles]
    lines += [f"{rule.id} (for {', '.join(rule.users)}): {rule.text}" for rule in constitution.contract]
    return fence("constitution", "\n".join(lines) or "(empty)", version=str(constitution.version))


def _talk(conversation: Conversation) -> str:
    said = "\n".join(fence("message", m.content, **{"from": m.role}) for m in conversation.messages)
    return enclose("conversation", said)


def told(conversation: Conversation) -> str:
    """A conversation with its ratings, as the meta model reads it."""
    parts = [fence("message", m.content, id=m.id, **{"from": m.role}) for m in conversation.messages]
    parts += [_rated(rating) for rating in conversation.ratings if rating.final]
    return enclose("conversation", "\n".join(parts), id=conversation.id, user=conversation.persona.id)


def _rated(rating: Rated) -> str:
    value = "missing" if rating.value is None else f"{rating.value:g}"
    comment = rating.comment if rating.kind == "cross" else ""
    return fence("rating", comment, id=rating.id, metric=rating.metric, by=rating.rater, value=value)
