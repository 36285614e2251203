"""The prompts of an experiment: templates filled with data between fences."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from scai_cli.experiment.constitution import Clause, Constitution
from scai_cli.experiment.constitution_start import ConstitutionStart
from scai_cli.experiment.personas import Persona, names_of
from scai_cli.experiment.rating_settings import Ratings
from scai_cli.experiment.revision_settings import Revision
from scai_cli.experiment.tasks import Task, is_document
from scai_cli.messages import Message, MessageRole
from scai_cli.prompts.fences import enclose, fence
from scai_cli.prompts.templates import BY_BALLOT, CLAUSES, EVERY, NOT_APPROVED, fill
from scai_cli.runs.events import MessageSaid, Rated
from scai_cli.simulation.transcript import Conversation
from scai_cli.text.characters import clean

RevisionPrompt = Literal["rewrite", "edits"]
ComparisonPrompt = Literal["comparison", "comparison_by_choice", "comparison_by_pair"]

_DEFAULT: Final = Revision()
_LOCKED = " (locked: keep it word for word)"
_SILENCE = "(says nothing)"
"""The replacement of an empty message in a prompt, as many endpoints reject empty content."""


@dataclass(frozen=True, slots=True)
class NotApproved:
    """A rule as a line that the users did not approve, and the ids of those who approve or mind it."""

    line: str
    approve: Sequence[str]
    mind: Sequence[str]

    def shown(self, users: Mapping[str, str]) -> str:
        """Return the line with the users under the ids that are shown."""
        said = {"approved by": self.approve, "minded by": self.mind}
        parts = [f"{verb} {', '.join(users.get(user, user) for user in who)}" for verb, who in said.items() if who]
        return f"- {self.line} ({'; '.join(parts) or 'nobody cares'})"


@dataclass(frozen=True, slots=True)
class Material:
    """What the meta model sees: rules with their bounds, rules that were not approved, and rated transcripts."""

    constitution: Constitution
    transcripts: Sequence[str]
    not_approved: Sequence[NotApproved] = ()
    users: Mapping[str, str] = field(default_factory=dict)
    """Id -> the id under which a user is shown; the same if it is left out."""


class Prompts:
    """The prompts of one experiment, as messages."""

    def __init__(
        self,
        wording: Mapping[str, str],
        ratings: Ratings,
        bounds: ConstitutionStart,
        personas: Iterable[Persona],
        revision: Revision = _DEFAULT,
    ) -> None:
        """Take the wording of prompts by name (default: the shipped one) and the data in them."""
        self._wording = {**EVERY, **wording}
        self._ratings = ratings
        self._bounds = bounds
        self._clauses = dict(CLAUSES[revision.clauses])
        if revision.acceptance == "ratify":
            self._clauses["clauses"] += f" {BY_BALLOT}"
        self._scale = {"low": f"{ratings.scale[0]:g}", "high": f"{ratings.scale[1]:g}"}
        self._names = names_of(personas)
        self._persona_messages: dict[tuple[str, str], Message] = {}

    def system_message(self, constitution: Constitution, user: str | None = None, *, with_members: bool = False) -> str:
        """Return the assistant's system message: for anyone, for one user, or `with_members` with all named clauses."""
        rules = constitution.render(user=user, names=self._names if with_members else None)
        return clean(fill(self._wording["assistant"], {"constitution": rules}))

    def answer(self, system: Sequence[Message], messages: Sequence[MessageSaid]) -> list[Message]:
        """Return the request for the assistant's next message; `system` is its system message, if it has one."""
        return [*system, *(said(m.role, m.content) for m in messages)]

    def opening(self, persona: Persona, task: Task) -> list[Message]:
        """Return the request for the task in a user's words, or for the introduction of its text."""
        request = self._filled("introduction_request" if is_document(task.prompt) else "opening_request", {})
        values = {"task": fence("task", task.prompt), "request": request}
        return [self._in_role(persona, task), self._message("opening", values)]

    def intent(self, persona: Persona, task: Task) -> Message:
        """Return the system message of a model that writes what a user says: the task, and who the user is."""
        portrait = persona.portrait(task.id, task.topic)
        values = {"task": fence("task", task.prompt), "persona": fence("persona", portrait)}
        return Message("system", self._filled("talk", values))

    def in_role(self, persona: Persona) -> Message:
        """Return the system message of a user's model for a question outside of the tasks."""
        return self._in_role(persona, None)

    def feedback(self, conversation: Conversation) -> list[Message]:
        """Return the request for a user's comment on the last answer and its own rating."""
        return self.as_user("feedback", conversation, {"metric": self._ratings.own})

    def as_user(self, name: str, conversation: Conversation, values: Mapping[str, str]) -> list[Message]:
        """Return a request with a form to the user of a conversation, by a prompt with the place `conversation`."""
        in_role = self._in_role(conversation.persona, conversation.task)
        return [in_role, self._form_message(name, {"conversation": _dialogue(conversation), **values})]

    def wording(self, name: str) -> str:
        """Return the wording of a prompt without places."""
        return self._filled(name, {})

    def cross_rating(self, rater: Persona, conversation: Conversation, answer: str) -> list[Message]:
        """Return the request for another user's rating of the final answer."""
        values = {
            "task": fence("task", conversation.opening),
            "answer": fence("answer", answer),
            "metric": self._ratings.cross,
        }
        return [self._in_role(rater, conversation.task), self._form_message("cross_rating", values)]

    def meta(self, name: RevisionPrompt, material: Material) -> list[Message]:
        """Return the request for a critique and a revision."""
        values = {
            "constitution": _rules(material),
            "conversations": "\n\n".join(material.transcripts),
            "own": self._ratings.own,
            "cross": self._ratings.cross,
            "max_principles": str(self._bounds.max_principles),
            "max_tokens": str(self._bounds.max_tokens),
        }
        return [Message("system", self._wording["meta"]), self._form_message(name, {**values, **self._clauses})]

    def ballot(self, voter: Persona, rules: Mapping[str, str]) -> list[Message]:
        """Return the request for a user's opinion on each rule; `rules` are letters with their texts."""
        shown = "\n\n".join(fence("candidate", text, letter=letter) for letter, text in rules.items())
        return [self._in_role(voter, None), self._form_message("ballot", {"rules": shown})]

    def judge(self, persona: Persona, conversations: Iterable[Conversation]) -> list[Message]:
        """Return the request for the judge's rating of how well a user's words fit the persona."""
        shown = "\n\n".join(_dialogue(conversation) for conversation in conversations)
        return [self._form_message("judge", {"persona": fence("persona", persona.portrait()), "conversations": shown})]

    def critique_request(self, principle: str) -> str:
        """Return the request for a critique by one principle."""
        return self._filled("critique_request", {"principle": principle})

    def critique(self, task: str, answer: str, principle: str) -> list[Message]:
        """Return the messages that request a critique of an answer by one principle."""
        request = self.critique_request(fence("principle", principle))
        values = {"task": fence("task", task), "answer": fence("answer", answer), "request": request}
        return [self._message("critique", values)]

    def revision_request(self, principle: str) -> str:
        """Return the request for a revision by one principle."""
        return self._filled("revision_request", {"principle": principle})

    def revision(self, task: str, answer: str, critique: str, principle: str) -> list[Message]:
        """Return the messages that request a revision of an answer after a critique."""
        values = {
            "task": fence("task", task),
            "answer": fence("answer", answer),
            "critique": fence("critique", critique),
            "request": self.revision_request(fence("principle", principle)),
        }
        return [self._message("revision", values)]

    def comparison(
        self, task: str, principle: str, answers: tuple[str, str], name: ComparisonPrompt = "comparison"
    ) -> list[Message]:
        """Return the request for a comparison of answers A and B, in this order, by one principle."""
        shown = "\n\n".join(fence("candidate", text, letter=name) for name, text in zip("AB", answers, strict=True))
        values = {"task": fence("task", task), "answers": shown, "principle": fence("principle", principle)}
        return [self._message(name, values)]

    def _form_message(self, name: str, values: dict[str, str]) -> Message:
        """Return a request for a JSON object, with its form and the rating scale."""
        filled = self._filled(f"{name}_form", {**self._clauses, **self._scale})
        return self._message(name, {**values, **self._scale, "form": filled})

    def _message(self, name: str, values: dict[str, str]) -> Message:
        return Message("user", self._filled(name, values))

    def _filled(self, name: str, values: dict[str, str]) -> str:
        return clean(fill(self._wording[name], values))

    def _in_role(self, persona: Persona, task: Task | None) -> Message:
        about = (task.id, task.topic) if task else ("", "")
        key = (persona.id, persona.stance(*about))  # not the task's id: there may be a million tasks
        if key not in self._persona_messages:
            portrait = fence("persona", persona.portrait(*about))
            text = fill(self._wording["user"], {"persona": portrait})
            self._persona_messages[key] = Message("system", clean(text))
        return self._persona_messages[key]


