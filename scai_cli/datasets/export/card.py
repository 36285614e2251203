"""The card of a data set: a README with the Hub's YAML header, for people and for `load_dataset`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from scai_cli import __version__
from scai_cli.analysis.participants import PROGRAM
from scai_cli.datasets.export.card_header import header
from scai_cli.datasets.export.export_record import ExportRecord
from scai_cli.datasets.export.markdown import bullets, code, escaped, fenced, table
from scai_cli.datasets.formats.format import ExportedFile
from scai_cli.datasets.formats.guide import FormatGuide
from scai_cli.experiment.constitution import Constitution
from scai_cli.messages import CHARACTERS_PER_TOKEN

TRL_DEFAULT: Final = 1024
"""TRL's `max_length`."""


def card(name: str, record: ExportRecord, beside: Sequence[ExportedFile] = ()) -> str:
    """Return the whole README; `beside` are the files of provenance. Foreign text in it is escaped."""
    return f"{header(name, record, beside)}\n" + "\n\n".join(_body(name, record, beside)) + "\n"


def _body(name: str, record: ExportRecord, beside: Sequence[ExportedFile]) -> Iterator[str]:
    guide, rows = record.format.guide, sum(file.rows for file in record.files)
    yield f"# {escaped(name)}"
    form = f"in the format `{code(record.format_name)}`"
    yield f"{_count(rows, 'row')} for {guide.purpose}, written by scai {__version__} {form}."
    yield f"**{_disclaimer(record)}**"
    yield "## What is in it"
    yield table(
        ("file", "split", "rows", "longest row", "SHA-256"),
        [
            (f"`{code(f.name)}`", f.split, f"{f.rows:,}", _length(f.longest_characters), f"`{f.sha256[:12]}…`")
            for f in record.files
        ],
    )
    yield _columns(record, guide)
    if beside:
        names = ", ".join(f"`{code(file.name)}`" for file in beside)
        yield (
            f"Where each row came from stands in {names}: line *n* there tells of row *n* here. Readers of this format "
            "refuse further columns."
        )
    yield "## How to train on it"
    yield bullets(_advice(record, guide))
    yield "## How it was made"
    yield from _making(record)
    yield "## Limits"
    yield bullets(_LIMITS)
    yield "## Licence"
    yield bullets(_licence_lines(record))
    yield "## Make it again"
    yield fenced(record.command)
    yield (
        "`manifest.json` holds the full digests of the files and of the sources. The same sources, command and version "
        "give the same bytes."
    )


def _disclaimer(record: ExportRecord) -> str:
    models = {model for source in record.sources for model in source.models.values()}
    if models == {"simulated"}:
        return (
            f"Simulated data. Users, answers and ratings were made by scai's built-in society, {PROGRAM}: good for "
            "trying a pipeline, not for training a model that people will use."
        )
    return (
        "Simulated data. The users are personas played by language models, and so are their ratings: they stand for "
        "people as a model imagines them. No person said or rated any of this."
    )


def _columns(record: ExportRecord, guide: FormatGuide) -> str:
    present = dict.fromkeys(column for file in record.files for column in file.columns)
    own = [(f"`{code(column)}`", guide.columns[column]) for column in present if column in guide.columns]
    further = [f"`{code(column)}`" for column in present if column not in guide.columns]
    if further:
        own.append((", ".join(further), "where the row came from (in Parquet a structure, else JSON text)"))
    return table(("column", "what it holds"), own)


def _advice(record: ExportRecord, guide: FormatGuide) -> Iterator[str]:
    longest = max((file.longest_characters for file in record.files), default=0)
    tokens = math.ceil(longest / CHARACTERS_PER_TOKEN)
    enough = max(TRL_DEFAULT, 256 * math.ceil(tokens * 1.25 / 256))
    default = "; that is TRL's default" if enough == TRL_DEFAULT else f": TRL's default is {TRL_DEFAULT}"
    yield (
        f"The longest row holds {longest:,} characters, all its columns together, so no text that is trained on is "
        f"longer than about {tokens:,} tokens (four characters each; more in other languages than English)."
        + (f" `max_length={enough}` leaves room{default}." if "trl" in guide.tags else "")
    )
    yield from guide.advice


def _making(record: ExportRecord) -> Iterator[str]:
    yield table(
        ("source", "constitution", "users", "models", "SHA-256"),
        [
            (
                f"`{code(source.run_id)}`",
                f"version {source.constitution.version}",
                f"{_count(source.personas, 'persona')}, who rate",
                ", ".join(f"{escaped(role)}: {escaped(model)}" for role, model in source.models.items()),
                f"`{source.digest[:12]}…`",
            )
            for source in record.sources
        ],
    )
    yield (
        "Personas talked with an assistant under a constitution and rated its answers; every row's provenance names "
        "the run, the conversation, the messages, the rules in force, the models and the raters."
    )
    if record.left_out:
        yield "Left out: " + ", ".join(f"{escaped(why)} {n:,}" for why, n in sorted(record.left_out.items())) + "."
    if record.settings:
        yield bullets(f"{escaped(key)}: {escaped(str(value))}" for key, value in sorted(record.settings.items()))
    if record.notes:
        yield bullets(map(escaped, record.notes))
    yield from _rules(record)


def _rules(record: ExportRecord) -> Iterator[str]:
    """Yield every last constitution once, with the sources that ended with it."""
    owners: dict[Constitution, list[str]] = {}
    for source in record.sources:
        owners.setdefault(source.constitution, []).append(f"`{code(source.run_id)}`")
    for constitution, names in owners.items():
        rules = [
            *(f"**{rule.id}** {escaped(rule.text)}" for rule in constitution.principles),
            *(f"**{c.id}** for {', '.join(map(escaped, c.users))}: {escaped(c.text)}" for c in constitution.contract),
        ]
        yield f"### Constitution of {' and '.join(names)}, version {constitution.version}"
        yield bullets(rules) if rules else "It has no rules."
    if record.sources:
        yield "Rows of a run's earlier epochs were answered under earlier versions, which their provenance names."


_LIMITS: Final = (
    "Preferences are those of a simulated group; how like people it is must be shown before people are spoken of.",
    "Models repeat themselves: `scai dataset describe` measures near-duplicates, refusals, and whether the "
    "better answers are merely the longer ones.",
    "Nothing was filtered for what is harmful or untrue beyond what the raters minded.",
)


def _licence_lines(record: ExportRecord) -> Iterator[str]:
    for licence, rows in sorted(record.licences.items()):
        terms = escaped(licence) if licence else "personas and tasks that state no licence"
        yield f"{terms}: {_count(rows, 'row')}"
    yield "The terms of the models that wrote the texts may say more."


def _length(characters: int) -> str:
    return f"{characters:,} characters, about {math.ceil(characters / CHARACTERS_PER_TOKEN):,} tokens"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
