"""Which samples of a run or a generated set are wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from scai_cli.datasets.samples.sample import Answer, Pair
from scai_cli.errors import ConfigError

Kind = Literal["answers", "rated", "pairs", "traces", "ratings"]
Labels = Literal["ratings", "judge", "revision"]
Agreement = Literal["contested", "agreed"]

BROKEN_OFF: Final = ("length", "content_filter")
"""Why a model ended whose answer is not whole."""
BROKEN: Final = "broken off or empty"
"""Why such an answer is left out."""

CONTESTED: Final = 0.3
"""From this disagreement on a sample is contested."""
AGREED: Final = 0.1
"""Up to this disagreement a sample is agreed on."""


@dataclass(frozen=True, slots=True)
class SampleFilter:
    """The filters of an export; None lets everything through.

    Ratings and margins are on the scale of the run. `agreement` asks for two raters at least.
    """

    min_rating: float | None = None
    """Of answers: the user's own rating; of pairs: that of the chosen one; of ratings: the value."""
    min_margin: float | None = None
    epoch: int | None = None
    persona: str | None = None
    """Whose conversations; of pairs by single raters: whose preference."""
    task: str | None = None
    agreement: Agreement | None = None
    per_persona: bool = False
    """One pair for every rater, by that rater's own preference, instead of one by the group's."""
    labels: Labels | None = None
    """What decides which answer of a generated row is better; None: ratings, else the judge, else the revision."""
    pairs_per_prompt: int = 64
    """The most pairs of answers to one prompt in one epoch of a run, drawn with the seed."""
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
        if self.min_rating is None and self.agreement is None and self.min_margin is None:
            return None
        if self.agreement is not None and not self._agreeing(sample.disagreement):
            return f"not {self.agreement}"
        least = self.min_margin
        if least is not None and isinstance(sample, Pair) and (sample.margin is None or sample.margin < least):
            return "margin"
        if self.min_rating is not None and (sample.rating is None or sample.rating < self.min_rating):
            return "rating"
        return None

    def _agreeing(self, disagreement: float | None) -> bool:
        if disagreement is None:
            return False
        return disagreement >= CONTESTED if self.agreement == "contested" else disagreement <= AGREED


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
