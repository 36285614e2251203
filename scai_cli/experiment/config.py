"""The schema of the experiment file: its keys with defaults; docs/reference prints the docstrings of the fields."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, field_validator

from scai_cli.experiment.constitution_start import ConstitutionStart
from scai_cli.experiment.earlier_versions import REPLACED, is_before_ballots
from scai_cli.experiment.generate_settings import GenerateSettings
from scai_cli.experiment.model_settings import ModelChanges, ModelSettings, Roles, overlay
from scai_cli.experiment.personas import HUMAN, Persona
from scai_cli.experiment.rating_settings import Ratings
from scai_cli.experiment.revision_settings import Count, Fraction, Revision
from scai_cli.experiment.scalars import AnyScalar, composed, values_of
from scai_cli.experiment.tasks import Task
from scai_cli.messages import AgentRole, Usage
from scai_cli.prompts.templates import EVERY, OF_DIALOGUES, TEMPLATES, places
from scai_cli.social_choice.welfare import parse as parse_welfare
from scai_cli.stats.intervals import Estimand, estimand
from scai_cli.text.suggestions import did_you_mean
from scai_cli.values import SafeId, Split, Text, Value

ROLES: tuple[AgentRole, ...] = ("assistant", "user", "meta")
ModelRole = AgentRole | Literal["judge", "rater"]
MODEL_ROLES: tuple[ModelRole, ...] = (*ROLES, "judge", "rater")


ASSIST: Final = "assist"
"""The dialogue of all runs before 0.13."""


class PersonaSource(Value):
    """The personas that take part, from files or written here."""

    model_config = ConfigDict(populate_by_name=True)

    files: Annotated[str | tuple[str, ...], Field(alias="from")] = ()
    """One or more persona files (YAML or JSONL), relative to the experiment file."""
    inline: tuple[Persona, ...] = ()
    """Personas written in the experiment file itself."""
    split: Split | None = None
    """Use only personas of this split; all if null."""
    where: Mapping[str, AnyScalar | tuple[AnyScalar, ...]] = {}
    """Use only personas with these attributes, as they are written, e.g. `{country: [Kenya, NO], gender: woman}`."""
    sample: Count | None = None
    """Take this many, drawn with the seed; all if null."""
    per_epoch: Count | None = None
    """Use this many in each epoch, drawn with the seed; all if null."""

    def wants(self, persona: Persona) -> bool:
        """Return whether a persona has the wanted split and attributes."""
        if self.split is not None and persona.split != self.split:
            return False
        return all(
            key in persona.attributes and composed(persona.attributes[key]) in values_of(wanted)
            for key, wanted in self.where.items()
        )


class TaskSource(Value):
    """The tasks of the conversations, from files or written here."""

    model_config = ConfigDict(populate_by_name=True)

    files: Annotated[str | tuple[str, ...], Field(alias="from")] = ()
    """One or more task files (YAML, JSONL or a JSON list), relative to the experiment file."""
    inline: tuple[Task, ...] = ()
    """Tasks written in the experiment file itself."""
    split: Split | None = None
    """Use only tasks of this split; all if null."""
    sample: Count | None = None
    """Take this many, drawn with the seed; all if null."""
    per_epoch: Count | None = None
    """Use this many tasks in each epoch, drawn with the seed; all if null."""

    def wants(self, task: Task) -> bool:
        """Return whether a task has the wanted split."""
        return self.split in (None, task.split)


class Holdout(Value):
    """The personas and tasks held out, on which the first and the last constitution are compared."""

    personas: Annotated[float, Field(ge=0, lt=1)] | tuple[str, ...] = 0
    """The share of the personas to hold out, drawn with the seed and stratified by their attributes; or their ids."""
    tasks: Annotated[float, Field(ge=0, lt=1)] | tuple[str, ...] = 0
    """The share of the tasks to hold out, drawn with the seed and stratified by topic; or their ids."""


class PriceConfig(Value):
    """The price of a model, in US dollars per million tokens."""

    input: Annotated[float, Field(ge=0)]
    """The price of a million input tokens."""
    output: Annotated[float, Field(ge=0)]
    """The price of a million output tokens."""
    cached_input: Annotated[float, Field(ge=0)] | None = None
    """The price of a million input tokens that the endpoint's cache serves; null means the price of other input."""

    def cost(self, usage: Usage) -> float:
        """Return the cost of the tokens in US dollars."""
        cached = self.input if self.cached_input is None else self.cached_input
        new = usage.input_tokens - usage.cached_tokens
        return (new * self.input + usage.cached_tokens * cached + usage.output_tokens * self.output) / 1e6


