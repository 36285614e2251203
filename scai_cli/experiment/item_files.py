"""Read the personas or tasks of a file: YAML, a JSON list, or JSONL, which is read line by line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Generic, TypeVar

from pydantic import ValidationError

from scai_cli.errors import ConfigError
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.experiment.yaml_source import Key, YamlSource, explain, read_text, read_yaml
from scai_cli.messages import clean
from scai_cli.values import did_you_mean

Item = TypeVar("Item", Persona, Task)

LONGEST_LINE: Final = 64 * 2**20
"""The most bytes of a line of JSON: a file without line ends must not fill the memory."""


def items(path: Path, model: type[Item]) -> Iterable[Item]:
    """Return the personas or tasks of a file, to iterate as often as needed; raises ConfigError for a bad one.

    A JSONL file is read and checked anew in each iteration, so that a large one takes no memory.
    """
    return _JsonLines(path, model) if path.suffix == ".jsonl" else _read_all(path, model)


def plural(model: type[Item]) -> str:
    """Return `personas` or `tasks`."""
    return f"{model.__name__.lower()}s"


def json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield the values of a JSONL file with their line numbers, without blank lines; raises ConfigError."""
    with _open(path) as file:
        for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE + 1), b""), 1):
            if line.strip():
                try:
                    yield number, parse_line(line)
                except ValueError as error:
                    raise ConfigError.at(str(path), number, None, str(error)) from None


def parse_line(line: bytes) -> Any:
    """Parse a line of JSON and clean it of lone surrogates; raises ValueError that says what is wrong."""
    if len(line) > LONGEST_LINE:
        raise ValueError(f"the line is longer than {LONGEST_LINE:,} bytes")
    try:
        value = json.loads(line.decode("utf-8-sig"))
        if b"\\ud" in line or b"\\uD" in line:  # a surrogate, perhaps alone
            value = json.loads(clean(json.dumps(value, ensure_ascii=False)))
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text; save the file as UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not valid JSON: {error}") from None
    return value


@dataclass(frozen=True, slots=True)
class _JsonLines(Generic[Item]):
    path: Path
    model: type[Item]

    def __iter__(self) -> Iterator[Item]:
        seen: set[str] = set()
        for n, (number, row) in enumerate(json_lines(self.path)):
            try:
                item = self.model.model_validate(row)
            except ValidationError as error:
                raise explain(error, YamlSource(str(self.path), row, {(): number}), self.model, (n,)) from None
            if item.id in seen:
                raise ConfigError.at(str(self.path), number, None, f"the id {item.id!r} stands twice; change one")
            seen.add(item.id)
            yield item


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError:
        read_text(path)  # which says what is wrong
        raise


def _read_all(path: Path, model: type[Item]) -> tuple[Item, ...]:
    key = plural(model)
    source = read_yaml(path)
    base: tuple[Key, ...] = ()
    if isinstance(source.data, dict):
        if extra := [k for k in source.data if k != key]:
            raise source.error((extra[0],), f"unknown key{did_you_mean(str(extra[0]), [key])}")
        base = (key,)
    rows = source.data.get(key) if base else source.data
    if not isinstance(rows, list):
        raise source.error(base, f"must be a list of {key}")
    by_id: dict[str, Item] = {}
    for n, row in enumerate(rows):
        try:
            item = model.model_validate(row)
        except ValidationError as error:
            raise explain(error, source, model, (*base, n)) from None
        if item.id in by_id:
            raise source.error((*base, n), f"the id {item.id!r} stands twice; change one")
        by_id[item.id] = item
    return tuple(by_id.values())
