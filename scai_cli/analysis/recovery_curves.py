"""Recovery over the epochs, as a curve for each group of users: of one run, or the mean over several seeds."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scai_cli.analysis.recovery import Proposal, RecoveryRate, kinds_of, proposals, recovery_rate
from scai_cli.experiment.constitution import listed
from scai_cli.runs.history.history import History
from scai_cli.simulation.dialogues.ultimatum import MANNERS
from scai_cli.stats.clustered import clustered_rate

FOUND: Final = 0.9
"""The recovery from which on a norm counts as found."""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The recovery in [0, 1] at a time, None if no proposal could be read, with its 95 % interval if there is one.

    `n` proposals were read, `unreadable` were not.
    """

    share: float | None
    low: float | None
    high: float | None
    n: int
    unreadable: int


@dataclass(frozen=True, slots=True)
class RecoveryCurve:
    """The recovery of a group: `epochs` on currencies of the epochs, `product` under the constitution handed out.

    `unseen_start` and `unseen` are on currencies that no rule was written from, under the first constitution and the
    product; None if they were not played. `most` is the share of users that one division for all can suit.
    Intervals are for other users of a run, for other seeds if `runs` is above 1. `is_plumbing`: whether the simulated
    society, whose rules for the game are known, plays a part.
    """

    group: str
    is_plumbing: bool
    runs: int
    most: float
    epochs: Mapping[int, CurvePoint]
    product: CurvePoint | None
    unseen_start: CurvePoint | None
    unseen: CurvePoint | None

    @property
    def found_in(self) -> int | None:
        """The first epoch with a recovery of at least `FOUND`, None if there is none."""
        return next((number for number, point in self.epochs.items() if (point.share or 0.0) >= FOUND), None)

    @property
    def has_risen(self) -> bool:
        """Whether the interval of the product is above that of the first epoch."""
        first = next(iter(self.epochs.values()), None)
        if first is None or first.high is None or self.product is None or self.product.low is None:
            return False
        return self.product.low > first.high


def run_curves(history: History) -> Iterator[RecoveryCurve]:
    """Yield the curve of all users of a run, then one of each policy and of each manner; nothing without a game."""
    if found := proposals(history):
        yield _curve(found, history)
        yield from (_curve(of_kind, history) for _, _, of_kind in kinds_of(found))


def mean_curve(curves: Sequence[RecoveryCurve]) -> RecoveryCurve:
    """Return the mean of curves of the same users in runs with different seeds; of one curve itself.

    A run counts once, whatever the number of its proposals; epochs that not all runs have are left out.
    """
    first = curves[0]
    if len(curves) == 1:
        return first
    shared = [epoch for epoch in first.epochs if all(epoch in curve.epochs for curve in curves)]
    return RecoveryCurve(
        first.group,
        first.is_plumbing,
        len(curves),
        first.most,
        {epoch: _over([curve.epochs[epoch] for curve in curves]) for epoch in shared},
        *(_maybe_over([getattr(curve, name) for curve in curves]) for name in ("product", "unseen_start", "unseen")),
    )


def _curve(found: Sequence[Proposal], history: History) -> RecoveryCurve:
    """Return the curve of some proposals of a run."""
    versions = [history.epochs[0].constitution.version, history.product[0].version]
    seen, unseen = ([p for p in found if p.seen is side] for side in (True, False))
    numbers = [epoch.number for epoch in history.epochs if not epoch.is_product]
    in_epochs = {number: [p for p in seen if p.epoch == number] for number in numbers}
    sides = ([p for p in unseen if p.version == version] for version in versions)
    return RecoveryCurve(
        _group(found),
        history.started is not None and "simulated" in history.started.models.values(),
        1,
        _most(found),
        {number: _point(recovery_rate(of, seen=True)) for number, of in in_epochs.items() if of},
        _maybe([p for p in seen if p.version == versions[1]]),
        *map(_maybe, sides),
    )


def _maybe(found: Sequence[Proposal]) -> CurvePoint | None:
    return _point(recovery_rate(found, found[0].seen)) if found else None


def _point(rate: RecoveryRate) -> CurvePoint:
    return CurvePoint(rate.share, rate.low, rate.high, rate.n, rate.unreadable)


def _maybe_over(points: Sequence[CurvePoint | None]) -> CurvePoint | None:
    known = [point for point in points if point is not None]
    return _over(known) if len(known) == len(points) else None


def _over(points: Sequence[CurvePoint]) -> CurvePoint:
    """Return the mean over runs, of those with a readable proposal."""
    shares = [point.share for point in points if point.share is not None]
    n, unreadable = sum(point.n for point in points), sum(point.unreadable for point in points)
    if (found := clustered_rate(shares, range(len(shares)))) is None:
        return CurvePoint(None, None, None, n, unreadable)
    return CurvePoint(found.estimate, found.low, found.high, n, unreadable)


def _most(found: Sequence[Proposal]) -> float:
    """Return the largest share of users with one policy, as the ranges of the policies do not overlap."""
    policies = Counter({p.persona: p.policy for p in found}.values())
    return max(policies.values()) / policies.total()


def _group(found: Sequence[Proposal]) -> str:
    """Return the users of some proposals: `1 selfish and 9 altruistic`, `10 selfish, rude`; manners if not neutral."""
    people = {p.persona: (p.policy, p.manners) for p in found}
    policies = Counter(policy for policy, _ in people.values())
    manners = list(dict.fromkeys(manner or MANNERS[0] for _, manner in people.values()))
    of = listed([f"{count} {policy}" for policy, count in policies.items()])
    return of if manners == [MANNERS[0]] else f"{of}, {listed(manners)}"
