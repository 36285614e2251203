"""Which samples of a run or a generated set are wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from scai_cli.datasets.samples.sample import Answer, Pair
from scai_cli.errors import ConfigError

Kind = Literal["answers", "rated", "pairs", "traces", "ratings", "runs"]
"""`answers`: those to imitate; `rated`: good and bad ones alike, with their scores; `pairs`; `traces`: generated rows
with critiques and revisions; `ratings`: each rating of each answer; `runs`: whole runs."""
Labels = Literal["ratings", "judge", "revision"]

BROKEN_OFF: Final = ("length", "content_filter")
"""Why a model ended whose answer is not whole."""
BROKEN: Final = "broken off or empty"
"""Why such an answer is left out."""


@dataclass(frozen=True, slots=True)
class SampleFilter:
    """The filters of an export; None lets everything through.

    Ratings and margins are on the scale of the run.
    """

    min_rating: float | None = None
    """Of answers: the user's own rating; of pairs: that of the chosen one; of ratings: the value."""
    min_margin: float | None = None
    epoch: int | None = None
    persona: str | None = None
    """Whose conversations; of pairs by single raters: whose preference."""
    task: str | None = None
    disagreement: tuple[float, float] | None = None
    """The least and the most disagreement, which takes two raters: see `divided` and `Pair.disagreement`."""
    per_persona: bool = False
    """One pair for every rater, by that rater's own preference, instead of one by the group's."""
    labels: Labels | None = None
    """What decides which answer of a generated row is better; None: ratings, else the judge, else the revision."""
    seed: int = 0

    def check(self, kind: Kind) -> None:
        """Raise ConfigError for a filter that has no meaning for samples of that kind: none is passed over."""
        pairwise = kind in ("pairs", "traces")
        given = {
            "--min-margin": self.min_margin is not None,
            "--per-persona": self.per_persona and kind != "traces",
            "--labels": self.labels is not None,
        }
        wrong = [name for name, is_given in given.items() if is_given and not pairwise]
        if kind == "traces" and self.per_persona:
            wrong.append("--per-persona")
        if wrong:
            raise ConfigError(f"{wrong[0]} is about pairs of answers; rows of this format are not made of them")

    def reason_against(self, sample: Answer | Pair) -> str | None:
        """Why an answer or a pair is left out, in a word or two; None if it is wanted."""
        if self.min_rating is None and self.disagreement is None and self.min_margin is None:
            return None
        if self.disagreement is not None and not self._is_within(sample.disagreement):
            return "disagreement"
        least = self.min_margin
        if least is not None and isinstance(sample, Pair) and (sample.margin is None or sample.margin < least):
            return "margin"
        if self.min_rating is not None and (sample.rating is None or sample.rating < self.min_rating):
            return "rating"
        return None

    def _is_within(self, disagreement: float | None) -> bool:
        low, high = self.disagreement or (0.0, 1.0)
        return disagreement is not None and low <= disagreement <= high


def parse_disagreement(text: str) -> tuple[float, float]:
    """Return the bounds in `LOW:HIGH`; raises ConfigError."""
    try:
        low, high = map(float, text.split(":"))
    except ValueError:
        low, high = 1.0, 0.0
    if not 0 <= low <= high <= 1:
        raise ConfigError(f"--disagreement {text}: write it as LOW:HIGH, two shares from 0 to 1, e.g. 0.3:1")
    return low, high


@dataclass(slots=True)
class DropCounts:
    """Why samples were left out -> how many."""

    left_out: Counter[str] = field(default_factory=Counter)

    def lets(self, sample: Answer | Pair, choice: SampleFilter) -> bool:
        """Whether a sample is wanted; one that is not is counted."""
        reason = choice.reason_against(sample)
        if reason is not None:
            self.left_out[reason] += 1
        return reason is None


def divided(values: Sequence[float], middle: float) -> float | None:
    """How divided raters are about one answer, in [0, 0.5]: the share of those on the smaller side of the scale's
    middle; whoever is on it is on neither side. None with fewer than two raters."""
    if len(values) < 2:
        return None
    below = above = 0
    for value in values:
        if value < middle:
            below += 1
        elif value > middle:
            above += 1
    return min(below, above) / len(values)
