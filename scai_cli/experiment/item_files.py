"""Read the personas or tasks of a file: YAML, a JSON list, or JSONL (line by line)."""

import codecs
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Generic, TypeVar

from pydantic import ValidationError

from scai_cli.errors import ConfigError
from scai_cli.experiment.file_kinds import kind, plain_suffix
from scai_cli.experiment.input_files import opened
from scai_cli.experiment.measure_settings import check_preferences
from scai_cli.experiment.personas import FREE_PLACES, Persona
from scai_cli.experiment.scalars import read_json
from scai_cli.experiment.tasks import Task
from scai_cli.experiment.yaml_source import Key, YamlSource, explain, read_yaml
from scai_cli.text.characters import clean
from scai_cli.text.suggestions import did_you_mean
from scai_cli.values import USERS_FILE

Item = TypeVar("Item", Persona, Task)

LONGEST_LINE: Final = 16 * 2**20
"""The maximal bytes of a line or a row, so that a file without newlines does not fill the memory."""
MOST_VALUES: Final = 1_000_000
"""The maximal commas of a line: a short value takes 60 times its bytes once it is parsed."""
_BLOCK: Final = 2**16
_MAX_DEPTH: Final = 100
LONGEST_ITEM: Final = 1_000_000
"""The maximal characters of a persona or a task as JSON, as it is part of prompts."""


def items(path: Path, model: type[Item], declared: Collection[str] = ()) -> Iterable[Item]:
    """Return the personas or tasks of a file as a reusable iterable; raises ConfigError for an invalid one.

    `declared` are the names of an experiment's own measures, which personas may prefer.

    A JSONL file is read and checked again in each iteration, so that a large one takes no memory.
    """
    match kind(path):
        case "empty" if plain_suffix(path) in (".jsonl", ".ndjson"):
            return ()
        case "jsonl":
            return _JsonLines(path, model, declared)
        case "json" if _is_one_item(path, plural(model)):
            return _JsonLines(path, model, declared)
        case "parquet" | "excel" as found:
            raise ConfigError(f"{path}: is a table ({found}); {_import_it(path, model, 'table')}")
        case "text" if plain_suffix(path) in (".csv", ".tsv"):
            raise ConfigError(f"{path}: is a table (CSV); {_import_it(path, model, 'table')}")
    return _read_all(path, model, declared)


def item_files(folder: Path) -> list[Path]:
    """Return the files under a folder that are named like files of personas or tasks, sorted."""
    return sorted(file for file in folder.rglob("*") if file.suffix in (".yaml", ".yml", ".json", ".jsonl"))


def without_tasks(path: Path | None) -> ConfigError:
    """Build the error for a file or folder without any task."""
    return ConfigError(f"{path}: contains no task; add one, or name another file")


def _is_one_item(path: Path, key: str) -> bool:
    """Whether a JSON file of one line is an item, and not the list of them under its key."""
    with opened(path) as file:
        first = file.readline(LONGEST_LINE).lstrip(codecs.BOM_UTF8 + b" \t")
        more = file.read(_BLOCK).strip()
    return first.startswith(b'{"') and not more and not first.startswith(b'{"%s"' % key.encode())


def _import_it(path: Path, model: type[Item], form: str) -> str:
    return f"import it first: scai {plural(model)} import {path} --as {form} -o {plural(model)}.jsonl"


def plural(model: type[Item]) -> str:
    """Return `personas` or `tasks`."""
    return f"{model.__name__.lower()}s"


def bounded_lines(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a JSONL file that are not blank with their numbers; raises ConfigError for a huge one."""
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE or line.count(b",") > MOST_VALUES:
            problem = f"the line has more than {LONGEST_LINE:,} bytes or {MOST_VALUES:,} values"
            raise ConfigError.at(str(file.name), number, None, problem)
        if line.strip():
            yield number, line


def json_value(data: bytes) -> Any:
    """Parse JSON, without lone surrogates; raises ValueError if it is invalid or too deep for recursive functions."""
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode()
        value = read_json(text)
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text; save the file as UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not valid JSON: {error}") from None
    level, depth = [value], 0
    while level and depth < _MAX_DEPTH:
        depth += 1
        nested = (outer for outer in level if isinstance(outer, dict | list))
        level = [inner for outer in nested for inner in (outer.values() if isinstance(outer, dict) else outer)]
    if level:
        raise ValueError(f"is nested more than {_MAX_DEPTH} levels deep; flatten it")
    if "\\ud" in text or "\\uD" in text:  # a surrogate, perhaps alone
        value = _clean(value)
    return value


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {clean(key): _clean(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_clean(inner) for inner in value]
    return clean(value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class _JsonLines(Generic[Item]):
    path: Path
    model: type[Item]
    declared: Collection[str]

    def __iter__(self) -> Iterator[Item]:
        seen: set[str] = set()
        with opened(self.path) as file:
            for n, (number, line) in enumerate(bounded_lines(file)):
                source = YamlSource(str(self.path), None, {(): number})
                try:
                    value = json_value(line)
                except ValueError as error:
                    raise source.error((), str(error)) from None
                item = _validate(self.model, value, source, (n,), self.declared)
                if item.id in seen:
                    raise source.error((), f"the id {item.id!r} occurs twice; change one")
                seen.add(item.id)
                yield item


def _validate(
    model: type[Item], data: Any, source: YamlSource, path: tuple[Key, ...], declared: Collection[str]
) -> Item:
    try:
        item = model.model_validate(data, context=USERS_FILE)
    except ValidationError as error:
        raise explain(error, source, model, path) from None
    check_item(item, source, path, declared)
    return item


def check_item(item: Persona | Task, source: YamlSource, path: tuple[Key, ...], declared: Collection[str]) -> None:
    """Raise ConfigError if a persona prefers an unknown measure."""
    if isinstance(item, Persona):
        try:
            check_preferences(item.preferences, declared, "declare it in ratings.measures of the experiment")
        except ValueError as error:
            raise source.error((*path, "preferences"), str(error)) from None


def _read_all(path: Path, model: type[Item], declared: Collection[str]) -> tuple[Item, ...]:
    key = plural(model)
    source = read_yaml(path, FREE_PLACES)
    base: tuple[Key, ...] = ()
    if isinstance(source.data, dict):
        if extra := [k for k in source.data if k != key]:
            raise source.error((extra[0],), f"unknown key{did_you_mean(str(extra[0]), [key])}")
        base = (key,)
    rows = source.data.get(key) if base else source.data
    if not isinstance(rows, list):
        remedy = f"; if each line is one, {_import_it(path, model, 'lines')}" if isinstance(rows, str) else ""
        raise source.error(base, f"must be a list of {key}{remedy}")
    by_id: dict[str, Item] = {}
    for n, row in enumerate(rows):
        if isinstance(row, str):
            text = "prompt" if model is Task else "description"
            lines = f"import a file with one a line: scai {key} import FILE --as lines -o {key}.jsonl"
            raise source.error((*base, n), f"is a text; write {{id: a-name, {text}: ...}}, or {lines}")
        item = _validate(model, row, source, (*base, n), declared)
        if item.id in by_id:
            raise source.error((*base, n), f"the id {item.id!r} occurs twice; change one")
        by_id[item.id] = item
    return tuple(by_id.values())
