"""Warnings about an experiment: settings without effect, tastes from the seed, a model that rates itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel

from scai_cli import plugins
from scai_cli.experiment.config import ExperimentConfig, PersonaSource, TaskSource


@dataclass(frozen=True, slots=True)
class _Setting:
    """A key of the experiment, the condition for its effect, the reason without it, and a remedy besides removal."""

    key: str
    has_effect: Callable[[ExperimentConfig], bool]
    why: str
    remedy: str


def config_warnings(config: ExperimentConfig) -> list[str]:
    """Return a line for each setting without effect, for tastes drawn from the seed, for a model that rates itself."""
    return [*idle_settings(config), *seed_dependence(config), *self_rating(config)]


def self_rating(config: ExperimentConfig) -> list[str]:
    """Return a line if the assistant and some of its raters are one model; nothing for the simulated society."""
    model = config.model_for("assistant")
    raters = {(rater.provider, rater.name, rater.base_url) for rater in map(config.model_of, config.personas.inline)}
    if model.provider == "simulated" or (model.provider, model.name, model.base_url) not in raters:
        return []
    which = f"the assistant and the users are one model ({model.label}), which rates its own answers"
    return [f"{which}; set another model in roles.user.name"]


def idle_settings(config: ExperimentConfig) -> list[str]:
    """Return a line for each setting that differs from its default and has no effect: key, condition, remedy."""
    settings = (setting for setting in _SETTINGS if _is_set(config, setting.key))
    return [f"{s.key} has no effect: {s.why}; remove it, or {s.remedy}" for s in settings if not s.has_effect(config)]


def seed_dependence(config: ExperimentConfig) -> list[str]:
    """Return a line if simulated people have no preferences; nothing if all have some."""
    simulated = [p for p in config.personas.inline if not p.human and config.model_of(p).provider == "simulated"]
    bare = sum(not persona.preferences for persona in simulated)
    if not bare:
        return []
    return [
        f"{bare} of {len(simulated)} simulated people have no `preferences`: what their descriptions leave open is "
        "drawn from the seed, so another seed may lead to another constitution; give them `preferences:`, or compare "
        "runs with several seeds"
    ]


def welfare_decides(config: ExperimentConfig) -> bool:
    """Return whether the declared welfare affects the adopted constitution; third-party code may use it."""
    return config.revision.best_so_far or config.revision.acceptance not in ("always", "vote")


def _accepts_by(*names: str) -> Callable[[ExperimentConfig], bool]:
    """Return a test for these acceptance rules, or third-party ones, which may read any key."""
    return lambda config: (name := config.revision.acceptance) in names or plugins.is_foreign("acceptance", name)


def _proposes_by(*names: str) -> Callable[[ExperimentConfig], bool]:
    """Return a test for these strategies, or third-party ones, alone or behind `candidates`."""

    def has_effect(config: ExperimentConfig) -> bool:
        revision = config.revision
        asked = {revision.strategy, *(revision.bases if revision.strategy == "candidates" else ())}
        return any(name in names or plugins.is_foreign("strategy", name) for name in asked)

    return has_effect


def _rates_others(config: ExperimentConfig) -> bool:
    return config.ratings.cross_raters != 0 and len(config.personas.inline) > 1


def _has_simulated_people(config: ExperimentConfig) -> bool:
    return not all(persona.human for persona in config.personas.inline)


def _draws(spec: PersonaSource | TaskSource, count: int) -> bool:
    return spec.per_epoch is None or spec.per_epoch < count


def _proposal(key: str, strategy: str) -> _Setting:
    only = f"only the strategy {strategy} reads it"
    return _Setting(f"revision.{key}", _proposes_by(strategy), only, f"set revision.strategy={strategy}")


def _decision(key: str, *rules: str) -> _Setting:
    named = " or ".join(rules)
    only = f"only the acceptance rules {' and '.join(rules)} read it"
    return _Setting(f"revision.{key}", _accepts_by(*rules), only, f"set revision.acceptance={named}")


_OTHERS: Final = "nobody rates the answers to others (ratings.cross_raters is 0, or there is one person)"
_ALL: Final = "there are no more than that, and all take part"
_NO_PERSON: Final = "all people are real, and it is about simulated ones"

_SETTINGS: Final = (
    _Setting(
        "welfare",
        welfare_decides,
        "it decides nothing under the acceptance rules `always` and `vote`",
        "set revision.acceptance=improves or both, or revision.best_so_far=true",
    ),
    _proposal("quorum", "grounded"),
    _proposal("rounds", "grounded"),
    _proposal("base", "candidates"),
    _proposal("candidates", "candidates"),
    _proposal("memory", "reflect"),
    _proposal("satisfied", "reflect"),
    _decision("margin", "improves", "both"),
    _decision("rule", "vote", "both"),
    _Setting("ratings.cross_weight", _rates_others, _OTHERS, "raise ratings.cross_raters"),
    _Setting("ratings.cross", _rates_others, _OTHERS, "raise ratings.cross_raters"),
    _Setting(
        "ratings.cross_raters",
        lambda config: isinstance(n := config.ratings.cross_raters, str) or n < len(config.personas.inline) - 1,
        "all of the others rate already",
        "lower it",
    ),
    _Setting("personas.per_epoch", lambda c: _draws(c.personas, len(c.train_personas)), _ALL, "lower it"),
    _Setting("tasks.per_epoch", lambda c: _draws(c.tasks, len(c.train_tasks)), _ALL, "lower it"),
    _Setting("controls", _has_simulated_people, _NO_PERSON, "add simulated people"),
    _Setting("judge", _has_simulated_people, _NO_PERSON, "add simulated people"),
)


def _is_set(config: ExperimentConfig, key: str) -> bool:
    """Return whether a key's value differs from its default."""
    section, _, name = key.rpartition(".")
    holder: BaseModel = getattr(config, section) if section else config
    return bool(getattr(holder, name) != type(holder).model_fields[name].get_default(call_default_factory=True))
