"""The headline of a run: the group's change from the start's version to the product's, with its uncertainty."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from math import nan
from typing import Any, Final

from scai_cli.analysis.measured import Measured, measured_values
from scai_cli.analysis.paired import Cells, PairedDifference, paired, person_changes
from scai_cli.analysis.participants import participants
from scai_cli.analysis.verdicts import Verdict, change_words, gained_or_lost, signed, verdict_of
from scai_cli.analysis.version_cells import Pair, VersionCells, VersionPlays, version_cells, version_plays
from scai_cli.experiment.personas import people_mean
from scai_cli.runs.history.history import History
from scai_cli.social_choice import welfare
from scai_cli.social_choice.welfare import WelfareFunction
from scai_cli.stats.intervals import FEWEST_CELLS, Interval

_VERBS: Final = {"higher": "rose", "lower": "fell"}
_MEAN: Final = welfare.parse("utilitarian")


@dataclass(frozen=True, slots=True)
class GroupChange:
    """A number of the group under the start's version and under the version compared with it.

    Both are over the same people and tasks. If only one version was played or the two share no ratings, `difference`
    is None and `verdict` is not about a change.
    """

    name: str
    verdict: Verdict
    before: float | None
    after: float | None
    difference: PairedDifference | None
    digits: int

    @property
    def interval(self) -> Interval | None:
        """The difference with its 95 % interval."""
        return self.difference.interval if self.difference else None

    @property
    def change(self) -> float | None:
        """After minus before; None where one is missing."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def words(self) -> str:
        """The difference with its interval as screens show it, as `change_words` returns it."""
        known = self.difference is not None and self.verdict != "cannot tell"
        return change_words(self.interval, self.digits) if known else self.verdict

    def as_object(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        interval = asdict(self.interval) if self.interval else dict.fromkeys(field.name for field in fields(Interval))
        return {"name": self.name, "verdict": self.verdict, "before": self.before, "after": self.after, **interval}


@dataclass(frozen=True, slots=True)
class PersonChange:
    """A person's mean own rating under both versions, over the tasks rated under both.

    `interval`: of the difference; the intervals of all people are valid together at its level.
    """

    before: float
    after: float
    interval: Interval

    @property
    def change(self) -> float:
        """After minus before."""
        return self.after - self.before

    def as_object(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return {
            "before": self.before,
            "after": self.after,
            "verdict": gained_or_lost(self.interval),
            **asdict(self.interval),
        }


@dataclass(frozen=True, slots=True)
class Headline:
    """The change of the group between two versions.

    `compared` is the version to compare the start with: the product, or the last played version until the product is
    played. `range`: the lowest and the highest mean satisfaction of the plays of the start's version. `cells`: those of
    both versions.
    """

    start: VersionPlays
    product: VersionPlays
    compared: VersionPlays
    finished: bool
    adopted: int
    satisfaction: GroupChange
    welfare: GroupChange
    people: Mapping[str, PersonChange]
    measured: Sequence[Measured]
    range: tuple[float, float] | None
    participants: str
    cells: tuple[VersionCells, VersionCells]

    @property
    def apart(self) -> bool:
        """Whether this compares two versions, not several plays of one."""
        return self.compared.version != self.start.version

    @property
    def verdict(self) -> Verdict:
        """The verdict on satisfaction."""
        return self.satisfaction.verdict

    @property
    def sentence(self) -> str:
        """The result in one or two sentences, the same on every screen and page."""
        return " ".join(_sentences(self))

    def welfare_by(self, name: str) -> tuple[float | None, float | None, Interval | None]:
        """Return a function of `welfare.everything`, or the declared one, of both versions, and its interval.

        It is over the same people and tasks.
        """
        before, after = (side.utility for side in self.cells)
        shared = shared_cells(before, after)
        means = [_by_user(side, shared) for side in (before, after)]
        if name == "gini_coefficient":
            first, last = (welfare.gini_coefficient(*each) for each in means)
            return first, last, None
        function = welfare.parse(name)
        first, last = (function(*each) for each in means)
        if name == self.welfare.name:
            return first, last, self.welfare.interval
        difference = paired(before, after, function)
        return first, last, difference.interval if difference else None

    def as_object(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return {
            "sentence": self.sentence,
            "verdict": self.verdict,
            "start": _played(self.start),
            "product": _played(self.product),
            "compared": _played(self.compared),
            "revisions_adopted": self.adopted,
            "participants": self.participants,
            "satisfaction": self.satisfaction.as_object(),
            "welfare": self.welfare.as_object(),
            "people": {user: person.as_object() for user, person in self.people.items()},
            **({"measured": {each.name: each.as_object() for each in self.measured}} if self.measured else {}),
        }


def headline(history: History) -> Headline | None:
    """Return the change of the group in a run, finished or not; None before the first epoch has ended.

    Cells are means over all epochs of a version. The intervals are from `stats.intervals`.
    """
    if history.started is None or not history.measured:
        return None
    start = version_plays(history, history.started.constitution.version)
    product = version_plays(history, history.product[0].version)
    compared = product if product.epochs else version_plays(history, history.measured[-1].version)
    before, after = version_cells(history, start, compared)
    group = _Group(product.version != start.version, compared.version != start.version)
    low, high = history.started.scale
    declared = history.measured[-1].declared
    metric = history.started.metrics["own"]
    return Headline(
        start,
        product,
        compared,
        history.finished is not None,
        sum(epoch.revision is not None and epoch.revision.accepted for epoch in history.epochs),
        group.change(metric, before.own, after.own, _MEAN, 1 if high - low >= 10 else 2),
        group.change(declared, before.utility, after.utility, welfare.parse(declared), 2),
        changes_of_people(before.own, after.own, person_changes(before.own, after.own)),
        measured_values(history.config, (before, after)[: 1 + group.apart]),
        _range(history, start),
        participants(
            history.config, {user for user, _ in shared_cells(before.own, after.own) or before.own.cells} or None
        ),
        (before, after),
    )


@dataclass(frozen=True, slots=True)
class _Group:
    """Compares two versions; `revised` if the product is not the start's version; `apart` if `compared` is not."""

    revised: bool
    apart: bool

    def change(self, name: str, before: Cells, after: Cells, function: WelfareFunction, digits: int) -> GroupChange:
        if not self.apart:
            value = _value(function, before, before.cells)
            return GroupChange(name, "cannot tell" if self.revised else "one constitution", value, None, None, digits)
        shared = shared_cells(before, after)
        first, last = (_value(function, side, shared) if shared else None for side in (before, after))
        difference = paired(before, after, function)
        verdict = verdict_of(difference.interval if difference else None)
        return GroupChange(name, verdict, first, last, difference, digits)


def _value(function: WelfareFunction, side: Cells, pairs: Collection[Pair]) -> float | None:
    means, weights = _by_user(side, pairs)
    if function.is_mean:  # of ratings on any scale
        return sum(m * w for m, w in zip(means, weights, strict=True)) / sum(weights) if means else None
    return function(means, weights)


def shared_cells(before: Cells, after: Cells) -> list[Pair]:
    """Return the persons and tasks of both sides."""
    return [pair for pair in before.cells if pair in after.cells]


def _by_user(side: Cells, pairs: Collection[Pair]) -> tuple[list[float], list[float]]:
    """Return every user's mean over the tasks of these pairs, and the users' weights."""
    cells: dict[str, list[float]] = {}
    for user, task in pairs:
        cells.setdefault(user, []).append(side.cells[user, task])
    return [sum(values) / len(values) for values in cells.values()], [side.weights.get(user, 1.0) for user in cells]


def changes_of_people(before: Cells, after: Cells, changes: Mapping[str, Interval]) -> dict[str, PersonChange]:
    """Return persona -> its means over the tasks of both sides, with the interval that `changes` has for it."""
    shared = shared_cells(before, after)
    means = [_by_user(side, shared)[0] for side in (before, after)]
    people = zip(dict.fromkeys(user for user, _ in shared), *means, strict=True)
    return {user: PersonChange(a, b, changes[user]) for user, a, b in people}


def _range(history: History, start: VersionPlays) -> tuple[float, float] | None:
    """Return the lowest and the highest mean satisfaction among the plays of one version."""
    played = [m for m in history.measured if m.version == start.version]
    people = history.config.personas.inline
    means = [value for m in played if (value := people_mean(m.satisfaction.items(), people)) is not None]
    return (min(means), max(means)) if means else None


def _played(plays: VersionPlays) -> dict[str, Any]:
    return {"version": plays.version, "epochs": list(plays.epochs), "played": bool(plays.epochs)}


def _sentences(found: Headline) -> Iterator[str]:
    change, start = found.satisfaction, found.start
    whose = f"{change.name.capitalize()} of {found.participants}"
    before, after = (None if v is None else f"{v:.{change.digits}f}" for v in (change.before, change.after))
    if before is None:
        yield f"No rating of {change.name} could be read under both {start} and {found.compared}."
    elif found.verdict == "one constitution":
        yield _one_constitution(found)
        yield f"{whose} was {_between(found)}."
    elif after is None:
        yield f"{whose} was {before} ({start})."
    elif verb := _VERBS.get(found.verdict):
        yield f"{whose} {verb} from {before} ({start}) to {after} ({found.compared}): {change.words}."
    else:
        unsure = "too few ratings to tell a change from chance"
        is_enough = len(shared_cells(*(side.own for side in found.cells))) >= FEWEST_CELLS
        if is_enough and (sure := change.interval) and sure.estimate:
            unsure = f"{signed(sure.estimate, change.digits)} of every rating, so nothing shows how sure that is"
        words = unsure if found.verdict == "cannot tell" else change.words
        yield f"{whose} was {before} ({start}) and {after} ({found.compared}): {words}."
    if not found.product.epochs:
        name = "The product" if found.finished else "The newest version"
        yield f"{name} (version {found.product.version}) was not played."


def _one_constitution(found: Headline) -> str:
    version, plays = found.start.version, len(found.start.epochs)
    times = f"{plays} plays" if plays > 1 else "one play"
    if found.adopted:
        return f"The product is the constitution of the start (version {version}), with {times}."
    return f"No revision was adopted: {times} of one constitution (version {version})."


def _between(found: Headline) -> str:
    low, high = (f"{value:.{found.satisfaction.digits}f}" for value in found.range or (nan, nan))
    if len(found.start.epochs) == 1:
        return f"{low} in it"
    between = low if low == high else f"{low} to {high}"
    return f"{between}, which shows how much it varies from play to play"
