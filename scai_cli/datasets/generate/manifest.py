"""The manifest of a generated set, stored in `generation.yaml` and `experiment.yaml`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from scai_cli.datasets.generate.criterion import Criterion, criteria_for
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.generate_settings import GenerateSettings
from scai_cli.experiment.load import Overrides, load_resolved
from scai_cli.experiment.wordings import ChatLine
from scai_cli.experiment.yaml_source import explain, read_yaml
from scai_cli.experiment.yaml_text import yaml_text
from scai_cli.runs.file_names import GENERATION
from scai_cli.runs.row_directory import EXPERIMENT
from scai_cli.values import Text, Value


class TaskList(Value):
    """The tasks of the rows, stored in `tasks.jsonl`."""

    name: Text
    """The file, run or experiment that they come from."""
    count: Annotated[int, Field(ge=1)]
    sha256: str
    """SHA-256 of `tasks.jsonl`."""
    red_team: int = 0
    """The number of tasks of the kind `red-team`; not counted before 0.10."""


class RowSettings(GenerateSettings):
    """The settings of every row, the number of rows, and the part of them that this set has."""

    n: Annotated[int, Field(ge=1)]
    """The number of rows of the whole set."""
    rows: tuple[Annotated[int, Field(ge=0)], int] | None = None
    """The number of a shard's first row, and the one after its last; null for the whole set."""

    @model_validator(mode="after")
    def _within_the_set(self) -> Self:
        if self.rows is not None and not self.rows[0] < self.rows[1] <= self.n:
            raise ValueError(f"rows: must be two rising numbers, at most {self.n}, the number of rows")
        return self

    @property
    def numbers(self) -> range:
        """The numbers of the rows to make."""
        return range(*self.rows or (0, self.n))


class GenerateManifest(Value):
    """The manifest of a generated set: the sources of its rows, and their settings."""

    run_id: str
    """The set's id, which is the name of its folder."""
    scai: str
    """The version of scai that started the set."""
    source: Text
    """The run or file that the constitution comes from."""
    initial: Constitution
    """The constitution of a row's first answer."""
    learned: Constitution
    """The constitution of a row's final answer."""
    criteria: tuple[Criterion, ...] | None = None
    """What critiques and judgements are sampled from; null in sets before 0.10, which sample the principles."""
    few_shot: tuple[ChatLine, ...] = ()
    """Dialogues before the task of a first answer and of critiques and revisions by a pair of requests."""
    names: Mapping[str, str]
    """Persona id -> name, of all personas who may take part."""
    by_turns: bool
    """Whether the personas take turns as the user of a row; if not, rows have no user and clauses for people no use."""
    tasks: TaskList
    orders: RowSettings
    digests: Mapping[str, str]
    """The digest of every key of the experiment that determines the rows."""
    config: ExperimentConfig
    """The resolved experiment, stored in `experiment.yaml`: models, personas, prompts, scale, seed."""

    @property
    def has_critiques(self) -> bool:
        """Whether a row may have critiques and revisions."""
        orders = self.orders
        return bool(orders.k and self._goes_by_rules and (orders.recipe != "sl-cai" or self.tasks.red_team))

    @property
    def has_pairs(self) -> bool:
        """Whether a row may have two answers of which a label says which is better."""
        orders = self.orders
        is_judged = orders.by_users or (orders.by_model and self._goes_by_rules)
        return self.has_critiques or (is_judged and (orders.final or orders.samples > 1))

    @property
    def _goes_by_rules(self) -> bool:
        return bool(self.learned.principles if self.criteria is None else self.criteria)

    def in_force(self, rules: Constitution, persona: str | None) -> Constitution:
        """Return the rules of an answer to this user; before 0.10 no clause applied to rows without a user."""
        return rules if persona or self.criteria is not None else rules.model_copy(update={"contract": ()})

    def criteria_for(self, persona: str | None) -> Sequence[Criterion]:
        """Return the criteria of a row with this user."""
        if self.criteria is None:
            return [Criterion(id=principle.id, text=principle.text) for principle in self.learned.principles]
        return criteria_for(self.criteria, persona)


def read_generation(path: Path, overrides: Overrides | None = None) -> GenerateManifest:
    """Read the manifest of a generated set; raises ConfigError for a missing or damaged file."""
    source = read_yaml(path / GENERATION)
    config = load_resolved(path / EXPERIMENT, overrides)
    if not isinstance(source.data, dict):
        raise source.error((), "is damaged; restore the file from a copy")
    try:
        return GenerateManifest.model_validate({**source.data, "run_id": path.name, "config": config})
    except ValidationError as error:
        raise explain(error, source, GenerateManifest) from None


def dump_generation(generation: GenerateManifest) -> str:
    """Return the text of `generation.yaml`: the manifest without the experiment and without the id."""
    data: dict[str, Any] = generation.model_dump(mode="json", by_alias=True, exclude={"config", "run_id"})
    return yaml_text(data)


def export_options(made: GenerateManifest, name: str) -> tuple[str, ...]:
    """Return the options with which `scai export` writes a set's rows for a trainer, into the folder `name`."""
    form = "dpo" if made.has_pairs else "sft"
    rows = ("--format", form, "-o", f"{name}/", "--dedupe", "near", "--split", "train=0.9,test=0.1")
    return (*rows, "--system", "keep") if made.by_turns else rows
