"""The differences between the experiments of several runs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from scai_cli.runs.history.history import History

Differences = dict[str, dict[str, Any]]
"""Dotted key -> run -> value; None for a run without the key."""

Members = dict[str, dict[str, list[str]]]
"""`personas` or `tasks` -> id -> the runs that have it."""

_KINDS: Final = ("personas", "tasks")


def config_differences(histories: Mapping[str, History]) -> Differences:
    """Return the keys whose values are not the same in all runs, in the order of the experiment file.

    Personas and tasks are keys by id: `personas.farmer` (True for the runs that have it) if only some runs have it,
    else `personas.farmer.description` if that differs.
    """
    configs = {run: dict(_flat(_settings(history))) for run, history in histories.items()}
    first = next(iter(configs.values()))
    keys = dict.fromkeys(key for config in configs.values() for key in config)
    return {
        key: {run: config.get(key) for run, config in configs.items()}
        for key in keys
        if any(config.get(key) != first.get(key) for config in configs.values())
        and not _is_part_of_absent(key, list(configs.values()))
    }


def _settings(history: History) -> dict[str, Any]:
    config = history.config
    settings = config.model_dump(mode="json", by_alias=True)
    if config.constitution.source is not None:  # its label stands for the constitution that the run has copied
        start = {key: value for key, value in settings["constitution"].items() if key not in ("earlier", "earlier_run")}
        settings["constitution"] = {**start, "from": config.constitution.label}
    # A config leaves out `generate` while it is the default; here its keys are compared one by one.
    return {**settings, "generate": config.generate.model_dump(mode="json")}


def split_members(differences: Differences) -> tuple[Differences, Members]:
    """Separate the settings from personas and tasks that some runs lack."""
    settings: Differences = {}
    members: Members = {}
    for key, values in differences.items():
        kind, _, item = key.partition(".")
        if kind in _KINDS and "." not in item and all(value is True or value is None for value in values.values()):
            members.setdefault(kind, {})[item] = [run for run, present in values.items() if present]
        else:
            settings[key] = values
    return settings, members


def _is_part_of_absent(key: str, configs: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a key is of a persona or task that some runs lack, which the id's own key shows already."""
    kind, _, rest = key.partition(".")
    item, _, inner = rest.partition(".")
    return bool(inner) and kind in _KINDS and not all(f"{kind}.{item}" in config for config in configs)


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        key = f"{prefix}{name}"
        if isinstance(inner, Mapping):
            yield from _flat(inner, f"{key}.")
        elif key in {f"{kind}.inline" for kind in _KINDS}:
            for item in inner:
                member = f"{key.partition('.')[0]}.{item['id']}"
                yield member, True
                yield from _flat({field: text for field, text in item.items() if field != "id"}, f"{member}.")
        else:
            yield key, inner
