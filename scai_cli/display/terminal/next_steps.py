"""The commands that make sense next, with the ids and paths filled in, on stderr below a screen."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Sequence
from math import ceil, floor, log10
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from rich.text import Text

from scai_cli.display.terminal.consoles import err
from scai_cli.display.terminal.styles import MUTED
from scai_cli.experiment.load import Overrides
from scai_cli.runs.file_names import CALIBRATION, CONFIG
from scai_cli.runs.find import RUNS
from scai_cli.text.characters import one_line

if TYPE_CHECKING:
    from scai_cli.datasets.generate.manifest import GenerateManifest

Steps = Sequence[tuple[str, str]]
"""What for, and the command."""

MOST: Final = 3
_A_LINE: Final = r"%s\n"


def print_steps(steps: Steps) -> None:
    """Print the first three steps in a line each; no command is broken, so that it can be copied."""
    console, width = err(), max((len(what) for what, _ in steps[:MOST]), default=0) + 1
    for what, command in steps[:MOST]:
        console.print(Text.assemble((f"{f'{what}:':<{width}} ", MUTED), one_line(command)), soft_wrap=True)


def print_steps_below(steps: Steps) -> None:
    """Print the steps after a screen on stdout, unless that goes from a terminal into a pager, a filter or a file."""
    if sys.stdout.isatty() or not sys.stderr.isatty():
        print_steps(steps)


def height(steps: Steps, width: int) -> int:
    """Return the lines that `print_steps` takes on a screen of this width."""
    longest = max((len(what) for what, _ in steps[:MOST]), default=0)
    return sum(-(-(longest + 2 + len(command)) // width) for _, command in steps[:MOST])


def command(*words: str | Path, runs: Path | None = None) -> str:
    """Return a `scai` command, quoted for a shell, with the folder `runs` of the runs unless it is the usual one."""
    usual = runs is None or runs.resolve() == Path(os.environ.get("SCAI_RUNS_DIR") or RUNS).resolve()
    where = () if usual else ("--runs-dir", runs)
    return shlex.join(map(str, ("scai", *words, *where)))


def on(path: Path, verb: str, *options: str) -> str:
    """Return a `scai` command on a folder of runs' work, by its id."""
    return command(verb, path.name, *options, runs=path.parent)


def after_run(path: Path, *, revised: bool = True) -> Steps:
    """Return the steps after the end of a run; not `revised` if it adopted no rule."""
    message = ("get the message to paste", on(path, "export", "--format", "system"))
    return [
        ("see the result", on(path, "show")),
        message if revised else ("why no rule was adopted", on(path, "show", "--constitution")),
        ("make a page to mail", on(path, "report")),
    ]


def after_summary(path: Path, status: str) -> Steps:
    """Return the steps after the first screen of a run."""
    if status == "running":
        return [("watch it", on(path, "show", "--follow"))]
    if status != "finished":
        return []  # the screen says how to continue
    return [
        ("who rated what", on(path, "show", "--ratings")),
        ("every version, and why", on(path, "show", "--constitution")),
        ("a page to mail, with figures", on(path, "report")),
    ]


def after_ratings(path: Path, person: str) -> Steps:
    """Return the steps after the ratings of a run; `person` is one of its people."""
    return [
        ("as a table, in Python", _table(path)),
        ("the words of one of them", on(path, "show", "--persona", person)),
        ("is it luck? eight seeds", eight_seeds(path)),
    ]


def after_constitution(path: Path) -> Steps:
    """Return the steps after the versions of a run's constitution."""
    return [
        ("what each rule does", on(path, "explain", "--dry-run")),
        ("the message to paste", on(path, "export", "--format", "system")),
    ]


def after_check(file: Path, overrides: Overrides, runs: Path, usd: float | None) -> Steps:
    """Return the steps after the check of an experiment with an expected price."""
    words = [word for setting in overrides.settings for word in ("--set", setting)]
    named = (("--model", overrides.model), ("--seed", overrides.seed))
    words += [str(word) for name, value in named if value is not None for word in (name, value)]
    limit = ["--max-usd", _rounded_up(1.5 * usd)] if usd else []
    return [
        ("start it", command("run", file, *words, *limit, runs=runs)),
        ("read every kind of prompt", command("check", file, *words, "--prompts", runs=runs)),
        *[("ask the models nine questions", command("check", file, *words, "--probe", runs=runs))] * (usd != 0),
    ]


def _rounded_up(usd: float) -> str:
    """Return a price with two digits that is not below this one."""
    size = 10.0 ** (floor(log10(usd)) - 1)
    return f"{ceil(usd / size) * size:.{max(0, -floor(log10(size)))}f}"


def after_init(folder: Path) -> Steps:
    """Return the steps after the starter files were written."""
    start = f"cd {shlex.quote(str(folder))} && " if folder != Path() else ""
    return [
        ("an example without a key", f"{start}{command('run', 'configs/quickstart.yaml')}"),
        ("your own people", command("personas", "import", "PEOPLE.csv", "--as", "table", "-o", "people.yaml")),
        ("the cost with a model", f"{start}{command('check', 'configs/help-desk.yaml', '--model', 'openai:NAME')}"),
    ]


