"""Whether the product represents its people: the groups that agree on a rule, and have none in it.

It is about the rules that were put to a ballot, and the users who cast one: a rule of the start counts as a seat, but
nobody has approved it. A user approves a rule if its latest ballot on the same words does, for itself.
"""

from dataclasses import dataclass
from typing import Any, Final

from scai_cli.experiment.constitution import Clause, Constitution
from scai_cli.runs.history.history import History
from scai_cli.social_choice.representation import RepresentationResult, extended, justified

_LIMIT: Final = 2_000
"""The sets of rules that are tried for each size of a claim; they take less than a second."""


@dataclass(frozen=True, slots=True)
class Representation:
    """The verdict on a product, with a group that it leaves out, if there is one."""

    holds: bool | None
    """None if no ballot could be read, or if there are too many sets of rules to try."""
    group: tuple[str, ...]
    """The ids of users who agree on `deserved` rules, none of whom approves as many of the product's."""
    rules: tuple[str, ...]
    """The rules that they agree on and that the product lacks."""
    deserved: int
    seats: int
    """The rules of the product, at least 1."""
    voters: int
    proposed: int
    """The different rules that were put to a ballot, of which the product has `adopted`."""
    adopted: int
    is_weighted: bool = False
    """Whether voters differ in weight, so that a group counts by the weight of its people."""

    def as_object(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        parts = {"holds": self.holds, "group": list(self.group), "rules": list(self.rules)}
        return {**parts, "seats": self.seats, "voters": self.voters}


def representation(history: History) -> Representation | None:
    """Return whether justified representation is satisfied, extended too where it can be decided; None without ballots.

    Aziz et al. (2017), with the approvals of each user for itself, by weight: of n voters and k seats, l n/k who agree
    on l rules deserve that one of them approves l of the product's.
    """
    cast = history.approvals
    if not cast.ballots or history.started is None:
        return None
    product, users = history.product[0], tuple(cast.voters)
    known = history.config.personas.weights
    weights = {user: known.get(user, 1.0) for user in users}
    in_force = _in_force(history, product)
    adopted = [rule for rule in cast.rules if rule in in_force]
    seats = max(1, len(product.rules))
    found = RepresentationResult(None)
    if users:
        found = justified(cast.rules, adopted, users, seats, weights=weights)
        found = extended(cast.rules, adopted, users, seats, weights=weights, limit=_LIMIT) if found.holds else found
    orphans = found.orphans
    return Representation(
        holds=found.holds,
        group=orphans.users if orphans else (),
        rules=tuple(rule for rule in orphans.principles if rule not in in_force) if orphans else (),
        deserved=orphans.deserved if orphans else 0,
        seats=seats,
        voters=len(users),
        is_weighted=len(set(weights.values())) > 1,
        proposed=len(cast.rules),
        adopted=len(adopted),
    )


def _in_force(history: History, product: Constitution) -> frozenset[str]:
    """Return the product's rules as voters read them."""
    lines = {rule.line if isinstance(rule, Clause) else rule.text for rule in product.rules}
    texts = {rule.text for rule in product.rules}
    revisions = (epoch.revision for epoch in history.epochs if epoch.revision is not None)
    ratified = (rule for revision in revisions for rule in revision.ratified if rule.scope == "principle")
    # A clause that is modified keeps its condition, even if its new text was ratified for everyone.
    return frozenset(lines | {rule.line for rule in ratified if rule.text in texts})
