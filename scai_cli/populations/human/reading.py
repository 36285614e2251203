"""Read the files of `--human`: what a file has is found by its columns, and people are joined by their ids."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, Literal

from scai_cli.errors import ConfigError
from scai_cli.experiment.item_files import items
from scai_cli.experiment.personas import Persona
from scai_cli.populations.clean_text import BadRow
from scai_cli.populations.drafts import PersonaDraft
from scai_cli.populations.formats import opinionqa, prism, table
from scai_cli.populations.human import opinionqa as survey
from scai_cli.populations.human import prism as prism_ratings
from scai_cli.populations.human.gathered import Gathered, rows_form
from scai_cli.populations.human.plain import FACTS, PlainColumns, PlainReader
from scai_cli.populations.human.record import HumanData
from scai_cli.populations.nested import leaves
from scai_cli.populations.record import Record
from scai_cli.populations.table_rows import rows
from scai_cli.text.characters import one_line
from scai_cli.text.counts import counted

Kind = Literal[
    "questions", "respondents", "prism survey", "prism conversations", "prism utterances", "plain", "people", "personas"
]
_ORDER: Final[Sequence[Kind]] = (
    *("questions", "respondents", "prism survey", "prism conversations", "prism utterances", "plain", "people"),
    "personas",
)
"""The questions are known before the respondents, whole conversations before their utterances."""
_FIRST: Final = 20
"""The rows of a file among which one has to be readable."""
_MOST_FILES: Final = 1_000
_IDS: Final = frozenset(("id", "uuid", "user_id"))
_DESCRIBED: Final = frozenset(("description", "persona", "biography", "bio", "attributes", "preferences"))
_KNOWN: Final = (
    "ratings (person, prompt, answer, rating), chats (person, messages), people (id, description), PRISM, OpinionQA"
)


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    kind: Kind
    names: tuple[str, ...]


def read_human(paths: Sequence[Path]) -> HumanData:
    """Read ratings, survey answers and conversations of real people from files and folders; raises ConfigError.

    A file that nothing is known to read from is an error, in a folder a note.
    """
    gathered = Gathered()
    files = [file for path in paths for file in _files(path, gathered)]
    utterances, answers = prism_ratings.PrismReader(gathered), survey.SurveyReader(gathered)
    for file in sorted(files, key=lambda file: _ORDER.index(file.kind)):
        _read(file, gathered, utterances, answers)
    utterances.finish()
    data = gathered.data()
    if not (data.ratings or data.answers or data.conversations):
        of = f" of its {counted(len(data.people), 'person', 'people')}" if data.people else ""
        named = ", ".join(map(str, paths[:3]))
        raise ConfigError(f"--human {named}: has no rating, answer or conversation{of}; name the files with those")
    return data


def _read(file: _File, gathered: Gathered, utterances: prism_ratings.PrismReader, answers: survey.SurveyReader) -> None:
    path = file.path
    match file.kind:
        case "questions":
            gathered.read(path, rows_form(answers.question))
            gathered.cite(path, survey.DATASET, survey.LICENCE)
        case "respondents":
            if not answers.questions:
                gathered.note(f"{path.name}: its answers are left out without their questions; name info.csv, too")
            form = opinionqa.PERSONAS
            gathered.read(path, rows_form(answers.respondent, form.source, form.licence))
            gathered.cite(path, survey.DATASET, survey.LICENCE)
        case "prism survey":
            gathered.read(path, prism.PERSONAS)
            gathered.cite(path, prism_ratings.DATASET, prism_ratings.LICENCE)
        case "prism conversations" | "prism utterances":
            take = utterances.conversation if file.kind == "prism conversations" else utterances.utterance
            gathered.read(path, rows_form(take))
            gathered.cite(path, prism_ratings.DATASET, prism_ratings.LICENCE)
        case "plain":
            PlainReader(gathered, path, PlainColumns.of(file.names)).read()
            gathered.cite(path)
        case "people":
            person = PlainColumns.of(file.names).person
            gathered.read(path, rows_form(partial(_described, person), is_open=True))
            gathered.cite(path)
        case "personas":
            for persona in items(path, Persona):
                gathered.describe(persona.id, persona)
            gathered.cite(path)


def _described(person: str | None, row: Record) -> Iterator[PersonaDraft]:
    """Make a persona of a row of people, as `scai personas import --as table` does."""
    key = row.line(person, "id")
    if sum(map(leaves, row.values.values())) <= 1:  # an id at most
        return
    try:
        for draft in table.people(row, None):
            yield replace(draft, key=key) if key else draft
    except BadRow as error:
        raise BadRow(str(error).partition(";")[0]) from None  # the remedy there is a column map


def _files(path: Path, gathered: Gathered) -> Iterator[_File]:
    """Yield a file, or the files of a folder that can be read."""
    if not path.is_dir():
        yield _recognised(path)
        return
    found = [file for file in islice(path.rglob("*"), 10 * _MOST_FILES) if _is_visible(file, path)]
    if len(found) > _MOST_FILES:
        raise ConfigError(f"{path}: has more than {_MOST_FILES:,} files; name those to read")
    others = []
    for file in sorted(found):
        try:
            yield _recognised(file)
        except ConfigError:
            others.append(file.name)
    if others:
        shown = ", ".join(others[:5]) + (", ..." if len(others) > 5 else "")
        gathered.note(f"{path}: {counted(len(others), 'file')} with nothing to read: {shown}")


def _is_visible(file: Path, folder: Path) -> bool:
    return file.is_file() and not any(part.startswith(".") for part in file.relative_to(folder).parts)


def _recognised(path: Path) -> _File:
    """Return what a file has, by the columns of its first rows; raises ConfigError for a file that has none of it."""
    if path.suffix.lower() in (".yaml", ".yml"):
        for _ in items(path, Persona):  # a population as `scai personas` writes it
            break
        return _File(path, "personas", ())
    first = next(
        (r.value for r in islice(rows(str(path), lambda _: None), _FIRST) if isinstance(r.value, Mapping)), None
    )
    if first is None:
        raise ConfigError(f"{path}: has no row with named columns; --human reads {_KNOWN}")
    names = tuple(map(str, first))
    kind = _kind(names)
    if kind is None:
        columns = ", ".join(one_line(name)[:40] for name in names[:10])
        raise ConfigError(f"{path}: is none of {_KNOWN}; it has the columns {columns}")
    return _File(path, kind, names)


def _kind(names: Sequence[str]) -> Kind | None:
    low = {name.lower() for name in names}
    if low >= {"user_id", "conversation_id", "conversation_history"}:
        return "prism conversations"
    if low >= {"user_id", "conversation_id", "model_response", "score", "turn"}:
        return "prism utterances"
    if "user_id" in low and low & {"system_string", "stated_prefs"}:
        return "prism survey"
    if low >= {"key", "question", "references"}:
        return "questions"
    if opinionqa.is_wave(names):
        return "respondents"
    columns = PlainColumns.of(names)
    if columns.are_ratings or columns.are_chats:
        return "plain"
    has_id = low & _IDS or columns.person is not None
    are_described = low & _DESCRIBED or any(map(FACTS.fullmatch, names))
    return "people" if has_id and are_described else None
