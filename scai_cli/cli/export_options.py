"""The options of `scai export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from scai_cli.plugins import BUILT_IN

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN|GENERATED",
        help="Runs and generated sets: ids, unique prefixes, paths, or `latest`.",
        show_default=False,
    ),
]
FormatName = Annotated[
    str,
    typer.Option(
        "--format",
        help=f"One of {', '.join(BUILT_IN['format'])}; or module:attribute.",
        metavar="F",
    ),
]
Output = Annotated[
    str,
    typer.Option(
        "--output",
        "-o",
        help="A file (.jsonl, .csv, .parquet), a folder (DIR/) with card and manifest, or - for stdout.",
        metavar="PATH",
    ),
]
As = Annotated[
    Literal["text", "markdown", "json", "jsonl", "csv", "parquet"] | None,
    typer.Option("--as", help="How it is written; by default as the file's name says."),
]
System = Annotated[
    str,
    typer.Option(
        "--system", help="Whether rows begin with the constitution: drop, keep, or another text.", metavar="S"
    ),
]
MinRating = Annotated[
    float | None,
    typer.Option("--min-rating", help="Only answers (of pairs: chosen ones) that were rated at least so.", metavar="R"),
]
MinMargin = Annotated[
    float | None, typer.Option("--min-margin", help="Only pairs whose ratings lie at least so far apart.", metavar="R")
]
Disagreement = Annotated[
    str | None,
    typer.Option(
        "--disagreement",
        help="Only rows with this share of dissenting raters: 0.3:1 for contested, 0:0.1 for agreed ones.",
        metavar="LOW:HIGH",
    ),
]
PerPersona = Annotated[bool, typer.Option("--per-persona", help="A pair for each rater, by that rater's preference.")]
LabelledBy = Annotated[
    Literal["ratings", "judge", "revision"] | None,
    typer.Option("--labels", help="What decides between generated answers; by default the first that does."),
]
MaxRows = Annotated[
    int | None, typer.Option("--max-rows", min=1, help="At most so many rows, drawn with the seed.", metavar="N")
]
SplitInto = Annotated[
    str | None, typer.Option("--split", help="Into which files, e.g. train=0.9,test=0.1.", metavar="SHARES")
]
SplitBy = Annotated[
    Literal["persona", "task", "both"] | None,
    typer.Option("--split-by", help="What never is in two splits; by default both.", show_default=False),
]
DedupeBy = Annotated[
    Literal["exact", "near"] | None,
    typer.Option("--dedupe", help="Leave out rows that say the same, or nearly the same, as an earlier one."),
]
Decontaminate = Annotated[
    Path | None,
    typer.Option(
        "--decontaminate",
        help="Leave out rows that hold words of a benchmark (JSONL, JSON, CSV, text).",
        metavar="FILE",
    ),
]
MixLicences = Annotated[bool, typer.Option("--mix-licences", help="Let rows under different licences come together.")]
DrawSeed = Annotated[int, typer.Option("--seed", min=0, help="Splits and draws follow from it.", metavar="N")]
