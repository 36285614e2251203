"""The people who are set aside to try revisions on, and what the users did not approve."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.strata import stratified
from scai_cli.runs.events import BallotCast, Revised
from scai_cli.runs.records import Stance
from scai_cli.simulation.prompts import NotApproved

_LARGE: Final = 12
"""The smallest group with people set aside, and how many: one of three."""


def dev_people(config: ExperimentConfig) -> frozenset[str]:
    """Return the ids of a third of the people, for the whole run, if they ratify rules and are 12 or more.

    Nobody is set aside otherwise, nor for clauses that are for known people.
    """
    people, revision = config.train_personas, config.revision
    if revision.acceptance != "ratify" or revision.clauses == "people" or len(people) < _LARGE:
        return frozenset()
    return frozenset(person.id for person in stratified(people, len(people) // 3, f"{config.seed}/dev"))


def not_approved(revision: Revised, ballots: Sequence[BallotCast], dev: Collection[str]) -> Iterator[NotApproved]:
    """Yield the rules that the users dropped, with who approves and who minds each for itself, without `dev` people."""
    for rule in revision.ratified:
        if rule.scope == "dropped":
            voters = {
                stance: tuple(b.persona for b in ballots if b.persona not in dev and _said(b, rule.number) == stance)
                for stance in ("approve", "object")
            }
            yield NotApproved(rule.line, voters["approve"], voters["object"])


def _said(ballot: BallotCast, number: int) -> Stance | None:
    opinion = ballot.opinions.get(number)
    return opinion.me if opinion else None
