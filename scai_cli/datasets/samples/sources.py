"""Open the sources of samples, runs and generated sets, behind one interface."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from scai_cli.analysis.measured import utility_words
from scai_cli.datasets.samples.filters import Kind, SampleFilter
from scai_cli.datasets.samples.row_samples import GeneratedSource
from scai_cli.datasets.samples.run_samples import RunSource
from scai_cli.errors import ConfigError, RunError
from scai_cli.runs.find import is_generated, log_of, resume_command
from scai_cli.text.suggestions import did_you_mean
from scai_cli.values import Split

SampleSource = RunSource | GeneratedSource


def open_source(path: Path) -> SampleSource:
    """Open the run or generated set in a directory; raises RunError if it has no events or rows."""
    source = GeneratedSource(path) if is_generated(path) else RunSource(path)
    log = log_of(path)
    if not log.exists() or (log.is_file() and not log.stat().st_size):
        what = "rows" if is_generated(path) else "events"
        raise RunError(f"{source.id!r} has no {what} yet; wait, or `{resume_command(path)}`")
    return source


def check_names(sources: Sequence[SampleSource], filters: SampleFilter) -> None:
    """Raise RunError, with the nearest name, for a persona or task that no source has.

    Raises ConfigError for filters of generated rows if a source is a run.
    """
    for option, value in (("--pairs", filters.pairs), ("--answers", filters.answers)):
        run = next((source.id for source in sources if isinstance(source, RunSource)), None)
        if value is not None and run is not None:
            raise ConfigError(f"{option}: {run!r} is a run, and this is for rows of generated sets; leave it out")
    persona, task = filters.persona, filters.task
    if persona is not None and not any(persona in source.personas for source in sources):
        known = {persona for source in sources for persona in source.personas}
        raise RunError(f"--persona: {_named(sources)} has no persona {persona!r}{did_you_mean(persona, known)}")
    if task is not None:
        names = (name for source in sources for name, _ in source.tasks())
        known = set(islice(names, _NEAR))
        if task not in known and task not in names:
            raise RunError(f"--task: {_named(sources)} has no task {task!r}{did_you_mean(task, known)}")


_LABELLED: Final = ("answers", "rated", "pairs")
"""The kinds of samples that ratings or comparisons choose or label."""
_NEAR: Final = 10_000
"""The most tasks to search for the nearest name."""


def check_epoch(sources: Sequence[SampleSource], filters: SampleFilter) -> None:
    """Raise RunError for an epoch that no source has; call it after all samples are read."""
    epoch = filters.epoch
    if epoch is not None and not any(epoch in source.epochs for source in sources):
        first = sources[0]
        raise RunError(f"run {first.id!r} has no epoch {epoch}; it has {len(first.epochs)}")


def label_notes(sources: Sequence[SampleSource], kind: Kind) -> Iterator[str]:
    """Yield a note for each source whose utilities are measured in part, unlike the labels of its rows."""
    for source in sources if kind in _LABELLED else ():
        if words := utility_words(source.ratings):
            yield (
                f"The utilities of {source.id} are {words}; its rows are labelled without what programs measure "
                "(by ratings, those of a generated set also by comparisons)"
            )


def stated(sources: Sequence[SampleSource]) -> tuple[dict[str, Split], dict[str, Split]]:
    """Return the personas and the tasks that state a split, with that split."""
    personas = {name: split for source in sources for name, split in source.personas.items() if split is not None}
    tasks = {name: split for source in sources for name, split in source.tasks() if split is not None}
    return personas, tasks


def _named(sources: Sequence[SampleSource]) -> str:
    return ", ".join(source.id for source in sources[:5])
