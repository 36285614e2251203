"""Recovery: how often the assistant's proposals are within the tolerance of the users' hidden policies.

By version and epoch, for the currencies that the rules were written from (seen) and those of held-out tasks (unseen),
of all users and by their policy and manners.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from scai_cli.experiment.config import ASSIST
from scai_cli.experiment.personas import Persona
from scai_cli.runs.events import NOT_ANSWERED
from scai_cli.runs.history.event_lines import CompactRating, read_events
from scai_cli.runs.history.history import History
from scai_cli.simulation.dialogues.ultimatum import TOLERANCE
from scai_cli.stats.clustered import clustered_rate

_KINDS: Final = ("policy", "manners")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A final proposal to a user under a version of the constitution; `epoch` is None in the holdout.

    `within` is 1 if it is within the tolerance of the user's policy, else 0, and None if it could not be read.
    """

    persona: str
    policy: str
    manners: str
    seen: bool
    version: int
    epoch: int | None
    within: float | None


@dataclass(frozen=True, slots=True)
class RecoveryRate:
    """The share of readable proposals within the tolerance, with its 95 % interval for other users of this kind.

    `policy` and `manners` are None for users of all kinds; `low` and `high` are None for fewer than three users, and
    `share` without a readable proposal. `n` are the readable ones. The interval is of one version: how much another
    run would differ takes several seeds.
    """

    seen: bool
    version: int
    epoch: int | None
    policy: str | None
    manners: str | None
    share: float | None
    low: float | None
    high: float | None
    n: int
    unreadable: int


@dataclass(frozen=True, slots=True)
class Recovery:
    """The recovery of a run; `mixture` and `manners` are the numbers of train users of each kind."""

    mixture: Mapping[str, int]
    manners: Mapping[str, int]
    rates: tuple[RecoveryRate, ...]
    product: Mapping[str, RecoveryRate]
    """`seen` and `unseen`, as far as they were played -> the rate of the product over all its plays."""

    def as_object(self) -> dict[str, Any]:
        """Return the object that `scai show --json` prints under `recovery`."""
        return {"tolerance": TOLERANCE, **asdict(self)}


def run_recovery(history: History) -> Recovery | None:
    """Return the recovery of a run; None if its dialogue is not a game with policies, or no proposal was rated."""
    if not (found := proposals(history)):
        return None
    people = history.config.train_personas
    last = [each for each in found if each.version == history.product[0].version]
    sides = {"seen": [p for p in last if p.seen], "unseen": [p for p in last if not p.seen]}
    mixture, manners = (Counter(kind for persona in people if (kind := _kind(persona, key))) for key in _KINDS)
    product = {name: recovery_rate(side, side[0].seen) for name, side in sides.items() if side}
    return Recovery(dict(mixture), dict(manners), recovery_rates(found), product)


def recovery_rates(proposals: Iterable[Proposal]) -> tuple[RecoveryRate, ...]:
    """Return the rates of each play: the epochs in order, then the holdout's versions; all users before each kind."""
    plays: dict[tuple[bool, bool, int, int], list[Proposal]] = {}
    for each in proposals:
        key = (each.epoch is None, not each.seen, each.epoch or 0, each.version)
        plays.setdefault(key, []).append(each)
    return tuple(rate for key in sorted(plays) for rate in _by_kind(plays[key]))


def _by_kind(play: Sequence[Proposal]) -> Iterator[RecoveryRate]:
    first = play[0]
    yield recovery_rate(play, first.seen, first.epoch)
    kinds: dict[str, Callable[[Proposal], str]] = {"policy": lambda p: p.policy, "manners": lambda p: p.manners}
    for key, kind_of in kinds.items():
        values = sorted(set(map(kind_of, play)))
        for value in values if len(values) > 1 else ():
            of_kind = [each for each in play if kind_of(each) == value]
            yield recovery_rate(of_kind, first.seen, first.epoch, **{key: value})


def recovery_rate(
    proposals: Sequence[Proposal],
    seen: bool,
    epoch: int | None = None,
    *,
    policy: str | None = None,
    manners: str | None = None,
) -> RecoveryRate:
    """Return the rate of one or more proposals under one version, with the labels of what they have in common."""
    readable = [(each.within, each.persona) for each in proposals if each.within is not None]
    rate = clustered_rate([within for within, _ in readable], [persona for _, persona in readable])
    return RecoveryRate(
        seen,
        proposals[0].version,
        epoch,
        policy,
        manners,
        share=None if rate is None else rate.estimate,
        low=None if rate is None else rate.low,
        high=None if rate is None else rate.high,
        n=len(readable),
        unreadable=len(proposals) - len(readable),
    )


def proposals(history: History) -> list[Proposal]:
    """Return the final proposals of a run's epochs and of its holdout, read from its folder; empty without a game.

    Only users with an attribute `policy` count. Raises RunError for a damaged line.
    """
    if history.config.dialogue == ASSIST:
        return []
    config, versions = history.config, {epoch.number: epoch.constitution.version for epoch in history.epochs}
    people = {persona.id: persona for persona in config.personas.inline if _kind(persona, "policy")}
    currencies = {task.id: task.topic for task in config.tasks.inline}
    seen = {task.topic for task in config.train_tasks}
    found = []
    for rating in read_events(history.path, lambda _, kind: kind in (b"", b"rating")):
        if not isinstance(rating, CompactRating) or not _is_of_final_proposal(rating):
            continue
        # The log may have grown since the history was read.
        if rating.rater in people and (version := versions.get(rating.epoch)) is not None:
            is_seen = currencies.get(rating.conversation.rpartition("/")[2]) in seen
            found.append(_proposal(people[rating.rater], is_seen, version, rating.epoch, rating.observed))
    if (holdout := history.holdout) is not None:
        sides = {holdout.first_version: holdout.first_observed, holdout.last_version: holdout.last_observed}
        for version, table in sides.items():
            for persona, row in zip(holdout.personas, table, strict=False):
                for task, within in zip(holdout.tasks, row, strict=False):
                    if persona in people:
                        found.append(_proposal(people[persona], currencies[task] in seen, version, None, within))
    return found


def _is_of_final_proposal(rating: CompactRating) -> bool:
    return rating.kind == "own" and rating.final and rating.problem not in NOT_ANSWERED


def _proposal(persona: Persona, seen: bool, version: int, epoch: int | None, within: float | None) -> Proposal:
    policy, manners = (_kind(persona, key) for key in _KINDS)
    return Proposal(persona.id, policy, manners, seen, version, epoch, within)


def _kind(persona: Persona, key: str) -> str:
    return str(persona.attributes.get(key, ""))
