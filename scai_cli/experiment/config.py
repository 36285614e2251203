"""The experiment's schema: every key of the YAML with its default; docs/reference prints the field docstrings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator

from scai_cli.experiment.constitution_start import ConstitutionStart
from scai_cli.experiment.generate_settings import GenerateSettings
from scai_cli.experiment.model_settings import ModelSettings, Roles, overlay
from scai_cli.experiment.personas import HUMAN, Persona, Scalar
from scai_cli.experiment.revision_settings import Count, Fraction, Revision
from scai_cli.experiment.tasks import Task
from scai_cli.messages import AgentRole, Usage
from scai_cli.prompts.templates import TEMPLATES, places
from scai_cli.social_choice.welfare import parse as parse_welfare
from scai_cli.text.suggestions import did_you_mean
from scai_cli.values import SafeId, Split, Text, Value

ROLES: tuple[AgentRole, ...] = ("assistant", "user", "meta")


class PersonaSource(Value):
    """Which personas take part: from files, or written here."""

    model_config = ConfigDict(populate_by_name=True)

    files: Annotated[str | tuple[str, ...], Field(alias="from")] = ()
    """One or more persona files (YAML or JSONL), relative to the experiment file."""
    inline: tuple[Persona, ...] = ()
    """Personas written in the experiment itself."""
    split: Split | None = None
    """Take only those of this split; all if null."""
    where: Mapping[str, Scalar | tuple[Scalar, ...]] = {}
    """Take only those with these attributes, e.g. `{country: [Kenya, Peru], gender: woman}`."""
    sample: Count | None = None
    """Take this many, drawn with the seed; all if null."""
    per_epoch: Count | None = None
    """Let this many take part in each epoch, drawn with the seed; all if null."""

    def wants(self, persona: Persona) -> bool:
        """Return whether a persona is of the wanted split and has the wanted attributes."""
        if self.split is not None and persona.split != self.split:
            return False
        return all(
            persona.attributes.get(key) in (wanted if isinstance(wanted, tuple) else (wanted,))
            for key, wanted in self.where.items()
        )


class TaskSource(Value):
    """Which tasks are asked: from files, or written here."""

    model_config = ConfigDict(populate_by_name=True)

    files: Annotated[str | tuple[str, ...], Field(alias="from")] = ()
    """One or more task files (YAML, JSONL or a JSON list), relative to the experiment file."""
    inline: tuple[Task, ...] = ()
    """Tasks written in the experiment itself."""
    split: Split | None = None
    """Take only those of this split; all if null."""
    sample: Count | None = None
    """Take this many, drawn with the seed; all if null."""
    per_epoch: Count | None = None
    """Ask this many in each epoch, drawn with the seed; all if null."""

    def wants(self, task: Task) -> bool:
        """Return whether a task is of the wanted split."""
        return self.split in (None, task.split)


class Ratings(Value):
    """What the users rate, and what a persona's utility is made of."""

    own: Annotated[str, Field(min_length=1, max_length=60)] = "satisfaction"
    """What users rate their own answers for."""
    cross: Annotated[str, Field(min_length=1, max_length=60)] = "harmlessness"
    """What users rate the answers given to others for."""
    scale: tuple[float, float] = (0, 10)
    """The lowest and the highest rating."""
    cross_raters: Annotated[int, Field(ge=0)] | Literal["all"] = "all"
    """How many of the other users rate each final answer, drawn with the seed; 0 for none."""
    cross_weight: Fraction = 0.25
    """The share of the ratings a persona gave to others' answers in its utility; the rest is its satisfaction."""
    anchors: Annotated[int, Field(ge=0)] = 0
    """So many of the first epoch's answers, drawn with the seed, are rated by everybody in every epoch: drift shows."""

    @field_validator("scale")
    @classmethod
    def _rising(cls, scale: tuple[float, float]) -> tuple[float, float]:
        if scale[0] >= scale[1]:
            raise ValueError("the scale must rise: [lowest, highest]")
        return scale


