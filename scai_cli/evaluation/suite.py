"""What a suite is: items -> calls -> scores of every system -> results, and a probe of its judge before the first item.

A suite is a class without arguments. `scai evaluate --suite NAME` finds a built-in one in `plugins.py`; a third party
names its own as `module:attribute`. The job calls `items`, then `probe`, then `play` for each item, and stores the
rows; `results` computes from rows alone, so that `scai show` needs no model. A class with `wants_human = True` makes
its items from the data of `--human`; a resumed evaluation has the items alone, and the people whom an optional
`people(source, items)` returns, each once. A built-in suite may have `files(source)`: name -> text of the files that
a finished evaluation keeps in its folder.
"""

from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from scai_cli.analysis.paired import Kind as Kind
from scai_cli.errors import CallFailed
from scai_cli.evaluation.item import Item
from scai_cli.evaluation.row import EvaluationRow, SystemAnswer
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.personas import Persona
from scai_cli.messages import Message
from scai_cli.populations.human.record import HumanData
from scai_cli.simulation.agent import Agent
from scai_cli.simulation.epoch_context import Agents
from scai_cli.stats.clustered import ClusteredMean

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class System:
    """A system under test; `message` is its system message, None for none at all."""

    name: str
    constitution: Constitution
    message: Message | None
    assistant: Agent


@dataclass(frozen=True, slots=True)
class SuiteContext:
    """What the calls of one item are made with; the first system is the reference.

    `call` is the start of the ids of all calls of the item. The calls of a system are below `variant(system)`: variants
    of a call have one seed, so that only the systems differ.
    """

    agents: Agents
    config: ExperimentConfig
    systems: Sequence[System]
    judges: Sequence[Agent]
    call: str
    principle: str | None = None
    """The user's own principle of comparison, in place of the suite's."""
    people: Mapping[str, Persona] = field(default_factory=dict)
    """The people of real data by id, as the suite's `people` made them."""
    failures: list[CallFailed] = field(default_factory=list)
    """The failed calls of the item, by `attempt`."""

    async def attempt(self, job: Coroutine[Any, Any, Result]) -> Result | None:
        """Return the result of a job that makes a call; None if the call failed, which is noted."""
        try:
            return await job
        except CallFailed as error:
            self.failures.append(error)
            return None

    def variant(self, system: System) -> str:
        """Return the start of the ids of a system's calls."""
        return f"{self.call}/~{system.name}"


@dataclass(frozen=True, slots=True)
class SuiteSource:
    """What a suite makes or reads its items from; `rules` are system -> constitution, `file` the user's own items."""

    config: ExperimentConfig
    rules: Mapping[str, Constitution]
    file: Path | None = None
    n: int | None = None
    """The number of items, drawn with the seed by cluster; all if None."""
    new: frozenset[Kind] = frozenset()
    """The kinds of which no member had a part in writing any of the systems' rules."""
    principle: str | None = None
    human: HumanData | None = None
    """The data of real people from `--human`; None for a resumed evaluation, which has its items."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure of a suite, in [0, 1] unless its words say otherwise.

    `better` is the direction of a better system; with None no verdict is given. `relevant` is the smallest difference
    that matters: an interval within it shows that there is none. A `declared` measure counts in Holm's correction.
    """

    name: str
    words: str
    better: Literal["higher", "lower"] | None = "higher"
    relevant: float = 0.1
    declared: bool = True

    @property
    def described(self) -> str:
        """The words, with the direction where less is better."""
        return f"{self.words} (less is better)" if self.better == "lower" else self.words


@dataclass(frozen=True, slots=True)
class Difference:
    """A system minus the reference, with its 95 % interval and the p-value of no difference; None if not known.

    `error` is the standard error, with its degrees of freedom. `whom` is for whom the interval is valid, such as
    `new items like these 40, in 20 clusters`.
    """

    estimate: float
    low: float | None
    high: float | None
    p: float | None
    whom: str
    n: int
    noun: str = "items"
    """What `n` counts."""
    error: float | None = None
    freedom: float | None = None

    @classmethod
    def of(cls, mean: ClusteredMean | None, whom: str) -> "Difference | None":
        """Return the difference of a mean of paired differences."""
        if mean is None:
            return None
        return cls(mean.estimate, mean.low, mean.high, mean.p, whom, mean.n, error=mean.error, freedom=mean.freedom)


@dataclass(frozen=True, slots=True)
class MeasureResult:
    """A measure of every system, and the difference of each to the reference; None if it is not known."""

    measure: Measure
    values: Mapping[str, float | None]
    differences: Mapping[str, Difference | None]
    scores: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    """System -> row -> its score, to find the items that decide; the reference's may be a constant."""


@dataclass(frozen=True, slots=True)
class ResultTable:
    """A table for people: a title, column heads, and rows of texts."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """The results of a suite; a `problem` says why it cannot judge, or why it failed."""

    suite: str
    measures: Sequence[MeasureResult] = ()
    tables: Sequence[ResultTable] = ()
    notes: Sequence[str] = ()
    """Sentences beside the numbers: the position bias of the judge, unread answers, who loses."""
    verdict: str = ""
    """The result of a suite that compares no systems, in a sentence or two."""
    problem: str | None = None
    problems: Mapping[str, str] = field(default_factory=dict)
    """System -> why it cannot be judged; the others are."""
    numbers: Mapping[str, float | None] = field(default_factory=dict)
    """Name -> number of the tables, for `--json`."""


@dataclass(frozen=True, slots=True)
class ResultSource:
    """What results are computed from: the rows of the suite that were played, its items by id, and the systems."""

    config: ExperimentConfig
    systems: Sequence[str]
    """The names of the systems, the reference first."""
    items: Mapping[str, Item]
    rows: Sequence[EvaluationRow]
    gold: Sequence[EvaluationRow] = ()
    rules: Mapping[str, Constitution] = field(default_factory=dict)
    new: frozenset[Kind] = frozenset()
    principle: str | None = None
    people: Mapping[str, Persona] = field(default_factory=dict)
    """The people of real data by id."""

    @property
    def others(self) -> Sequence[str]:
        """The names of the systems that are compared with the reference."""
        return self.systems[1:]

    @property
    def reference(self) -> str:
        """The name of the reference."""
        return self.systems[0]


class Suite(Protocol):
    """A suite; its name is its key in `plugins.py`, or `module:attribute`."""

    judged: bool
    """Whether a judge model grades the answers."""

    def items(self, source: SuiteSource) -> Sequence[Item]:
        """Return the items; raises ConfigError if there is none, or the user's file is invalid."""

    def calls(self, source: SuiteSource, items: Sequence[Item], judges: int) -> Mapping[str, int]:
        """Return the number of calls by purpose, for all items and systems, without retries."""

    async def probe(self, context: SuiteContext) -> str | None:
        """Return why the judge or the raters cannot be trusted, in words; None if they can."""

    async def play(self, context: SuiteContext, item: Item) -> Mapping[str, SystemAnswer]:
        """Return the answer of each system; raises CallFailed if a call failed that all systems need."""

    def results(self, source: ResultSource) -> SuiteResult:
        """Return the results of the rows."""
