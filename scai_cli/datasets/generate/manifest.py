"""The manifest of a generated set, kept in `generation.yaml` and `experiment.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError

from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.generate_settings import GenerateSettings
from scai_cli.experiment.load import Overrides, load_resolved
from scai_cli.experiment.yaml_source import explain, read_yaml
from scai_cli.runs.generated_directory import EXPERIMENT, GENERATION
from scai_cli.text.characters import clean
from scai_cli.values import Text, Value


class TaskList(Value):
    """The tasks of the rows, which are in `tasks.jsonl`."""

    name: Text
    """The file that they came from, or the run or experiment that they belong to."""
    count: Annotated[int, Field(ge=1)]
    sha256: str
    """Of `tasks.jsonl`."""


class RowSettings(GenerateSettings):
    """The settings of every row, and how many rows are wanted."""

    n: Annotated[int, Field(ge=1)]
    """Rows."""


class GenerateManifest(Value):
    """A generated set in full: the sources of its rows, and how they are made."""

    run_id: str
    """The set's id, which is its directory's name."""
    scai: str
    """The version of scai that began it."""
    source: Text
    """The run, or the file, that the constitution came from."""
    initial: Constitution
    """In force at the first answer of a row."""
    learned: Constitution
    """In force at its final answer; its principles are sampled for critiques and judgements."""
    names: Mapping[str, str]
    """Persona id -> name, of all who may take part."""
    by_turns: bool
    """Whether the personas take turns as the user of a row; otherwise rows have none and principles alone count."""
    tasks: TaskList
    orders: RowSettings
    digests: Mapping[str, str]
    """Of every key of the experiment that decides what the rows hold."""
    config: ExperimentConfig
    """The resolved experiment: models, personas, prompts, scale, seed; kept in `experiment.yaml`."""


def read_generation(path: Path, overrides: Overrides | None = None) -> GenerateManifest:
    """Read the manifest of a generated set; raises ConfigError for a file that is missing or damaged."""
    source = read_yaml(path / GENERATION)
    config = load_resolved(path / EXPERIMENT, overrides)
    if not isinstance(source.data, dict):
        raise source.error((), "is no description of a generated set; restore the file from a copy")
    try:
        return GenerateManifest.model_validate({**source.data, "run_id": path.name, "config": config})
    except ValidationError as error:
        raise explain(error, source, GenerateManifest) from None


def dump_generation(generation: GenerateManifest) -> str:
    """Return `generation.yaml`: the manifest without the experiment and the id, which is its folder's name."""
    data: dict[str, Any] = generation.model_dump(mode="json", by_alias=True, exclude={"config", "run_id"})
    return clean(yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=110))