class Holdout(Value):
    """What is kept back to compare the first and the last constitution on."""

    personas: Annotated[float, Field(ge=0, lt=1)] | tuple[str, ...] = 0
    """The share of the personas, drawn with the seed and stratified by their attributes; or their ids."""
    tasks: Annotated[float, Field(ge=0, lt=1)] | tuple[str, ...] = 0
    """The share of the tasks, drawn with the seed and stratified by topic; or their ids."""


class PriceConfig(Value):
    """What a model costs, in US dollars per million tokens."""

    input: Annotated[float, Field(ge=0)]
    """Per million input tokens."""
    output: Annotated[float, Field(ge=0)]
    """Per million output tokens."""

    def cost(self, usage: Usage) -> float:
        """Return the cost of the tokens in US dollars."""
        return (usage.input_tokens * self.input + usage.output_tokens * self.output) / 1e6


class LimitsConfig(Value):
    """How much the run may use, and how hard it may press an endpoint; null means no limit."""

    calls: Count | None = None
    """The most model calls."""
    tokens: Count | None = None
    """The most tokens, input and output together."""
    usd: Annotated[float, Field(gt=0)] | None = None
    """The most money, in US dollars; needs a known price for every model."""
    seconds: Annotated[float, Field(gt=0)] | None = None
    """The most wall time, in seconds; what was used before a resume counts."""
    concurrency: Count = 32
    """The most calls in flight at one endpoint."""
    requests_per_minute: Annotated[float, Field(gt=0)] | None = None
    """The most requests a minute to one endpoint."""
    tokens_per_minute: Annotated[float, Field(gt=0)] | None = None
    """The most tokens a minute to one endpoint."""
    max_retries: Annotated[int, Field(ge=0, le=50)] = 6
    """How often a call that failed in passing is made again."""