BATCHED_AT_ONCE: Final = 12_500
"""The calls in progress with batches: with two rows for each, they fill half of the largest batch of 50,000."""


class LimitsConfig(Value):
    """Limits on the use of a run and on the load of an endpoint; null means no limit."""

    calls: Count | None = None
    """The maximal number of model calls."""
    tokens: Count | None = None
    """The maximal number of tokens, input plus output."""
    usd: Annotated[float, Field(gt=0)] | None = None
    """The maximal cost in US dollars; needs a known price for every model."""
    seconds: Annotated[float, Field(gt=0)] | None = None
    """The maximal wall time in seconds, over all sessions of a run."""
    concurrency: Count = 32
    """The maximal number of concurrent calls to one endpoint."""
    requests_per_minute: Annotated[float, Field(gt=0)] | None = None
    """The maximal number of requests per minute to one endpoint."""
    tokens_per_minute: Annotated[float, Field(gt=0)] | None = None
    """The maximal number of tokens per minute to one endpoint."""
    max_retries: Annotated[int, Field(ge=0, le=50)] = 6
    """The number of retries of a call after a temporary error."""


class ExperimentConfig(Value):
    """One experiment; only `personas` and `tasks` have no default."""

    name: SafeId = "experiment"
    """The name of the experiment; the run's id starts with it."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """The seed of all random draws."""
    epochs: Count = 3
    """The number of epochs: rounds of conversations, ratings and one revision."""
    turns: Annotated[int, Field(ge=1, le=1000)] = 2
    """The number of [assistant, user] exchanges in a conversation."""
    # Left out of what is printed and saved while it is the default: older runs do not have it.
    dialogue: Annotated[str, Field(exclude_if=lambda name: name == ASSIST)] = ASSIST
    """Who speaks when: `assist`: the user asks, then comments and rates; `talk` or `talk_as_user`: the user only talks,
    and a call at the end asks for the rating; `ultimatum`: a game; or `module:attribute`."""
    opening: Literal["task", "own_words"] = "own_words"
    """The first message: the task's text, or its content in the persona's own words; runs before 0.5 have the text."""
    personas: PersonaSource
    """The personas: `{from: FILE or [FILES], sample, per_epoch}`, a file name, or a list of personas."""
    tasks: TaskSource
    """The tasks: `{from: FILE or [FILES], sample, per_epoch}`, a file name, or a list of tasks."""
    model: ModelSettings = ModelSettings()
    """The model for all roles."""
    roles: Roles = Roles()
    """Keys that override `model` for the assistant, the users, the meta-prompt, the judge or the rater."""
    ratings: Ratings = Ratings()
    """The qualities that users rate, and their weights."""
    constitution: ConstitutionStart = ConstitutionStart()
    """The first version of the constitution, and the limits on its size."""
    revision: Revision = Revision()
    """How a new constitution is proposed and adopted."""
    welfare: str | Mapping[str, Mapping[str, float]] = "utilitarian"
    """The declared welfare function, e.g. rawlsian or atkinson(epsilon=2)."""
    holdout: Holdout = Holdout()
    """Personas and tasks held out for the comparison at the end."""
    # Left out of what is printed and saved while it is the default: runs of 0.1 do not have it.
    generate: GenerateSettings = Field(default=GenerateSettings(), exclude_if=lambda value: value == GenerateSettings())
    """The rows of `scai generate`; no effect on a run."""
    limits: LimitsConfig = LimitsConfig()
    """Limits on calls, tokens, money, time and concurrency."""
    cache: bool = False
    """Whether answers are stored and reused across runs, in `$SCAI_CACHE` or `~/.cache/scai/cache.sqlite3`."""
    prices: Mapping[str, PriceConfig] = {}
    """Prices of models that the built-in table lacks: model -> `{input, output}`."""
    # Left out of what is printed and saved while empty: older runs do not have it.
    observers: Annotated[tuple[str, ...], Field(exclude_if=operator.not_)] = ()
    """What watches runs, sets and evaluations, e.g. to log to wandb: `[module:class]`; changes no result."""
    max_failures: Fraction = 0
    """The share of an epoch's conversations (or rows) that may fail and stay missing; refused prompts do not count."""
    # Left out of what is printed and saved while false: older runs do not have it.
    force: bool | Literal["all"] = Field(default=False, exclude_if=operator.not_)
    """Continue although raters fail the rater check (`true`), also if ratings or revisions cannot be read (`all`)."""
    format_retries: Annotated[int, Field(ge=0, le=10)] = 2
    """The number of retries when a model's answer has the wrong form."""
    prompts: Mapping[str, Text] = {}
    """Your own wording of prompts, by name; `scai check --prompts` shows all prompts."""

    @field_validator("personas", "tasks", mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"from": value}
        return {"inline": value} if isinstance(value, list) else value

    @field_validator("prompts")
    @classmethod
    def _known_prompts(cls, prompts: Mapping[str, str]) -> Mapping[str, str]:
        gone = REPLACED["prompts"]
        for name, text in prompts.items():
            if name in gone and is_before_ballots(prompts):
                continue
            if name not in EVERY:
                remedy = f"; {gone[name]}" if name in gone else did_you_mean(name, EVERY)
                raise ValueError(f"unknown prompt {name!r}{remedy}")
            if unknown := sorted(places(text) - places(EVERY[name])):
                near = did_you_mean(unknown[0], places(EVERY[name]))
                raise ValueError(f"the prompt {name!r} knows no {{{{{unknown[0]}}}}}{near}")
        return prompts

    @field_validator("welfare")
    @classmethod
    def _known_welfare(cls, spec: str | Mapping[str, Mapping[str, float]]) -> str | Mapping[str, Mapping[str, float]]:
        parse_welfare(spec)
        return spec

    def with_every_prompt(self) -> ExperimentConfig:
        """Return the experiment with the wording of every prompt it may need, so that a saved one does not change."""
        own = OF_DIALOGUES.get(self.dialogue, {})
        return self.model_copy(update={"prompts": {**TEMPLATES, **own, **self.prompts}})

    @property
    def without_real_people(self) -> ExperimentConfig:
        """The experiment for work in which no user is asked: real people count as simulated ones."""
        played = tuple(persona.model_copy(update={"human": False}) for persona in self.personas.inline)
        return self.model_copy(update={"personas": self.personas.model_copy(update={"inline": played})})

    @property
    def train_personas(self) -> tuple[Persona, ...]:
        """The personas of the epochs: all except those held out."""
        held_out = _ids(self.holdout.personas)
        return tuple(persona for persona in self.personas.inline if persona.id not in held_out)

    @property
    def train_tasks(self) -> tuple[Task, ...]:
        """The tasks of the epochs: all except those held out."""
        held_out = _ids(self.holdout.tasks)
        return tuple(task for task in self.tasks.inline if task.id not in held_out)

    @property
    def held_out(self) -> tuple[tuple[Persona, ...], tuple[Task, ...]]:
        """The personas and tasks of the comparison: all of a kind if none of it is held out, none if nothing is."""
        persona_ids, task_ids = _ids(self.holdout.personas), _ids(self.holdout.tasks)
        personas = tuple(persona for persona in self.personas.inline if persona.id in persona_ids)
        tasks = tuple(task for task in self.tasks.inline if task.id in task_ids)
        return (personas or self.personas.inline, tasks or self.tasks.inline) if personas or tasks else ((), ())

    @property
    def holdout_estimand(self) -> Estimand:
        """For whom the comparison of the held-out people and tasks is valid."""
        people, tasks = (bool(_ids(kind)) for kind in (self.holdout.personas, self.holdout.tasks))
        return estimand(new_people=people, new_tasks=tasks, tasks=len(self.held_out[1]))

    @property
    def has_judge(self) -> bool:
        """Whether a model of its own judges; without one the assistant's does."""
        return self.roles.judge != ModelChanges()

    @property
    def has_rater(self) -> bool:
        """Whether a model of its own rates in the place of the simulated people; without one theirs do."""
        return self.roles.rater != ModelChanges()

    @property
    def without_judge(self) -> ExperimentConfig:
        """The experiment for a run, which has nothing to judge."""
        return self.model_copy(update={"roles": self.roles.model_copy(update={"judge": ModelChanges()})})

    @property
    def asked_directly(self) -> ExperimentConfig:
        """The experiment without batches, for work that needs its answers at once."""
        roles: dict[str, ModelChanges] = {
            role: getattr(self.roles, role).model_copy(update={"batch": None}) for role in MODEL_ROLES
        }
        people = [
            persona.model_copy(update={"model": persona.model and persona.model.model_copy(update={"batch": None})})
            for persona in self.personas.inline
        ]
        changes = {
            "model": self.model.model_copy(update={"batch": None}),
            "roles": self.roles.model_copy(update=roles),
            "personas": self.personas.model_copy(update={"inline": tuple(people)}),
        }
        return self.model_copy(update=changes)

    def model_for(self, role: ModelRole) -> ModelSettings:
        """Return the model of a role: `model` with the keys in `roles`."""
        role = "assistant" if role == "judge" and not self.has_judge else role
        role = "user" if role == "rater" and not self.has_rater else role
        return overlay(self.model, getattr(self.roles, role))

    def model_of(self, persona: Persona) -> ModelSettings:
        """Return the model of a persona: the users' with the persona's keys; for a real person the provider `human`."""
        if persona.human:
            return ModelSettings(provider=HUMAN, send_seed=False, options={"called": persona.called})
        return overlay(self.model_for("user"), persona.model)

    def rater_of(self, persona: Persona) -> ModelSettings:
        """Return the model that rates in the place of a persona."""
        return self.model_for("rater") if self.has_rater and not persona.human else self.model_of(persona)

    @property
    def raters(self) -> list[ModelSettings]:
        """The models that may rate: the rater's, or the users' and the personas' own; real people among them."""
        if not self.has_rater:
            return [model for role, model in self.models() if role == "user"]
        return [self.model_for("rater"), *(self.model_of(p) for p in self.personas.inline if p.human)]

    def models(self) -> Iterator[tuple[AgentRole, ModelSettings]]:
        """Yield every (role, model): the roles' models, the personas' own, then the rater and the judge."""
        yield from ((role, self.model_for(role)) for role in ROLES)
        yield from (("user", self.model_of(persona)) for persona in self.personas.inline if persona.has_own_agent)
        if self.has_rater:
            yield "user", self.model_for("rater")
        if self.has_judge:
            yield "meta", self.model_for("judge")

    @property
    def calls_at_once(self) -> int:
        """The largest number of concurrent calls to one endpoint."""
        return calls_at_once(self.limits, (model for _, model in self.models()))

    def place_of(self, model: ModelSettings, key: Literal["endpoint", "batch"] = "endpoint") -> str:
        """Return the key that gives a model its endpoint or batch: `model`, `roles.user` or `personas.ann.model`."""
        own = {f"personas.{persona.id}.model": self.model_of(persona) for persona in self.personas.inline}
        roles = {f"roles.{role}": self.model_for(role) for role in MODEL_ROLES}
        places = {"model": self.model, **roles, **own}
        wanted = getattr(model, key)
        return next((place for place, other in places.items() if getattr(other, key) == wanted), "model")


def calls_at_once(limits: LimitsConfig, models: Iterable[ModelSettings]) -> int:
    """Return the largest number of concurrent calls to one endpoint; with batches, enough calls to fill one."""
    return max(BATCHED_AT_ONCE if model.batch else model.concurrency or limits.concurrency for model in models)


def _ids(held_out: float | tuple[str, ...]) -> frozenset[str]:
    """Return the ids held out; a resolved experiment has ids in place of a share."""
    return frozenset(held_out if isinstance(held_out, tuple) else ())
