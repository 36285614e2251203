"""Read pairs from a run: final answers to the same task, compared by the raters of both.

Every final answer is rated by its user and by others. Pairs are the answers to different users in one epoch, and the
answers to one user in two consecutive epochs. Their prompt is the opening that the chosen answer replies to. Only the
file positions of the answers are kept until they are needed, so memory grows with the ratings and openings of two
epochs and not with the answers.
"""

import random
from collections.abc import Iterable, Iterator
from itertools import combinations, groupby
from math import comb, isqrt
from sys import intern
from typing import Final

from msgspec import Struct

from scai_cli.datasets.samples.answer_context import AnswerContext
from scai_cli.datasets.samples.filters import BROKEN, SampleSelector
from scai_cli.datasets.samples.preferred import Preference, VoteCount, group_preference, rater_preferences
from scai_cli.datasets.samples.run_context import RunContext
from scai_cli.datasets.samples.sample import Pair, Turn
from scai_cli.messages import ending
from scai_cli.runs.history.conversations import EpochSetting, MessageReader, RunConversation, message_reader

PAIRS_PER_PROMPT: Final = 64
"""The most pairs per prompt and epoch: more pairs of the same few answers add nothing new."""


class FinalAnswer(Struct, frozen=True, gc=False):
    """The last answer of a conversation: its opening, its user, its position in the file, its ratings, its context."""

    prompt: str
    verbatim: str | None
    persona: str
    message: str
    position: tuple[int, int]
    ratings: dict[tuple[str, str], float]
    own: float | None
    context: AnswerContext


_Epoch = dict[str, list[FinalAnswer]]
"""Task -> its final answers in one epoch."""


def pairs(context: RunContext, conversations: Iterable[RunConversation], selector: SampleSelector) -> Iterator[Pair]:
    """Yield the pairs that the filters accept, epoch by epoch and task by task."""
    with message_reader(context.path) as read:
        maker = _PairMaker(context, selector, read)
        before: _Epoch = {}
        for _, played in groupby(conversations, key=lambda conversation: conversation.setting.epoch):
            now: _Epoch = {}
            for conversation in played:
                maker.add(now, conversation)
            yield from maker.pairs(conversation.setting, now, before)
            before = now


