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
        help="Runs and generated sets: ids, unique prefixes of ids, paths, or `latest`.",
        show_default=False,
    ),
]
FormatName = Annotated[
    str, typer.Option("--format", help=f"One of {', '.join(BUILT_IN['format'])}; or module:attribute.", metavar="F")
]
Output = Annotated[
    str,
    typer.Option(
        "--output", "-o", help="File (.jsonl, .csv, .parquet), folder (DIR/), or - for stdout.", metavar="PATH"
    ),
]
As = Annotated[
    Literal["text", "markdown", "json", "jsonl", "csv", "parquet"] | None,
    typer.Option("--as", help="File type; default: from the file's name."),
]
System = Annotated[
    str, typer.Option("--system", help="System message of rows: drop (none), keep (the rules), or a text.", metavar="S")
]
MinRating = Annotated[
    float | None,
    typer.Option("--min-rating", help="Keep answers (in pairs: the chosen answer) rated at least R.", metavar="R"),
]
MinMargin = Annotated[
    float | None, typer.Option("--min-margin", help="Keep pairs whose ratings differ by at least R.", metavar="R")
]
Disagreement = Annotated[
    str | None,
    typer.Option(
        "--disagreement", help="Keep rows with this share of dissenting raters, e.g. 0.3:1.", metavar="LOW:HIGH"
    ),
]
PerPersona = Annotated[bool, typer.Option("--per-persona", help="Write one pair per rater, not one for the group.")]
LabelledBy = Annotated[
    Literal["ratings", "judge", "revision"] | None,
    typer.Option("--labels", help="Label that ranks generated answers; default: ratings, else judge, else revision."),
]
MaxRows = Annotated[
    int | None, typer.Option("--max-rows", min=1, help="Keep at most N rows, drawn at random.", metavar="N")
]
SplitInto = Annotated[
    str | None, typer.Option("--split", help="Split the rows into files, e.g. train=0.9,test=0.1.", metavar="SHARES")
]
SplitBy = Annotated[
    Literal["persona", "task", "both"] | None,
    typer.Option("--split-by", help="Keep each persona, task or both in one split; default: both.", show_default=False),
]
DedupeBy = Annotated[
    Literal["exact", "near"] | None,
    typer.Option("--dedupe", help="Leave out rows that repeat an earlier row, exactly or nearly."),
]
Decontaminate = Annotated[
    Path | None,
    typer.Option("--decontaminate", help="Leave out rows with text of this benchmark file.", metavar="FILE"),
]
MixLicences = Annotated[bool, typer.Option("--mix-licences", help="Allow rows under different licences.")]
DrawSeed = Annotated[int, typer.Option("--seed", min=0, help="Seed for splits and random draws.", metavar="N")]
