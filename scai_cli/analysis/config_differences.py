"""In which keys the experiments of several runs differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from scai_cli.runs.history.history import History

Differences = dict[str, dict[str, Any]]
"""Dotted key -> run -> value; None where a run has no such key."""

_PEOPLE: Final = ("personas", "tasks")


def config_differences(histories: Mapping[str, History]) -> Differences:
    """The keys whose values are not the same in all runs, in the order of the experiment file.

    People and tasks are told by id: `personas.farmer` where only some runs have that one (True where they have it),
    `personas.farmer.description` where it differs.
    """
    flat = {
        run: dict(_flat(history.config.model_dump(mode="json", by_alias=True))) for run, history in histories.items()
    }
    keys = dict.fromkeys(key for found in flat.values() for key in found)
    return {
        key: {run: found.get(key) for run, found in flat.items()}
        for key in keys
        if _differ([found.get(key) for found in flat.values()]) and not _is_part_of_absent(key, list(flat.values()))
    }


def _differ(values: Sequence[Any]) -> bool:
    return any(value != values[0] for value in values)


def _is_part_of_absent(key: str, configs: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a key says something of a persona or task that not all runs have: that they have not is enough."""
    kind, _, rest = key.partition(".")
    item, _, inner = rest.partition(".")
    return bool(inner) and kind in _PEOPLE and not all(f"{kind}.{item}" in config for config in configs)


def _flat(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        place = f"{above}{key}"
        if isinstance(inner, Mapping) and inner:
            yield from _flat(inner, f"{place}.")
        elif place in {f"{kind}.inline" for kind in _PEOPLE}:
            for item in inner:
                name = f"{place.partition('.')[0]}.{item['id']}"
                yield name, True
                yield from _flat({part: said for part, said in item.items() if part != "id"}, f"{name}.")
        else:
            yield place, inner
