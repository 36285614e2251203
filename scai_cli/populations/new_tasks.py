"""Write new tasks like those of a file: a model is shown examples and writes several tasks of a kind and a topic.

After Self-Instruct (Wang et al. 2023, arXiv 2212.10560): the examples of each request are drawn for it, tasks that were
written before are shown as well, and a task that is too similar to another one is not used.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from scai_cli.concurrency import together
from scai_cli.errors import CallFailed
from scai_cli.experiment.item_source import ItemSource
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.messages import Message
from scai_cli.populations.clean_text import BadRow, Ids, tidy
from scai_cli.populations.task_sorts import Sort
from scai_cli.prompts.fences import fence
from scai_cli.prompts.templates import FORM_RULE, fill
from scai_cli.simulation.agent import Agent
from scai_cli.simulation.candidate_checks import Names
from scai_cli.text.characters import clean
from scai_cli.text.counts import counted
from scai_cli.text.data_files import read_data_file
from scai_cli.text.near_duplicates import NearDuplicateIndex
from scai_cli.values import Text

_EACH, _AT_ONCE = 5, 200
"""The most tasks of a request, and of the requests that are made at once; the next ones show what these gave."""
_EXAMPLES, _OTHERS = 4, 3
"""The examples of a request, and the tasks in it that exist already."""
_TRIES, _BARREN = 6, 3
"""The most tasks to request for each wanted one, and the rounds without any new task after which it ends."""
_LONGEST: Final = 2_000
_PROMPTS = read_data_file(__file__)


class NewTasks(BaseModel):
    """The tasks that the model writes in one answer."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    tasks: Annotated[tuple[Text, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class _Answer:
    """The texts that one request gave, and why there may be fewer than requested."""

    numbers: Sequence[int]
    texts: Sequence[str]
    problem: str


