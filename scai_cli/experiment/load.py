"""Load YAML and overrides into a resolved experiment, with errors that give file, line, key and remedy.

A resolved experiment contains the drawn personas and tasks and the wording of every prompt, so that the saved config
is enough to run it again.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from scai_cli import plugins
from scai_cli.errors import ConfigError
from scai_cli.experiment.config import MODEL_ROLES, ExperimentConfig, Holdout, PersonaSource, TaskSource
from scai_cli.experiment.constitution_start import FindEarlier, check_conditions, check_contract, start_from
from scai_cli.experiment.earlier_versions import REPLACED, SavedFidelity, keep_first_defaults, saved_fidelity
from scai_cli.experiment.generate_settings import without_defaults
from scai_cli.experiment.item_files import Item, plural
from scai_cli.experiment.measure_check import check_measures, preferred
from scai_cli.experiment.model_code import code_of
from scai_cli.experiment.model_settings import PACE, SERVICE_KEYS, is_other_service, parse_model
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.rating_map import inline_rating_map
from scai_cli.experiment.selection import select
from scai_cli.experiment.strata import stratified
from scai_cli.experiment.tasks import Task
from scai_cli.experiment.yaml_source import Key, YamlSource, check_size, explain, parse_yaml, read_yaml
from scai_cli.experiment.yaml_text import yaml_text
from scai_cli.prompts.templates import TEMPLATES
from scai_cli.text.suggestions import did_you_mean
from scai_cli.values import SAVED_FILE, USERS_FILE

_RESOLVED = {"files": (), "sample": None, "split": None}
"""The values of the keys that choose personas or tasks, once the chosen ones are inline."""

_FREE_PLACES = (
    "personas.where.*",
    "personas.where.*.*",
    "personas.*.attributes.*",
    "personas.inline.*.attributes.*",
)
"""The places of an experiment file whose scalars are as they are written."""

_CHECKED = 500_000
"""The characters of a saved experiment from which on its size is checked."""

_WITHOUT_DEFAULTS = {"personas", "tasks", "roles"}
"""The keys of an experiment that are dumped without defaults."""


@dataclass(frozen=True, slots=True)
class GivenValues:
    """Dotted keys and their values from another file, whose `place` error messages name.

    A mapping is merged into the one that the experiment has.
    """

    place: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Overrides:
    """What overrides the file: the values of a sweep's cell, then `--set a.b=c`, `--model`, `--seed`, `--judge`."""

    settings: Sequence[str] = ()
    model: str | None = None
    seed: int | None = None
    judge: str | None = None
    given: GivenValues = GivenValues()


def load_experiment(
    path: Path, overrides: Overrides | None = None, find: FindEarlier | None = None
) -> ExperimentConfig:
    """Read, override, validate and resolve an experiment file; raises ConfigError.

    `find` (`jobs.starting_constitution`) resolves `constitution.from`; without it, this key is an error.
    """
    return _load(path, overrides or Overrides(), find=find)


def load_saved(path: Path, overrides: Overrides | None = None) -> ExperimentConfig:
    """Read the config of a run directory; unlike `load_experiment`, load no code that the config names.

    Prompts that a later version added are left out, so that the saved experiment does not change.
    """
    return _load(path, overrides or Overrides(), new=False)


def load_resolved(path: Path, overrides: Overrides | None = None) -> ExperimentConfig:
    """Read an experiment written by `dump_experiment`; it can lack personas and tasks; load no code."""
    return _validate(read_yaml(path), overrides or Overrides(), SAVED_FILE)[0]


def earlier_fidelity(path: Path) -> SavedFidelity:
    """Return the keys of a saved experiment that went in 0.7."""
    # Every version before 0.7 has saved this key, and to read a long file takes seconds.
    is_earlier = b"\ncontrols:" in path.read_bytes()
    return (saved_fidelity(read_yaml(path).data) if is_earlier else None) or SavedFidelity()


def bare_experiment(overrides: Overrides) -> ExperimentConfig:
    """Return a default experiment with the overrides, without personas and tasks."""
    data: dict[str, Any] = {"personas": {}, "tasks": {}, "prompts": dict(TEMPLATES)}
    return _validate(YamlSource("the command line", data), overrides)[0]


def _validate(
    source: YamlSource, overrides: Overrides, context: str | None = None
) -> tuple[ExperimentConfig, YamlSource]:
    if not isinstance(source.data, dict):
        raise source.error((), "an experiment must be a mapping of keys, e.g. `personas: {from: FILE}`")
    if "experiment" in source.data and context == USERS_FILE:
        raise source.error((), f"is a sweep file, for `scai sweep {source.name}`")
    keep_first_defaults(source.data, new=context == USERS_FILE)
    settings = _settings(overrides, source.data.get("model"))
    saved = source.data.get("generate")
    gives_recipe = any(key == "generate.recipe" for _, key, _ in settings) or _gives_recipe(overrides.given.values)
    if context == SAVED_FILE and isinstance(saved, dict) and gives_recipe:
        source.data["generate"] = without_defaults(saved)
    for key, value in overrides.given.values.items():
        at, path = _place(source, overrides.given.place, key)
        _merge(source, at, path, value)
    for option, key, text in settings:
        at, path = _place(source, option, key)
        at[path[-1]] = parse_yaml(text, option, _FREE_PLACES, path).data
    _refuse_replaced_keys(source)
    inline_rating_map(source)
    try:
        return ExperimentConfig.model_validate(source.data, context=context), source
    except ValidationError as error:
        raise explain(error, source, ExperimentConfig) from None


