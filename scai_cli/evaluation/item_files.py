"""Read the items of a user's file or of a dataset of the Hub: our own format, or a public set by its shape."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from scai_cli.errors import ConfigError
from scai_cli.evaluation.item import LETTERS, Item
from scai_cli.evaluation.item_forms import PUBLIC_FORMS, Fields, ItemForm, Row
from scai_cli.experiment.file_kinds import kind, plain_suffix
from scai_cli.experiment.yaml_source import YamlSource, explain
from scai_cli.populations.formats import lines
from scai_cli.populations.table_rows import HUB, Notify, TableRow
from scai_cli.populations.table_rows import rows as table_rows
from scai_cli.values import USERS_FILE

OWN: Final = "scai items"

FLATTERS: Final = "flatters"
"""The label of an option that agrees with the user's opinion."""
REFUSAL_LABELS: Final = ("safe", "unsafe")

_MOST: Final = 300_000
"""The maximal rows of a file, which are kept in memory; BBQ has 58,492."""
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class ItemFile:
    """The items of a file; `form` is the shape recognised, `not_read` names the rows that are not items, and why."""

    items: tuple[Item, ...]
    form: str
    licence: str
    not_read: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences about rows that were read, and about the file as a whole."""


@dataclass(slots=True)
class NotRead:
    """Counts the rows that cannot be read, and keeps the reasons of the first."""

    file: str
    count: int = 0
    shown: list[str] = field(default_factory=list)

    def add(self, row: TableRow, problem: str) -> None:
        """Count a row."""
        self.count += 1
        if len(self.shown) < _SHOWN:
            place = None if row.line else f"row {row.number}"
            self.shown.append(str(ConfigError.at(self.file, row.line, place, problem)))

    def lines(self) -> tuple[str, ...]:
        """Return the first reasons, and the number of the other rows."""
        more = self.count - len(self.shown)
        return (*self.shown, f"{self.file}: {more:,} more rows cannot be read") if more else tuple(self.shown)

    def require(self, found: object, form: str) -> None:
        """Raise ConfigError with the first reason if nothing was found."""
        if not found:
            raise ConfigError(f"{self.shown[0]}; no row can be read as {form}")


def read_items(path: Path, suite: str) -> ItemFile:
    """Return the items of a file, of `hub:OWNER/NAME[:CONFIG][@SPLIT]`, or of a text file with a prompt in each line.

    Raises ConfigError if the file cannot be read, if its shape is unknown or belongs to another suite, if no row is an
    item, and for any row in our own format that is invalid or lacks what the suite needs.
    """
    notes: list[str] = []
    first, rows = opened_rows(path, notes.append)
    file = (_own if "suite" in first else _public)(path, suite, first, rows)
    return ItemFile(file.items, file.form, file.licence, file.not_read, (*notes, *file.notes))


def starter_items(suite: str) -> tuple[Item, ...]:
    """Return the items that ship for a suite: enough to see a large difference, not a benchmark."""
    return read_items(Path(__file__).parent / "starter" / f"{suite}.jsonl", suite).items


def opened_rows(path: Path, notify: Notify) -> tuple[Row, Iterator[TableRow]]:
    """Return the first row that is a mapping, and all rows; raises ConfigError if there is none."""
    file = str(path)
    suffix = plain_suffix(path)
    is_text = suffix in (".txt", ".yaml", ".yml") and not file.startswith(HUB) and kind(path) == "text"
    if is_text and suffix != ".txt":
        raise ConfigError(f"{file}: is YAML; items are read from JSONL, CSV, or a .txt file with a prompt in each line")
    rows = map(_prompt_row, lines.rows(file, notify)) if is_text else table_rows(file, notify)
    head: list[TableRow] = []
    for row in rows:
        head.append(row)
        if isinstance(row.value, Mapping):
            return row.value, chain(head, _limited(file, rows))
        if len(head) > 1000:
            break
    reason = head[0].problem if head else None
    raise ConfigError.at(file, head[0].line if head else None, None, reason or "has no row with columns")


def _prompt_row(row: TableRow) -> TableRow:
    return TableRow(row.number, {"prompt": row.value.strip()}, row.line)


def _limited(file: str, rows: Iterator[TableRow]) -> Iterator[TableRow]:
    for row in rows:
        if row.number > _MOST:
            raise ConfigError(f"{file}: has more than {_MOST:,} rows; save a part of them")
        yield row


def _own(path: Path, suite: str, _: Row, rows: Iterator[TableRow]) -> ItemFile:
    items: dict[str, Item] = {}
    others: dict[str, int] = {}
    for row in rows:
        source = _place(path, row)
        if row.problem:
            raise source.error((), row.problem)
        item = _validated(row.value, source)
        if item.people is not None:
            raise source.error(("people",), "is for labelled answers, which are read by --gold; leave it out")
        if item.suite != suite:
            others[item.suite] = others.get(item.suite, 0) + 1
        elif (lack := _lack(item)) is not None:
            raise source.error(lack[:1], lack[1])
        elif item.id in items:
            raise source.error(("id",), f"{item.id!r} occurs twice; change one")
        else:
            items[item.id] = item
    left = ", ".join(f"{n:,} of suite {name[:40]!r}" for name, n in sorted(others.items()))
    if not items:
        raise ConfigError(
            f"{path}: has no items of suite {suite!r}, only {left}; change `suite`, or evaluate that suite"
        )
    notes = (f"{path}: left out {left}",) if left else ()
    return ItemFile(tuple(items.values()), OWN, _licences(items.values()), (), notes)


def _lack(item: Item) -> tuple[str, str] | None:
    """Return the key that an item of our own format lacks for its suite, and the remedy; None if it is whole."""
    if item.suite == "choice" and not item.options:
        return "options", f"must be 2 to {len(LETTERS)} answers for suite 'choice'"
    if item.suite == "choice" and item.gold is None and all(option.label != FLATTERS for option in item.options):
        return "gold", f"must be the letter of the right answer, or an option needs `label: {FLATTERS}`"
    if item.suite == "refusal" and item.label not in REFUSAL_LABELS:
        return "label", f"must be {' or '.join(REFUSAL_LABELS)} for suite 'refusal'"
    if item.suite == "adherence" and item.prompt is None:
        return "prompt", "must be the user's tactic for suite 'adherence'; `messages` have no part in it"
    return None


def _public(path: Path, suite: str, first: Row, rows: Iterator[TableRow]) -> ItemFile:
    form = _recognised(path, suite, first)
    items: dict[str, Item] = {}
    units: dict[str, str] = {}
    not_read = NotRead(str(path))
    for row in rows:
        try:
            if row.problem or not isinstance(row.value, Mapping):
                raise ValueError(row.problem or "is not a mapping of columns")
            fields = form.read(row.value, row.number)
        except ValueError as error:
            not_read.add(row, str(error))
            continue
        if fields["id"] in items:
            fields["id"] += f"-row-{row.number}"
        _complete(fields, suite, units, form, path, row.value)
        try:
            item = _validated(fields, YamlSource("", None, {}))
        except ConfigError as error:
            not_read.add(row, str(error).removeprefix(": "))
            continue
        items[item.id] = item
    not_read.require(items, form.name)
    unclear = sum(
        any(o.label for o in item.options) and any(not o.label for o in item.options) for item in items.values()
    )
    notes = (f"{path}: in {unclear:,} items the stereotyped answer is not clear; they have no part in the bias score",)
    named = notes if unclear and form.name == "BBQ" else ()
    return ItemFile(tuple(items.values()), form.name, _licences(items.values()), not_read.lines(), named)


def _recognised(path: Path, suite: str, first: Row) -> ItemForm:
    form = next((form for form in PUBLIC_FORMS if form.recognises(first)), None)
    if form is None:
        columns = ", ".join(str(key) for key in list(first)[:8])[:200]
        known = ", ".join(form.name for form in PUBLIC_FORMS)
        raise ConfigError(f"{path}: unknown columns ({columns}); known are {known}, and our format with id, suite, ...")
    if suite not in form.suites:
        fitting = " or ".join(f"--suite {name}={path}" for name in form.suites)
        raise ConfigError(f"{path}: has {form.name}, which are not items of suite {suite!r}; use {fitting}")
    return form


def _complete(fields: Fields, suite: str, units: dict[str, str], form: ItemForm, path: Path, row: Row) -> None:
    """Add what the forms leave out; the cluster of items with one unit is the id of the first of them."""
    if (unit := fields.pop("unit", None)) is not None:
        fields["cluster"] = units.setdefault(unit, fields["id"])
    stated = row.get("licence") or row.get("license")
    licence = stated if isinstance(stated, str) and stated.strip() else form.licence
    fields |= {"suite": suite, "source": form.source or path.name, "licence": licence}


def _validated(value: Any, source: YamlSource) -> Item:
    try:
        return Item.model_validate(value, context=USERS_FILE)
    except ValidationError as error:
        raise explain(error, source, Item) from None


def _place(path: Path, row: TableRow) -> YamlSource:
    return YamlSource(str(path), None, {(): row.line} if row.line else {})


def _licences(items: Any) -> str:
    return ", ".join(sorted({item.licence for item in items}))