class TaskWriter:
    """Requests tasks in rounds, accepts them in order, and requests others for those that are rejected.

    A round depends only on the answers of the rounds before, so the tasks are the same for any concurrency.
    """

    def __init__(
        self, agent: Agent, wanted: Sequence[Sort], like: Sequence[Task], people: Sequence[Persona] = ()
    ) -> None:
        self._agent, self._wanted, self._like = agent, wanted, like
        self._names = Names(people)
        self._index = NearDuplicateIndex()
        for task in like:
            self._index.add("", task.prompt)
        self._alike: defaultdict[tuple[str | None, str | None], list[Task]] = defaultdict(list)
        """The examples of a kind and a topic; None for any."""
        for task in like:
            for tier in _tiers(Sort(task.kind, task.topic)):
                self._alike[tier].append(task)
        self._written: dict[int, str] = {}
        self._by_sort: defaultdict[Sort, list[str]] = defaultdict(list)
        self.thrown_back: Counter[str] = Counter()

    @property
    def expected_calls(self) -> int:
        """The calls that it takes if no task is rejected."""
        wanted = range(len(self._wanted))
        return sum(1 for at in wanted[::_AT_ONCE] for _ in self._requests(wanted[at : at + _AT_ONCE]))

    async def write(self, say: Callable[[str], None]) -> list[Task]:
        """Return the tasks in the order in which they are wanted, without those that could not be written."""
        missing = list(range(len(self._wanted)))
        asked = barren = number = 0
        while missing and barren < _BARREN and asked < _TRIES * len(self._wanted):
            now, missing = missing[:_AT_ONCE], missing[_AT_ONCE:]
            number, asked, before = number + 1, asked + len(now), len(self._written)
            answers = await together(
                self._ask(f"t{number}/{n}", which) for n, which in enumerate(self._requests(now), 1)
            )
            missing += [left for answer in answers for left in self._take(answer)]
            barren = 0 if len(self._written) > before else barren + 1
            say(f"{len(self._written):,} of {len(self._wanted):,} tasks")
        return self._tasks()

    def _requests(self, numbers: Sequence[int]) -> Iterator[Sequence[int]]:
        """Yield the numbers of each request: some of one kind and topic."""
        by_sort: defaultdict[Sort, list[int]] = defaultdict(list)
        for n in numbers:
            by_sort[self._wanted[n]].append(n)
        for alike in by_sort.values():
            yield from (alike[at : at + _EACH] for at in range(0, len(alike), _EACH))

    async def _ask(self, call: str, numbers: Sequence[int]) -> _Answer:
        sort = self._wanted[numbers[0]]
        rng = random.Random(f"{self._agent.seed}/{call}")
        others = self._by_sort[sort]
        shown = rng.sample(others, min(_OTHERS, len(others)))
        prompt = _prompt(sort, len(numbers), self._examples(sort, rng), shown)
        messages = [Message("system", _PROMPTS["system"]), Message("user", prompt)]
        try:
            answer = await self._agent.ask_structured(call, "new_tasks", messages, NewTasks)
        except CallFailed as error:
            if not error.is_problem:
                raise
            return _Answer(numbers, (), "refused by the endpoint")
        return _Answer(numbers, answer.form.tasks, "missing") if answer.form else _Answer(numbers, (), "unreadable")

    def _examples(self, sort: Sort, rng: random.Random) -> list[Task]:
        """Draw examples: of this kind and topic, then of this kind, of this topic, and of any."""
        drawn: list[Task] = []
        for tier in _tiers(sort):
            alike = self._alike.get(tier, [])
            more = rng.sample(alike, min(len(alike), _EXAMPLES))
            drawn += [task for task in more if all(task is not other for other in drawn)]
        return drawn[:_EXAMPLES]

    def _take(self, answer: _Answer) -> Iterator[int]:
        """Accept the new texts of an answer; yield the numbers that still have none."""
        for n, text in zip_longest(answer.numbers, answer.texts[: len(answer.numbers)]):
            try:
                self._accept(n, self._checked(text, answer.problem))
            except BadRow as reason:
                self.thrown_back[str(reason)] += 1
                yield n

    def _checked(self, text: str | None, problem: str) -> str:
        """Return the text of a new task; raises BadRow with the reason if it is none."""
        if text is None:
            raise BadRow(problem)
        if len(text) > _LONGEST:
            raise BadRow("too long")
        text = tidy(text)
        if not any(map(str.isalnum, text)):
            raise BadRow("empty")
        if self._names.first(text) is not None:
            raise BadRow("with a person's name")
        if self._index.most_similar(text) is not None:
            raise BadRow("too similar to another task")
        return text

    def _accept(self, n: int, text: str) -> None:
        self._index.add("", text)
        self._written[n] = text
        self._by_sort[self._wanted[n]].append(text)

    def _tasks(self) -> list[Task]:
        ids = Ids()
        for task in self._like:  # so that both files can be used together
            ids.take(task.id, 0)
        source = ItemSource(name=f"fictional, written by {self._agent.config.label}")
        return [
            Task(id=ids.take(text, n + 1), prompt=text, source=source, **self._wanted[n]._asdict())
            for n, text in sorted(self._written.items())
        ]


def _tiers(sort: Sort) -> tuple[tuple[str | None, str | None], ...]:
    """Return which examples are to be drawn first, and which ones if they are too few."""
    return sort, (sort.kind, None), (None, sort.topic), (None, None)


def _prompt(sort: Sort, count: int, examples: Sequence[Task], others: Sequence[str]) -> str:
    shown = "\n\n".join(fence("task", task.prompt[:_LONGEST], kind=task.kind, topic=task.topic) for task in examples)
    given = "\n".join(f"{name.capitalize()}: {value}" for name, value in sort._asdict().items() if value)
    exist = "\n\n".join(fence("rejected", text) for text in others)
    values = {
        "examples": shown,
        "others": fill(_PROMPTS["others"], {"tasks": exist}) + "\n" if others else "",
        "count": counted(count, "new task"),
        "wanted": fence("candidate", given),
        "form": f'{FORM_RULE}\n{{"tasks": [{", ".join(["<a task>"] * count)}]}}',
    }
    return clean(fill(_PROMPTS["asked"], values))
