"""Warnings about an experiment: settings and stances without effect, tastes from the seed, self-rating, batches."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from pydantic import BaseModel

from scai_cli import plugins
from scai_cli.experiment.config import ROLES, ExperimentConfig, PersonaSource, TaskSource
from scai_cli.experiment.personas import Persona
from scai_cli.messages import AgentRole
from scai_cli.simulation.dialogue_lines import lines_of, steps_of
from scai_cli.simulation.groups import dev_people
from scai_cli.text.characters import one_line
from scai_cli.text.counts import counted
from scai_cli.text.data_files import read_data_file

_TEXTS: Final = read_data_file(__file__)
_SHOWN_KEYS: Final = 3


def config_warnings(config: ExperimentConfig) -> list[str]:
    """Return a line for each reason to think again before a run."""
    return [
        *idle_settings(config),
        *seed_dependence(config),
        *idle_stances(config),
        *self_rating(config),
        *foreign_calibration(config),
        *batch_rounds(config),
    ]


def batch_rounds(config: ExperimentConfig) -> list[str]:
    """Return a line with the number of batches that a run waits for one after the other, if it has any."""
    if not any(config.model_for(role).batch for role in ROLES):
        return []
    steps = steps_of(lines_of(config)) + Counter[AgentRole]({"meta": 1, "user": int(_rates_others(config))})
    rounds = config.epochs * sum(count for role, count in steps.items() if config.model_for(role).batch)
    waits = f"waits for at least {counted(rounds, 'batch', 'batches')} in a row, each for up to a day"
    if any(config.model_for(role).batch == "file" for role in ROLES):
        waits = f"stops at least {counted(rounds, 'time')}, each time until you have answered its files"
    return [
        f"model.batch: the calls of a run depend on each other, so it {waits}; "
        "batches suit `scai generate`, `evaluate` and `explain` better"
    ]


def self_rating(config: ExperimentConfig) -> list[str]:
    """Return a line if the assistant and some of its raters are one model; nothing for the simulated society."""
    model = config.model_for("assistant")
    raters = {(rater.provider, rater.name, rater.base_url) for rater in map(config.rater_of, config.personas.inline)}
    if model.provider == "simulated" or (model.provider, model.name, model.base_url) not in raters:
        return []
    who, key = ("rater", "rater") if config.has_rater else ("users", "user")
    which = f"the assistant and the {who} are one model ({model.label}), which rates its own answers"
    return [f"{which}; set another model in roles.{key}.name"]


def foreign_calibration(config: ExperimentConfig) -> list[str]:
    """Return a line if ratings are calibrated for another model than the users'."""
    found, models = config.ratings.calibration, {config.rater_of(person).label for person in config.personas.inline}
    if found is None or models <= {found.model}:
        return []
    others = ", ".join(sorted(models - {found.model}))
    return [f"ratings.calibration: was measured with the users' model {found.model}, not with {others}; measure again"]


def idle_settings(config: ExperimentConfig) -> list[str]:
    """Return a line for each setting that differs from its default and has no effect: key, condition, remedy."""
    idle = (key for key, has_effect in _EFFECTS.items() if _is_set(config, key) and not has_effect(config))
    return [_TEXTS["idle"].format(key=key, **_TEXTS["settings"][key]) for key in idle]


def axis_warnings(axes: Sequence[str], configs: Sequence[ExperimentConfig]) -> list[str]:
    """Return a line for each axis of a sweep without effect in all of its experiments, or that changes the raters."""
    idle = [key for key in axes if key in _EFFECTS and not any(map(_EFFECTS[key], configs))]
    rating = [key for key in axes if key not in idle and f"{key}.".startswith(("ratings.", "model.", "roles.user."))]
    return [
        *(_TEXTS["idle"].format(key=f"axis {key}", **_TEXTS["settings"][key]) for key in idle),
        *(_TEXTS["rating_axis"].format(key=key) for key in rating),
    ]


