"""Pairs out of a run: final answers to the same task, told apart by those who rated both.

Every final answer was rated by its user and by the others. Paired are the answers to different users in one epoch, and
those to one user in two epochs that follow each other; the prompt is the task alone. Of what was said only its place
in the file is kept until it is needed, so that memory grows with the ratings of two epochs and not with their texts.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import combinations
from math import comb, isqrt
from sys import intern
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from scai_cli.datasets.samples.filters import BROKEN, BROKEN_OFF, DropCounts, SampleFilter
from scai_cli.datasets.samples.preferred import Preference, each, group
from scai_cli.datasets.samples.sample import Origin, Pair, Turn
from scai_cli.runs.history.conversations import Said, Setting, Talk, message_reader

if TYPE_CHECKING:
    from scai_cli.datasets.samples.run_samples import RunSource


PAIRS_PER_PROMPT: Final = 64
"""The most pairs of answers to one prompt in one epoch: they grow with the square of the personas, and more pairs of
the same few answers teach nothing new."""


class FinalAnswer(Struct, frozen=True, gc=False):
    """The last answer of a conversation: who got it, where it stands, and how it was rated."""

    persona: str
    message: str
    place: tuple[int, int]
    marks: dict[tuple[str, str], float]
    own: float | None


class _Round(Struct, gc=False):
    """The final answers of an epoch, by task."""

    setting: Setting
    finals: dict[str, list[FinalAnswer]]
    prompts: dict[str, str]


def pairs(source: RunSource, choice: SampleFilter, tally: DropCounts) -> Iterator[Pair]:
    """The pairs that are wanted, epoch by epoch and task by task."""
    with message_reader(source.path) as read:
        maker = _Maker(source, choice, tally, read)
        now = before = None
        for talk in source.talks(choice):
            if now is None or talk.setting is not now.setting:
                if now is not None:
                    yield from maker.made(now, before)
                now, before = _Round(talk.setting, {}, {}), now
            maker.note(now, talk)
        if now is not None:
            yield from maker.made(now, before)


class _Maker:
    """Makes the pairs of one run."""

    def __init__(
        self, source: RunSource, choice: SampleFilter, tally: DropCounts, read: Callable[[tuple[int, int]], Said]
    ) -> None:
        self._source, self._choice, self._tally, self._read = source, choice, tally, read
        self._config = source.config
        self._keys: dict[str, tuple[str, str]] = {}

    def note(self, here: _Round, talk: Talk) -> None:
        """Take in the last answer of a conversation, if it is whole and readable."""
        last = 2 * self._config.turns - 1
        if len(talk.messages) <= last or talk.messages[last].finish_reason in BROKEN_OFF:
            self._tally.left_out[BROKEN] += 1
            return
        if any(not said.content or said.content.isspace() for said in talk.messages[: last + 1]):
            self._tally.left_out[BROKEN] += 1
            return
        marks = {self._cross(m.rater): m.value for m in talk.cross if m.value is not None}
        own = next((m.value for m in talk.own if m.final), None)
        persona = intern(talk.persona)
        if own is not None:
            marks["own", persona] = own
        task = intern(talk.task)
        here.prompts.setdefault(task, talk.messages[0].content)
        here.finals.setdefault(task, []).append(FinalAnswer(persona, talk.messages[last].id, talk.place, marks, own))

    def made(self, now: _Round, before: _Round | None) -> Iterator[Pair]:
        """All pairs of an epoch."""
        order = {task: n for n, task in enumerate(now.setting.tasks)}
        for task in sorted(now.finals, key=lambda name: order.get(name, len(order))):
            here = now.finals[task]
            earlier = {final.persona: final for final in before.finals.get(task, [])} if before is not None else {}
            if before is not None and before.prompts.get(task) != now.prompts[task]:
                earlier = {}
            texts: dict[tuple[int, int], str] = {}
            for first, second, setting in self._drawn(task, now, before, here, earlier):
                yield from self._pairs(task, now, (first, now.setting), (second, setting), texts)

    def _drawn(
        self, task: str, now: _Round, before: _Round | None, here: list[FinalAnswer], earlier: dict[str, FinalAnswer]
    ) -> Iterator[tuple[FinalAnswer, FinalAnswer, Setting]]:
        """At most so many pairs of answers as are wanted of one prompt."""
        again = [(final, earlier[final.persona]) for final in here if final.persona in earlier]
        within, most = comb(len(here), 2), PAIRS_PER_PROMPT
        total = within + len(again)
        if total <= most:
            yield from ((first, second, now.setting) for first, second in combinations(here, 2))
            drawn = list(range(within, total))
        else:
            rng = random.Random(f"{self._choice.seed}/{self._source.id}/e{now.setting.epoch}/{task}/pairs")
            drawn = sorted(rng.sample(range(total), most))
            self._tally.left_out[f"more than {PAIRS_PER_PROMPT} pairs of a prompt"] += total - most
        for n in drawn:
            if n < within:
                i, j = _unranked(n)
                yield here[i], here[j], now.setting
            else:
                assert before is not None
                first, second = again[n - within]
                yield first, second, before.setting

    def _pairs(
        self,
        task: str,
        now: _Round,
        first: tuple[FinalAnswer, Setting],
        second: tuple[FinalAnswer, Setting],
        texts: dict[tuple[int, int], str],
    ) -> Iterator[Pair]:
        marks = first[0].marks, second[0].marks
        if self._choice.per_persona:
            found = each(*marks)
            if self._choice.persona is not None:
                found = [one for one in found if one.raters[0] == self._choice.persona]
        else:
            one = group(*marks, self._config.ratings.cross_weight)
            found = [] if one is None else [one]
            if one is None:
                self._tally.left_out["nobody rated both"] += 1
        for preference in found:
            if not preference.margin:
                self._tally.left_out["no difference"] += 1
                continue
            better, worse = (first, second) if preference.margin > 0 else (second, first)
            pair = self._pair(task, now.prompts[task], better, worse, preference, texts)
            if pair.chosen == pair.rejected:
                self._tally.left_out["same text"] += 1
            elif self._tally.lets(pair, self._choice):
                yield pair

    def _pair(
        self,
        task: str,
        prompt: str,
        better: tuple[FinalAnswer, Setting],
        worse: tuple[FinalAnswer, Setting],
        preference: Preference,
        texts: dict[tuple[int, int], str],
    ) -> Pair:
        (chosen, setting), (rejected, _) = better, worse
        seat = self._source.seat(setting, chosen.persona)
        licences = self._source.licences(chosen.persona, task)
        if rejected.persona != chosen.persona:
            licences = tuple(sorted({*licences, *self._source.licences(rejected.persona, task)}))
        return Pair(
            seat.system,
            (Turn("user", prompt),),
            self._text(chosen, texts),
            self._text(rejected, texts),
            None,
            abs(preference.margin),
            preference.disagreement,
            "ratings",
            preference.raters[0] if self._choice.per_persona else None,
            Origin(
                self._source.id,
                chosen.message.rpartition("/")[0],
                (chosen.message, rejected.message),
                setting.epoch,
                setting.constitution.version,
                seat.rules,
                seat.models,
                preference.raters,
                licences,
                chosen.persona,
                task,
                () if rejected.persona == chosen.persona else (rejected.persona,),
            ),
            chosen.own,
        )

    def _text(self, final: FinalAnswer, texts: dict[tuple[int, int], str]) -> str:
        text = texts.get(final.place)
        if text is None:
            text = texts[final.place] = self._read(final.place).content
        return text

    def _cross(self, rater: str) -> tuple[str, str]:
        key = self._keys.get(rater)
        if key is None:
            key = self._keys[rater] = ("cross", rater)
        return key


def _unranked(n: int) -> tuple[int, int]:
    """The n-th of the pairs (0, 1), (0, 2), (1, 2), (0, 3), ...: i < j."""
    j = (1 + isqrt(1 + 8 * n)) // 2
    return n - comb(j, 2), j
