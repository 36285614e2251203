"""Find the header of a table and the rows below it that have no people, and recognise a file without one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from scai_cli.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Line:
    """The cells of a line of a table, whose `number` counts from 1 in the file; with a `problem` it has none."""

    number: int
    cells: Sequence[Any]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Header:
    """The names of the columns ("" for none), the number of more header lines below it, and what those are."""

    names: tuple[str, ...]
    line: int
    below: int = 0
    what: str = ""


_IMPORT_ID: Final = re.compile(r"""\{['"]ImportId['"]:""")
_QUALTRICS: Final = frozenset(("startdate", "enddate", "responseid", "recordeddate", "ipaddress"))
_SURVEY_MONKEY: Final = ("respondentid", "collectorid")
_ONLY_ANSWERS: Final = ("response", "open-ended response", "")

_USUAL: Final = frozenset((
    "id", "uuid", "name", "description", "persona", "prompt", "question", "text", "task", "topic", "kind", "split",
    "weight", "age", "sex", "gender", "country", "participant",
))  # fmt: skip
_RULE: Final = re.compile(r":?-{2,}:?$")
_WHOLE: Final = re.compile(r"\d{1,9}")
_DATUM: Final = re.compile(
    r"[-+]?\d[\d.,]*\s?[%€$£]?"
    r"|\d{4}-\d\d?-\d\d?(?:[ T][\d:.]+.{0,6})?|\d\d?[./-]\d\d?[./-]\d{4}(?: [\d:]+)?"
    r"|[^\s@]+@[^\s@]+\.\w+|https?://\S+|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
)
"""A number, a date, an address or a UUID."""


def read_header(file: str, first: Line, ahead: Sequence[Line]) -> Header:
    """Return the header of a table by its first lines with text; raises ConfigError for one that names no columns."""
    names = tuple(" ".join(_text(cell).split()) for cell in first.cells)
    if not any(names):
        raise ConfigError.at(file, first.number, None, "the first row must name the columns")
    if ahead and all(map(_RULE.match, rule := [_text(c).strip() for c in ahead[0].cells if has_text(c)])) and rule:
        raise ConfigError.at(file, first.number, None, "is a table in Markdown; save it as CSV")
    found = _with_more_lines(Header(names, first.number), ahead)
    if unclosed := next((name for name in names if name.count('"') % 2), None):
        problem = f"the column {unclosed[:80]!r} has a quote that is not closed; add it, or remove this one"
        raise ConfigError.at(file, first.number, None, problem)
    for name in filter(None, names if found.what != _WORDING_OF_OPTIONS else found.names):
        if found.names.count(name) > 1:
            raise ConfigError.at(file, first.number, None, f"the column {name[:80]!r} appears twice; rename one")
    if not found.below and (datum := _datum(names)):
        problem = f"the first row must name the columns, and {datum[:40]!r} looks like a person's or a task's data"
        raise ConfigError.at(file, first.number, None, f"{problem}; add a row of names above it")
    return found


def has_text(cell: Any) -> bool:
    """Whether a cell is not empty."""
    return cell is not None and bool(_text(cell).strip())


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell)


_WORDING: Final = "the questions' wording"
_IMPORT_IDS: Final = ("import ids", f"{_WORDING} and import ids")
_WORDING_OF_OPTIONS: Final = "the options' wording, which the names of the columns now have"


def _with_more_lines(header: Header, ahead: Sequence[Line]) -> Header:
    """Return the header with the header lines that Qualtrics and SurveyMonkey write below the first."""
    for below, line in enumerate(ahead[:2], 1):
        filled = [_text(cell) for cell in line.cells if has_text(cell)]
        if filled and all(map(_IMPORT_ID.match, filled)):
            return Header(header.names, header.line, below, _IMPORT_IDS[below - 1])
    if not ahead:
        return header
    second = [" ".join(_text(cell).split()) for cell in ahead[0].cells]
    pairs = list(zip(map(_squeezed, header.names), map(_squeezed, second), strict=False))
    if sum(name == cell and name in _QUALTRICS for name, cell in pairs) > 1 and tuple(second) != header.names:
        return Header(header.names, header.line, 1, _WORDING)
    if not _is_survey_monkey([_squeezed(name) for name in header.names], second):
        return header
    return Header(tuple(_joined(header.names, second)), header.line, 1, _WORDING_OF_OPTIONS)


def _is_survey_monkey(names: list[str], second: list[str]) -> bool:
    """Whether the second line has options: nothing below the ids, and a text below each column without a name."""
    places = [names.index(name) for name in _SURVEY_MONKEY if name in names]
    if not places or len(second) != len(names) or any(second[place] for place in places):
        return False
    nameless = [option for name, option in zip(names, second, strict=True) if not name]
    return len(places) == len(_SURVEY_MONKEY) or (bool(nameless) and all(nameless))


def _squeezed(name: str) -> str:
    return name.lower().replace(" ", "")


def _joined(names: Sequence[str], options: Sequence[str]) -> list[str]:
    """Return the names of SurveyMonkey's columns: a question with several options has its name above the first."""
    question, found = "", []
    for name, option in zip(names, options, strict=True):
        question = name or question
        found.append(question if option.lower() in _ONLY_ANSWERS else f"{question}: {option}")
    return found


def _datum(names: Sequence[str]) -> str | None:
    """Return a name that can only be data; years and numbers of statements name columns where they are in order."""
    if any(name.lower() in _USUAL for name in names):
        return None
    if all(map(_WHOLE.fullmatch, filter(None, names))):
        return next(filter(None, names))
    run: list[str] = []
    for name in (*names, ""):
        if _WHOLE.fullmatch(name):
            run.append(name)
            continue
        if run and not _are_in_order([int(number) for number in run]):
            return run[0]
        run = []
        if _DATUM.fullmatch(name):
            return name
    return None


def _are_in_order(numbers: Sequence[int]) -> bool:
    steps = [after - before for before, after in pairwise(numbers)]
    return bool(steps) and min(steps) > 0 and (len(steps) > 1 or steps == [1])
