"""`scai export`."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from scai_cli.cli import export_options as options
from scai_cli.cli.options import RUNS, Epoch, Persona, RunsDir, Task, say
from scai_cli.errors import ConfigError
from scai_cli.text.counts import counted

if TYPE_CHECKING:
    from scai_cli.datasets.export.export import ExportOptions
    from scai_cli.datasets.export.export_record import ExportRecord
    from scai_cli.datasets.export.output_files import Destination
    from scai_cli.datasets.formats.format import Format


def export(
    context: typer.Context,
    runs: options.Sources,
    format_: options.FormatName,
    output: options.Output = "-",
    as_: options.As = None,
    guard: options.Guard = None,
    for_: options.For = None,
    system: options.System = "drop",
    min_rating: options.MinRating = None,
    min_margin: options.MinMargin = None,
    epoch: Epoch = None,
    persona: Persona = None,
    task: Task = None,
    disagreement: options.Disagreement = None,
    per_persona: options.PerPersona = False,
    labels: options.LabelledBy = None,
    pairs: options.PairsOf = None,
    answers: options.AnswersOf = None,
    kto_threshold: options.KtoThreshold = None,
    balance_length: options.BalanceLength = False,
    max_rows: options.MaxRows = None,
    split: options.SplitInto = None,
    split_by: options.SplitBy = None,
    dedupe: options.DedupeBy = None,
    decontaminate: options.Decontaminate = None,
    mix_licences: options.MixLicences = False,
    seed: options.DrawSeed = 0,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Export a system message, dataset rows, or scores.

    Rows are for training; scores are those of an evaluation.
    """
    from scai_cli.datasets.export.export import ExportOptions, Splitting
    from scai_cli.datasets.export.export import export as exported
    from scai_cli.datasets.formats.format import Layout, find_format
    from scai_cli.datasets.samples.filters import SampleFilter, parse_disagreement, parse_threshold
    from scai_cli.datasets.samples.splits import parse_split
    from scai_cli.runs.find import find_run, find_source
    from scai_cli.runs.sweep_directory import cell_folders

    if format_ == "scores":
        _export_scores(runs, runs_dir, _given(context), output, as_, guard)
        return
    given, form = _given(context), find_format(format_)
    _refuse(given, format_, form)
    if split_by is not None and split is None:
        raise ConfigError("--split-by needs --split; add e.g. --split train=0.9,test=0.1")
    export_options = ExportOptions(
        format_name=format_,
        destination=_destination(output, as_, guard, form),
        layout=Layout.parse(system, for_),
        filter=SampleFilter(
            min_rating=min_rating,
            min_margin=min_margin,
            epoch=epoch,
            persona=persona,
            task=task,
            disagreement=None if disagreement is None else parse_disagreement(disagreement),
            per_persona=per_persona,
            labels=labels,
            pairs=pairs,
            answers=answers,
            seed=seed,
            kto_threshold=None if kto_threshold is None else parse_threshold(kto_threshold),
        ),
        splitting=None if split is None else Splitting(parse_split(split), split_by or "both"),
        dedupe=dedupe,
        decontaminate=decontaminate,
        mix_licences=mix_licences,
        max_rows=max_rows,
        balance_length=balance_length,
        command=shlex.join(["scai", *sys.argv[1:]]),
        settings=given,
        say=say,
    )
    find = find_run if form.kind == "runs" else find_source
    sweeps = {run: Path(run) if "/" in run else runs_dir / run for run in runs}
    paths = [path for run in runs for path in cell_folders(sweeps[run]) or (find(runs_dir, run),)]
    record = exported(paths, form, export_options)
    _print_record(record, ", ".join(path.name for path in paths), export_options)
    if format_ == "system" and len(paths) == 1 and (output != "-" or sys.stdout.isatty()):
        from scai_cli.display.terminal.next_steps import after_message, print_steps

        print_steps(after_message(paths[0]))


def _export_scores(
    names: Sequence[str], runs_dir: Path, given: Mapping[str, Any], output: str, as_: str | None, guard: str | None
) -> None:
    """Export the scores of evaluations."""
    from scai_cli.evaluation.score_rows import SCORE_ROWS, SCORES, write_scores
    from scai_cli.runs.find import find_evaluation

    _refuse(given, SCORES, SCORE_ROWS)
    destination = _destination(output, as_, guard, SCORE_ROWS)
    if destination.folder:
        raise ConfigError(f"-o {output}: scores have no card; write them to a file")
    paths = [find_evaluation(runs_dir, name) for name in names]
    file, notes = write_scores(paths, destination)
    if output != "-":
        say(f"{counted(file.rows, 'row')} of {', '.join(path.name for path in paths)} -> {destination.target}")
    for note in notes:
        say(note)


