"""YAML and overrides -> a resolved experiment, with errors that name file, line, key and remedy.

Resolved means: personas and tasks drawn and written out, every prompt's wording included, so that the saved config is
enough to run it again.
"""

from __future__ import annotations

import json
import math
import os
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from scai_cli import plugins
from scai_cli.chat import AgentRole, clean
from scai_cli.config import ExperimentConfig, Holdout, PersonaSource, TaskSource
from scai_cli.errors import ConfigError
from scai_cli.personas import Persona
from scai_cli.tasks import Task
from scai_cli.templates import TEMPLATES
from scai_cli.values import did_you_mean, draw
from scai_cli.yaml_source import Key, YamlSource, explain, parse_yaml, read_jsonl, read_yaml

ROLES: tuple[AgentRole, ...] = ("assistant", "user", "meta")

Item = TypeVar("Item", Persona, Task)


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line puts over the file: `--set a.b=c`, `--model`, `--seed`."""

    settings: Sequence[str] = ()
    model: str | None = None
    seed: int | None = None


def load_experiment(path: Path, overrides: Overrides | None = None) -> ExperimentConfig:
    """Read, override, validate and resolve an experiment file; raises ConfigError, one line."""
    config, source = _validated(path, overrides or Overrides())
    _check_names(config, source)
    return _resolved(config, source, path.parent)


def load_saved(path: Path, overrides: Overrides | None = None) -> ExperimentConfig:
    """Read the config of a run directory; unlike `load_experiment` it loads no code that the config names."""
    config, source = _validated(path, overrides or Overrides())
    return _resolved(config, source, path.parent)


def _validated(path: Path, overrides: Overrides) -> tuple[ExperimentConfig, YamlSource]:
    source = read_yaml(path)
    if not isinstance(source.data, dict):
        raise source.error((), "an experiment is a mapping of keys, e.g. `personas: {from: FILE}`")
    for option, key, value in _settings(overrides):
        _override(source, option, key, value)
    try:
        return ExperimentConfig.model_validate(source.data), source
    except ValidationError as error:
        raise explain(error, source, ExperimentConfig) from None


def _resolved(config: ExperimentConfig, source: YamlSource, folder: Path) -> ExperimentConfig:
    personas = _drawn(config, source, folder, Persona)
    tasks = _drawn(config, source, folder, Task)
    resolved = config.model_copy(
        update={
            "personas": config.personas.model_copy(update={"inline": personas, "files": (), "sample": None}),
            "tasks": config.tasks.model_copy(update={"inline": tasks, "files": (), "sample": None}),
            "prompts": {**TEMPLATES, **config.prompts},
            "holdout": Holdout(
                personas=_held_out(config, source, "personas", personas),
                tasks=_held_out(config, source, "tasks", tasks),
            ),
        }
    )
    _check_people(resolved, source)
    return resolved


def dump_experiment(config: ExperimentConfig) -> str:
    """The resolved experiment as YAML that `load_experiment` reads back to an equal one."""
    data = config.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return clean(yaml.dump(data, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=110))


def load_personas(path: Path) -> tuple[Persona, ...]:
    """All personas of a YAML, JSON or JSONL file; raises ConfigError for a bad or double one."""
    return _items(path, Persona)


def load_tasks(path: Path) -> tuple[Task, ...]:
    """All tasks of a YAML, JSON or JSONL file; raises ConfigError for a bad or double one."""
    return _items(path, Task)


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes texts of several lines as blocks, for people."""


_OTHER_LINE_ENDS = re.compile("[\x85\u2028\u2029]")
"""YAML takes these for line ends and changes them, unless they stand escaped in double quotes."""


def _text(dumper: Any, text: str) -> Any:
    style = '"' if _OTHER_LINE_ENDS.search(text) else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _settings(overrides: Overrides) -> list[tuple[str, str, str]]:
    """What the command line sets: the option as it was written, the key and the value as YAML."""
    found = []
    for setting in overrides.settings:
        key, equals, value = setting.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--set {key}: write KEY=VALUE, e.g. --set epochs=5")
        found.append((f"--set {key.strip()}", key.strip(), value))
    if overrides.model is not None:
        provider, _, name = overrides.model.partition(":")
        if provider != "simulated" and not name:
            raise ConfigError(f"--model {overrides.model}: write `simulated` or PROVIDER:NAME, e.g. openai:MODEL")
        keys = {"model.provider": json.dumps(provider), "model.name": json.dumps(name or None)}
        keys |= {f"roles.{role}.{key}": "null" for role in ROLES for key in ("provider", "name")}
        found += [("--model", key, value) for key, value in keys.items()]
    if overrides.seed is not None:
        found.append(("--seed", "seed", str(overrides.seed)))
    return found


def _override(source: YamlSource, option: str, dotted: str, value: str) -> None:
    path: list[Key] = []
    at = source.data
    *parents, last = dotted.split(".")
    for part in parents:
        key = _step(at, part, option)
        path.append(key)
        if isinstance(at, dict) and at.get(part) is None:
            at[part] = {}
            source.overridden[tuple(path)] = option
        at = at[key]
    key = _step(at, last, option)
    at[key] = parse_yaml(value, option).data
    source.overridden[(*path, key)] = option


