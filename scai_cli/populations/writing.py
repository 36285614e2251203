"""Populations on their way out: JSONL or YAML, by the file's name, complete or not at all."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import yaml

from scai_cli.errors import ConfigError
from scai_cli.personas import Persona
from scai_cli.store.lines import one_line, whole_file
from scai_cli.tasks import Task

Write = Callable[[Persona | Task], None]


@contextmanager
def population_file(target: Path, key: str) -> Iterator[Write]:
    """Write personas or tasks one by one; the file appears at the end. `-` is stdout, as JSONL.

    Raises OutputError when the disk refuses, ConfigError for a name that ends in neither .jsonl nor .yaml.
    """
    if str(target) == "-":
        yield lambda item: _line(sys.stdout.buffer, item)
        sys.stdout.buffer.flush()
        return
    if target.suffix not in (".jsonl", ".yaml", ".yml"):
        raise ConfigError(f"{target}: name a .jsonl or .yaml file to write")
    with whole_file(target) as file:
        if target.suffix == ".jsonl":
            yield lambda item: _line(file, item)
        else:
            file.write(f"{key}:\n".encode())
            yield lambda item: _block(file, item)


def _line(file: BinaryIO, item: Persona | Task) -> None:
    file.write(one_line(item.model_dump_json(exclude_defaults=True).encode()) + b"\n")


def _block(file: BinaryIO, item: Persona | Task) -> None:
    data = item.model_dump(mode="json", exclude_defaults=True)
    file.write(yaml.safe_dump([data], allow_unicode=True, sort_keys=False, width=110).encode())