def _gives_recipe(given: Mapping[str, Any]) -> bool:
    section = given.get("generate")
    return "generate.recipe" in given or (isinstance(section, dict) and "recipe" in section)


def _load(path: Path, overrides: Overrides, *, new: bool = True, find: FindEarlier | None = None) -> ExperimentConfig:
    source = read_yaml(path, _FREE_PLACES if new else ())
    config, source = _validate(source, overrides, USERS_FILE if new else SAVED_FILE)
    if new:
        observers: list[CodeName] = [(("observers",), "observer", name) for name in config.observers]
        # Measures are checked with those that the personas of files prefer.
        _check_names((*(code for code in named_code(config) if code[1] != "measure"), *observers), source)
        config = config.with_every_prompt()
    declared = [each.name for each in config.ratings.measures] if new else None
    personas = select(config.personas, Persona, config.seed, source, path.parent, declared)
    tasks = select(config.tasks, Task, config.seed, source, path.parent)
    # Drawn from those that take part, so after them; the checks need to know who is left to make the constitution with.
    resolved = config.model_copy(
        update={
            "personas": config.personas.model_copy(update={"inline": personas, "where": {}, **_RESOLVED}),
            "tasks": config.tasks.model_copy(update={"inline": tasks, **_RESOLVED}),
            "holdout": Holdout(
                personas=_hold_out(config.holdout.personas, personas, config.seed, source),
                tasks=_hold_out(config.holdout.tasks, tasks, config.seed, source),
            ),
        }
    )
    train_personas = [persona.id for persona in resolved.train_personas]
    check_contract(config.constitution.contract, train_personas, source)
    _check_per_epoch(config.personas, len(train_personas), source)
    _check_per_epoch(config.tasks, len(resolved.train_tasks), source)
    if not new:
        return resolved
    start = start_from(config.constitution, resolved.train_personas, source, find)
    if config.revision.clauses == "conditions":
        check_conditions(start, source)
    ratings = check_measures(config, personas, source)
    return resolved.model_copy(update={"constitution": start, "ratings": ratings})


def dump_experiment(config: ExperimentConfig) -> str:
    """Return the resolved experiment as YAML that `load_experiment` reads back to an equal one.

    Settings include their defaults, so that a changed default changes no saved run; personas, tasks and roles do not.
    Raises ConfigError for more than `load_experiment` reads.
    """
    data = config.model_dump(mode="json", by_alias=True)
    brief = config.model_dump(mode="json", by_alias=True, include=_WITHOUT_DEFAULTS, exclude_defaults=True)
    data = {key: brief.get(key) if key in _WITHOUT_DEFAULTS else value for key, value in data.items()}
    data = {key: value for key, value in data.items() if value is not None}
    text = yaml_text(data)
    if len(text) > _CHECKED:
        try:
            check_size(text, "the experiment")
        except ConfigError:
            raise ConfigError("personas, tasks: too many for one run; draw some of them with `sample:`") from None
    return text


def changed_text(path: Path, config: ExperimentConfig) -> str | None:
    """Return the text of a saved experiment as options have changed it; None if they have not.

    The file of an earlier version stays as it is, in the keys of that version.
    """
    text = dump_experiment(config)
    same = path.read_bytes() == text.encode() or dump_experiment(load_resolved(path)) == text
    return None if same else text


def _settings(overrides: Overrides, before: object) -> list[tuple[str, str, str]]:
    """Return the settings of the command line: the option as written, the key, and the value as YAML.

    A provider other than that of `before` (the file's `model`) drops its options and pace, another service also its
    address and key.
    """
    changes = []
    for setting in overrides.settings:
        key, equals, value = setting.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--set {key}: write KEY=VALUE, e.g. --set epochs=5")
        changes.append((f"--set {key.strip()}", key.strip(), value))
    if overrides.model is not None:
        provider, name = parse_model(overrides.model)
        keys = {"model.provider": json.dumps(provider), "model.name": json.dumps(name)}
        keys |= {f"roles.{role}.{key}": "null" for role in MODEL_ROLES for key in ("provider", "name")}
        old = before.get("provider", "simulated") if isinstance(before, dict) else "simulated"
        if provider != old:
            places = ("model", *(f"roles.{role}" for role in MODEL_ROLES))
            lost = (*PACE, *SERVICE_KEYS) if is_other_service(old, provider) else PACE
            dropped = {f"{place}.{key}": "null" for place in places for key in lost}
            dropped |= {"model.options": "{}"} | {f"roles.{role}.options": "null" for role in MODEL_ROLES}
            given = (*(key for _, key, _ in changes), *overrides.given.values)
            kept = {key for key in dropped if any(_overlap(key, other) for other in given)}
            keys |= {key: value for key, value in dropped.items() if key not in kept}
        changes += [("--model", key, value) for key, value in keys.items()]
    if overrides.judge is not None:  # after --model, which is every role's
        provider, name = parse_model(overrides.judge, "--judge")
        keys = {"provider": json.dumps(provider), "name": json.dumps(name)}
        changes += [("--judge", f"roles.judge.{key}", value) for key, value in keys.items()]
    if overrides.seed is not None:
        changes.append(("--seed", "seed", str(overrides.seed)))
    return changes