def _step(at: Any, part: str, option: str) -> Key:
    if isinstance(at, dict):
        return part
    if isinstance(at, list) and part.isdigit() and int(part) < len(at):
        return int(part)
    raise ConfigError(f"{option}: there is nothing at {part!r} to set")


def named_code(config: ExperimentConfig) -> Iterator[tuple[tuple[str, ...], plugins.Kind, str]]:
    """Every name in an experiment that stands for code: its key, its kind and the name."""
    yield ("revision", "strategy"), "strategy", config.revision.strategy
    if config.revision.strategy == "candidates":
        for name in config.revision.bases:
            yield ("revision", "base"), "strategy", name
    yield ("revision", "acceptance"), "acceptance", config.revision.acceptance
    for role in ROLES:
        own = getattr(config.roles, role).provider
        yield ("roles", role, "provider") if own else ("model", "provider"), "provider", config.model_for(role).provider


def _check_names(config: ExperimentConfig, source: YamlSource) -> None:
    for path, kind, name in named_code(config):
        try:
            plugins.resolve(kind, name)
        except ConfigError as error:
            raise source.error(path, str(error)) from None


def _drawn(config: ExperimentConfig, source: YamlSource, folder: Path, model: type[Item]) -> tuple[Item, ...]:
    key = _plural(model)
    spec: PersonaSource | TaskSource = getattr(config, key)
    items: list[Item] = list(spec.inline)  # type: ignore[arg-type]
    for file in (spec.files,) if isinstance(spec.files, str) else spec.files:
        if not os.path.exists(folder / file):  # noqa: PTH110 - Path.exists raises for a name that is too long
            raise source.error((key, "from"), f"there is no file {folder / file}; paths are relative to this file")
        items += _items(folder / file, model)
    if not items:
        raise source.error((key,), f"there is no {key[:-1]}; name a file with `from:` or write some here")
    ids: set[str] = set()
    for n, item in enumerate(items):
        if item.id in ids:
            inline = (key, "inline", n) if (key, "inline") in source.lines else (key, n)
            place = inline if n < len(spec.inline) else (key, "from")
            raise source.error(place, f"the id {item.id!r} stands twice; change one")
        ids.add(item.id)
    if spec.sample is not None and spec.sample > len(items):
        raise source.error((key, "sample"), f"wants {spec.sample} of {len(items)} {key}; lower it")
    return draw(items, spec.sample, f"{config.seed}/{key}")


def _held_out(config: ExperimentConfig, source: YamlSource, key: str, items: Sequence[Item]) -> tuple[str, ...]:
    """The ids that are kept back; of a share every k-th is taken from a list sorted by what they are like.

    This is systematic sampling with implicit stratification: sorted by attributes (or by topic and kind), neighbours
    are alike, and a step through the list takes some of every sort.
    """
    wanted: float | tuple[str, ...] = getattr(config.holdout, key)
    known = [item.id for item in items]
    if isinstance(wanted, tuple):
        for n, name in enumerate(wanted):
            if name not in known:
                near = did_you_mean(name, known)
                raise source.error(("holdout", key, n), f"there is no {key[:-1]} {name!r} in this experiment{near}")
        chosen = wanted
    else:
        count = min(len(items) - 1, math.ceil(wanted * len(items))) if wanted else 0
        rng = random.Random(f"{config.seed}/holdout/{key}")
        order = sorted(items, key=lambda item: (_stratum(item), rng.random()))
        start = rng.random()
        chosen = tuple(order[int((n + start) * len(items) / count)].id for n in range(count))
    if len(set(chosen)) >= len(items):
        raise source.error(("holdout", key), f"keeps back all {key}; leave some to make the constitution with")
    return tuple(name for name in known if name in chosen)


def _stratum(item: Persona | Task) -> tuple[str, ...]:
    if isinstance(item, Task):
        return (item.topic, item.kind)
    return tuple(str(item.attributes.get(key, "")) for key in ("politics", "religion", "country", "income"))


def _plural(model: type[Item]) -> str:
    return f"{model.__name__.lower()}s"


def _items(path: Path, model: type[Item]) -> tuple[Item, ...]:
    key = _plural(model)
    source = read_jsonl(path) if path.suffix == ".jsonl" else read_yaml(path)
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


def _check_people(config: ExperimentConfig, source: YamlSource) -> None:
    known = [persona.id for persona in config.cast]
    for n, clause in enumerate(config.constitution.contract):
        for user in clause.users:
            if user not in known:
                problem = f"there is no persona {user!r} to make a contract with{did_you_mean(user, known)}"
                raise source.error(("constitution", "contract", n, "for"), problem)
    for key, spec, size in (
        ("personas", config.personas, len(known)),
        ("tasks", config.tasks, len(config.agenda)),
    ):
        if spec.per_epoch is not None and spec.per_epoch > size:
            raise source.error((key, "per_epoch"), f"wants {spec.per_epoch} of {size} {key}; lower it")
