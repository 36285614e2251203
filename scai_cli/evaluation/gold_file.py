"""Read answers that people have labelled: XSTest's completions, and pairs of answers with the better one."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

from scai_cli.errors import ConfigError
from scai_cli.evaluation.item import Item, ItemMessage, Option
from scai_cli.evaluation.item_files import NotRead, opened_rows
from scai_cli.evaluation.item_forms import (
    NOT_STATED,
    Row,
    Turns,
    needed_text,
    preference,
    turns,
    xstest_id,
    xstest_label,
)

Grade = Literal["full compliance", "full refusal", "partial refusal"]
Better = Literal["A", "B", "tie"]
GRADES: Final[tuple[Grade, ...]] = get_args(Grade)
_XSTEST_GRADES: Final = {f"{n}_{grade.replace(' ', '_')}": grade for n, grade in enumerate(GRADES, 1)}


@dataclass(frozen=True, slots=True)
class GradedAnswer:
    """An answer whose degree of refusal people have labelled; `label` is `safe` or `unsafe`, the prompt's."""

    id: str
    messages: tuple[ItemMessage, ...]
    answer: str
    people: Grade
    label: str

    @property
    def options(self) -> tuple[Option, ...]:
        """The answer."""
        return (Option(text=self.answer),)


@dataclass(frozen=True, slots=True)
class ComparedAnswers:
    """Two answers to a prompt, and the one that people have called better."""

    id: str
    messages: tuple[ItemMessage, ...]
    answer_a: str
    answer_b: str
    people: Better
    label: None = None

    @property
    def options(self) -> tuple[Option, ...]:
        """Both answers."""
        return Option(text=self.answer_a), Option(text=self.answer_b)


@dataclass(frozen=True, slots=True)
class GoldFile:
    """The labelled answers of a file, graded or compared, never both; `not_read` names the other rows, and why."""

    graded: tuple[GradedAnswer, ...]
    compared: tuple[ComparedAnswers, ...]
    form: str
    licence: str
    not_read: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """The number of answers of each grade to the `safe` or to the `unsafe` prompts."""

    label: str
    counts: Mapping[Grade, int]

    @property
    def answers(self) -> int:
        """The number of answers of all grades."""
        return sum(self.counts.values())

    def percent(self, grade: Grade) -> str:
        """Return the share of a grade with one decimal, e.g. `38.0%`."""
        return f"{100 * self.counts[grade] / self.answers:.1f}%"


def read_gold(path: Path) -> GoldFile:
    """Return the labelled answers of a file; raises ConfigError if its shape is unknown or no row can be read.

    Known are XSTest's completions (`type`, `prompt`, `completion`, `final_label`), rows with `prompt`, `answer_a`,
    `answer_b` and `better` (`A`, `B` or `tie`), and rows with `chosen` and `rejected`, with or without a `prompt`.
    """
    notes: list[str] = []
    first, rows = opened_rows(path, notes.append)
    form, licence, read = _recognised(path, first)
    found: list[GradedAnswer | ComparedAnswers] = []
    not_read = NotRead(str(path))
    for row in rows:
        try:
            if row.problem or not isinstance(row.value, Mapping):
                raise ValueError(row.problem or "is not a mapping of columns")
            found.append(read(row.value, row.number))
        except ValueError as error:
            not_read.add(row, str(error))
    not_read.require(found, form)
    graded = tuple(answer for answer in found if isinstance(answer, GradedAnswer))
    compared = tuple(answer for answer in found if isinstance(answer, ComparedAnswers))
    return GoldFile(graded, compared, form, licence, not_read.lines(), tuple(notes))


def gold_notes(path: Path) -> list[str]:
    """Return the sentences for the user about the rows of a file that are not read; raises ConfigError as `read_gold`.

    The first reasons with their lines and the number of the others; then notes on the form.
    """
    gold = read_gold(path)
    return [*gold.not_read, *gold.notes]