class _PairMaker:
    """Makes the pairs of one run."""

    def __init__(self, context: RunContext, selector: SampleSelector, read: MessageReader) -> None:
        self._context, self._selector, self._read = context, selector, read
        self._config = context.config
        self._votes = VoteCount(context.config.ratings.cross_weight, context.weights)
        self._keys: dict[str, tuple[str, str]] = {}
        """Rater -> the key of the rater's cross ratings; a new tuple per rating would double the memory."""

    def add(self, now: _Epoch, conversation: RunConversation) -> None:
        """Add the last answer of a conversation if it is complete and readable."""
        last = conversation.final_place(self._config.turns)
        messages = conversation.messages[: last + 1]
        if (
            len(messages) <= last
            or ending(messages[last].finish_reason) != "whole"
            or any(not message.content or message.content.isspace() for message in messages)
        ):
            self._selector.drop(BROKEN)
            return
        keys = self._keys
        ratings = {
            keys.setdefault(r.rater, ("cross", r.rater)): r.value for r in conversation.cross if r.value is not None
        }
        own = next((rating.value for rating in conversation.own if rating.final), None)
        persona = intern(conversation.persona)
        if own is not None:
            ratings["own", persona] = own
        first, verbatim = intern(messages[0].content), messages[0].verbatim
        now.setdefault(intern(conversation.task), []).append(
            FinalAnswer(
                first,
                verbatim and intern(verbatim),
                persona,
                messages[last].id,
                conversation.position,
                ratings,
                own,
                self._context.answers(conversation.setting, persona),
            )
        )

    def pairs(self, setting: EpochSetting, now: _Epoch, before: _Epoch) -> Iterator[Pair]:
        """Yield all pairs of an epoch."""
        order = {task: n for n, task in enumerate(setting.tasks)}
        for task in sorted(now, key=lambda name: order.get(name, len(order))):
            texts: dict[tuple[int, int], str] = {}
            for first, second in self._drawn(task, now[task], before.get(task, [])):
                for preference in self._preferences(first, second):
                    better, worse = (first, second) if preference.margin > 0 else (second, first)
                    pair = self._pair(task, better, worse, preference, texts)
                    if pair.chosen == pair.rejected:
                        self._selector.drop("same text")
                    elif self._selector.keeps(pair):
                        yield pair

    def _drawn(
        self, task: str, finals: list[FinalAnswer], earlier: list[FinalAnswer]
    ) -> Iterator[tuple[FinalAnswer, FinalAnswer]]:
        """Yield the pairs of answers to one prompt, at most `PAIRS_PER_PROMPT`, drawn with the seed."""
        by_persona = {final.persona: final for final in earlier}
        again = [(final, by_persona[final.persona]) for final in finals if final.persona in by_persona]
        within = comb(len(finals), 2)
        total = within + len(again)
        if total <= PAIRS_PER_PROMPT:
            yield from combinations(finals, 2)
            yield from again
            return
        epoch = finals[0].context.epoch
        rng = random.Random(f"{self._selector.filter.seed}/{self._context.id}/e{epoch}/{task}/pairs")
        self._selector.drop(f"more than {PAIRS_PER_PROMPT} pairs of a prompt", total - PAIRS_PER_PROMPT)
        for n in sorted(rng.sample(range(total), PAIRS_PER_PROMPT)):
            if n < within:
                i, j = _unranked(n)
                yield finals[i], finals[j]
            else:
                yield again[n - within]

    def _preferences(self, first: FinalAnswer, second: FinalAnswer) -> Iterable[Preference]:
        """Return the preferences between two answers: the group's, or one per rater."""
        filters = self._selector.filter
        if filters.per_persona:
            of_raters = rater_preferences(first.ratings, second.ratings)
            return [p for p in of_raters if filters.persona in (None, p.raters[0]) and self._is_decided(p)]
        preference = group_preference(first.ratings, second.ratings, self._votes)
        if preference is None:
            self._selector.drop("nobody rated both")
            return ()
        return (preference,) if self._is_decided(preference) else ()

    def _is_decided(self, preference: Preference) -> bool:
        if not preference.margin:
            self._selector.drop("no difference")
        return bool(preference.margin)

    def _pair(
        self,
        task: str,
        chosen: FinalAnswer,
        rejected: FinalAnswer,
        preference: Preference,
        texts: dict[tuple[int, int], str],
    ) -> Pair:
        context = chosen.context
        licences = self._context.licences(task, chosen.persona, rejected.persona)
        conversation, messages = chosen.message.rpartition("/")[0], (chosen.message, rejected.message)
        others = () if rejected.persona == chosen.persona else (rejected.persona,)
        origin = context.origin(conversation, messages, preference.raters, licences, task, others)
        return Pair(
            context.system,
            (Turn("user", chosen.prompt),),
            self._text(chosen, texts),
            self._text(rejected, texts),
            None,
            abs(preference.margin),
            preference.disagreement,
            "ratings",
            preference.raters[0] if self._selector.filter.per_persona else None,
            origin,
            chosen.own,
            chosen.verbatim,
            context.own_clauses or rejected.context.own_clauses,
        )

    def _text(self, final: FinalAnswer, texts: dict[tuple[int, int], str]) -> str:
        text = texts.get(final.position)
        if text is None:
            text = texts[final.position] = self._read(final.position).content
        return text


def _unranked(n: int) -> tuple[int, int]:
    """Return the n-th of the pairs (0, 1), (0, 2), (1, 2), (0, 3), ...: i < j."""
    j = (1 + isqrt(1 + 8 * n)) // 2
    return n - comb(j, 2), j