class ExperimentConfig(Value):
    """One experiment; only `personas` and `tasks` have no default."""

    name: SafeId = "experiment"
    """What it is called; part of the run's id."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Everything drawn at random follows from it."""
    epochs: Count = 3
    """How many times the users talk and the meta-prompt revises."""
    turns: Count = 2
    """How many [assistant, user] exchanges a conversation has."""
    personas: PersonaSource
    """Who takes part: `{from: FILE or [FILES], sample, per_epoch}`, a file name, or a list of personas."""
    tasks: TaskSource
    """What they ask: `{from: FILE or [FILES], sample, per_epoch}`, a file name, or a list of tasks."""
    model: ModelSettings = ModelSettings()
    """The model behind every role."""
    roles: Roles = Roles()
    """What differs from `model` for the assistant, the users and the meta-prompt, key by key."""
    ratings: Ratings = Ratings()
    """What the users rate and how it counts."""
    constitution: ConstitutionStart = ConstitutionStart()
    """Where the constitution starts and how far it may grow."""
    revision: Revision = Revision()
    """How the constitution changes."""
    welfare: str | Mapping[str, Mapping[str, float]] = "utilitarian"
    """The welfare function that counts, e.g. rawlsian or atkinson(epsilon=2)."""
    holdout: Holdout = Holdout()
    """What is kept back for the proof at the end."""
    # Left out of what is printed and saved while it is the default: runs of 0.1 do not have it.
    generate: GenerateSettings = Field(default=GenerateSettings(), exclude_if=lambda value: value == GenerateSettings())
    """What rows `scai generate` makes; it does not decide what happens in a run."""
    limits: LimitsConfig = LimitsConfig()
    """Bounds on what the run uses."""
    cache: bool = False
    """Whether answers are kept across runs, in `$SCAI_CACHE` or `~/.cache/scai/cache.sqlite3`, and taken from there."""
    controls: bool = False
    """Whether nobody in particular, others and the user once more rate the last answers, for `scai show --fidelity`."""
    judge: ModelSettings | None = None
    """A model that says at the end how well each user's words fit their persona; none if null."""
    prices: Mapping[str, PriceConfig] = {}
    """Prices of models that are not widely known: model -> `{input, output}`."""
    max_failures: Fraction = 0.1
    """The share of an epoch's conversations that may fail, and one in any case (0: none); more stop the run."""
    format_retries: Annotated[int, Field(ge=0, le=10)] = 2
    """How often a model is asked again when its answer lacks the form."""
    prompts: Mapping[str, Text] = {}
    """Other words for a prompt, by its name; `scai plan --prompts` shows them."""

    @field_validator("personas", "tasks", mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"from": value}
        return {"inline": value} if isinstance(value, list) else value

    @field_validator("prompts")
    @classmethod
    def _known_prompts(cls, prompts: Mapping[str, str]) -> Mapping[str, str]:
        for name, text in prompts.items():
            if name not in TEMPLATES:
                raise ValueError(f"there is no prompt {name!r}{did_you_mean(name, TEMPLATES)}")
            if unknown := sorted(places(text) - places(TEMPLATES[name])):
                near = did_you_mean(unknown[0], places(TEMPLATES[name]))
                raise ValueError(f"the prompt {name!r} knows no {{{{{unknown[0]}}}}}{near}")
        return prompts

    @field_validator("welfare")
    @classmethod
    def _known_welfare(cls, spec: str | Mapping[str, Mapping[str, float]]) -> str | Mapping[str, Mapping[str, float]]:
        parse_welfare(spec)
        return spec

    def with_every_prompt(self) -> ExperimentConfig:
        """Return the experiment with the wording of every prompt written out, so that it stays as it is."""
        return self.model_copy(update={"prompts": {**TEMPLATES, **self.prompts}})

    @property
    def train_personas(self) -> tuple[Persona, ...]:
        """The personas that the constitution is made with: all but those held out."""
        held_out = _ids(self.holdout.personas)
        return tuple(persona for persona in self.personas.inline if persona.id not in held_out)

    @property
    def train_tasks(self) -> tuple[Task, ...]:
        """The tasks that the constitution is made with."""
        held_out = _ids(self.holdout.tasks)
        return tuple(task for task in self.tasks.inline if task.id not in held_out)

    @property
    def held_out(self) -> tuple[tuple[Persona, ...], tuple[Task, ...]]:
        """The personas and tasks of the holdout at the end; of a kind that has none held out, all of them.

        Both are empty if nothing is held out.
        """
        persona_ids, task_ids = _ids(self.holdout.personas), _ids(self.holdout.tasks)
        personas = tuple(persona for persona in self.personas.inline if persona.id in persona_ids)
        tasks = tuple(task for task in self.tasks.inline if task.id in task_ids)
        return (personas or self.personas.inline, tasks or self.tasks.inline) if personas or tasks else ((), ())

    def model_for(self, role: AgentRole) -> ModelSettings:
        """Return the model of a role: `model` with the changes in `roles`."""
        return overlay(self.model, getattr(self.roles, role))

    def model_of(self, persona: Persona) -> ModelSettings:
        """Return the model that plays a persona: the users' with the persona's changes; a real person is a provider."""
        if persona.human:
            return ModelSettings(provider=HUMAN, send_seed=False, options={"called": persona.called})
        return overlay(self.model_for("user"), persona.model)

    def models(self) -> Iterator[tuple[AgentRole, ModelSettings]]:
        """Yield every model with its role: those of the roles, then the personas' own, then the judge."""
        yield from ((role, self.model_for(role)) for role in ROLES)
        yield from (("user", self.model_of(persona)) for persona in self.personas.inline if persona.has_own_agent)
        if self.judge is not None:
            yield "meta", self.judge


def _ids(held_out: float | tuple[str, ...]) -> frozenset[str]:
    """Return the ids that are held out; in a resolved experiment a share has been replaced by ids."""
    return frozenset(held_out if isinstance(held_out, tuple) else ())
