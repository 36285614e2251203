"""`scai report`."""

from pathlib import Path
from typing import Annotated

import typer

from scai_cli.cli.options import RUNS, Reads, RunsDir, Trust, say
from scai_cli.text.characters import visible


def report(
    runs: Reads,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="HTML file, or - for stdout; default: RUN.html (several runs: report.html).",
            metavar="FILE",
        ),
    ] = None,
    trust: Trust = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Write one HTML page about runs, an evaluation or a sweep.

    It prints the path of the page.
    """
    from scai_cli.display.report.charts import undrawn
    from scai_cli.display.report.evaluation import make_evaluation_page
    from scai_cli.display.report.page import make_page
    from scai_cli.display.report.sweep import make_sweep_page
    from scai_cli.errors import RunError
    from scai_cli.runs.find import find_read, is_evaluation, is_sweep
    from scai_cli.runs.jsonl import check_target, write_whole

    paths = list(dict.fromkeys(find_read(runs_dir, run) for run in runs))
    alone = [path for path in paths if is_evaluation(path) or is_sweep(path)]
    if alone and len(paths) > 1:
        kind = "a sweep" if is_sweep(alone[0]) else "an evaluation"
        raise RunError(f"{alone[0].name!r} is {kind}, which has a page of its own; name it alone")
    target = output or Path(f"{paths[0].name}.html" if len(paths) == 1 else "report.html")
    check_target(target)
    if not alone:
        page = make_page(paths)
    else:
        page = make_sweep_page(paths[0]) if is_sweep(paths[0]) else make_evaluation_page(paths[0], trust=trust)
    if (words := undrawn()) and not (alone and is_evaluation(paths[0])):
        say(words)
    if str(target) == "-":
        print(page, end="")  # noqa: T201 - data for stdout
        return
    write_whole(target, page)
    print(visible(str(target)))  # noqa: T201 - data for stdout
    from scai_cli.display.terminal.next_steps import after_report, print_steps

    say(f"{len(page.encode()) / 1000:,.0f} kB about {', '.join(path.name for path in paths)}")
    if not alone and len(paths) == 1:
        print_steps(after_report(paths[0]))