def seed_dependence(config: ExperimentConfig) -> list[str]:
    """Return a line if simulated people have no preferences; nothing if all have some, or play by a policy."""
    if config.dialogue == "ultimatum":
        return []
    simulated = [p for p in config.personas.inline if not p.human and config.model_of(p).provider == "simulated"]
    bare = sum(not persona.preferences for persona in simulated)
    if not bare:
        return []
    return [
        f"what the descriptions of {bare} of {len(simulated)} simulated people leave open is made up at random (from "
        "the seed), so another seed may lead to another constitution; give them `preferences:`, or compare runs with "
        "several seeds"
    ]


def idle_stances(config: ExperimentConfig) -> list[str]:
    """Return a line for each source of personas whose stances are all about other tasks: number, keys, remedy."""
    places = {place for task in config.tasks.inline for place in (task.id, task.topic)}
    by_source: defaultdict[str, list[Persona]] = defaultdict(list)
    for persona in config.personas.inline:
        if persona.stances:
            by_source[persona.source.name].append(persona)
    lines = []
    for people in by_source.values():
        keys = Counter(key for persona in people for key in persona.stances)
        if not keys.keys() & places:
            named = ", ".join(f"“{one_line(key, 40)}”" for key, _ in keys.most_common(_SHOWN_KEYS))
            more = f" and {len(keys) - _SHOWN_KEYS} more" if len(keys) > _SHOWN_KEYS else ""
            values = {"stances": counted(keys.total(), "stance"), "people": counted(len(people), "person", "people")}
            lines.append(_TEXTS["idle_stances"].format(**values, keys=named + more))
    return lines


def welfare_decides(config: ExperimentConfig) -> bool:
    """Return whether the declared welfare affects the adopted constitution; third-party code may use it."""
    acceptance = config.revision.acceptance
    if acceptance == "ratify":
        return config.revision.best_so_far or bool(dev_people(config))
    return config.revision.best_so_far or acceptance != "always"


def _accepts_by(*names: str) -> Callable[[ExperimentConfig], bool]:
    """Return a test for these acceptance rules, or third-party ones, which may read any key."""
    return lambda config: (name := config.revision.acceptance) in names or plugins.is_foreign("acceptance", name)


def _proposes_by(*names: str) -> Callable[[ExperimentConfig], bool]:
    """Return a test for these strategies, or third-party ones."""
    return lambda config: (name := config.revision.strategy) in names or plugins.is_foreign("strategy", name)


def _has_quorum(config: ExperimentConfig) -> bool:
    return _accepts_by("ratify")(config) or _proposes_by("grounded")(config)


def _rates_others(config: ExperimentConfig) -> bool:
    return config.ratings.cross_raters != 0 and len(config.personas.inline) > 1


def _draws(spec: PersonaSource | TaskSource, count: int) -> bool:
    return spec.per_epoch is None or spec.per_epoch < count


_EFFECTS: Final[Mapping[str, Callable[[ExperimentConfig], bool]]] = {
    "welfare": welfare_decides,
    "revision.quorum": _has_quorum,
    "revision.memory": _proposes_by("rewrite"),
    "revision.margin": _accepts_by("improves"),
    "ratings.cross_weight": _rates_others,
    "ratings.cross": _rates_others,
    "ratings.cross_raters": lambda c: isinstance(n := c.ratings.cross_raters, str) or n < len(c.personas.inline) - 1,
    "personas.per_epoch": lambda c: _draws(c.personas, len(c.train_personas)),
    "tasks.per_epoch": lambda c: _draws(c.tasks, len(c.train_tasks)),
}
"""Key of the experiment -> whether it has an effect."""


def _is_set(config: ExperimentConfig, key: str) -> bool:
    """Return whether a key's value differs from its default."""
    section, _, name = key.rpartition(".")
    holder: BaseModel = getattr(config, section) if section else config
    return bool(getattr(holder, name) != type(holder).model_fields[name].get_default(call_default_factory=True))