def _overlap(key: str, given: str) -> bool:
    """Return whether one key is the other or a part of it."""
    return f"{given}.".startswith(f"{key}.") or f"{key}.".startswith(f"{given}.")


def _place(source: YamlSource, option: str, dotted: str) -> tuple[Any, tuple[Key, ...]]:
    """Return the mapping or list in which an option sets a value, made where it is missing, and the value's path."""
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
    path.append(_step(at, last, option))
    source.overridden[tuple(path)] = option
    return at, tuple(path)


def _merge(source: YamlSource, at: Any, path: tuple[Key, ...], value: Any) -> None:
    """Set a given value in a mapping or list; merge a mapping into the one that is there."""
    old = at.get(path[-1]) if isinstance(at, dict) else None
    if not (isinstance(old, dict) and isinstance(value, dict)):
        at[path[-1]] = deepcopy(value)
        return
    for key, part in value.items():
        source.overridden[(*path, key)] = source.overridden[path]
        _merge(source, old, (*path, key), part)


def _step(at: Any, part: str, option: str) -> Key:
    if isinstance(at, dict):
        return part
    if isinstance(at, list) and part.isdecimal() and int(part) < len(at):
        return int(part)
    raise ConfigError(f"{option}: there is nothing at {part!r} to set")


CodeName = tuple[tuple[Key, ...], plugins.Kind, str]
"""A name in an experiment that refers to code: its key, kind and name."""


def named_code(config: ExperimentConfig) -> Iterator[CodeName]:
    """Yield every name in an experiment that refers to code which plays a part in its results."""
    yield ("revision", "strategy"), "strategy", config.revision.strategy
    yield ("revision", "acceptance"), "acceptance", config.revision.acceptance
    yield ("dialogue",), "dialogue", config.dialogue
    for n, each in enumerate(config.ratings.measures):
        yield ("ratings", "measures", n), "measure", each.measure
    for name in preferred(config.ratings, config.personas.inline):
        yield ("personas",), "measure", name
    for role in MODEL_ROLES:
        for kind, name in code_of(config.model_for(role)):
            key = "provider" if kind == "provider" else "name"
            own = getattr(getattr(config.roles, role), key)
            yield ("roles", role, key) if own else ("model", key), kind, name
    with_own = (persona for persona in config.personas.inline if persona.model is not None)
    for kind, name in sorted({code for persona in with_own for code in code_of(config.model_of(persona))}):
        yield ("personas",), kind, name


def _check_names(names: Iterable[CodeName], source: YamlSource) -> None:
    for path, kind, name in names:
        try:
            plugins.resolve(kind, name)
        except ConfigError as error:
            remedy = REPLACED.get(kind, {}).get(name)
            raise source.error(path, f"unknown {kind} {name!r}; {remedy}" if remedy else str(error)) from None


def _refuse_replaced_keys(source: YamlSource) -> None:
    for name in ("", "ratings", "revision"):
        section = source.data.get(name) if name else source.data
        for key in section if isinstance(section, dict) else ():
            if remedy := REPLACED[name].get(key):
                raise source.error((name, key) if name else (key,), f"unknown key; {remedy}")


def _hold_out(wanted: float | tuple[str, ...], group: Sequence[Item], seed: int, source: YamlSource) -> tuple[str, ...]:
    """Return the ids to hold out: the given ones, or a share by a stratified draw."""
    key = plural(type(group[0]))
    known = [item.id for item in group]
    if isinstance(wanted, tuple):
        for n, name in enumerate(wanted):
            if name not in known:
                near = did_you_mean(name, known)
                raise source.error(("holdout", key, n), f"there is no {key[:-1]} {name!r} in this experiment{near}")
        chosen = wanted
    else:
        count = min(len(group) - 1, math.ceil(wanted * len(group))) if wanted else 0
        chosen = tuple(item.id for item in stratified(group, count, f"{seed}/holdout/{key}")) if count else ()
    if len(set(chosen)) >= len(group):
        raise source.error(("holdout", key), f"holds out all {key}; leave some for the epochs")
    held_out = frozenset(chosen)
    return tuple(name for name in known if name in held_out)


def _check_per_epoch(spec: PersonaSource | TaskSource, size: int, source: YamlSource) -> None:
    key = "personas" if isinstance(spec, PersonaSource) else "tasks"
    if spec.per_epoch is not None and spec.per_epoch > size:
        raise source.error((key, "per_epoch"), f"asks for {spec.per_epoch} of {size} {key}; lower it")
