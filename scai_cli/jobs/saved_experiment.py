"""Checks on the saved experiment of a run or generated set before work on it continues."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import reduce
from pathlib import Path
from typing import Any, Final

from scai_cli import plugins
from scai_cli.errors import RunError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.earlier_versions import REPLACED, SavedFidelity
from scai_cli.experiment.load import CodeName, Overrides, earlier_fidelity, load_saved, named_code
from scai_cli.experiment.model_settings import PACE, ModelSettings
from scai_cli.jobs.addresses import refuse_other_address
from scai_cli.runs.file_names import CONFIG

CHANGEABLE: Final = ("limits", "prices", "cache", "max_failures", "force", "observers")
"""The keys of an experiment that may change between sessions, besides those of a model and `max_prompt_tokens`."""

_FIRST_DEFAULTS: Final[Mapping[tuple[str, ...], object]] = {
    ("opening",): "task",
    ("ratings", "cross_raters"): "all",
    ("revision", "strategy"): "rewrite",
    ("revision", "acceptance"): "always",
    ("revision", "clauses"): "people",
    ("revision", "quorum"): 0.66,
}
"""Keys whose default changed -> the first default."""

ADDRESS: Final = ("base_url", "base_url_from", "api_key_env", "timeout_s", "max_response_mb", *PACE)
"""The keys of a model that say where its calls go, when, and how long they may take."""
_REMEDIES: Final = ("max_tokens", "structured", "send_seed", "system_role")
"""The keys of a model that may change between sessions: the requests that follow are made with them.

Not `temperature`, `top_p` or `options`: one set of results has one sampling.
"""


def digests(
    config: ExperimentConfig,
    *,
    of_rows: bool = False,
    with_remedies: bool = False,
    earlier: SavedFidelity | None = None,
) -> dict[str, str]:
    """Return a digest of every key that must not change in a run, or in a generated set.

    `with_remedies`: also of the keys that affect the results and may change on a resume. `earlier`: also of these keys.
    """
    # Without the first defaults, so that neither a new key nor a new default changes a digest.
    changeable = {*CHANGEABLE, "opening"} if of_rows else {*CHANGEABLE, "generate"}
    data = config.model_dump(mode="json", exclude=changeable, exclude_defaults=True)
    data.get("roles", {}).pop("judge", None)
    if of_rows and config.has_judge:
        data["judge"] = config.model_for("judge").model_dump(mode="json", exclude_defaults=True)
    if earlier is not None:
        _add_earlier(data, earlier)
    for (*section, key), default in _FIRST_DEFAULTS.items():
        value: object = reduce(getattr, (*section, key), config)
        part = data.setdefault(section[0], {}) if section else data
        part.pop(key, None)
        if value != default and key not in changeable:
            part[key] = value
    own = (persona.get("model", {}) for persona in data["personas"].get("inline", ()))
    for model in (data.get("model", {}), data.get("judge", {}), *data.get("roles", {}).values(), *own):
        for key in ADDRESS if with_remedies else (*ADDRESS, *_REMEDIES):
            model.pop(key, None)
    if not with_remedies:
        data.get("revision", {}).pop("max_prompt_tokens", None)
        data["roles"] = {role: changes for role, changes in data.get("roles", {}).items() if changes}
    return {key: _digest(value) for key, value in data.items() if value != {}}


def _add_earlier(data: dict[str, Any], earlier: SavedFidelity) -> None:
    """Add the keys as a version before 0.7 counted them: without defaults."""
    if earlier.controls:
        data["controls"] = True
    if earlier.anchors:
        data["ratings"] = {**data.get("ratings", {}), "anchors": earlier.anchors}
    if earlier.judge is not None and not ("judge" in data and earlier.judge_fits):
        data["judge"] = ModelSettings.model_validate(earlier.judge).model_dump(mode="json", exclude_defaults=True)


def changed_keys(began: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the keys of an experiment whose digests differ."""
    return [key for key in {**began, **now} if began.get(key) != now.get(key)]


def refuse_changed(
    kind: str, began: Mapping[str, str], config: ExperimentConfig, file: Path, *, of_rows: bool = False
) -> None:
    """Raise RunError if a digest differs from the first session; `file` is the saved experiment."""
    # Until 0.2 the recorded digests were also of the remedies: there they may not change.
    earlier = earlier_fidelity(file)
    both = [digests(config, of_rows=of_rows, with_remedies=before, earlier=earlier) for before in (False, True)]
    # A revision by what this version has replaced is never continued, so that its keys need not be the same.
    ignored = {"revision"} if any(_replaced(config)) else set()
    if changed := min(([k for k in changed_keys(began, now) if k not in ignored] for now in both), key=len):
        raise RunError(
            f"{kind} {file.parent.name!r} cannot continue: it was started with another value of {', '.join(changed)} "
            f"than {file} and the options have now; undo the change, or start a new {kind.split()[-1]}"
        )