def said(role: MessageRole, text: str) -> Message:
    """Return a message of a chat, with words in place of an empty text."""
    return Message(role, text or _SILENCE)


def _rules(material: Material) -> str:
    constitution = material.constitution
    lines = [f"{rule.id}{_LOCKED * rule.locked}: {rule.text}" for rule in constitution.principles]
    lines += [f"{rule.id} ({_bound(rule, material.users)}): {rule.text}" for rule in constitution.contract]
    text = fence("constitution", "\n".join(lines) or "(empty)", version=str(constitution.version))
    if not material.not_approved:
        return text
    rejected = fence("rejected", "\n".join(rule.shown(material.users) for rule in material.not_approved))
    return f"{text}\n\n{NOT_APPROVED}\n\n{rejected}"


def _bound(rule: Clause, users: Mapping[str, str]) -> str:
    """Return what a clause is bound to."""
    if rule.users:
        return f"for {', '.join(users.get(user, user) for user in rule.users)}"
    return rule.bound


def _dialogue(conversation: Conversation) -> str:
    messages = "\n".join(fence("message", m.content, **{"from": m.role}) for m in conversation.messages)
    return enclose("conversation", messages)


def rated_transcript(conversation: Conversation, shown: Mapping[str, str] = {}) -> str:
    """Return a conversation with its ratings as text for the meta model; `shown` has the ids to show in place of some.

    It is read by users, messages, ratings and conversations alike.
    """

    def name(event_id: str) -> str:
        return shown.get(event_id, event_id)

    parts = [fence("message", m.content, id=name(m.id), **{"from": m.role}) for m in conversation.messages]
    said = {message.content for message in conversation.messages}
    parts += [_rating(rating, name, said) for rating in conversation.ratings if rating.final]
    ids = {"id": name(conversation.id), "user": name(conversation.persona.id)}
    return enclose("conversation", "\n".join(parts), **ids)


def _rating(rating: Rated, name: Callable[[str], str], said: Collection[str]) -> str:
    """Return a rating with its comment, unless that is a message of the conversation, one of those `said`."""
    value = "missing" if rating.value is None else f"{rating.value:g}"
    comment = "" if rating.kind == "own" and rating.comment in said else rating.comment
    return fence("rating", comment, id=name(rating.id), metric=rating.metric, by=name(rating.rater), value=value)
