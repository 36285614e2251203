"""The personas or tasks of a file: YAML, a JSON list, or JSONL, which is read line by line and never held whole."""

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
"""Bytes of a line of JSON; a longer one is no persona."""


def items(path: Path, model: type[Item]) -> Iterable[Item]:
    """The personas or tasks of a file, to be gone through as often as wanted; raises ConfigError for a bad one.

    Those of a JSONL file are read and checked anew each time, so that a large one takes no memory.
    """
    return _Lines(path, model) if path.suffix == ".jsonl" else _whole(path, model)


def plural(model: type[Item]) -> str:
    """`personas` or `tasks`."""
    return f"{model.__name__.lower()}s"


def json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """The values of a JSONL file with their line numbers; blank lines are passed over; raises ConfigError."""
    with _opened(path) as file:
        for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE + 1), b""), 1):
            if line.strip():
                try:
                    yield number, parse_line(line)
                except ValueError as error:
                    raise ConfigError.at(str(path), number, None, str(error)) from None


def parse_line(line: bytes) -> Any:
    """The value on a line of JSON, without lone surrogates; raises ValueError that says what is wrong."""
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
class _Lines(Generic[Item]):
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


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError:
        read_text(path)  # which says what is wrong
        raise


def _whole(path: Path, model: type[Item]) -> tuple[Item, ...]:
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
    found: dict[str, Item] = {}
    for n, row in enumerate(rows):
        try:
            item = model.model_validate(row)
        except ValidationError as error:
            raise explain(error, source, model, (*base, n)) from None
        if item.id in found:
            raise source.error((*base, n), f"the id {item.id!r} stands twice; change one")
        found[item.id] = item
    return tuple(found.values())
