"""The kinds and topics of tasks to write: drawn to quota, or as in the tasks of a file."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from scai_cli.errors import ConfigError
from scai_cli.experiment.tasks import Task
from scai_cli.populations.quotas import Quota, QuotaPart


class Sort(NamedTuple):
    """The kind and the topic of a task."""

    kind: str
    topic: str


def draw_sorts(count: int, quotas: Sequence[Quota], like: Sequence[Task], seed: int) -> list[Sort]:
    """Draw the kinds and topics of `count` tasks: to quota, else by the shares in the tasks.

    With a quota of one of them, the other is drawn by its shares among the tasks with the same value, or among all
    tasks if none has it. Raises ConfigError for a quota of something else.
    """
    by_name = {quota.attribute: quota for quota in quotas or (_quota("kind", Counter(task.kind for task in like)),)}
    if unknown := by_name.keys() - set(Sort._fields):
        raise ConfigError(f"--quota {min(unknown)}=...: tasks have quotas of `kind` and `topic` alone")
    drawn = {name: _draw(quota, count, seed) for name, quota in by_name.items()}
    if len(drawn) == len(Sort._fields):
        return [Sort(*pair) for pair in zip(*(drawn[name] for name in Sort._fields), strict=True)]
    [(given, values)] = drawn.items()
    other = next(name for name in Sort._fields if name != given)
    others: dict[str, Iterator[str]] = {}
    for value, times in Counter(values).items():
        alike = [task for task in like if getattr(task, given) == value] or like
        others[value] = iter(_draw(_quota(other, Counter(getattr(task, other) for task in alike)), times, seed))
    return [Sort(**{given: value, other: next(others[value])}) for value in values]


def _draw(quota: Quota, count: int, seed: int) -> list[str]:
    return [str(value) for value in quota.draw(count, f"{seed}/quota/{quota.attribute}")]


def _quota(attribute: str, shares: Mapping[str, int]) -> Quota:
    """Return the quota of values as they are, without bands."""
    return Quota(attribute, tuple(QuotaPart(value, share / sum(shares.values())) for value, share in shares.items()))