def gold_items(path: Path, suite: Literal["refusal", "pairs"]) -> list[Item]:
    """Return the graded answers of a file, or for `pairs` the compared ones; none if its labels are of the other kind.

    The answers to one prompt are a cluster: a judge errs alike on them. Raises ConfigError as `read_gold`.
    """
    gold = read_gold(path)
    answers: Sequence[GradedAnswer | ComparedAnswers] = gold.graded if suite == "refusal" else gold.compared
    clusters: dict[tuple[ItemMessage, ...], str] = {}
    return [
        Item(
            id=f"gold-{answer.id}-{n}",
            suite=suite,
            messages=answer.messages,
            options=answer.options,
            label=answer.label,
            people=answer.people,
            cluster=clusters.setdefault(answer.messages, answer.id),
            source=path.name,
            licence=gold.licence,
        )
        for n, answer in enumerate(answers)
    ]


def refusal_table(answers: Iterable[GradedAnswer]) -> tuple[RefusalRow, ...]:
    """Return the table of XSTest (Röttger et al. 2024): the labels of the answers to safe and to unsafe prompts."""
    counts = Counter((answer.label, answer.people) for answer in answers)
    rows = (RefusalRow(label, {grade: counts[label, grade] for grade in GRADES}) for label in ("safe", "unsafe"))
    return tuple(row for row in rows if row.answers)


def _recognised(path: Path, first: Row) -> tuple[str, str, Callable[[Row, int], GradedAnswer | ComparedAnswers]]:
    if "final_label" in first:
        return "XSTest completions", "CC-BY-4.0 for the prompts, the models' terms for the answers", _graded
    if "better" in first:
        return "compared answers", NOT_STATED, _compared
    if "chosen" in first:
        return "preference rows", NOT_STATED, _preferred
    columns = ", ".join(str(key) for key in list(first)[:8])[:200]
    known = "final_label, or answer_a, answer_b and better, or chosen and rejected"
    raise ConfigError(f"{path}: unknown columns ({columns}); labelled answers need {known}")


def _graded(row: Row, number: int) -> GradedAnswer:
    grade = _XSTEST_GRADES.get(str(row.get("final_label")).strip())
    if grade is None:
        raise ValueError(f"final_label: must be {', '.join(_XSTEST_GRADES)}")
    messages = _messages([("user", needed_text(row, "prompt"))])
    name, label = f"xstest-{xstest_id(row, number)}", xstest_label(row)
    return GradedAnswer(name, messages, needed_text(row, "completion"), grade, label)


def _compared(row: Row, number: int) -> ComparedAnswers:
    better: Any = row.get("better")
    if better not in get_args(Better):
        raise ValueError("better: must be A, B or tie")
    messages = _messages(turns(row.get("prompt"), "user"))
    return ComparedAnswers(
        f"row-{number}", messages, needed_text(row, "answer_a"), needed_text(row, "answer_b"), better
    )


def _preferred(row: Row, number: int) -> ComparedAnswers:
    prompt, chosen, rejected = preference(row)
    if chosen == rejected or not all(len(rest) == 1 and rest[0][1] for rest in (chosen, rejected)):
        raise ValueError("`chosen` and `rejected` must differ in their last message, and only there")
    name, messages, better, worse = f"row-{number}", _messages(prompt), chosen[0][1], rejected[0][1]
    if number % 2:  # so that the better one is not always the first
        return ComparedAnswers(name, messages, better, worse, "A")
    return ComparedAnswers(name, messages, worse, better, "B")


def _messages(prompt: Turns) -> tuple[ItemMessage, ...]:
    """Return the messages of a prompt; raises ValueError."""
    if any(role not in ("user", "assistant") or not text for role, text in prompt) or prompt[-1][0] != "user":
        raise ValueError("prompt: must be messages of user and assistant with text, the last by the user")
    return tuple(ItemMessage.model_validate({"role": role, "content": text}) for role, text in prompt)
