"""The experiment that a run or a generated set was begun with, when work on it continues."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from scai_cli import plugins
from scai_cli.errors import RunError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import CodeName
from scai_cli.runs.locked_folder import LockedFolder

CHANGEABLE: Final = ("limits", "prices", "cache", "max_failures")
"""The keys of an experiment that may change between sessions: they do not decide what happens in a run."""

_ADDRESS: Final = ("base_url", "api_key_env", "timeout_s")
"""The keys of a model that may change likewise."""


def digests(config: ExperimentConfig, *, of_rows: bool = False) -> dict[str, str]:
    """Return a digest of every key that decides what happens in a run, or what the rows of a generated set hold."""
    # Without defaults, so that a new key changes no digest.
    changeable = {*CHANGEABLE} if of_rows else {*CHANGEABLE, "generate"}
    data = config.model_dump(mode="json", exclude=changeable, exclude_defaults=True)
    own = (persona.get("model", {}) for persona in data["personas"].get("inline", ()))
    for model in (data.get("model", {}), data.get("judge", {}), *data.get("roles", {}).values(), *own):
        for key in _ADDRESS:
            model.pop(key, None)
    return {key: _digest(value) for key, value in data.items() if value != {}}


def changed_keys(began: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the keys of an experiment whose digests are not those that the work began with."""
    return [key for key in {**began, **now} if began.get(key) != now.get(key)]


def refuse_changed(kind: str, began: Mapping[str, str], now: Mapping[str, str], file: Path) -> None:
    """Raise RunError where the digests of an experiment are not those that the work began with; `file` holds it."""
    if changed := changed_keys(began, now):
        raise RunError(
            f"{kind} {file.parent.name!r} cannot go on: it began with other {', '.join(changed)} than {file} and the "
            f"options say now; undo the change, or begin a new {kind.split()[-1]}"
        )


def refuse_foreign_code(names: Iterable[CodeName], run_id: str) -> None:
    """Raise RunError where one of the names in a saved experiment (`named_code`) is code that is not scai's."""
    for _, kind, name in names:
        if plugins.is_foreign(kind, name):
            raise RunError(f"run {run_id!r} names code that is not scai's own, {kind} {name!r}; --trust loads it")


def keep_changes(folder: LockedFolder, file: str, experiment: str) -> None:
    """Save what the options have changed; an unchanged file keeps its date, by which runs are listed."""
    if (folder.path / file).read_bytes() != experiment.encode():
        folder.write_text(file, experiment)


def _digest(value: object) -> str:
    data = json.dumps(value, sort_keys=True).encode("utf-8", "replace")
    return hashlib.blake2b(data, digest_size=8).hexdigest()