def after_import(kind: Literal["personas", "tasks"], file: Path) -> Steps:
    """Return the steps after personas or tasks were written to a file."""
    if str(file) == "-":
        return []
    personas, tasks = (file, "tasks.yaml") if kind == "personas" else ("people.yaml", file)
    lines = (f"{key}: {{from: {json.dumps(str(at))}}}" for key, at in (("personas", personas), ("tasks", tasks)))
    both = f"{_written('experiment.yaml', *lines)}; {command('check', 'experiment.yaml')}"
    look = ("look at them", command("personas", "describe", file))
    questions = command("tasks", "import", "QUESTIONS.txt", "--as", "lines", "-o", tasks)
    people = command("personas", "import", "PEOPLE.csv", "--as", "table", "-o", personas)
    first = [look, ("questions, one a line", questions)] if kind == "personas" else [("their people", people)]
    return [*first, ("an experiment with both", both)]


def after_generate(path: Path, made: GenerateManifest) -> Steps:
    """Return the steps after a generated set, by what its rows have and whether they are by clauses for one user."""
    from scai_cli.datasets.generate.manifest import export_options

    what = "pairs" if made.has_pairs else "answers"
    critiques = ("--format", "constitutional", "-o", f"{path.name}.jsonl")
    kept = ("--system", "keep") if made.by_turns else ()
    return [
        (f"{what} to train on", on(path, "export", *export_options(made, path.name))),
        *[("rows with their critiques", on(path, "export", *critiques, *kept))] * made.has_critiques,
        ("look at them in a browser", command("view", runs=path.parent)),
    ]


def after_rows(folder: Path, upload: str | None) -> Steps:
    """Return the steps after rows were written to a folder; `upload` is the command that publishes it."""
    return [
        ("how to train on it", f"less {shlex.quote(str(folder / 'README.md'))}"),
        ("its contents", command("dataset", "describe", folder)),
        *([] if upload is None else [("to publish it on the Hub, private at first", upload)]),
    ]


def after_message(path: Path) -> Steps:
    """Return the steps after a run's system message was exported."""
    return [
        ("talk to it", on(path, "chat")),
        ("is it better than the start?", command("evaluate", f"{path.name}@0", path.name, runs=path.parent)),
        ("answers before and after", on(path, "show")),
    ]


def after_dry_run() -> Steps:
    """Return the step after the calls of a command were counted."""
    return [("start it", "the same command without --dry-run")]


def after_evaluation(path: Path) -> Steps:
    """Return the steps after an evaluation."""
    scores, mapping = ("--format", "scores", "-o", f"{path.name}.csv"), path / CALIBRATION
    used = command("run", "EXPERIMENT.yaml", "--set", f"ratings.calibration={mapping.resolve()}")
    return [
        ("all its numbers", on(path, "show")),
        *([("ratings as people give them", used)] if mapping.is_file() else []),
        ("a page to mail", on(path, "report")),
        ("the score of each answer", on(path, "export", *scores)),
    ]


def after_comparison(paths: Sequence[Path]) -> Steps:
    """Return the steps after a comparison of runs."""
    names = [path.name if path.parent == paths[0].parent else str(path) for path in paths]
    return [
        ("their rules word by word, in a browser", command("view", runs=paths[0].parent)),
        ("a page to mail", command("report", *names, runs=paths[0].parent)),
    ]


def after_explanation(path: Path) -> Steps:
    """Return the steps after the rules of a run were explained."""
    return [
        ("a page with these effects", on(path, "report")),
        ("every version, and why", on(path, "show", "--constitution")),
    ]


def after_report(path: Path) -> Steps:
    """Return the steps after a page about a run."""
    return [("its ratings as a table, in Python", _table(path)), ("is it luck? eight seeds", eight_seeds(path))]


def after_sweep(path: Path, *, is_finished: bool) -> Steps:
    """Return the steps after a sweep; none of them continues one that is not finished, which may cost money."""
    again = command("sweep", path / "sweep.yaml", "--csv", runs=path.parent)
    return [
        ("its runs compared", on(path, "show")),
        ("a page to mail", on(path, "report")),
        *[("a table for a spreadsheet", f"{again} > {shlex.quote(f'{path.name}.csv')}")] * is_finished,
    ]


def eight_seeds(path: Path) -> str:
    """Return the commands that repeat a finished run with eight seeds."""
    file = f"{path.name}-seeds.yaml"
    experiment = json.dumps(str(Path(os.path.relpath(path)) / CONFIG), ensure_ascii=False)
    lines = (f"experiment: {experiment}", "grid: {seed: [1, 2, 3, 4, 5, 6, 7, 8]}")
    return f"{_written(file, *lines)}; {command('sweep', file, runs=path.parent)}"


def _written(file: str, *lines: str) -> str:
    """Return the command that writes a file."""
    return f"{shlex.join(('printf', _A_LINE, *lines))} > {shlex.quote(file)}"


def _table(path: Path) -> str:
    """Return the Python that loads a run's ratings as a table."""
    run = path.name if path.parent.resolve() == RUNS.resolve() else str(path)
    return f"import scai_cli as scai; scai.load({run!r}).ratings()"
