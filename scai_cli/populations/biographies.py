"""Generate fictional personas: a model writes a name, a biography and stances for given attributes."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from scai_cli.concurrency import together
from scai_cli.experiment.item_source import ItemSource
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.scalars import Scalar
from scai_cli.experiment.tasks import Task
from scai_cli.messages import Message
from scai_cli.populations.clean_text import Ids, one_line, tidy
from scai_cli.populations.quotas import Quota
from scai_cli.prompts.fences import fence
from scai_cli.prompts.templates import FORM_RULE, fill
from scai_cli.simulation.agent import Agent
from scai_cli.text.characters import clean
from scai_cli.text.data_files import read_data_file
from scai_cli.text.near_duplicates import NearDuplicateIndex, nameless
from scai_cli.text.sentences import count_sentences
from scai_cli.values import Text

_ROUNDS: Final = 6
"""Attempts per persona whose biography is too similar to another one."""

_MOST_SENTENCES: Final = 4
_PROMPTS = read_data_file(__file__)


class Biography(BaseModel):
    """The text that the model writes about one persona."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: Annotated[Text, Field(min_length=1, max_length=80)]
    biography: Annotated[Text, Field(min_length=20, max_length=2000)]
    stances: dict[str, Text] = {}

    @field_validator("biography")
    @classmethod
    def _short(cls, text: str) -> str:
        if (count := count_sentences(text)) > _MOST_SENTENCES:
            raise ValueError(f"has {count} sentences; at most {_MOST_SENTENCES}")
        return text

    @field_validator("stances")
    @classmethod
    def _complete(cls, stances: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        wanted: Sequence[str] = info.context or ()
        if lacking := [task for task in wanted if not stances.get(task, "").strip()]:
            raise ValueError(f"must have a sentence for {', '.join(lacking[:5])}")
        return {task: stances[task] for task in wanted}


class BiographyWriter:
    """Requests all biographies at once, accepts them in order, and requests those again that are too similar."""

    def __init__(self, agent: Agent, facts: Sequence[Mapping[str, Scalar]], tasks: Sequence[Task]) -> None:
        self._agent, self._facts, self._tasks = agent, facts, tasks
        self._index = NearDuplicateIndex()
        self._biographies: dict[int, Biography] = {}
        self.thrown_back: Counter[str] = Counter()

    @property
    def expected_calls(self) -> int:
        """The calls that it takes if no biography is rejected."""
        return len(self._facts)

    async def write(self, say: Callable[[str], None]) -> list[Persona]:
        """Return the personas in the order of their attributes, without those that stayed too similar."""
        # Number -> the biography that this one was too similar to.
        missing: dict[int, str] = dict.fromkeys(range(len(self._facts)), "")
        for attempt in range(_ROUNDS):
            written = await together(self._ask(n, attempt, other) for n, other in missing.items())
            missing = self._take(dict(zip(missing, written, strict=True)))
            say(f"{len(self._biographies)} of {len(self._facts)} personas")
            if not missing:
                break
        else:
            say(f"{len(missing)} personas are left out: too similar to another one {_ROUNDS} times")
        ids = Ids()
        return [self._person(n, ids) for n in sorted(self._biographies)]

    async def _ask(self, n: int, attempt: int, other: str) -> Biography | None:
        messages = [Message("system", _PROMPTS["system"]), Message("user", _prompt(self._facts[n], self._tasks, other))]
        call_id = f"p{n + 1}/again{attempt}" if attempt else f"p{n + 1}"
        task_ids = tuple(task.id for task in self._tasks)
        answer = await self._agent.ask_structured(call_id, "biography", messages, Biography, task_ids)
        return answer.form

    def _take(self, written: Mapping[int, Biography | None]) -> dict[int, str]:
        """Accept the new biographies; return the others' numbers, each with the biography that it is too similar to."""
        again: dict[int, str] = {}
        # In the order of the numbers: which of two similar ones stays must not depend on the network.
        for n, biography in sorted(written.items()):
            text = nameless(biography.biography, biography.name) if biography else ""
            similar = self._index.most_similar(text) if biography else None
            if biography is None or similar is not None:
                self.thrown_back["too similar to another one" if similar else "unreadable"] += 1
                again[n] = self._biographies[int(similar[0])].biography if similar else ""
                continue
            self._index.add(str(n), text)
            self._biographies[n] = biography
        return again

    def _person(self, n: int, ids: Ids) -> Persona:
        biography = self._biographies[n]
        name = one_line(biography.name)
        return Persona(
            id=ids.take(name, n + 1),
            name=name,
            description=tidy(biography.biography),
            attributes=self._facts[n],
            stances={task: one_line(text) for task, text in biography.stances.items()},
            source=ItemSource(name=f"fictional, written by {self._agent.config.label}"),
        )


def draw_facts(count: int, quotas: Sequence[Quota], seed: int) -> list[dict[str, Scalar]]:
    """Draw the attributes of `count` personas to quota."""
    drawn = [quota.draw(count, f"{seed}/quota/{quota.attribute}") for quota in quotas]
    names = [quota.attribute for quota in quotas]
    return [dict(zip(names, values, strict=True)) for values in zip(*drawn, strict=True)] or [{}] * count


def _prompt(facts: Mapping[str, Scalar], tasks: Sequence[Task], other: str) -> str:
    given = "Facts: " + "; ".join(f"{key}: {value}" for key, value in facts.items())
    stances = ", ".join(f'"{task.id}": <one sentence>' for task in tasks)
    values = {
        "facts": fence("persona", given),
        "tasks": "".join(f"\n{fence('task', task.prompt, id=task.id)}\n" for task in tasks),
        "others": f"\nThis one exists already; be clearly different:\n\n{fence('persona', other)}\n" if other else "",
        "stances": _PROMPTS["stances"] if tasks else "",
        "form": f'{FORM_RULE}\n{{"name": <a name>, "biography": <the biography>, "stances": {{{stances}}}}}',
    }
    return clean(fill(_PROMPTS["asked"], values))
