"""The options of `scai export`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from scai_cli.cli import completion
from scai_cli.plugins import BUILT_IN

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN|GENERATED|SWEEP",
        help="Runs, generated sets and sweeps (all their cells): ids, unique prefixes, paths, `latest`.",
        show_default=False,
        autocompletion=completion.ROWS,
    ),
]
FormatName = Annotated[
    str,
    typer.Option(
        "--format",
        help=f"One of {', '.join(BUILT_IN['format'])}; of an evaluation: scores; or MODULE:NAME, your own.",
        metavar="F",
        autocompletion=completion.words(*BUILT_IN["format"], "scores"),
    ),
]
Output = Annotated[
    str,
    typer.Option(
        "--output", "-o", help="File (.jsonl, .csv, .parquet), folder (DIR/), or - for stdout.", metavar="PATH"
    ),
]
As = Annotated[
    Literal["text", "markdown", "json", "jsonl", "csv", "parquet"] | None,
    typer.Option("--as", help="Type of the output file; default: by its name."),
]
Guard = Annotated[
    Literal["on", "off"] | None,
    typer.Option(
        "--guard",
        help="In CSV, keep spreadsheets from running cells as formulas; default: on for a file, off in a folder.",
        show_default=False,
    ),
]
For = Annotated[
    str | None,
    typer.Option(
        "--for",
        help="Audience of a system message: everyone, members (with the clauses for each), or a persona's id; "
        "default: everyone.",
        metavar="WHO",
        show_default=False,
        autocompletion=completion.ids("personas", "everyone", "members"),
    ),
]
System = Annotated[
    str,
    typer.Option(
        "--system",
        help="System message in each row: drop (none), keep (that of its answer), or your own text; only keep writes "
        "answers made under one user's clauses.",
        metavar="S",
    ),
]
MinRating = Annotated[
    float | None,
    typer.Option(
        "--min-rating", help="Keep answers rated R or more; of a pair, the better answer counts.", metavar="R"
    ),
]
MinMargin = Annotated[
    float | None, typer.Option("--min-margin", help="Keep pairs whose ratings differ by at least R.", metavar="R")
]
Disagreement = Annotated[
    str | None,
    typer.Option(
        "--disagreement",
        help="Keep rows where the share of raters who disagree with the majority is in this range.",
        metavar="LOW:HIGH",
    ),
]
PerPersona = Annotated[
    bool, typer.Option("--per-persona", help="Write a pair for each persona's ratings, not one for all.")
]
LabelledBy = Annotated[
    Literal["ratings", "judge", "revision"] | None,
    typer.Option("--labels", help="What decides which generated answer is better; default: the first available."),
]
PairsOf = Annotated[
    Literal["ends", "all"] | None,
    typer.Option(
        "--pairs",
        help="Pairs of a generated row: its ends (final answer or last revision against the first answer), or all that "
        "a label decides; default: ends; all where first answers are compared.",
        show_default=False,
    ),
]
AnswersOf = Annotated[
    Literal["final", "revisions"] | None,
    typer.Option(
        "--answers",
        help="Answers of a generated row to imitate; default: final, in sets without final answers revisions, and the "
        "first answers of rows without critiques.",
        show_default=False,
    ),
]
KtoThreshold = Annotated[
    str | None,
    typer.Option(
        "--kto-threshold",
        help="Utility of a good answer: prompt (above the mean of the answers it competes with), median (of all "
        "answers or more), or a number from 0 to 1; default: prompt.",
        metavar="T",
        show_default=False,
    ),
]
BalanceLength = Annotated[
    bool,
    typer.Option("--balance-length", help="Leave out pairs so that chosen answers are not the longer ones."),
]
MaxRows = Annotated[
    int | None, typer.Option("--max-rows", min=1, help="Keep at most N rows, drawn at random, by weight.", metavar="N")
]
SplitInto = Annotated[
    str | None, typer.Option("--split", help="Split the rows into files, e.g. train=0.9,test=0.1.", metavar="SHARES")
]
SplitBy = Annotated[
    Literal["persona", "task", "both"] | None,
    typer.Option(
        "--split-by", help="What two splits never share: personas, tasks or both; default: both.", show_default=False
    ),
]
DedupeBy = Annotated[
    Literal["exact", "near"] | None,
    typer.Option("--dedupe", help="Leave out rows that repeat an earlier row, exactly or nearly."),
]
Decontaminate = Annotated[
    Path | None,
    typer.Option("--decontaminate", help="Leave out rows that contain text from this benchmark file.", metavar="FILE"),
]
MixLicences = Annotated[bool, typer.Option("--mix-licences", help="Allow rows under different licences.")]
DrawSeed = Annotated[int, typer.Option("--seed", min=0, help="Seed for splits and random draws.", metavar="N")]
