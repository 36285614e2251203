"""Resolve the constitution that an experiment starts from: of a run, or in a file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from scai_cli.errors import RunError
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.constitution_file import SUFFIXES, read_constitution
from scai_cli.experiment.constitution_start import EarlierConstitution, FindEarlier
from scai_cli.experiment.personas import Persona
from scai_cli.runs.find import find_run, is_run
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.history.history import History

_RUN_AT: Final = re.compile(r"(.*?)(?:@([0-9]{1,9}))?", re.DOTALL)


def starting_from(runs: Path) -> Callable[[Path], FindEarlier]:
    """Return the resolver of `constitution.from` for `load_experiment`; runs are in `runs` or beside the experiment."""
    return lambda folder: partial(_find, runs, folder)


def _find(runs: Path, folder: Path, reference: str, personas: Sequence[Persona]) -> EarlierConstitution:
    file = folder / reference
    if file.suffix in SUFFIXES and not is_run(runs / reference) and not is_run(file):
        if not os.path.exists(file):  # noqa: PTH110 - Path.exists raises for a name that is too long
            raise RunError(f"there is no file {file}; paths are relative to the experiment file")
        return EarlierConstitution(constitution=read_constitution(file, personas, strict=False))
    name, epoch = _RUN_AT.fullmatch(reference).groups()  # type: ignore[union-attr]
    beside = folder / name
    # Before a prefix of an id in `runs`, and before a path that is relative to the working directory.
    path = beside if is_run(beside) and ("/" in name or not is_run(runs / name)) else find_run(runs, name)
    after = None if epoch is None else int(epoch)
    constitution = _after(read_history(path, messages=False, ratings=False), after)
    return EarlierConstitution(run=path.name, epoch=after, constitution=constitution)


def _after(history: History, epoch: int | None) -> Constitution:
    """Return the constitution after an epoch, or the run's product."""
    product, _ = history.product
    if epoch is None or history.started is None:
        return product
    revised = {e.number: e.revision.constitution for e in history.epochs if e.revision is not None}
    after = {0: history.started.constitution, **revised}
    if epoch not in after:
        raise RunError(f"run {history.run_id!r} has no revision after epoch {epoch}; its last is after {max(after)}")
    return after[epoch]
