"""Summarise the rows of an export in sentences: labels, ties and margins, length, variety, answers of several users."""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from scai_cli.datasets.samples.sample import Answer, Pair, Sample, Trace
from scai_cli.datasets.samples.text_measures import SELF_BLEU_OF, Reservoir, cut, mean_interval, self_bleu, share
from scai_cli.text.counts import counted
from scai_cli.text.words import words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Codes = NDArray[np.int64]

_TIES: Final = ("no difference", "no preference", "same text")
"""The reasons to leave out two equal answers."""
_BALANCED: Final = 4 / 3
"""KTO wants desirable_weight * good to be 1 to 4/3 times undesirable_weight * bad (arXiv 2402.01306)."""


Interval = Mapping[str, float | None]
"""`estimate`, and the ends of its 95 % interval, `low` and `high`, if it has any."""


@dataclass(frozen=True, slots=True)
class LabelBalance:
    """The labels of KTO."""

    good: int
    bad: int
    weights: Mapping[str, float]
    """The setting of TRL's `KTOConfig` that balances them; empty if they are balanced, or if all are equal."""

    @classmethod
    def of(cls, good: int, bad: int) -> LabelBalance:
        """Return the balance of these labels."""
        if not good or not bad or bad <= good <= bad * _BALANCED:
            return cls(good, bad, {})
        rare = "desirable_weight" if good < bad else "undesirable_weight"
        return cls(good, bad, {rare: round(max(good, bad) / min(good, bad), 2)})

    def line(self) -> str:
        """Return the balance in words."""
        setting = "".join(f"; {name}={weight} balances them" for name, weight in self.weights.items())
        return f"labels: {self.good:,} good, {self.bad:,} bad{setting}"


@dataclass(frozen=True, slots=True)
class PairBalance:
    """The labels of pairs, and the length of their answers in characters."""

    by: Mapping[str, int]
    """The label that decided -> pairs."""
    ties: int
    """Pairs left out because they are equal, or equally good."""
    margin: float | None
    """The median, on the scale of the ratings."""
    scale: tuple[float, float] | None
    """None if the sources have several scales."""
    p: float | None
    """The median."""
    longer: Interval | None
    """The share of the pairs whose chosen answer is longer, of those that differ in length."""
    length: Interval | None
    """The length of the chosen by that of the rejected answer, minus 1 (geometric mean)."""

    def lines(self) -> Iterator[str]:
        """Yield the labels, and the lengths, in words."""
        kinds = ", ".join(f"{count:,} by {kind}" for kind, count in self.by.items())
        ties = f"; {counted(self.ties, 'tie')} left out" if self.ties else ""
        scale = f" of {self.scale[1] - self.scale[0]:g}" if self.scale else ""
        margin = "" if self.margin is None else f"; median margin {self.margin:.3g}{scale}"
        yield f"pairs: {kinds}{ties}{margin}{'' if self.p is None else f'; median p {self.p:.2f}'}"
        if self.longer is not None and self.length is not None:
            remedy = "; --balance-length evens it out" if (self.length["low"] or 0) > 0 else ""
            yield (
                f"length: chosen against rejected {_percent(self.length, '+')}; "
                f"longer in {_percent(self.longer)} of the pairs{remedy}"
            )


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """The summary of an export, for stderr, the card and the manifest."""

    labels: LabelBalance | None = None
    pairs: PairBalance | None = None
    self_bleu: float | None = None
    """The similarity of the answers to each other, from 0 to 1 (all equal)."""
    self_bleu_of: int = 0
    """The answers that it was measured on."""
    shared_prompts: int = 0
    """Prompts with several different answers that different users got."""
    most_answers: int = 0
    """The largest number of different answers of one of them."""

    def lines(self) -> Iterator[str]:
        """Yield the summary in sentences."""
        if self.labels is not None:
            yield self.labels.line()
        if self.pairs is not None:
            yield from self.pairs.lines()
        if self.self_bleu is not None:
            yield f"self-BLEU of the answers: {self.self_bleu:.2f} ({self.self_bleu_of} of them; 1: all equal)"
        if self.shared_prompts:
            have = counted(self.shared_prompts, "prompt has", "prompts have")
            yield (
                f"{have} several different answers that different users got, at most {self.most_answers}: "
                "a model learns their average"
            )


