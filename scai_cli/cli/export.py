"""`scai export`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from scai_cli.cli import export_options as options
from scai_cli.cli.options import RUNS, Epoch, Persona, RunsDir, Task
from scai_cli.errors import ConfigError

if TYPE_CHECKING:
    from scai_cli.datasets.export.export import Destination, ExportOptions
    from scai_cli.datasets.export.plain_exports import Exporter
    from scai_cli.datasets.formats.export_record import ExportRecord
    from scai_cli.datasets.samples.filters import Agreement
    from scai_cli.runs.history.selection import Selection


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(export)


def export(
    context: typer.Context,
    runs: options.Sources,
    format_: options.FormatName,
    output: options.Output = "-",
    as_: options.As = None,
    system: options.System = "drop",
    min_rating: options.MinRating = None,
    min_margin: options.MinMargin = None,
    epoch: Epoch = None,
    persona: Persona = None,
    task: Task = None,
    contested: options.Contested = False,
    agreed: options.Agreed = False,
    per_persona: options.PerPersona = False,
    labels: options.LabelledBy = None,
    pairs_per_prompt: options.PairsPerPrompt = 64,
    max_rows: options.MaxRows = None,
    split: options.SplitInto = None,
    split_by: options.SplitBy = None,
    dedupe: options.DedupeBy = None,
    decontaminate: options.Decontaminate = None,
    ngram: options.NGram = None,
    mix_licences: options.MixLicences = False,
    seed: options.DrawSeed = 0,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Export datasets and system messages."""
    from scai_cli import plugins
    from scai_cli.datasets.export.export import Cleaning, ExportOptions, Splitting
    from scai_cli.datasets.export.export import export as exported
    from scai_cli.datasets.formats.format import Format, Layout
    from scai_cli.datasets.samples.filters import SampleFilter
    from scai_cli.datasets.samples.splits import parse_split
    from scai_cli.runs.find import find_source
    from scai_cli.runs.history.selection import Selection

    given = _given(context)
    exporter = plugins.resolve("exporter", format_)
    if not isinstance(exporter, Format):
        _refuse(given, format_)
        selection = Selection(min_rating, epoch, persona, task, system)
        _export_foreign(exporter, format_, (runs, runs_dir), selection, (output, as_))
        return
    if contested and agreed:
        raise ConfigError("--contested and --agreed leave nothing; choose one")
    if split_by is not None and split is None:
        raise ConfigError("--split-by says by what rows are split; give --split train=0.9,test=0.1 with it")
    if ngram is not None and decontaminate is None:
        raise ConfigError("--ngram is about --decontaminate FILE; give that too")
    agreement: Agreement | None = "contested" if contested else "agreed" if agreed else None
    order = ExportOptions(
        format=format_,
        destination=_destination(output, as_),
        layout=Layout({"drop": None, "keep": ""}.get(system, system)),
        choice=SampleFilter(
            min_rating, min_margin, epoch, persona, task, agreement, per_persona, labels, pairs_per_prompt, seed
        ),
        splitting=None if split is None else Splitting(parse_split(split), split_by or "both"),
        cleaning=Cleaning(dedupe, decontaminate, ngram or 13),
        mix_licences=mix_licences,
        max_rows=max_rows,
        command=shlex.join(["scai", *sys.argv[1:]]),
        settings=given,
    )
    paths = [find_source(runs_dir, run) for run in runs]
    _tell(exported(paths, exporter, order), ", ".join(path.name for path in paths), order)


_NO_SETTING = ("runs", "format_", "output", "runs_dir")
_OF_ALL = ("as_", "system", "min_rating", "epoch", "persona", "task")
"""The options that an exporter of somebody else's is told, or that are not its business."""


def _given(context: typer.Context) -> dict[str, Any]:
    """The options that stand on the command line, by their names there."""
    named = {parameter.name: parameter.opts[0] for parameter in context.command.params}
    found = {}
    for name, value in context.params.items():
        source = context.get_parameter_source(name)
        if name not in _NO_SETTING and source is not None and source.name == "COMMANDLINE":
            found[named[name].lstrip("-")] = str(value) if isinstance(value, Path) else value
    return found


def _refuse(given: Mapping[str, Any], name: str) -> None:
    """Refuse options that only exporters of samples heed."""
    heeded = {option.rstrip("_").replace("_", "-") for option in _OF_ALL}
    for option in given:
        if option not in heeded:
            raise ConfigError(f"--{option} chooses among samples, which the format {name!r} is not made of")


def _destination(output: str, as_: str | None) -> Destination:
    """What `-o` and `--as` say: a file by its name's ending, or with a slash or where there is a folder, a folder."""
    from scai_cli.datasets.export.export import Destination

    if as_ in ("text", "markdown"):
        raise ConfigError(f"--as {as_} is for system messages; rows are jsonl, csv or parquet")
    target = Path(output)
    folder = output.endswith("/") or target.is_dir()
    kind = as_ if as_ in ("csv", "parquet") else None
    if as_ is None and not folder:
        kind = {".csv": "csv", ".parquet": "parquet"}.get(target.suffix.lower())
    if output == "-" and kind is not None:
        raise ConfigError(f"--as {as_} is no text of rows for a pipe; name a file with -o FILE.{as_}")
    return Destination(target, kind or "jsonl", folder)  # type: ignore[arg-type]


def _export_foreign(
    exporter: Exporter,
    name: str,
    runs: tuple[Sequence[str], Path],
    selection: Selection,
    to: tuple[str, str | None],
) -> None:
    """System messages, or what an exporter of somebody else's makes of runs."""
    from scai_cli.datasets.export.plain_exports import export_rows, export_systems
    from scai_cli.runs.find import find_run
    from scai_cli.runs.history.fold import read_history

    output, as_ = to
    paths = [find_run(runs[1], run) for run in runs[0]]
    histories = (read_history(path) for path in paths)
    if name == "system":
        if as_ in ("csv", "parquet"):
            raise ConfigError(f"--as {as_}: a system message is text, markdown or json")
        style = "json" if as_ == "jsonl" else as_
        count = export_systems(histories, selection, Path(output), style)  # type: ignore[arg-type]
    else:
        to_file = _destination(output, as_)
        if to_file.folder:
            raise ConfigError(f"-o {output}: a folder's card tells of samples, which {name!r} is not made of")
        count = export_rows(exporter, histories, selection, (to_file.target, to_file.kind))
    if output != "-":
        typer.echo(_rows(count, ", ".join(path.name for path in paths), output), err=True)


def _tell(made: ExportRecord, sources: str, order: ExportOptions) -> None:
    """Say on stderr what was written, and what was left out and why."""
    to = order.destination
    remedy = "another --seed draws anew"
    if order.splitting is not None and order.splitting.by != "task":
        remedy += ", --split-by task leaves more rows"
    for file in made.files if str(to.target) != "-" else ():
        path = to.target / file.name if to.folder else to.target.with_name(file.name)
        empty = "" if file.rows or len(made.files) == 1 else f"; none falls into it: {remedy}"
        typer.echo(f"{_rows(file.rows, sources, str(path))}{empty}", err=True)
    if made.left_out:
        reasons = ", ".join(f"{count} {reason}" for reason, count in made.left_out.items())
        typer.echo(f"left out: {reasons}", err=True)
    for note in made.notes:
        typer.echo(note, err=True)


def _rows(count: int, sources: str, path: str) -> str:
    return f"{count} {'row' if count == 1 else 'rows'} of run {sources} -> {path}"
