"""Resolve the constitution that an experiment starts from: of a run, or in a file."""

import os
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from scai_cli.errors import RunError
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.constitution_file import SUFFIXES, read_constitution
from scai_cli.experiment.constitution_start import FindEarlier
from scai_cli.experiment.personas import Persona
from scai_cli.models.notices import Notices
from scai_cli.runs.find import find_run, is_run
from scai_cli.runs.history.fold import read_history


def starting_from(runs: Path) -> FindEarlier:
    """Return the resolver of `constitution.from` for `load_experiment`; runs are in `runs` or beside the experiment.

    It writes on stderr which lines of a file were not read as rules, once.
    """
    return partial(_find, runs, Notices())


def _find(
    runs: Path, notice: Notices, reference: str, folder: Path, personas: Sequence[Persona]
) -> tuple[Constitution, str]:
    file = folder / reference
    if file.suffix in SUFFIXES and not is_run(runs / reference) and not is_run(file):
        if not os.path.exists(file):
            raise RunError(f"there is no file {file}; paths are relative to the experiment file")
        constitution, not_read = read_constitution(file, personas, strict=False)
        for line in not_read:
            notice(line)
        return constitution, ""
    name, *after = re.split(r"@(?=[0-9]+$)", reference)
    beside = folder / name
    # Before a prefix of an id in `runs`, and before a path that is relative to the working directory.
    path = beside if is_run(beside) and ("/" in name or not is_run(runs / name)) else find_run(runs, name)
    history = read_history(path, messages=False, ratings=False)
    product, _ = history.product
    if not after:
        return product, path.name
    return history.after(int(after[0])), path.name
