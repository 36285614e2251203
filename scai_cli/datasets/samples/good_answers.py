"""Decide which rated answers are good, for KTO: by the answers that they compete with, or by one threshold.

The answers of a generated row compete, and so do the final answers of a run to one task in one epoch: the same people
rated them. The sources are read once before the answers are labelled; only numbers are kept.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from scai_cli.datasets.samples.filters import SampleFilter, SampleSelector
from scai_cli.datasets.samples.sample import Answer, Sample
from scai_cli.datasets.samples.sources import SampleSource

TIED: Final = "rated like its competitors"
ALONE: Final = "without a rated competitor"
_ROUNDING: Final = 1e-9
"""A difference of utilities that is a rounding error."""


@dataclass(slots=True)
class GoodAnswers:
    """Labels rated answers good or bad."""

    threshold: float | None = None
    """The lowest utility of a good answer; None compares it with the mean of its competitors and itself."""
    _groups: array[int] = field(default_factory=lambda: array("q"))
    """The hash of each group of competitors, sorted, with the mean of its utilities; nan for a single answer."""
    _means: array[float] = field(default_factory=lambda: array("d"))

    @classmethod
    def of(cls, sources: Sequence[SampleSource], filters: SampleFilter, own_clauses: bool) -> GoodAnswers:
        """Return the labels that the filters ask for, after one pass over the sources if they depend on others."""
        threshold = "prompt" if filters.kto_threshold is None else filters.kto_threshold
        if isinstance(threshold, float):
            return cls(threshold)
        # Answers compete with those that other filters leave out, as of one persona there is one answer to a task.
        filters = filters if threshold == "median" else SampleFilter(epoch=filters.epoch, task=filters.task)
        selector = SampleSelector(filters, own_clauses)
        groups, utilities = array("q"), array("d")
        for source in sources:
            for answer in source.samples("rated", selector):
                if isinstance(answer, Answer) and answer.utility is not None:
                    groups.append(_competitors(answer) or 0)
                    utilities.append(answer.utility)
        return cls(_median(utilities)) if threshold == "median" else cls(None, *_means(groups, utilities))

    def labelled(self, answer: Answer, selector: SampleSelector) -> Answer | None:
        """Return an answer with its label; None, which is counted, if it has none."""
        utility = answer.utility
        assert utility is not None
        if self.threshold is not None:
            return replace(answer, good=utility >= self.threshold)
        mean = self._mean(answer)
        if math.isnan(mean) or abs(utility - mean) < _ROUNDING:
            selector.drop(ALONE if math.isnan(mean) else TIED)
            return None
        return replace(answer, good=utility > mean)

    def _mean(self, answer: Answer) -> float:
        """Return the mean utility of an answer and its competitors; nan if it has none."""
        group = _competitors(answer)
        if group is None:
            return math.nan
        at = bisect_left(self._groups, group)
        # A run that is going on may have new answers since the first pass.
        return self._means[at] if at < len(self._groups) and self._groups[at] == group else math.nan


def labelled(samples: Iterable[Sample], good: GoodAnswers, selector: SampleSelector) -> Iterator[Sample]:
    """Yield rated answers with their labels; those without a label are left out and counted."""
    for sample in samples:
        if isinstance(sample, Answer) and (answer := good.labelled(sample, selector)) is not None:
            yield answer


def _competitors(answer: Answer) -> int | None:
    """Return a number that competing answers share; None for an answer that was rated by its user alone."""
    origin = answer.origin
    if not answer.final:
        return None
    return hash((origin.run, origin.conversation if origin.epoch is None else (origin.epoch, origin.task)))


def _median(utilities: array[float]) -> float:
    import numpy as np

    return float(np.median(utilities)) if utilities else 0.0


def _means(groups: array[int], utilities: array[float]) -> tuple[array[int], array[float]]:
    """Return the groups, sorted, and the mean utility of each; nan for a single answer."""
    import numpy as np

    found, group, counts = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    means = np.where(counts > 1, np.bincount(group, utilities, len(found)) / counts, np.nan)
    return array("q", found.tobytes()), array("d", means.tobytes())
