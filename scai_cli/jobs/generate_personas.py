"""Generate a population to quotas: draw attributes first, then let a model write biographies and stances."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scai_cli.experiment.config import TaskSource
from scai_cli.experiment.load import Overrides
from scai_cli.experiment.tasks import Task
from scai_cli.jobs.generate_population import Generated, generate_population, settings_of
from scai_cli.jobs.session import Observer
from scai_cli.populations.biographies import BiographyWriter, draw_facts
from scai_cli.populations.quotas import Quota


@dataclass(frozen=True, slots=True)
class GeneratePersonasOptions:
    """The number of personas, the quotas of their attributes, the tasks for their stances, the model and the limits."""

    count: int
    quotas: Sequence[Quota] = ()
    tasks: Sequence[Task] = ()
    overrides: Overrides = field(default=Overrides())
    """The model, the seed, and settings of `model.` and `limits.`"""


def generate(options: GeneratePersonasOptions, out: Path, observer: Observer[object], again: str) -> Generated:
    """Generate personas with a model and write them to a file, as `generate_population` does."""
    config = settings_of(options.overrides).model_copy(update={"tasks": TaskSource(inline=tuple(options.tasks))})
    facts = draw_facts(options.count, options.quotas, config.seed)
    return generate_population(
        "personas", config, lambda agent: BiographyWriter(agent, facts, options.tasks), out, observer, again
    )
