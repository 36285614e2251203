"""Read YAML safely, with the line of every key for error messages."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from scai_cli.errors import ConfigError
from scai_cli.experiment.input_files import LARGEST, read_text
from scai_cli.experiment.yaml_scalars import MERGE, Loader, as_written, is_old_boolean, is_place, typed
from scai_cli.text.suggestions import did_you_mean

Key = str | int
KeyPath = tuple[Key, ...]

_MAX_DEPTH: Final = 60
_MOST_VALUES: Final = 400_000
"""A value of YAML takes about 500 bytes until it is checked."""
_LONGEST_NUMBER: Final = 400
"""Characters; Python reads no number of many thousand digits."""
_TOO_DEEP: Final = "too many aliases or too deeply nested; write the values out"
_TOO_MANY: Final = f"has more than {_MOST_VALUES:,} values; write the personas or tasks to a .jsonl file"


@dataclass(slots=True)
class YamlSource:
    """The data of a file (or an override) and the line of each key path."""

    name: str
    data: Any
    lines: dict[KeyPath, int] = field(default_factory=lambda: {(): 1})
    overridden: dict[KeyPath, str] = field(default_factory=dict)
    """Key path of an override -> the option as the user wrote it."""

    def error(self, path: Sequence[Key], problem: str) -> ConfigError:
        """Build the error for the value at a path, with the line of its nearest key in the file."""
        for length in range(len(path), -1, -1):
            near = tuple(path[:length])
            if near in self.overridden:
                return ConfigError.at(self.overridden[near], None, _dotted(path), problem)
            if near in self.lines:
                return ConfigError.at(self.name, self.lines[near], _dotted(path), problem)
        return ConfigError.at(self.name, None, _dotted(path), problem)


def read_yaml(path: Path, free: Sequence[str] = ()) -> YamlSource:
    """Read a YAML file, with the `free` places of `parse_yaml`; raises ConfigError with the line of the error."""
    text = read_text(path)
    is_json = text.lstrip()[:1] in ("[", "{")
    return parse_yaml(_ESCAPE.sub(_join_surrogates, text) if is_json else text, str(path), free)


_ESCAPE: Final = re.compile(r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|.)")


def _join_surrogates(escape: re.Match[str]) -> str:
    """Join JSON's surrogate escapes of characters beyond U+FFFF, which YAML does not allow."""
    if not escape[1]:
        return escape[0]
    return f"\\U{0x10000 + ((int(escape[1], 16) - 0xD800) << 10) + int(escape[2], 16) - 0xDC00:08x}"


def parse_yaml(text: str, name: str, free: Sequence[str] = (), at: KeyPath = ()) -> YamlSource:
    """Parse YAML of plain values; reject tags, duplicate keys and alias bombs.

    In the `free` places a scalar is read as it is written (`scalars.scalar`), elsewhere as YAML 1.2 does. A
    place is a path of keys and list positions, with `*` for any, e.g. `personas.*.attributes.*`; merged keys count
    where they are merged. The text itself is the value `at` a path.
    """
    source = YamlSource(name, None)
    places = [tuple(place.split(".")) for place in free]
    try:
        check_size(text, name)
        loader = Loader(text)
        try:
            node = loader.get_single_node()
            if node is not None:
                source.data = _Builder(source, 20 * len(text) + 1000, places, at).build(node, ())
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = error.problem or error.context or ""
        # Newer builds of libyaml stop at a depth of their own, before ours is reached.
        problem = _TOO_DEEP if "nesting depth" in message else f"not valid YAML: {message}"
        raise ConfigError.at(name, mark.line + 1 if mark else None, None, problem) from None
    except yaml.reader.ReaderError:
        line, character = _unreadable(text)
        raise ConfigError.at(name, line, None, f"not valid YAML: the character {character} is not allowed") from None
    except UnicodeEncodeError:
        raise ConfigError.at(name, None, None, "is not UTF-8 text") from None
    return source


