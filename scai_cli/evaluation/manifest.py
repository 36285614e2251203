"""The manifest of an evaluation, stored in `evaluation.yaml` and `experiment.yaml`."""

import operator
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from scai_cli.evaluation.suite import Kind
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.constitution_file import SUFFIXES
from scai_cli.experiment.load import Overrides, load_resolved
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.experiment.yaml_source import explain, read_yaml
from scai_cli.experiment.yaml_text import yaml_text
from scai_cli.runs.file_names import EVALUATION
from scai_cli.runs.row_directory import EXPERIMENT
from scai_cli.values import SafeId, Text, Value


class SystemSettings(Value):
    """A system under test: its system message, None for none at all, and the model that answers with it."""

    name: SafeId
    source: Text
    """What the user named: a run with its version, a file, `none` or `bare`."""
    constitution: Constitution = Constitution()
    message: Text | None
    model: ModelSettings

    @property
    def is_file(self) -> bool:
        """Whether it is from a file, which does not say who wrote it."""
        return Path(self.source).suffix in SUFFIXES


class SuiteSettings(Value):
    """A suite with the source of its items."""

    name: Text
    source: Text
    """The file, `starter items`, or the name of the experiment."""
    items: int
    licences: tuple[Text, ...] = ()


class EvaluationManifest(Value):
    """What an evaluation compares; the first system is the reference."""

    run_id: str
    """The evaluation's id, which is the name of its folder."""
    scai: str
    """The version of scai that started it."""
    systems: tuple[SystemSettings, ...]
    suites: tuple[SuiteSettings, ...]
    judges: tuple[ModelSettings, ...]
    principle: Text | None = None
    """The user's own principle of comparison for the suite `pairs`."""
    new: tuple[Kind, ...] = ()
    """The kinds, people or tasks, of which no member had a part in writing any of the systems' rules."""
    notes: tuple[Text, ...] = ()
    """What was said about the systems at the start."""
    seen: tuple[Text, ...] = ()
    """Items that had a part in writing the rules, allowed by `--allow-seen`."""
    items_sha256: str
    people_sha256: str | None = Field(default=None, exclude_if=operator.not_)
    """The digest of `people.jsonl`; None for an evaluation without people of real data."""
    digests: Mapping[str, str]
    """The digest of every key of the experiment that determines the rows."""
    config: ExperimentConfig
    """The resolved experiment, stored in `experiment.yaml`."""

    @property
    def rules(self) -> dict[str, Constitution]:
        """System -> its constitution."""
        return {system.name: system.constitution for system in self.systems}

    @property
    def is_judge_subject(self) -> bool:
        """Whether a judge's model also answers as a system."""
        subjects = {(system.model.endpoint, system.model.label) for system in self.systems}
        return any((judge.endpoint, judge.label) in subjects for judge in self.judges)


def read_evaluation(path: Path, overrides: Overrides | None = None) -> EvaluationManifest:
    """Read the manifest of an evaluation; raises ConfigError for a missing or damaged file."""
    source = read_yaml(path / EVALUATION)
    config = load_resolved(path / EXPERIMENT, overrides)
    if not isinstance(source.data, dict):
        raise source.error((), "is damaged; restore the file from a copy")
    try:
        return EvaluationManifest.model_validate({**source.data, "run_id": path.name, "config": config})
    except ValidationError as error:
        raise explain(error, source, EvaluationManifest) from None


def dump_evaluation(manifest: EvaluationManifest) -> str:
    """Return the text of `evaluation.yaml`: the manifest without the experiment and without the id."""
    data: dict[str, Any] = manifest.model_dump(mode="json", by_alias=True, exclude={"config", "run_id"})
    return yaml_text(data)
