"""The satisfaction of the users over the epochs: a trend per user, and their mean."""

from collections.abc import Sequence
from dataclasses import dataclass

from scai_cli.analysis.rating_validity import RatingValidity, rating_validity
from scai_cli.experiment.personas import people_mean
from scai_cli.runs.history.history import History


@dataclass(frozen=True, slots=True)
class SatisfactionTrend:
    """The mean own rating of final answers in every epoch, of one user or of all, on the rating scale.

    `validity` is how well the user's ratings follow the answers; None without data.
    """

    user: str
    values: Sequence[float | None]
    validity: RatingValidity | None = None


def satisfaction_trends(history: History) -> list[SatisfactionTrend]:
    """Return the trend of every measured user, in the order of the experiment."""
    measured, validity = history.measured, rating_validity(history)
    seen = {user for epoch in measured for user in epoch.satisfaction}
    return [
        SatisfactionTrend(
            user,
            [epoch.satisfaction.get(user) for epoch in measured],
            validity.get(user),
        )
        for user in (*(user for user in history.names if user in seen), *sorted(seen - history.names.keys()))
    ]


def mean_trend(history: History) -> SatisfactionTrend:
    """Return the mean over all users, by their weights; its `user` is empty."""
    people = history.config.personas.inline
    return SatisfactionTrend("", [people_mean(epoch.satisfaction.items(), people) for epoch in history.measured])
