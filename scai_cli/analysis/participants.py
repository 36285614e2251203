"""The people of a run in words: real, simulated by a language model, or simulated by a small program."""

from collections import Counter
from collections.abc import Collection
from typing import Final

from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import listed
from scai_cli.experiment.personas import Persona

PROGRAM: Final = "a small program and no language model"
"""The words for the provider `simulated`."""


def participants(config: ExperimentConfig, people: Collection[str] | None = None, *, brief: bool = False) -> str:
    """Return the number and the kind of an experiment's people, all of them or those with the ids `people`.

    `6 simulated people (a small program and no language model)`, `6 people simulated by openai:NAME`, `2 real people`;
    kinds are joined by "and". `brief` leaves out the words in brackets. Means of people `of unequal weight` are by it.
    """
    chosen = [persona for persona in config.personas.inline if people is None or persona.id in people]
    counted = Counter(_kind(config, persona, brief=brief) for persona in chosen)
    words = listed([f"{count} {form.format('person' if count == 1 else 'people')}" for form, count in counted.items()])
    return words + " of unequal weight" * (len({persona.weight for persona in chosen}) > 1)


def _kind(config: ExperimentConfig, persona: Persona, *, brief: bool) -> str:
    """Return the words for one person, with `{}` for "person" or "people"."""
    if persona.human:
        return "real {}"
    model = config.model_of(persona)
    if model.provider == "simulated":
        return "simulated {}" if brief else f"simulated {{}} ({PROGRAM})"
    name = f"{model.provider}:{model.name}" if model.name else model.provider
    return f"{{}} simulated by {name.replace('{', '{{').replace('}', '}}')}"
