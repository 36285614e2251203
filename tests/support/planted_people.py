"""Files of people whose ratings depend on their descriptions by a known share, made with the simulated society."""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.observed import observe
from scai_cli.models.simulated.answers import compose
from scai_cli.models.simulated.user import satisfaction

Array = NDArray[np.float64]
EXACT = ("--set", "model.options={noise: 0}", "--set", "ratings.scale=[0, 100]")
"""Without noise and coarse ratings of the simulated people, which take their part of any share."""


def tastes(rng: random.Random) -> dict[str, float]:
    """Five traits with weights."""
    signs = rng.choices((1, -1), (3, 1), k=5)
    chosen = rng.sample(sorted(TRAITS), 5)
    return {trait: round(sign * rng.uniform(0.4, 1), 2) for trait, sign in zip(chosen, signs, strict=True)}


def planted(people: list[dict[str, float]], hidden: list[dict[str, float]], texts: list[str], share: float) -> Array:
    """Ratings, people x texts, of which the people's tastes explain a share of what differs between people.

    Both parts are deviations from what all people have in common, of equal size and without correlation; so the share
    is exact in this group.
    """
    shown = [observe(text) for text in texts]
    own, other = (np.array([[satisfaction(taste, o) for o in shown] for taste in group]) for group in (people, hidden))
    common = own.mean(axis=0)
    stated, rest = own - common, other - other.mean(axis=0)
    rest = rest - stated * (stated * rest).sum() / (stated**2).sum()
    rest = rest * np.sqrt((stated**2).sum() / (rest**2).sum())
    values: Array = common + np.sqrt(share) * stated + np.sqrt(1 - share) * rest
    return np.clip(0.5 + 0.6 * (values - 0.5), 0, 1)


def write_people(
    folder: Path, share: float, *, people: int = 30, texts: int = 20, again: int = 0, seed: int = 0
) -> Path:
    """Write `people.csv` and `ratings.csv`: everyone rates every text from 0 to 100, the first `again` ones twice."""
    rng = random.Random(seed)
    stated, hidden = ([tastes(rng) for _ in range(people)] for _ in range(2))
    prompts = [f"Question {n // 2}: how do I plan a week with {n // 2 + 2} tasks?" for n in range(texts)]
    answers = [compose(dict.fromkeys(rng.sample(sorted(TRAITS), 4), 1.0), prompt, rng) for prompt in prompts]
    ratings = planted(stated, hidden, answers, share)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "people.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("id", "description", "sex"))
        rows.writerows(
            (f"p{n}", f"Wants: {_words(taste)}; nothing else", "ab"[n % 2]) for n, taste in enumerate(stated)
        )
    with (folder / "ratings.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("person", "prompt", "answer", "rating", "scale"))
        for (n, at), value in np.ndenumerate(100 * ratings):
            for _ in range(1 + (at < again)):
                rows.writerow((f"p{n}", prompts[at], answers[at], round(value, 3), "0-100"))
    return folder


def _words(taste: Mapping[str, float]) -> str:
    return "; ".join(f"{trait.replace('_', ' ')} {weight:+.2f}" for trait, weight in taste.items())
