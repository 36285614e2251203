"""How far the calls of some work are: the calls by stage, and an estimate of how many it takes in all."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

Place = tuple[int, int]
"""The place of a stage in the order of the work, e.g. its epoch, and its kind."""


class Stage(NamedTuple):
    """A part of the work; parts with one place end together."""

    place: Place
    part: int = 0
    """The order of the parts of a place, of which the first that has a call in flight is shown."""
    words: str = ""
    """What the work does in this part, for people."""


WHOLE: Final = Stage((0, 0))
"""The stage of work without stages."""


@dataclass(slots=True)
class CallCount:
    """Counts calls: those that a log or a cache answers, too, not those that fail.

    A place that the work has left took what it took. Of the others, `expect` is the estimate, in proportion to how far
    it was right about the places of the same kind that the work has left. So `done` never exceeds `total`, and equals
    it after `finish`.
    """

    stage_of: Callable[[str], Stage] = lambda _: WHOLE
    """Id of a call -> its stage."""
    expect: Callable[[], Mapping[Place, float]] = dict
    """Returns the expected calls of each place; called when the total is first wanted."""
    in_turn: bool = True
    """Whether places follow each other; else the work calls `reach`."""
    changed: Callable[[], object] = lambda: None
    """Called after each answer, for displays that do not look by themselves."""
    finished: bool = False
    done: int = 0
    """The answers of all sessions; a resume begins with those of the earlier ones."""
    _by_place: Counter[Place] = field(default_factory=Counter)
    _open: Counter[Stage] = field(default_factory=Counter)
    _reached: Place = (-1, 0)
    _latest: Stage = WHOLE
    _expected: Mapping[Place, float] | None = None

    def plan(
        self, stage_of: Callable[[str], Stage], expect: Callable[[], Mapping[Place, float]], *, in_turn: bool = True
    ) -> None:
        """Set the stages of the work, before its first call or when more is known of them."""
        self.stage_of, self.expect, self.in_turn, self._expected = stage_of, expect, in_turn, None

    def log(self, call: str, is_repeated: bool) -> None:
        """Count an answer of an earlier session; `is_repeated` if this session asks for it again."""
        self.done += 1
        if not is_repeated:
            self._by_place[self.stage_of(call).place] += 1

    def begin(self, call: str) -> Stage:
        """Note that a call begins; return its stage, for `end`."""
        self._latest = stage = self.stage_of(call)
        self._open[stage] += 1
        if self.in_turn:
            self.reach(stage.place)
        return stage

    def end(self, stage: Stage, *, is_answered: bool = True, is_logged: bool = False) -> None:
        """Note that a call has ended; `is_logged` if an earlier session has logged its answer."""
        self._open[stage] -= 1
        if is_answered:
            self.done += not is_logged
            self._by_place[stage.place] += 1
            self.changed()

    def reach(self, place: Place) -> None:
        """Note that the work has left all places before this one."""
        self._reached = max(self._reached, place)

    def finish(self) -> None:
        """Note that the work is finished."""
        self.finished = True

    @property
    def total(self) -> int:
        """The number of calls that the work is expected to take in all."""
        if self.finished:
            return self.done
        # Lists: another thread may draw while calls end.
        expected, done, waiting = self._estimates(), dict(list(self._by_place.items())), self._waiting()
        ratios = self._ratios(expected, done)
        total = 0.0
        for place in {*done, *waiting, *expected}:
            there = done.get(place, 0) + waiting.get(place, 0)
            more = 0.0 if place < self._reached else ratios.get(place[1], 1.0) * expected.get(place, 0.0)
            total += max(there, more)
        return max(self.done, round(total))

    @property
    def is_estimated(self) -> bool:
        """Whether `total` is an estimate."""
        return not self.finished

    @property
    def is_foreseen(self) -> bool:
        """Whether `total` says something about calls that have not begun."""
        return self.finished or any(self._estimates().values())

    @property
    def words(self) -> str:
        """What the work does now, for people; empty if its stages have no names."""
        if self.finished:
            return "finished"
        return min((stage for stage, count in list(self._open.items()) if count > 0), default=self._latest).words

    def _estimates(self) -> Mapping[Place, float]:
        if self._expected is None:
            self._expected = self.expect()
        return self._expected

    def _waiting(self) -> Counter[Place]:
        waiting: Counter[Place] = Counter()
        for stage, count in list(self._open.items()):
            waiting[stage.place] += count
        return waiting

    def _ratios(self, expected: Mapping[Place, float], done: Mapping[Place, int]) -> dict[int, float]:
        """Return kind -> what the places that the work has left took, relative to what they were expected to take."""
        took: defaultdict[int, float] = defaultdict(float)
        estimated: defaultdict[int, float] = defaultdict(float)
        for place, count in expected.items():
            if place < self._reached and count:
                took[place[1]] += done.get(place, 0)
                estimated[place[1]] += count
        return {kind: count / estimated[kind] for kind, count in took.items() if count}
