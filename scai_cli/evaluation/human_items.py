"""The items of real people: the answers that they rated and the questions that they answered, each person once.

No item's text is in the text of its person: stances, which readers make from answers, are left out of every persona,
and an item whose answer or question the persona quotes is not asked.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from scai_cli.errors import ConfigError
from scai_cli.evaluation.item import LETTERS, Item, ItemMessage
from scai_cli.evaluation.suite import SuiteSource
from scai_cli.experiment.personas import Persona
from scai_cli.models.notices import Notices
from scai_cli.populations.human.record import HumanData, HumanRating, SurveyAnswer
from scai_cli.text.counts import counted
from scai_cli.text.words import comparable
from scai_cli.values import draw

RATING, SURVEY = "rating", "survey"
"""The labels of items."""
_EACH: Final = 8
"""The items of a person in a draw: enough to say something within one person."""
FEWEST_PEOPLE: Final = 10
"""The least people for a verdict, and for a mapping of ratings."""
_QUOTED: Final = 24
"""The least characters of a text that count as a quotation."""


def human_items(suite: str, source: SuiteSource) -> Sequence[Item]:
    """Return the items, about `n` of them, drawn with the seed; raises ConfigError without data.

    A draw takes some people, and the prompts that come first in one order for all, so that they share what they can.
    """
    if source.file is not None:
        raise ConfigError(f"--suite {suite}={source.file}: its items are of real people; name them with --human")
    human = source.human
    if human is None or not (human.ratings or human.answers):
        has = "has neither ratings nor answers" if human else "needs what real people rated or answered"
        raise ConfigError(f"--suite {suite}: {has}; add --human with PRISM, OpinionQA or a table of ratings")
    items, left_out = _all_items(suite, human)
    notice = Notices()
    for reason, count in left_out.items():
        notice(f"--human: {counted(count, 'item')} left out: {reason}")
    kinds = [part for kind in (RATING, SURVEY) if (part := [item for item in items if item.label == kind])]
    if source.n is None:
        return _with_swaps([item for part in kinds for item in part], source.config.seed)
    shares = [source.n // len(kinds) + (at < source.n % len(kinds)) for at in range(len(kinds))]
    drawn = [_drawn(part, share, source.config.seed) for part, share in zip(kinds, shares, strict=True)]
    return _with_swaps([item for part in drawn for item in part], source.config.seed)


def people_of_items(human: HumanData, items: Sequence[Item]) -> list[Persona]:
    """Return the people whom the items name, as a model sees them: without stances and models of their own."""
    named = dict.fromkeys(name for item in items for name in (item.persona, item.swapped) if name)
    hidden: dict[str, object] = {"stances": {}, "model": None, "human": False}
    return [human.people[name].model_copy(update=hidden) for name in named]


def prompt_of(item: Item) -> tuple[tuple[str, str], ...]:
    """Return the conversation of an item as a key: answers to the same prompt can be compared."""
    return tuple((message.role, message.content) for message in item.conversation)


def _all_items(suite: str, human: HumanData) -> tuple[list[Item], Counter[str]]:
    portraits = {name: comparable(person.portrait()) for name, person in human.people.items()}
    found: dict[tuple[str, str, str], Item] = {}
    left_out: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    everything: tuple[HumanRating | SurveyAnswer, ...] = (*human.ratings, *human.answers)
    for said in everything:
        if isinstance(said, HumanRating):
            key, value = (said.person, RATING, said.item), said.value
        else:
            key, value = (said.person, SURVEY, said.question), float(said.answer)
        if key in found:
            found[key] = found[key].model_copy(update={"human": (*found[key].human, value)})
            continue
        if reason := _unfit(said, human, portraits):
            left_out[reason] += 1
            continue
        counts[said.person] += 1
        shared = {"suite": suite, "cluster": said.person, "source": human.source or "--human", "licence": human.licence}
        place = {"id": f"{said.person}/{counts[said.person]}", "persona": said.person, "task": key[2], "label": key[1]}
        found[key] = Item.model_validate({**shared, **place, "human": (value,), **_asked(said)})
    return list(found.values()), left_out


def _asked(said: HumanRating | SurveyAnswer) -> Mapping[str, object]:
    """Return the fields of an item with the rated answer, or the question."""
    if isinstance(said, SurveyAnswer):
        return {"prompt": said.question, "options": said.options, "ordered": said.ordered}
    messages = [ItemMessage(role=m.role, content=m.content) for m in said.conversation if m.role != "system"]
    return {"messages": messages, "answer": said.answer}


def _unfit(said: HumanRating | SurveyAnswer, human: HumanData, portraits: Mapping[str, str]) -> str | None:
    """Return why an item cannot be asked; None if it can."""
    if said.person not in human.people:
        return "nothing is known of its person"
    if isinstance(said, SurveyAnswer):
        if not 2 <= len(said.options) <= len(LETTERS) or not all(option.strip() for option in said.options):
            return f"its question has not 2 to {len(LETTERS)} options"
        is_fact = said.question in human.people[said.person].attributes
        return _QUOTES if is_fact or _quotes(portraits[said.person], said.question) else None
    messages = [message for message in said.conversation if message.role != "system"]
    if not messages or messages[-1].role != "user" or not all(m.content.strip() for m in messages):
        return "its conversation does not end with a message of the user"
    if not said.answer.strip():
        return "its answer is empty"
    return _QUOTES if _quotes(portraits[said.person], said.answer) else None


_QUOTES: Final = "the persona has it in its text"


def _quotes(portrait: str, text: str) -> bool:
    wanted = comparable(text)
    return len(wanted) >= _QUOTED and wanted in portrait


def _drawn(items: Sequence[Item], n: int, seed: int) -> list[Item]:
    """Return n items of n / 8 people: their prompts in one order for all, every person's first ones first.

    Where these are fewer than ten, there are ten with fewer items, as long as each can have three.
    """
    prompts: dict[str, dict[tuple[tuple[str, str], ...], list[Item]]] = defaultdict(lambda: defaultdict(list))
    for item in items:
        prompts[item.cluster][prompt_of(item)].append(item)
    people = draw(list(prompts), max(3, min(FEWEST_PEOPLE, n // 3), -(-n // _EACH)), f"{seed}/calibration/people")
    everything = list(dict.fromkeys(prompt for person in people for prompt in prompts[person]))
    random.Random(f"{seed}/prompts").shuffle(everything)
    order = {prompt: place for place, prompt in enumerate(everything)}
    queues = [[prompts[who][prompt] for prompt in sorted(prompts[who], key=order.__getitem__)] for who in people]
    chosen = {item.id for item in _in_turn(queues, n)}
    return [item for item in items if item.id in chosen]


def _in_turn(queues: Sequence[Sequence[Sequence[Item]]], n: int) -> Iterator[Item]:
    """Yield at most n items: the first prompt of everyone, then the second, and so on."""
    for turn in range(max(map(len, queues))):
        for prompts in queues:
            members = prompts[turn] if turn < len(prompts) else ()
            if len(members) <= n:
                yield from members
                n -= len(members)


def _with_swaps(items: Sequence[Item], seed: int) -> list[Item]:
    """Return the items with the person, one for each of them, whose persona is swapped in."""
    people = list(dict.fromkeys(item.cluster for item in items))
    if len(people) < 2:
        return list(items)
    # In a circle in a drawn order, so that nobody is their own, and everyone is swapped in once.
    circle = random.Random(f"{seed}/swapped").sample(people, len(people))
    other = dict(zip(circle, circle[1:] + circle[:1], strict=True))
    return [item.model_copy(update={"swapped": other[item.cluster]}) for item in items]
