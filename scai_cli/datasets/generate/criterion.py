"""A criterion: what one critique and revision, or one comparison of two answers, goes by.

A criterion without wordings of its own is put into the prompts of the experiment. One with a pair of requests is asked
for in a chat, as in Constitutional AI (arXiv 2212.08073, section 3.1 and appendix C) and in Hugging Face's recipe: the
task, the answer, the request for a critique, the critique, the request for a revision.
"""

import operator
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import ConfigDict, Field

from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.wordings import Wording, refuse_instruction
from scai_cli.messages import Message
from scai_cli.prompts.instructions import as_rule
from scai_cli.simulation.prompts import Prompts, said
from scai_cli.values import Text


class Criterion(Wording):
    """A rule that answers are criticised and compared by, with its wordings."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    """The id of its principle or clause."""
    text: Annotated[Text | None, Field(exclude_if=operator.not_)] = None
    """The rule as the assistant reads it, after its condition if it has one; None for a pair of requests alone."""
    users: Annotated[tuple[str, ...], Field(alias="for", exclude_if=operator.not_)] = ()
    """The users of its clause; () for a rule for everyone."""

    def requests(self, prompts: Prompts) -> tuple[str, str]:
        """Return the requests for a critique and for a revision, as a row keeps them."""
        if self.critique is not None and self.revision is not None:
            return self.critique, self.revision
        return prompts.critique_request(self._rule), prompts.revision_request(self._rule)

    def critique_messages(self, prompts: Prompts, few_shot: Sequence[Message], task: str, answer: str) -> list[Message]:
        """Return the messages that request a critique of an answer."""
        if self.critique is None:
            return prompts.critique(task, answer, self._rule)
        return [*few_shot, *(said(*turn) for turn in (("user", task), ("assistant", answer), ("user", self.critique)))]

    def revision_messages(
        self, prompts: Prompts, few_shot: Sequence[Message], task: str, answer: str, critique: str
    ) -> list[Message]:
        """Return the messages that request a revision of an answer after its critique."""
        if self.revision is None:
            return prompts.revision(task, answer, critique, self._rule)
        chat = self.critique_messages(prompts, few_shot, task, answer)
        return [*chat, said("assistant", critique), said("user", self.revision)]

    def comparison_messages(self, prompts: Prompts, task: str, answers: tuple[str, str]) -> list[Message]:
        """Return the request for a comparison of answers A and B, in this order."""
        if self.comparison is not None:
            return prompts.comparison(task, self.comparison, answers, "comparison_by_choice")
        if self.text is not None:
            return prompts.comparison(task, self.text, answers)
        return prompts.comparison(task, f"{self.critique}\n\n{self.revision}", answers, "comparison_by_pair")

    @property
    def _rule(self) -> str:
        assert self.text is not None  # one without a text has a pair
        return self.text


def criteria(constitution: Constitution, wordings: Mapping[str, Wording] = {}) -> tuple[Criterion, ...]:
    """Return the criteria of a constitution: principles and clauses under a condition, else clauses for users.

    `wordings` are those of principles by id, also of principles that the constitution lacks. A principle to choose by
    ("Choose the response that ...") is read as a rule and as a comparison. Raises ValueError for a principle that asks
    for a critique or a revision.
    """
    texts = {principle.id: principle.text for principle in constitution.principles}
    found = [_principle(name, texts.get(name), wordings.get(name)) for name in {**texts, **wordings}]
    rules = [clause for clause in constitution.contract if clause.kind == "rule"]
    found += [Criterion(id=clause.id, text=clause.line) for clause in rules if clause.when]
    if found:
        return tuple(found)
    return tuple(Criterion(id=clause.id, text=clause.line, users=clause.users) for clause in rules)


def criteria_for(found: Sequence[Criterion], persona: str | None) -> list[Criterion]:
    """Return the criteria of a row with this user."""
    return [criterion for criterion in found if not criterion.users or persona in criterion.users]


def _principle(name: str, text: str | None, wording: Wording | None) -> Criterion:
    wording = wording or Wording()
    comparison = wording.comparison
    if text is not None:
        try:
            refuse_instruction(text)
        except ValueError as error:
            raise ValueError(f"{name} {error}") from None
        comparison = comparison or (None if as_rule(text) == text else text)
        text = as_rule(text)
    return Criterion(id=name, text=text, critique=wording.critique, revision=wording.revision, comparison=comparison)
