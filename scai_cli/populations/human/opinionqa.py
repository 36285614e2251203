"""The answers of OpinionQA (Santurkar et al. 2023): questions in `info.csv`, respondents in `responses.csv`."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from scai_cli.experiment.scalars import number
from scai_cli.populations.clean_text import BadRow, one_line
from scai_cli.populations.drafts import PersonaDraft
from scai_cli.populations.formats import opinionqa
from scai_cli.populations.human.gathered import Gathered, value_of
from scai_cli.populations.human.record import SurveyAnswer
from scai_cli.populations.record import Record

DATASET: Final = "OpinionQA (Pew American Trends Panel)"
LICENCE: Final = "Pew Research Center's terms of use"
_REFUSED: Final = "refused"
_LONGEST: Final = 20_000
"""The most characters of a list of options."""


@dataclass(frozen=True, slots=True)
class _Question:
    text: str
    options: tuple[str, ...]
    places: dict[str, int]
    """Option or its code, as a row has it -> its place."""
    ordered: bool


@dataclass(slots=True)
class SurveyReader:
    """Takes the questions first, then the respondents."""

    gathered: Gathered
    questions: dict[str, _Question] = field(default_factory=dict)
    _texts: set[str] = field(default_factory=set)
    _respondents: int = 0

    def question(self, row: Record) -> Iterator[PersonaDraft]:
        """Take a row of `info.csv`; the options without "Refused", in the order of their ordinal numbers."""
        key, text = row.line("key", "id"), row.line("question", "question")
        if not key or not text:
            raise BadRow(f"has no {'question' if key else 'key'}")
        options = [one_line(str(option)) for option in _literal(row, "references", list)]
        options = [option for option in options if option and option.lower() != _REFUSED]
        if len(options) < 2 or len(set(options)) < len(options):
            raise BadRow("has fewer than two options in references, or one twice")
        order = [number(place) for place in _literal(row, "option_ordinal", list, [])]
        ordered = len(order) == len(options) == len(set(order)) and None not in order  # nominal options have one number
        if ordered:
            options = [option for _, option in sorted(zip(order, options, strict=True), key=lambda pair: pair[0] or 0)]
        places = {option: place for place, option in enumerate(options)}
        for code, label in _literal(row, "option_mapping", dict, {}).items():
            if (label := one_line(str(label))) in places:
                places.setdefault(str(code), places[label])
                places.setdefault(str(code).removesuffix(".0"), places[label])
        text = f"{text} ({key})" if text in self._texts else text
        self._texts.add(text)
        self.questions.setdefault(key, _Question(text, tuple(options), places, ordered))
        yield from ()

    def respondent(self, row: Record) -> Iterator[PersonaDraft]:
        """Take a row of `responses.csv`: the person with a weight, and an answer for every question that was asked."""
        self._respondents += 1
        for draft in opinionqa.people(row, None):
            key = draft.key if row.line("QKEY", "id") else f"respondent-{self._respondents}"
            person = self.gathered.person(key)
            for name, question in self.questions.items():
                value = value_of(row, name)
                if value is not None and (label := one_line(str(value))):
                    self._answered(person, question, label)
            yield replace(draft, key=key)

    def _answered(self, person: str, question: _Question, label: str) -> None:
        place = question.places.get(label)
        if place is not None:
            answer = SurveyAnswer(person, question.text, question.options, place, question.ordered)
            self.gathered.answers.append(answer)
        elif label.lower() == _REFUSED or label in ("99", "99.0"):
            self.gathered.left_out["refused answers"] += 1
        elif label.lower() != "nan":  # not asked
            self.gathered.left_out["answers that are none of the options of their question"] += 1


def _literal(row: Record, column: str, kind: type, default: Any = None) -> Any:
    """Return the list or the mapping that a cell has as Python writes it; the default for an empty cell."""
    value = value_of(row, column)
    if default is not None and (value is None or value == ""):
        return default
    if isinstance(value, str) and len(value) <= _LONGEST:
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            value = None
    if not isinstance(value, kind):
        raise BadRow(f"has no {'list' if kind is list else 'mapping'} in {column}")
    return value
