"""The facts that a run's samples share: experiment, licences, contexts of answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from scai_cli.datasets.samples.answer_context import AnswerContext
from scai_cli.datasets.samples.licences import stated_licences
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import load_saved
from scai_cli.runs.file_names import CONFIG
from scai_cli.runs.history.conversations import EpochSetting
from scai_cli.simulation.prompts import Prompts


@dataclass
class RunContext:
    """A run's folder, and the facts from its experiment."""

    path: Path
    _contexts: dict[tuple[int, str], AnswerContext] = field(default_factory=dict)

    @cached_property
    def id(self) -> str:
        """The run's id."""
        return self.path.name

    @cached_property
    def config(self) -> ExperimentConfig:
        """The resolved experiment."""
        return load_saved(self.path / CONFIG)

    def answers(self, setting: EpochSetting, persona: str) -> AnswerContext:
        """Return the context of the answers to a persona in an epoch."""
        context = self._contexts.get((setting.epoch, persona))
        if context is None:
            models = role_models(setting.started.models, persona)
            scope = (self.id, setting.epoch, persona)
            context = AnswerContext.of(scope, setting.constitution, self._prompts, models, self.weights)
            self._contexts[setting.epoch, persona] = context
        return context

    def licences(self, task: str, persona: str, other: str = "") -> tuple[str, ...]:
        """Return the licences of a task and of one or two personas."""
        of_personas, of_tasks = self._licences
        return stated_licences(of_tasks.get(task, ""), of_personas.get(persona, ""), of_personas.get(other, ""))

    @cached_property
    def weights(self) -> Mapping[str, float]:
        """The weight of each persona."""
        return self.config.personas.weights

    @cached_property
    def _prompts(self) -> Prompts:
        config = self.config
        return Prompts(config.prompts, config.ratings, config.constitution, config.personas.inline)

    @cached_property
    def _licences(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        config = self.config
        return (
            {persona.id: persona.source.licence for persona in config.personas.inline},
            {task.id: task.source.licence for task in config.tasks.inline},
        )


def role_models(models: Mapping[str, str], persona: str) -> Mapping[str, str]:
    """Return role -> model; for the user the persona's own model, if it has one."""
    shared = {role: model for role, model in models.items() if "/" not in role}
    own = models.get(f"user/{persona}")
    return shared if own is None else {**shared, "user": own}