@dataclass(slots=True)
class SummaryBuilder:
    """Counts the rows of an export as they are written, in at most 24 bytes each and a sample of the answers."""

    seed: int
    _keeps_system: bool
    _answers: Reservoir[str] = field(init=False)
    _labels: list[int] = field(default_factory=lambda: [0, 0])
    _by: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    _margins: array[float] = field(default_factory=lambda: array("d"))
    _p: array[float] = field(default_factory=lambda: array("d"))
    _ratios: array[float] = field(default_factory=lambda: array("d"))
    _prompts: array[int] = field(default_factory=lambda: array("q"))
    """For every answer to imitate, the hashes of its prompt, of its text and of its user."""
    _texts: array[int] = field(default_factory=lambda: array("q"))
    _users: array[int] = field(default_factory=lambda: array("q"))

    def __post_init__(self) -> None:
        self._answers = Reservoir(SELF_BLEU_OF, self.seed)

    def add(self, sample: Sample) -> None:
        """Count a sample; ratings and whole runs are not for training."""
        if isinstance(sample, Answer):
            self._answers.add(lambda: cut(sample.text))
            if sample.good is None:
                self._imitate(sample, sample.text)
            else:
                self._labels[sample.good] += 1
        elif isinstance(sample, Pair):
            self._answers.add(lambda: cut(sample.chosen))
            self._by[sample.by] += 1
            self._ratios.append(len(sample.chosen) / len(sample.rejected))
            if sample.margin is not None:
                self._margins.append(sample.margin)
            if sample.p is not None:
                self._p.append(sample.p)
        elif isinstance(sample, Trace):
            self.add(sample.pair)
            self._imitate(sample.pair, sample.pair.chosen)

    def summary(self, left_out: Mapping[str, int], scales: Set[tuple[float, float]]) -> ExportSummary:
        """Return the summary; `scales` are those of the sources."""
        labels = LabelBalance.of(self._labels[True], self._labels[False]) if any(self._labels) else None
        pairs = self._pairs(left_out, scales) if self._by else None
        bleu = self_bleu([words(text) for text in self._answers.items])
        return ExportSummary(labels, pairs, bleu, len(self._answers.items), *self._shared())

    def _imitate(self, sample: Answer | Pair, text: str) -> None:
        persona, turns = sample.origin.persona, sample.prompt
        if persona is not None:
            prompt = turns[0].content if len(turns) == 1 else tuple([turn.content for turn in turns])
            self._prompts.append(hash((sample.system, prompt) if self._keeps_system else prompt))
            self._texts.append(hash(text))
            self._users.append(hash(persona))

    def _pairs(self, left_out: Mapping[str, int], scales: Set[tuple[float, float]]) -> PairBalance:
        import numpy as np

        ratios = np.log(np.asarray(self._ratios))
        length = mean_interval(ratios)
        return PairBalance(
            by=dict(sorted(self._by.items(), key=lambda kind: -kind[1])),
            ties=sum(left_out.get(reason, 0) for reason in _TIES),
            margin=_median(self._margins),
            scale=next(iter(scales)) if len(scales) == 1 else None,
            p=_median(self._p),
            longer=share(int((ratios > 0).sum()), int((ratios != 0).sum())),
            length=length and {end: None if log is None else math.expm1(log) for end, log in length.items()},
        )

    def _shared(self) -> tuple[int, int]:
        """Return how many prompts have several answers that several users got, and the most answers of one."""
        if not self._prompts:
            return 0, 0
        import numpy as np

        _, prompts, counts = np.unique(np.asarray(self._prompts), return_inverse=True, return_counts=True)
        repeated = counts[prompts] > 1
        if not repeated.any():
            return 0, 0
        groups = prompts[repeated]
        answers, users = (_different(groups, np.asarray(values)[repeated]) for values in (self._texts, self._users))
        shared = answers[(answers > 1) & (users > 1)]
        return len(shared), int(shared.max(initial=0))


def _different(groups: Codes, values: Codes) -> Codes:
    """Return how many different values each group has."""
    import numpy as np

    order = np.lexsort((values, groups))
    groups, values = groups[order], values[order]
    is_new = np.append(True, (np.diff(groups) != 0) | (values[1:] != values[:-1]))
    counts: Codes = np.bincount(groups[is_new])
    return counts


def _median(values: array[float]) -> float | None:
    import numpy as np

    return float(np.median(np.asarray(values))) if values else None


def _percent(interval: Interval, sign: str = "") -> str:
    """Return an estimate with its interval in per cent."""
    estimate, *ends = (None if part is None else f"{100 * part:{sign}z.0f}" for part in interval.values())
    return f"{estimate} %" + ("" if None in ends else f" [{ends[0]}, {ends[1]}]")