def refuse_without_forms(kind: str, config: ExperimentConfig, version: str, path: Path) -> None:
    """Raise RunError for unfinished work of a version that did not save the forms of answers (0.1, 0.2)."""
    if not any(name.endswith("_form") for name in config.prompts):
        raise RunError(
            f"{kind} {path.name!r} was started by scai {version}, which asked for answers in other forms; "
            f"continue it with that version, or start a new {kind.split()[-1]}"
        )


def refuse_replaced(config: ExperimentConfig, file: Path) -> None:
    """Raise RunError for an unfinished run that needs what earlier versions had; `file` is the saved experiment."""
    run_id = file.parent.name
    if needed := earlier_fidelity(file).needed:
        raise RunError(
            f"run {run_id!r} measures the fidelity of its users ({', '.join(needed)}), which is a suite of "
            "`scai evaluate` in this version; continue it with scai 0.6, or start a new run"
        )
    for _, kind, name in _replaced(config):
        raise RunError(
            f"run {run_id!r} revises by the {kind} {name!r}, which this version does not have; "
            "continue it with scai 0.5, or start a new run"
        )
    if config.revision.strategy == "grounded" and "further_edits" in config.prompts:
        raise RunError(
            f"run {run_id!r} revises a draft in several rounds, which this version does not do; continue it with scai "
            "0.5, or start a new run"
        )


def refuse_lost_judge(file: Path) -> None:
    """Raise RunError for an unfinished set whose judge `roles.judge` cannot describe."""
    if not earlier_fidelity(file).judge_fits:
        raise RunError(
            f"generated set {file.parent.name!r} has a judge without some keys that `model` has, which `roles.judge` "
            "cannot unset; continue it with scai 0.6, or start a new set"
        )


def _replaced(config: ExperimentConfig) -> Iterator[CodeName]:
    return (code for code in named_code(config) if code[2] in REPLACED.get(code[1], {}))


def load_run(path: Path, overrides: Overrides, *, trust: bool) -> ExperimentConfig:
    """Read the experiment of a run; raises RunError if it names third-party code that is not trusted."""
    config = load_saved(path / CONFIG, overrides)
    refuse_foreign_code(config, path.name, trust=trust)
    refuse_other_address((model for _, model in config.models()), overrides)
    return config


def load_source(path: Path, overrides: Overrides, *, trust: bool) -> ExperimentConfig:
    """Read the experiment of a run for rows or an evaluation, as `load_run` does, without the run's observers."""
    config = load_run(path, overrides, trust=trust)
    if not _sets_observers(overrides):
        config = config.model_copy(update={"observers": ()})
    names_judge = any(setting.startswith("roles.judge") for setting in overrides.settings)
    # A judge that `roles.judge` cannot describe would get a key or a temperature that it did not have.
    return config if names_judge or earlier_fidelity(path / CONFIG).judge_fits else config.without_judge


def refuse_foreign_code(config: ExperimentConfig, run_id: str, *, trust: bool) -> None:
    """Raise RunError if a saved experiment names third-party code that is not trusted."""
    replaced = set(_replaced(config))
    for code in () if trust else named_code(config):
        _, kind, name = code
        if code not in replaced and plugins.is_foreign(kind, name):
            raise RunError(f"run {run_id!r} names third-party code, {kind} {name!r}; add --trust to load it")


def refuse_foreign_observers(config: ExperimentConfig, overrides: Overrides, run_id: str, *, trust: bool) -> None:
    """Raise RunError if a saved experiment names an observer that is not trusted; one in the overrides is."""
    for name in () if trust or _sets_observers(overrides) else config.observers:
        raise RunError(
            f"run {run_id!r} names third-party code, observer {name!r}; add --trust to load it, or continue without "
            "it: --set observers=[]"
        )


def _sets_observers(overrides: Overrides) -> bool:
    return any(setting.partition("=")[0].strip() == "observers" for setting in overrides.settings)


def _digest(value: object) -> str:
    data = json.dumps(value, sort_keys=True).encode("utf-8", "replace")
    return hashlib.blake2b(data, digest_size=8).hexdigest()
