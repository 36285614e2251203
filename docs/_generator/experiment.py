"""Write the page of the experiment file: every field of the schema, each nested model under its own heading."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel

from _generator.schema import fields
from _generator.tables import cell, table
from scai_cli import plugins
from scai_cli.experiment.config import (
    ExperimentConfig,
    Holdout,
    LimitsConfig,
    PersonaSource,
    PriceConfig,
    Revision,
    TaskSource,
)
from scai_cli.experiment.constitution_start import (
    ConstitutionStart,
    StartClause,
    StartPrinciple,
)
from scai_cli.experiment.generate_settings import GenerateSettings
from scai_cli.experiment.item_source import ItemSource
from scai_cli.experiment.measure_settings import MeasureSettings
from scai_cli.experiment.model_settings import ModelChanges, ModelSettings, Roles
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.rating_settings import Ratings
from scai_cli.experiment.tasks import Task

SECTIONS: Final[tuple[tuple[str, type[BaseModel]], ...]] = (
    ("personas", PersonaSource),
    ("tasks", TaskSource),
    ("model", ModelSettings),
    ("roles", Roles),
    ("a role's or persona's model", ModelChanges),
    ("ratings", Ratings),
    ("a measure", MeasureSettings),
    ("constitution", ConstitutionStart),
    ("a starting principle", StartPrinciple),
    ("a starting clause", StartClause),
    ("revision", Revision),
    ("holdout", Holdout),
    ("generate", GenerateSettings),
    ("limits", LimitsConfig),
    ("a price", PriceConfig),
    ("a persona", Persona),
    ("a task", Task),
    ("a source", ItemSource),
)
HEADINGS: Final = {model.__name__: heading for heading, model in SECTIONS}
INTRO: Final = """\
# The experiment file

An experiment is a YAML file. Only `personas` and `tasks` are required. An unknown key is an error with file, line and
the nearest known key. Every key can be set on the command line, for example `--set ratings.cross_raters=2`. Paths are
relative to the file. `scai check FILE` reports errors, and `scai check FILE --json` prints the experiment with all
defaults.
"""


def page() -> str:
    """Return the whole page."""
    parts = [INTRO, table(["key", "type", "default", ""], fields(ExperimentConfig, _link))]
    for heading, model in SECTIONS:
        parts.append(f"## {heading}\n\n{cell((model.__doc__ or '').strip())}\n")
        if model is ModelChanges:
            keys = ", ".join(f"`{key}`" for key in ModelChanges.model_fields)
            parts.append(
                f"It has the keys {keys} of `model`. A key that is null or left out keeps the value of the overridden "
                "model. With another `provider`, `base_url` or `api_key_env`, that model's `options`, `batch` "
                "and limits of its endpoint are dropped.\n"
            )
        else:
            parts.append(table(["key", "type", "default", ""], fields(model, _link)))
    return "\n".join([*parts, _names()])


def _link(name: str) -> str:
    if name == "RatingMap":
        return "a file's name"  # a saved run has its content
    if (heading := HEADINGS.get(name)) is None:
        return f"a {name.lower()}"
    return f"[{heading}](#{heading.replace(' ', '-').replace(chr(39), '')})"


def _names() -> str:
    kinds = ("provider", "strategy", "acceptance", "measure", "format")
    rows = [[kind, ", ".join(f"`{name}`" for name in plugins.BUILT_IN[kind])] for kind in kinds]
    return (
        "## Built-in names\n\nThey also take `module:attribute` and entry points "
        f"([extending](../extending.md)).\n\n{table(['', 'names'], rows)}"
    )