_NO_SETTING = ("runs", "format_", "output", "runs_dir")


def _given(context: typer.Context) -> dict[str, Any]:
    """Return the options given on the command line, by their names there."""
    named = {parameter.name: parameter.opts[0] for parameter in context.command.params}
    given = {}
    for name, value in context.params.items():
        source = context.get_parameter_source(name)
        if name not in _NO_SETTING and source is not None and source.name == "COMMANDLINE":
            given[named[name].lstrip("-")] = str(value) if isinstance(value, Path) else value
    return given


def _refuse(given: Mapping[str, Any], name: str, form: Format) -> None:
    """Refuse options that a format does not take."""
    if "for" in given and "for" not in form.options:
        raise ConfigError(
            f"--for: only the formats system and eval are for an audience, and {name!r} is for all; leave it out"
        )
    if "persona" in given and name == "system":
        raise ConfigError(
            "--persona: a system message contains no conversations; "
            f"for this persona's message, write --for {given['persona']}"
        )
    for option in given if form.kind == "runs" else ():
        if option not in form.options:
            raise ConfigError(f"--{option}: the format {name!r} exports whole runs and does not take it; leave it out")


_KINDS = {".csv": "csv", ".parquet": "parquet", ".jsonl": "jsonl"}
_OFFICE = (".xlsx", ".xls", ".ods", ".tsv")
_TEXT_KINDS = {".md": "markdown", ".txt": "text", ".json": "jsonl", ".jsonl": "jsonl"}


def _destination(output: str, as_: str | None, guard: str | None, form: Format) -> Destination:
    """Return the destination for `-o`, `--as` and `--guard`: a folder if it is one or ends with a slash."""
    from scai_cli.datasets.export.output_files import Destination

    target = Path(output)
    folder = output.endswith("/") or os.path.isdir(target)
    if form.texts and as_ in ("csv", "parquet"):
        raise ConfigError(f"--as {as_}: a system message can be text, markdown or json")
    if as_ in ("text", "markdown") and not form.texts:
        raise ConfigError(f"--as {as_} is only for system messages; rows can be jsonl, csv or parquet")
    if output == "-" and as_ in ("csv", "parquet"):
        raise ConfigError(f"--as {as_} cannot be written to stdout; name a file with -o FILE.{as_}")
    if not folder and target.suffix.lower() in _OFFICE:
        raise ConfigError(f"-o {output}: {target.suffix} is not written; name a .csv, .jsonl or .parquet file")
    kind = "jsonl" if as_ == "json" else as_
    by_name = (_TEXT_KINDS if form.texts else _KINDS).get(target.suffix.lower())
    if not folder and kind and by_name not in (None, kind):
        raise ConfigError(
            f"-o {output}: the ending means {by_name}, but --as is {as_}; leave --as out or rename the file"
        )
    if kind is None and not folder:
        kind = by_name or ("text" if form.texts else None)
    if guard is not None and kind != "csv":
        raise ConfigError(
            f"--guard {guard}: only CSV cells are guarded; write -o FILE.csv or --as csv, or leave it out"
        )
    return Destination(target, kind or "jsonl", folder, None if guard is None else guard == "on")  # type: ignore[arg-type]


def _remedy(export_options: ExportOptions) -> str:
    """Return what may fill an empty file."""
    if export_options.max_rows is not None:
        return "raise --max-rows, or try another --seed"
    return "try another --seed" + (" or --split-by" if export_options.splitting is not None else "")


def _print_record(record: ExportRecord, sources: str, export_options: ExportOptions) -> None:
    """Print on stderr the files written, and the counts and reasons of omitted rows."""
    to, has_rows = export_options.destination, any(file.rows for file in record.files)
    for file in record.files if str(to.target) != "-" else ():
        path = to.target / file.name if to.folder else to.target.with_name(file.name)
        empty = "" if file.rows or not has_rows else f"; this split is empty: {_remedy(export_options)}"
        say(f"{counted(file.rows, 'row')} of {sources} -> {path}{empty}")
    if record.left_out:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in record.left_out.items())
        say(f"left out: {reasons}")
    for line in (*record.summary.lines(), *record.notes):
        say(line)
    if not (to.folder and has_rows):
        return
    from scai_cli.datasets.export.folder import upload_command
    from scai_cli.display.terminal.next_steps import after_rows, print_steps

    public = not any(source.has_real_people for source in record.sources)
    print_steps(after_rows(to.target, upload_command(to.target) if public else None))
