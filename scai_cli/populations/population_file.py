"""Write population files, JSONL or YAML by the file's name, completely or not at all."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from scai_cli.errors import ConfigError
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.experiment.yaml_text import yaml_text
from scai_cli.runs.jsonl import check_target, whole_file
from scai_cli.text.characters import escape_json

Write = Callable[[Persona | Task], None]


@contextmanager
def population_file(target: Path, key: str) -> Iterator[Write]:
    """Write personas or tasks one by one; the file appears when it is complete. `-` is stdout, as JSONL.

    Raises OutputError for a failed write, and ConfigError as `check_name`.
    """
    if str(target) == "-":
        yield lambda item: _line(sys.stdout.buffer, item)
        sys.stdout.buffer.flush()
        return
    check_name(target)
    with whole_file(target) as file:
        if target.suffix == ".jsonl":
            yield lambda item: _line(file, item)
        else:
            file.write(f"{key}:\n".encode())
            yield lambda item: _block(file, item)


def check_name(target: Path) -> None:
    """Raise ConfigError for a file name that ends in neither .jsonl nor .yaml, and for a missing folder."""
    if target.suffix not in (".jsonl", ".yaml", ".yml"):
        raise ConfigError(f"{target}: name a .jsonl or .yaml file to write")
    check_target(target)


def _line(file: BinaryIO, item: Persona | Task) -> None:
    file.write(f"{escape_json(item.model_dump_json(exclude_defaults=True))}\n".encode())


def _block(file: BinaryIO, item: Persona | Task) -> None:
    data = item.model_dump(mode="json", exclude_defaults=True)
    file.write(yaml_text([data]).encode())
