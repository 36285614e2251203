"""A run as a notebook reads it: tables, texts and the page."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from scai_cli.analysis.headline import Headline, headline
from scai_cli.api.page import Page
from scai_cli.api.table import Table
from scai_cli.display.report.html import tag
from scai_cli.experiment.constitution import Clause, Principle
from scai_cli.experiment.personas import people_mean
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.history.history import History
from scai_cli.text.characters import visible

# People by name in front: a terminal shows the first columns.
_PEOPLE: Final = (
    *("name", "before", "after", "estimate", "low", "high", "verdict", "level"),
    *("before_version", "after_version", "tasks", "estimand", "persona"),
)
_RATINGS: Final = (
    *("epoch", "version", "rater_name", "kind", "value", "persona_name", "task", "metric", "comment"),
    *("final", "problem", "rater", "persona", "answer_id"),
)
_MESSAGES: Final = ("epoch", "version", "persona_name", "role", "content", "task", "persona", "conversation", "id")
_WELFARE: Final = ("epoch", "version", "product", "people", "satisfaction", "harmlessness", "missing", "declared")
_CONSTITUTIONS: Final = ("version", "after_epoch", "id", "kind", "text", "when", "for_names", "for")
_NEXT: Final = "Tables: people() ratings() messages() welfare() constitutions(); also report() and system_message"


@dataclass(repr=False)
class Run:
    """A run, finished or not; `load` returns it. It is read at the first use: load it again for what came later."""

    path: Path
    """Its folder."""

    @cached_property
    def history(self) -> History:
        """The epochs with constitutions, conversations, ratings and revisions; RunError for a damaged run."""
        return read_history(self.path)

    @property
    def run_id(self) -> str:
        """The id, the name of the folder."""
        return self.path.name

    @property
    def status(self) -> str:
        """`finished`, `running`, or how the last session ended: `stopped`, `failed` or `interrupted`."""
        return self.history.status

    @property
    def system_message(self) -> str:
        """The system message of the product; of an unfinished run, the current one."""
        return self.history.product[1]

    @property
    def sentence(self) -> str:
        """The result in one or two sentences, as `scai show` begins."""
        return self._headline.sentence if self._headline else "No epoch has ended yet."

    @cached_property
    def _headline(self) -> Headline | None:
        return headline(self.history)

    def people(self) -> Table:
        """Return each person's mean own rating before and after, with the interval of the difference.

        `before_version` is the start's, `after_version` the product's; `low` and `high` are None if they cannot be
        known. The intervals of all people are valid together, at `level`, for the `estimand`.
        """
        found, name = self._headline, self._name
        if found is None:
            return Table(_PEOPLE, ())
        versions = {"before_version": found.start.version, "after_version": found.compared.version}
        rows = ({"persona": p, "name": name(p), **change.as_object(), **versions} for p, change in found.people.items())
        return Table(_PEOPLE, rows)

    def ratings(self) -> Table:
        """Return all ratings; `value` is None if it could not be read, for the `problem`.

        `answer_id` is the `id` of a row of `messages`; `persona` is the user of its conversation.
        """
        return Table(_RATINGS, self._ratings())

    def messages(self) -> Table:
        """Return all messages of the conversations, in order."""
        return Table(_MESSAGES, self._messages())

    def welfare(self) -> Table:
        """Return a row per epoch: means of the people by their weights, and a column for each welfare function.

        `satisfaction` and `harmlessness` are mean ratings of final answers, own and of others' answers; the welfare is
        of utilities in [0, 1]. `product` says whether the epoch only plays the product.
        """
        functions = dict.fromkeys(name for measured in self.history.measured for name in measured.values)
        return Table((*_WELFARE, *functions), self._welfare(functions))

    def constitutions(self) -> Table:
        """Return a row per rule of each version; `after_epoch` is the epoch that made the version, 0 for the start.

        `kind` is `principle` (for everyone), `clause` (under its `when`, or for the people of `for`) or `ask`.
        """
        return Table(_CONSTITUTIONS, self._rules())

    def report(self) -> Page:
        """Return the page of `scai report`, with tables in place of charts if the extra `report` is not installed."""
        # A plug-in imports this package for a name or two, and must not wait for the report.
        from scai_cli.display.report.page import make_page

        return Page(f"Report about {self.run_id}", make_page([self.path]))

    def _name(self, persona: str) -> str:
        return self.history.names.get(persona, persona)

    def _ratings(self) -> Iterator[dict[str, Any]]:
        for epoch in self.history.epochs:
            where = {"epoch": epoch.number, "version": epoch.constitution.version}
            for rating in epoch.ratings:
                _, persona, task = rating.conversation.split("/")
                people = {"rater_name": self._name(rating.rater), "persona_name": self._name(persona)}
                about = {"persona": persona, "task": task, "answer_id": rating.message}
                yield {**{name: getattr(rating, name, None) for name in _RATINGS}, **where, **people, **about}

    def _messages(self) -> Iterator[dict[str, Any]]:
        for epoch in self.history.epochs:
            for conversation, messages in epoch.conversations.items():
                where = {"version": epoch.constitution.version, "conversation": conversation}
                for message in messages:
                    named = {"persona_name": self._name(message.persona), **where}
                    yield {**{name: getattr(message, name, None) for name in _MESSAGES}, **named}

    def _welfare(self, functions: Iterable[str]) -> Iterator[dict[str, Any]]:
        for epoch in self.history.epochs:
            if (measured := epoch.welfare) is None:
                continue
            people = self.history.config.personas.inline
            kinds = ("satisfaction", "harmlessness")
            means = {name: people_mean(getattr(measured, name).items(), people) for name in kinds}
            facts = {name: getattr(measured, name) for name in ("epoch", "version", "declared", "missing")}
            whom = {"product": epoch.is_product, "people": len(measured.utilities)}
            yield {**{name: measured.values.get(name) for name in functions}, **facts, **whom, **means}

    def _rules(self) -> Iterator[dict[str, Any]]:
        made = {
            epoch.revision.constitution.version: epoch.number
            for epoch in reversed(self.history.epochs)
            if epoch.revision is not None and epoch.revision.accepted
        }
        for version, (constitution, _) in self.history.versions().items():
            for rule in constitution.rules:
                yield {"version": version, "after_epoch": made.get(version, 0), **self._rule(rule)}

    def _rule(self, rule: Principle | Clause) -> dict[str, Any]:
        kind, when, users = "principle", None, tuple[str, ...]()
        if isinstance(rule, Clause):
            kind, when, users = "ask" if rule.kind == "ask" else "clause", rule.when, rule.users
        whom = {"for": ", ".join(users), "for_names": ", ".join(map(self._name, users))}
        return {"id": rule.id, "kind": kind, "when": when, "text": rule.text, **whom}

    def __repr__(self) -> str:
        return visible(f"run {self.run_id} ({self.status})\n{self.sentence}\n{_NEXT}")

    def _repr_html_(self) -> str:
        title = tag("p", tag("b", f"run {self.run_id}"), f" ({self.status})")
        return tag("div", title, tag("p", self.sentence), tag("p", _NEXT)).text
