"""`scai personas ...`."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scai_cli.cli import completion
from scai_cli.cli.generate import observer
from scai_cli.cli.options import Json, MaxUsd, Model, Quiet, Seed, SetLimit, print_json, say, with_limit
from scai_cli.errors import ConfigError
from scai_cli.populations.formats import PERSONAS
from scai_cli.text.counts import counted

if TYPE_CHECKING:
    from scai_cli.jobs.generate_population import Generated
    from scai_cli.jobs.session import Observer
    from scai_cli.populations.account import Account

app = typer.Typer(no_args_is_help=True, help="Import, inspect, sample and generate personas.")

File = Annotated[
    str, typer.Argument(metavar="FILE", help="File, or Hugging Face data set: hub:OWNER/NAME.", show_default=False)
]
Population = Annotated[Path, typer.Argument(metavar="FILE", help="File of personas (YAML, JSON, JSONL).")]
Out = Annotated[
    Path, typer.Option("--output", "-o", help="Output file (.jsonl, .yaml), or - for stdout.", metavar="OUT")
]
OutFile = Annotated[Path, typer.Option("--output", "-o", help="Output file (.jsonl, .yaml).", metavar="OUT")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Import at most N.", metavar="N")]
Map = Annotated[Path | None, typer.Option("--map", help="YAML file: which column becomes which field.", metavar="FILE")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Skip bad rows and list them.")]
Quotas = Annotated[
    list[str] | None,
    typer.Option(
        "--quota",
        help="Target share of each value, e.g. age=18-64:70,65+:30; or a quota file (YAML).",
        metavar="ATTRIBUTE=VALUE:SHARE,...",
    ),
]
Groups = Annotated[bool, typer.Option("--groups", help="polis: make one persona of each opinion group.")]
AccountJson = Annotated[bool, typer.Option("--json", help="Print the account of all fields as JSON.")]
Format = Annotated[
    str,
    typer.Option(
        "--as",
        metavar="FORMAT",
        help=f"Format of the file: {', '.join(PERSONAS[:-1])} or {PERSONAS[-1]}.",
        autocompletion=completion.words(*PERSONAS),
    ),
]


@app.command("import")
def import_file(
    file: File,
    form: Format,
    out: Out,
    limit: Limit = None,
    columns: Map = None,
    skip_bad: SkipBad = False,
    groups: Groups = False,
    as_json: AccountJson = False,
    quiet: Quiet = False,
) -> None:
    """Import personas from a file in another format. A bad row stops the import before anything is written."""
    from scai_cli.populations.importer import ImportOptions, import_items

    check_stdout(out, as_json)
    account = import_items("personas", ImportOptions(file, form, limit, columns, skip_bad, groups), out, say)
    say_written(account, "personas", out, as_json, quiet)


@app.command()
def sample(
    population: Population,
    count: Annotated[int, typer.Option("--n", min=1, help="Number of personas.", metavar="N")],
    out: Out,
    by: Annotated[str, typer.Option("--by", help="Stratify by these attributes.", metavar="A,B")] = "",
    weights: Annotated[
        str | None,
        typer.Option("--weights", help="Draw in proportion to this attribute, or to `weight`.", metavar="NAME"),
    ] = None,
    diverse: Annotated[
        bool, typer.Option("--diverse", help="Choose personas as different from each other as possible.")
    ] = False,
    quotas: Quotas = None,
    slack: Annotated[
        int, typer.Option("--slack", min=0, help="With --quota: people by which a value may miss its share.")
    ] = 0,
    seed: Seed = 0,
    quiet: Quiet = False,
) -> None:
    """Sample personas: at random, stratified, by quotas or diverse."""
    from scai_cli.populations.population_file import check_name, population_file
    from scai_cli.populations.quota_text import read_quotas
    from scai_cli.populations.sample import Panel, sample

    if str(out) != "-":
        check_name(out)
    strata = tuple(name.strip() for name in by.split(",") if name.strip())
    if slack and not quotas:
        raise ConfigError("--slack: is about quotas; add --quota, or leave it out")
    panel = Panel(tuple(read_quotas(quotas)), slack) if quotas else None
    drawn = sample(population, count, by=strata, weigh_by=weights, diverse=diverse, seed=seed or 0, panel=panel)
    with population_file(out, "personas") as write:
        for persona in drawn.people:
            write(persona)
    if not quiet:
        for stratum, (taken, there) in drawn.strata.items():
            if strata or panel:
                say(f"{', '.join(stratum)}: {taken} of {there:,}")
        if drawn.left_out:
            say(f"left out {counted(drawn.left_out, 'persona')} with no value in a part of a quota")
        if drawn.chances:
            say("chance of a persona: {:.3g} to {:.3g}".format(*drawn.chances))
        kept = [persona.weight for persona in drawn.people]
        if panel and kept and min(kept) < max(kept):
            say(f"their weights, {min(kept):.3g} to {max(kept):.3g}, stay and count beside the quotas; with")
            say("--weights weight they are drawn by them, and each counts 1")
        say(f"drew {len(drawn.people)} of {drawn.size:,} personas")


@app.command()
def weigh(
    population: Population,
    out: Out,
    quotas: Quotas = None,
    max_weight: Annotated[
        float | None, typer.Option("--max-weight", help="Largest weight, in means; 5 is usual.", metavar="X")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the shares and the effective size as JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Weigh personas to the shares of a survey or a census (raking)."""
    from scai_cli.experiment.item_files import items
    from scai_cli.experiment.personas import Persona
    from scai_cli.populations.population_file import check_name, population_file
    from scai_cli.populations.quota_text import read_quotas
    from scai_cli.populations.raking import rake

    check_stdout(out, as_json)
    if str(out) != "-":
        check_name(out)
    if not quotas:
        raise ConfigError("--quota: name the shares that people are weighed to, e.g. --quota age=18-64:70,65+:30")
    people = tuple(items(population, Persona))
    if not people:
        raise ConfigError(f"{population}: contains no persona; add one, or name another file")
    weighted = rake(people, read_quotas(quotas), max_weight)
    with population_file(out, "personas") as write:
        for person in weighted.people:
            write(person)
    if as_json:
        print_json(weighted.as_object())
    if not quiet:
        for line in weighted.lines():
            say(line)


