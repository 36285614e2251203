"""Read the personas or tasks of a file: YAML, a JSON list, or JSONL (line by line)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, Generic, NamedTuple, TypeVar

from pydantic import ValidationError

from scai_cli.errors import ConfigError
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.experiment.yaml_source import Key, YamlSource, explain, read_text, read_yaml
from scai_cli.text.characters import clean
from scai_cli.text.suggestions import did_you_mean

Item = TypeVar("Item", Persona, Task)

LONGEST_LINE: Final = 64 * 2**20
"""The maximal bytes of a line of JSON, so that a file without newlines does not fill the memory."""


def items(path: Path, model: type[Item]) -> Iterable[Item]:
    """Return the personas or tasks of a file as a reusable iterable; raises ConfigError for an invalid one.

    A JSONL file is read and checked again in each iteration, so that a large one takes no memory.
    """
    return _JsonLines(path, model) if path.suffix == ".jsonl" else _read_all(path, model)


def plural(model: type[Item]) -> str:
    """Return `personas` or `tasks`."""
    return f"{model.__name__.lower()}s"


class JsonLine(NamedTuple):
    """The value on a line of a JSONL file, or the `problem` with it."""

    number: int
    value: Any
    problem: str | None = None


def json_lines(file: IO[bytes]) -> Iterator[JsonLine]:
    """Yield the lines of a JSONL file, without blank lines and lone surrogates.

    Stops after a line longer than `LONGEST_LINE`, as its rest would be read as further lines.
    """
    import jsonlines

    number, too_long = 0, False

    def lines() -> Iterator[bytes]:
        nonlocal number, too_long
        while not too_long and (line := file.readline(LONGEST_LINE + 1)):
            number += 1
            too_long = len(line) > LONGEST_LINE
            if not too_long:
                yield line

    reader = jsonlines.Reader(lines(), loads=_parse)
    while True:
        try:
            value = reader.read(allow_none=True, skip_empty=True)
        except jsonlines.InvalidLineError as error:
            utf8 = not isinstance(error.__cause__, UnicodeDecodeError)
            yield JsonLine(number, None, str(error.__cause__) if utf8 else "is not UTF-8 text; save the file as UTF-8")
        except EOFError:
            break
        else:
            yield JsonLine(number, value)
    if too_long:
        yield JsonLine(number, None, f"the line is longer than {LONGEST_LINE:,} bytes")


def _parse(text: str | bytes) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not valid JSON: {error}") from None
    if any(escape in str(text) for escape in ("\\ud", "\\uD")):  # a surrogate, perhaps alone
        value = json.loads(clean(json.dumps(value, ensure_ascii=False)))
    return value


@dataclass(frozen=True, slots=True)
class _JsonLines(Generic[Item]):
    path: Path
    model: type[Item]

    def __iter__(self) -> Iterator[Item]:
        seen: set[str] = set()
        with _open(self.path) as file:
            for n, line in enumerate(json_lines(file)):
                if line.problem is not None:
                    raise ConfigError.at(str(self.path), line.number, None, line.problem)
                source = YamlSource(str(self.path), line.value, {(): line.number})
                item = _validate(self.model, line.value, source, (n,))
                if item.id in seen:
                    raise source.error((), f"the id {item.id!r} occurs twice; change one")
                seen.add(item.id)
                yield item


def _validate(model: type[Item], data: Any, source: YamlSource, path: tuple[Key, ...]) -> Item:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise explain(error, source, model, path) from None


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
        item = _validate(model, row, source, (*base, n))
        if item.id in by_id:
            raise source.error((*base, n), f"the id {item.id!r} occurs twice; change one")
        by_id[item.id] = item
    return tuple(by_id.values())