def check_size(text: str, name: str) -> None:
    """Reject a long text, deep nesting and too many values before the loader builds nodes; raises ConfigError."""
    if len(text) > LARGEST and len(text.encode()) > LARGEST:
        raise ConfigError(f"{name}: is larger than {LARGEST:,} bytes")
    if text.count("%TAG") > _MAX_DEPTH:  # libyaml compares each with all earlier ones
        raise ConfigError(f"{name}: has too many %TAG directives; use plain values")
    depth = values = 0
    for event in yaml.parse(text, Loader=Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        values += isinstance(event, yaml.NodeEvent)
        if depth > _MAX_DEPTH or values > _MOST_VALUES:
            problem = _TOO_DEEP if depth > _MAX_DEPTH else _TOO_MANY
            raise ConfigError.at(name, event.start_mark.line + 1, None, problem)  # type: ignore[union-attr]


def _unreadable(text: str) -> tuple[int, str]:
    """Return the line and the code of the first character that YAML does not allow."""
    match = yaml.reader.Reader.NON_PRINTABLE.search(text)
    return (text.count("\n", 0, match.start()) + 1, f"U+{ord(match[0]):04X}") if match else (1, "in it")


@dataclass(slots=True)
class _Builder:
    source: YamlSource
    budget: int
    """The number of characters of nodes still allowed; each alias counts, which stops alias bombs."""
    free: Sequence[tuple[str, ...]]
    at: KeyPath
    values: int = _MOST_VALUES
    """The number of nodes still allowed, counted likewise."""

    def build(self, node: yaml.Node, path: KeyPath) -> Any:
        line = node.start_mark.line + 1
        self.budget -= 1 + (len(node.value) if isinstance(node.value, str) else 0)
        self.values -= 1
        if self.budget < 0 or self.values < 0 or len(path) > _MAX_DEPTH:
            raise ConfigError.at(self.source.name, line, None, _TOO_DEEP)
        self.source.lines.setdefault(path, line)
        if isinstance(node, yaml.MappingNode) and node.tag.endswith(":map"):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag.endswith(":seq"):
            return [self.build(item, (*path, n)) for n, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        raise self._not_allowed(node, path)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise ConfigError.at(self.source.name, line, _dotted(path), "a key must be a word")
            name = key.value
            if name in seen:
                problem = f"duplicate key (first in line {seen[name]}); remove one"
                raise ConfigError.at(self.source.name, line, _dotted((*path, name)), problem)
            seen[name] = line
            built = self.build(value, (*path, name))
            self.source.lines[(*path, name)] = line
            if key.tag == MERGE:
                merged = self._merged(built, (*path, name))
            else:
                own[name] = built
        self.values -= len(merged)
        if self.values < 0:
            raise self.source.error(path, _TOO_DEEP)
        for name in merged:
            self.source.lines.setdefault((*path, name), seen["<<"])
        return {**merged, **own}

    def _merged(self, built: Any, path: KeyPath) -> dict[str, Any]:
        """Return the mappings merged by `<<`; the first one wins."""
        parts = built if isinstance(built, list) else [built]
        if not all(isinstance(part, dict) for part in parts):
            raise self.source.error(path, "merges mappings only")
        return {name: value for part in reversed(parts) for name, value in part.items()}

    def _scalar(self, node: yaml.ScalarNode, path: KeyPath) -> Any:
        kind = node.tag.rpartition(":")[2]
        if kind == "str" and not node.style and is_old_boolean(node.value, (*self.at, *path)):
            problem = f"is a text in YAML 1.2; write true or false, or put {node.value} in quotes"
            raise ConfigError.at(self.source.name, node.start_mark.line + 1, _dotted(path), problem)
        if kind in ("str", "timestamp", "value", "merge"):
            return node.value
        if kind not in ("null", "bool", "int", "float"):
            raise self._not_allowed(node, path)
        if is_place((*self.at, *path), self.free):
            return as_written(kind, node.value)
        try:
            if len(node.value) > _LONGEST_NUMBER:
                raise ValueError
            return typed(kind, node.value)
        except (ValueError, LookupError):
            raise ConfigError.at(
                self.source.name, node.start_mark.line + 1, _dotted(path), f"not a valid {kind}"
            ) from None

    def _not_allowed(self, node: yaml.Node, path: KeyPath) -> ConfigError:
        problem = f"the tag {node.tag} is not allowed; use plain values"
        return ConfigError.at(self.source.name, node.start_mark.line + 1, _dotted(path), problem)


def explain(error: ValidationError, source: YamlSource, model: type[BaseModel], base: KeyPath = ()) -> ConfigError:
    """Return pydantic's first error as one line with file, line, key and remedy; it quotes no value."""
    details = error.errors(include_url=False, include_input=False)
    first = min(details, key=lambda detail: detail["type"] != "extra_forbidden")
    full = _keys(first, source, base)
    problems = dict.fromkeys(_problem(detail, model) for detail in details if _keys(detail, source, base) == full)
    if full[:2] in (("personas", "inline"), ("tasks", "inline")) and full[:2] not in source.lines:
        full = (full[0], *full[2:])  # the file has the short form, a list of items
    if full[-1:] == ("text",) and full not in source.lines and first["type"] not in ("missing", "extra_forbidden"):
        full = full[:-1]  # the file has the short form, the text alone
    return source.error(full, ", or ".join(problems))


def _keys(detail: ErrorDetails, source: YamlSource, base: KeyPath) -> KeyPath:
    """Return pydantic's path after the base, without the branches of unions, which the file lacks."""
    keys = base
    for n, part in enumerate(detail["loc"], 1):
        unknown = detail["type"] == "extra_forbidden" and n == len(detail["loc"])
        if unknown or not _is_branch(part) or (*keys, part) in source.lines:
            keys = (*keys, part)
    return keys


def _problem(detail: ErrorDetails, model: type[BaseModel]) -> str:
    if detail["type"] == "extra_forbidden":
        key = str(detail["loc"][-1])
        if "key" in key.lower() and "api" in key.lower():
            return "unknown key; do not write API keys here, name the variable in api_key_env"
        return f"unknown key{did_you_mean(key, _fields(model, detail['loc'][:-1]))}"
    if detail["type"] == "missing":
        return "is missing; every experiment needs it" if len(detail["loc"]) == 1 else "is missing"
    if detail["type"] in ("value_error", "assertion_error"):
        return str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] == "string_type":
        return "must be text; put it in quotes"
    if detail["type"] in ("model_type", "dict_type", "mapping_type"):
        return "must be a mapping of keys"
    if detail["type"] in ("string_too_short", "too_short") and detail["ctx"]["min_length"] == 1:
        return "must not be empty"
    if detail["type"] == "too_long" and detail["ctx"]["field_type"] == "Value":  # a text, not a list
        return f"must have at most {detail['ctx']['max_length']} characters, not {detail['ctx']['actual_length']}"
    if detail["type"] == "tuple_type":
        return "must be a list"
    return str(detail["msg"]).removeprefix("Input ").replace("should", "must", 1)


def _fields(model: type[BaseModel], path: Sequence[Key]) -> list[str]:
    """Return the known keys at a path of a model."""
    at: Any = model
    for part in path:
        if isinstance(at, type) and issubclass(at, BaseModel):
            fields = {f.alias or name: f for name, f in at.model_fields.items()} | dict(at.model_fields)
            at = _model_in(fields[str(part)].annotation) if str(part) in fields else at
    if isinstance(at, type) and issubclass(at, BaseModel):
        return [f.alias or name for name, f in at.model_fields.items()]
    return []


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for arg in get_args(annotation) if (model := _model_in(arg)) is not None), None)


def _is_branch(part: Key) -> bool:
    """Return whether a part of pydantic's path is a union's branch and not a key."""
    return isinstance(part, str) and (
        "[" in part or part.removeprefix("constrained-") in ("str", "int", "float", "bool")
    )


def _dotted(path: Sequence[Key]) -> str:
    return ".".join(str(part)[:80] for part in path)[:800]
