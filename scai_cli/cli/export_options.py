"""The options of `scai export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

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
        help="system; to imitate: sft, sft-prompt-completion, openai-sft, sharegpt, alpaca; to prefer by: dpo, "
        "dpo-plain, kto, reward, hh, openai-dpo; constitutional; ratings; or module:attribute.",
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
Contested = Annotated[bool, typer.Option("--contested", help="Only what at least 30 % of the raters see otherwise.")]
Agreed = Annotated[bool, typer.Option("--agreed", help="Only what at most 10 % of the raters see otherwise.")]
PerPersona = Annotated[bool, typer.Option("--per-persona", help="A pair for each rater, by that rater's preference.")]
LabelledBy = Annotated[
    Literal["ratings", "judge", "revision"] | None,
    typer.Option("--labels", help="What decides between generated answers; by default the first that does."),
]
PairsPerPrompt = Annotated[
    int,
    typer.Option("--pairs-per-prompt", min=1, help="The most pairs of a run for a task and epoch.", metavar="N"),
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
NGram = Annotated[
    int | None,
    typer.Option("--ngram", min=3, help="So many words in a row; by default 13.", metavar="N", show_default=False),
]
MixLicences = Annotated[bool, typer.Option("--mix-licences", help="Let rows under different licences come together.")]
DrawSeed = Annotated[int, typer.Option("--seed", min=0, help="Splits and draws follow from it.", metavar="N")]
