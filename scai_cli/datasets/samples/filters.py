"""Filter the samples of an export, and count those that are left out."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from scai_cli.datasets.samples.sample import Answer, Pair, RatingSample, opening
from scai_cli.errors import ConfigError

Kind = Literal["answers", "rated", "pairs", "traces", "ratings", "runs"]
"""`answers`: answers to imitate; `rated`: good and bad answers with their ratings; `pairs`; `traces`: generated rows
with critiques and revisions; `ratings`: each rating of each answer; `runs`: whole runs.
"""
Labels = Literal["ratings", "judge", "revision"]
Pairs = Literal["ends", "all"]
Imitated = Literal["final", "revisions"]
Threshold = Literal["prompt", "median"] | float
"""How a rated answer is labelled good: see `good_answers`."""

BROKEN: Final = "broken off or empty"
"""The reason to leave out an incomplete answer."""
OWN_CLAUSES: Final = "made under one user's clauses"
"""The reason to leave out a row whose system message, with the clauses for its user, is not in it."""


@dataclass(frozen=True, slots=True)
class SampleFilter:
    """The filters of an export; None means no filter."""

    min_rating: float | None = None
    """For answers: the user's own rating; for pairs: the rating of the chosen answer; for ratings: the value."""
    min_margin: float | None = None
    epoch: int | None = None
    persona: str | None = None
    """The user of the conversation; for pairs by single raters: the rater."""
    task: str | None = None
    disagreement: tuple[float, float] | None = None
    """The lowest and highest disagreement; needs two raters. See `Answer.disagreement`, `Pair.disagreement`."""
    per_persona: bool = False
    """Whether to make one pair per rater, by that rater's preference, instead of one by the group's preference."""
    labels: Labels | None = None
    """The label that decides which answer of a generated row is better; None: ratings, else judge, else revision."""
    pairs: Pairs | None = None
    """The pairs of a generated row: its ends (one pair), or all that a label decides; None: all if several first
    answers are compared."""
    answers: Imitated | None = None
    """The answers of a generated row to imitate; None: the final one, or in sets without it all revisions, and of rows
    without critiques the first answers."""
    seed: int = 0
    kto_threshold: Threshold | None = None
    """How `good_answers` labels rated answers; None: by the answers to the same prompt."""

    def check(self, kind: Kind) -> None:
        """Raise ConfigError for a filter without meaning for this kind of sample; none is silently ignored."""
        is_pairwise = kind in ("pairs", "traces")
        if self.kto_threshold is not None and kind != "rated":
            raise ConfigError("--kto-threshold labels answers good or bad, and this format has no labels; leave it out")
        if self.answers is not None and kind != "answers":
            raise ConfigError("--answers chooses answers to imitate, and this format has none; leave it out")
        if self.pairs is not None and kind == "traces":
            raise ConfigError("--pairs: this format has one pair for each row; leave it out")
        meaningless = {
            "--min-margin": self.min_margin is not None and not is_pairwise,
            "--per-persona": self.per_persona and kind != "pairs",
            "--labels": self.labels is not None and not is_pairwise,
            "--pairs": self.pairs is not None and not is_pairwise,
        }
        for option, is_meaningless in meaningless.items():
            if is_meaningless:
                raise ConfigError(f"{option} filters pairs of answers, and this format has none; leave it out")


def parse_disagreement(text: str) -> tuple[float, float]:
    """Parse `LOW:HIGH` into its bounds; raises ConfigError."""
    try:
        low, high = map(float, text.split(":"))
    except ValueError:
        low, high = 1.0, 0.0
    if not 0 <= low <= high <= 1:
        raise ConfigError(f"--disagreement {text}: write it as LOW:HIGH, two shares from 0 to 1, e.g. 0.3:1")
    return low, high


def parse_threshold(text: str) -> Threshold:
    """Parse `prompt`, `median` or a utility from 0 to 1; raises ConfigError."""
    if text in ("prompt", "median"):
        return text  # type: ignore[return-value]
    try:
        threshold = float(text)
    except ValueError:
        threshold = -1.0
    if not 0 <= threshold <= 1:
        raise ConfigError(f"--kto-threshold {text}: write prompt, median, or a number from 0 to 1, e.g. 0.5")
    return threshold


@dataclass(slots=True)
class SampleSelector:
    """Applies the filters, and counts the samples that they leave out."""

    filter: SampleFilter
    own_clauses: bool = True
    """Whether to take answers and pairs that rest on clauses for one user."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Reason -> number of samples left out."""

    def drop(self, reason: str, count: int = 1) -> None:
        """Count samples as left out."""
        self.left_out[reason] += count

    def has(self, persona: str | None, task: str) -> bool:
        """Return whether the filters accept conversations of a persona about a task."""
        wanted = None if self.filter.per_persona else self.filter.persona
        return wanted in (None, persona) and self.filter.task in (None, task)

    def keeps(self, sample: Answer | Pair) -> bool:
        """Return whether the filters accept an answer or a pair; count it if not."""
        least = self.filter.min_margin
        if not self._has_disagreement(sample):
            return False
        if least is not None and isinstance(sample, Pair) and (sample.margin is None or sample.margin < least):
            self.drop("margin")
            return False
        if not self._is_rated_well(sample.rating):
            return False
        if sample.own_clauses and not self.own_clauses:
            self.drop(OWN_CLAUSES)
            return False
        return True

    def keeps_rated(self, answer: Answer) -> bool:
        """Return whether the filters accept an answer that must have a rating; count it if not."""
        if answer.utility is None:
            self.drop("unrated")
            return False
        return self.keeps(answer)

    def ratings(self, answer: Answer, comments: Iterable[str]) -> Iterator[RatingSample]:
        """Yield the ratings of an answer that the filters accept, each with its comment."""
        if not self._has_disagreement(answer):
            return
        prompt = opening(answer)
        for score, comment in zip(answer.scores, comments, strict=True):
            if self._is_rated_well(score.value):
                yield RatingSample(prompt, answer.text, score, comment, answer.origin, answer.verbatim)

    def _has_disagreement(self, sample: Answer | Pair) -> bool:
        if self.filter.disagreement is None:
            return True
        low, high = self.filter.disagreement
        if sample.disagreement is not None and low <= sample.disagreement <= high:
            return True
        self.drop("disagreement")
        return False

    def _is_rated_well(self, rating: float | None) -> bool:
        least = self.filter.min_rating
        if least is None or (rating is not None and rating >= least):
            return True
        self.drop("rating")
        return False


def disagreement_of(values: Sequence[float], middle: float) -> float | None:
    """Return the share of raters on the smaller side of the scale's middle, in [0, 0.5]; None for fewer than two."""
    if len(values) < 2:
        return None
    return min(sum(value < middle for value in values), sum(value > middle for value in values)) / len(values)
