"""Write a dataset card: a README with the Hub's YAML header, for people and for `load_dataset`."""

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
from scai_cli.datasets.generate.criterion import Criterion
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.wordings import Wording
from scai_cli.messages import CHARACTERS_PER_TOKEN
from scai_cli.text.counts import counted
from scai_cli.text.data_files import read_data_file

TRL_DEFAULT: Final = 1024
"""The default of TRL's `max_length`."""

_TEXTS = read_data_file(__file__)


def card(name: str, record: ExportRecord, beside: Sequence[ExportedFile] = ()) -> str:
    """Return the card as Markdown, with foreign text escaped; `beside` lists the side-car files of provenance."""
    return f"{header(name, record, beside)}\n" + "\n\n".join(_body(name, record, beside)) + "\n"


def _body(name: str, record: ExportRecord, beside: Sequence[ExportedFile]) -> Iterator[str]:
    guide, rows = record.format.guide, sum(file.rows for file in record.files)
    yield f"# {escaped(name)}"
    form = f"in the format `{code(record.format_name)}`"
    yield f"{counted(rows, 'row')} for {guide.purpose}, written by scai {__version__} {form}."
    yield f"**{_disclaimer(record)}**"
    if health := [f"`{code(source.run_id)}`: {escaped(line)}" for source in record.sources for line in source.health]:
        yield _TEXTS["health"]
        yield bullets(health)
    yield "## Contents"
    yield table(
        ("file", "split", "rows", "longest row, all columns", "SHA-256"),
        [
            (f"`{code(f.name)}`", f.split, f"{f.rows:,}", _length(f.longest_characters), f"`{f.sha256[:12]}…`")
            for f in record.files
        ],
    )
    yield _columns(record, guide)
    if beside:
        names = ", ".join(f"`{code(file.name)}`" for file in beside)
        yield f"{names}: {_TEXTS['beside']}"
    if lines := list(record.summary.lines()):
        yield "## Balance and variety"
        yield bullets(map(escaped, lines))
    yield "## How to train on it"
    yield bullets(_advice(record, guide))
    yield "## How it was made"
    yield from _making(record)
    yield "## Limits"
    yield bullets((*_preferences(record), *_TEXTS["limits"]))
    yield "## Licence"
    yield bullets(_licence_lines(record))
    yield "## How to reproduce it"
    yield fenced(record.command)
    yield _TEXTS["reproduce"]


def _disclaimer(record: ExportRecord) -> str:
    models = {model for source in record.sources for model in source.models.values()}
    simulated = "program" if models == {"simulated"} else "models"
    has_real_people = any(source.has_real_people for source in record.sources)
    text: str = _TEXTS["real_people" if has_real_people else simulated]
    return text.format(program=PROGRAM)


def _preferences(record: ExportRecord) -> Iterator[str]:
    """Yield whose preferences the rows have; pairs say what decided them."""
    pairs = record.summary.pairs
    for kind in ("ratings",) if pairs is None else pairs.by:
        yield _TEXTS["preferences"][kind]


def _columns(record: ExportRecord, guide: FormatGuide) -> str:
    present = dict.fromkeys(column for file in record.files for column in file.columns)
    own = [(f"`{code(column)}`", guide.columns[column]) for column in present if column in guide.columns]
    further = [f"`{code(column)}`" for column in present if column not in guide.columns]
    if further:
        own.append((", ".join(further), "the origin of the row (a struct in Parquet, JSON text otherwise)"))
    return table(("column", "content"), own)


def _advice(record: ExportRecord, guide: FormatGuide) -> Iterator[str]:
    longest = max((file.longest_characters for file in record.files), default=0)
    tokens = math.ceil(longest / CHARACTERS_PER_TOKEN)
    enough = max(TRL_DEFAULT, 256 * math.ceil(tokens * 1.25 / 256))
    default = "; that is TRL's default" if enough == TRL_DEFAULT else f": TRL's default is {TRL_DEFAULT}"
    trl = f" `max_length={enough}` is enough{default}." if "trl" in guide.tags else ""
    yield _TEXTS["longest"].format(longest=longest, tokens=tokens) + trl
    yield from guide.advice


def _making(record: ExportRecord) -> Iterator[str]:
    yield table(
        ("source", "constitution", "users and raters", "models", "SHA-256"),
        [
            (
                f"`{code(source.run_id)}`",
                f"version {source.constitution.version}",
                escaped(source.people or "none"),
                ", ".join(f"{escaped(role)}: {escaped(model)}" for role, model in source.models.items()),
                f"`{source.digest[:12]}…`",
            )
            for source in record.sources
        ],
    )
    yield _TEXTS["making"]
    if record.left_out:
        yield "Left out: " + ", ".join(f"{escaped(why)} {n:,}" for why, n in sorted(record.left_out.items())) + "."
    if record.settings:
        yield bullets(f"{escaped(key)}: {escaped(str(value))}" for key, value in sorted(record.settings.items()))
    if record.notes:
        yield bullets(map(escaped, record.notes))
    yield from _rules(record)


def _rules(record: ExportRecord) -> Iterator[str]:
    """Yield each final constitution once, under the names of the sources that ended with it."""
    owners: dict[Constitution, list[str]] = {}
    for source in record.sources:
        owners.setdefault(source.constitution, []).append(f"`{code(source.run_id)}`")
    for constitution, names in owners.items():
        rules = [
            *(f"**{p.id}**{' (locked)' if p.locked else ''} {escaped(p.text)}" for p in constitution.principles),
            *(
                f"**{c.id}** {escaped(c.bound or 'for ' + ', '.join(c.users))}: {escaped(c.text)}"
                for c in constitution.contract
            ),
        ]
        yield f"### Constitution of {' and '.join(names)}, version {constitution.version}"
        yield bullets(rules) if rules else "No rules."
    for source in record.sources:
        if source.criteria:
            yield f"### Requests of `{code(source.run_id)}`"
            yield bullets(map(_requests, source.criteria))
    if record.sources:
        yield _TEXTS["versions"]


def _requests(criterion: Criterion) -> str:
    asked = {key: getattr(criterion, key) for key in Wording.model_fields}
    return f"**{criterion.id}** " + " ".join(f"*{key}:* {escaped(text)}" for key, text in asked.items() if text)


def _licence_lines(record: ExportRecord) -> Iterator[str]:
    for licence, rows in sorted(record.licences.items()):
        terms = escaped(licence) if licence else "no licence stated (of personas and tasks)"
        yield f"{terms}: {counted(rows, 'row')}"
    yield _TEXTS["terms"]


def _length(characters: int) -> str:
    return f"{characters:,} characters, about {math.ceil(characters / CHARACTERS_PER_TOKEN):,} tokens"
