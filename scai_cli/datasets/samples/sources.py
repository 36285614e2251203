"""Where samples come from: runs and generated sets, read in one and the same way."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol

from scai_cli.datasets.samples.filters import DropCounts, Kind, SampleFilter
from scai_cli.datasets.samples.row_samples import GeneratedSource
from scai_cli.datasets.samples.run_samples import RunSource
from scai_cli.datasets.samples.sample import Sample
from scai_cli.errors import RunError
from scai_cli.experiment.constitution import Constitution
from scai_cli.runs.find import is_generated
from scai_cli.values import Split, did_you_mean


class SampleSource(Protocol):
    """A run or a generated set, finished or not."""

    @property
    def id(self) -> str:
        """Its id, which is its directory's name."""

    @property
    def path(self) -> Path:
        """Its directory."""

    @property
    def file(self) -> Path:
        """The file that all samples come from."""

    @property
    def epochs(self) -> Collection[int]:
        """The epochs that were met on the way."""

    @property
    def personas(self) -> Mapping[str, Split | None]:
        """Every persona, and the split it states."""

    def tasks(self) -> Iterator[tuple[str, Split | None]]:
        """Every task, and the split it states."""

    def about(self) -> tuple[Constitution, Mapping[str, str]]:
        """The last constitution, and role -> model."""

    def samples(self, kind: Kind, choice: SampleFilter, tally: DropCounts) -> Iterator[Sample]:
        """The samples of that kind that are wanted, in an order that depends on nothing but the files."""


def open_source(path: Path) -> SampleSource:
    """The run or generated set in a directory; raises RunError for one in which nothing has happened yet."""
    source: SampleSource = GeneratedSource(path) if is_generated(path) else RunSource(path)
    if not source.file.exists() or (source.file.is_file() and not source.file.stat().st_size):
        what = "rows" if is_generated(path) else "events"
        raise RunError(f"{source.id!r} holds no {what} yet; wait, or `scai resume {source.id}`")
    return source


def check_names(sources: Sequence[SampleSource], choice: SampleFilter) -> None:
    """Raise RunError, with what was perhaps meant, for a persona or task that no source knows."""
    if choice.persona is not None and not any(choice.persona in source.personas for source in sources):
        known = {persona for source in sources for persona in source.personas}
        raise RunError(
            f"--persona: nobody in {_named(sources)} is {choice.persona!r}{did_you_mean(choice.persona, known)}"
        )
    if choice.task is not None:
        names = (task for source in sources for task, _ in source.tasks())
        known = set(islice(names, _NEAR))
        if choice.task not in known and choice.task not in names:
            raise RunError(f"--task: no task of {_named(sources)} is {choice.task!r}{did_you_mean(choice.task, known)}")


_NEAR = 10_000
"""Among so many tasks the one is looked for that was perhaps meant."""


def check_epoch(sources: Sequence[SampleSource], choice: SampleFilter) -> None:
    """Raise RunError for an epoch that no source has; to be called once all samples were gone through."""
    if choice.epoch is not None and not any(choice.epoch in source.epochs for source in sources):
        first = sources[0]
        raise RunError(f"run {first.id!r} has no epoch {choice.epoch}; it has {len(first.epochs)}")


def stated(sources: Sequence[SampleSource]) -> tuple[dict[str, Split], dict[str, Split]]:
    """The personas and the tasks that state a split of their own."""
    personas = {name: split for source in sources for name, split in source.personas.items() if split is not None}
    tasks = {name: split for source in sources for name, split in source.tasks() if split is not None}
    return personas, tasks


def _named(sources: Sequence[SampleSource]) -> str:
    return ", ".join(source.id for source in sources[:5])