@app.command("list", hidden=True)
@app.command("validate", hidden=True)
@app.command()
def describe(
    path: Annotated[
        Path | None, typer.Argument(metavar="PATH", help="File or folder of personas; default: ./personas.")
    ] = None,
    quotas: Annotated[
        list[str] | None,
        typer.Option(
            "--quota",
            help="Compare values with these target shares, e.g. age=18-64:70,65+:30; or a quota file (YAML).",
            metavar="ATTRIBUTE=VALUE:SHARE,...",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Describe personas: attributes, duplicates, missing values. For a folder, list its files."""
    from scai_cli.display.terminal.populations import print_description, print_files
    from scai_cli.experiment.starter import shipped
    from scai_cli.populations.describe import describe, populations
    from scai_cli.populations.quota_text import read_quotas

    path = path or (Path("personas") if Path("personas").is_dir() else shipped() / "personas")
    if os.path.isdir(path):
        files = populations(path)
        if as_json:
            rows = [{"file": str(file), "personas": size, "problem": problem} for file, size, problem in files]
            print_json(rows)
        else:
            print_files(files)
        return
    described = describe(path, read_quotas(quotas or ()))
    for warning in described.warnings():
        say(f"warning: {warning}")
    description = described.as_object()
    if as_json:
        print_json(description)
    else:
        print_description(str(path), description)


@app.command()
def generate(
    count: Annotated[int, typer.Option("--n", min=1, max=100_000, help="Number of personas.", metavar="N")],
    out: OutFile,
    quotas: Quotas = None,
    tasks: Annotated[
        Path | None,
        typer.Option("--tasks", help="Also write each persona's opinion about each of these tasks.", metavar="FILE"),
    ] = None,
    model: Model = None,
    seed: Seed = 0,
    settings: SetLimit = None,
    max_usd: MaxUsd = None,
    quiet: Quiet = False,
) -> None:
    """Generate personas with a model, by quotas. If interrupted, run the same command again to continue."""
    from scai_cli.experiment.item_files import items
    from scai_cli.experiment.load import Overrides
    from scai_cli.experiment.tasks import Task
    from scai_cli.jobs.generate_personas import GeneratePersonasOptions
    from scai_cli.jobs.generate_personas import generate as made
    from scai_cli.populations.quota_text import read_quotas

    options = GeneratePersonasOptions(
        count=count,
        quotas=read_quotas(quotas or ()),
        tasks=tuple(items(tasks, Task)) if tasks else (),
        overrides=Overrides(with_limit(settings, max_usd), model, seed),
    )
    generated = made(options, out, observer_of_calls(quiet), again())
    say_generated(generated, count, "personas", out, quiet)


def observer_of_calls(quiet: bool) -> Observer[object]:
    """Return the observer of work that writes a file: nothing if quiet, else live or as plain lines."""
    from scai_cli.jobs.session import SilentObserver

    return SilentObserver() if quiet else observer(quiet, kind="calls")


def again() -> str:
    """Return the command that was typed."""
    return shlex.join(["scai", *sys.argv[1:]])


def say_generated(made: Generated, wanted: int, kind: str, out: Path, quiet: bool) -> None:
    """Print how many personas or tasks were written and why some are missing; if quiet, only the latter."""
    if made.written < wanted:
        say(f"warning: only {made.written:,} of {wanted:,} {kind}: {made.rejected}")
    if not quiet:
        say(f"wrote {made.written:,} {kind} to {out}; {counted(made.calls, 'call')}, {made.rejected}")


def check_stdout(out: Path, as_json: bool) -> None:
    """Raise ConfigError if both the items and the account would go to stdout."""
    if as_json and str(out) == "-":
        raise ConfigError("--json: prints the account on stdout, where -o - writes; name a file with -o")


def say_written(account: Account, kind: Literal["personas", "tasks"], out: Path, as_json: bool, quiet: bool) -> None:
    """Print the account of an import, and how many personas or tasks were written."""
    from scai_cli.display.terminal.populations import print_account

    if as_json:
        print_json(account.as_object(kind))
    if not quiet:
        print_account(account.lines() if not as_json else ())
        bad = f", {counted(account.bad, 'bad row')} left out" if account.bad else ""
        written = counted(account.written, kind.removesuffix("s"))
        say(f"wrote {written} to {'stdout' if str(out) == '-' else out}{bad}")
        if not as_json:
            from scai_cli.display.terminal.next_steps import after_import, print_steps

            print_steps(after_import(kind, out))
