"""Make the reference pages and the figure of the results: `python docs/reference.py`; `--check` names stale ones."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]

from _generator import (  # noqa: E402
    commands,
    events,
    exits,
    experiment,
    folders,
    prompts,
    python,
    recovery_figure,
    results_figure,
    shapes,
    traits,
)

PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "commands": commands.page,
    "experiment": experiment.page,
    "events": events.page,
    "run-directory": folders.page,
    "json": shapes.page,
    "prompts": prompts.page,
    "traits": traits.page,
    "python": python.page,
    "exit-codes": exits.page,
}
READERS: Final[Mapping[str, str]] = {
    "commands": "For everyone at a shell. At the end you know which command does what, and each of its options.",
    "experiment": "For everyone who writes an experiment. At the end you know each key, its type and its default.",
    "events": "For developers who read `events.jsonl`. At the end you know each event and its fields.",
    "run-directory": "For developers and auditors. At the end you know each file that scai writes, and who reads it.",
    "json": "For developers of scripts. At the end you know the shape of each command's `--json`.",
    "prompts": "For prompt engineers. At the end you know each prompt that a model gets, and how to replace it.",
    "traits": "For everyone who writes personas. At the end you know the names that `preferences` takes.",
    "python": "For developers and people with a notebook. At the end you know what to import, and what it returns.",
    "exit-codes": "For developers of scripts. At the end you know each exit code, and what to do about it.",
}
"""The first line of each page: whom it is for, and what they have at its end."""
FIGURES: Final = {"results.svg": results_figure.figure, "recovery.svg": recovery_figure.figure}
"""Name in `_static` -> how it is drawn."""
NOTE: Final = "<!-- Made from the code by `python docs/reference.py`; do not edit. -->\n\n"


def path(name: str) -> Path:
    """Where a page is kept."""
    return DOCS / "reference" / f"{name}.md"


def made() -> dict[Path, str]:
    """Return every page and figure as it should be now."""
    pages = {path(name): NOTE + _for_readers(page(), READERS[name]).rstrip() + "\n" for name, page in PAGES.items()}
    return {**pages, **{DOCS / "_static" / name: draw() for name, draw in FIGURES.items()}}


def _for_readers(page: str, readers: str) -> str:
    """Put the readers' line below the title."""
    title, _, rest = page.partition("\n")
    return f"{title}\n\n*{readers}*\n{rest}"


def stale() -> list[str]:
    """Return the names of the files that differ from what the code says."""
    return [file.name for file, text in made().items() if not file.exists() or file.read_text(encoding="utf-8") != text]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a page is stale")
    if parser.parse_args().check:
        if pages := stale():
            sys.exit(f"stale: {', '.join(pages)}; run `python docs/reference.py`")
        return
    for file, text in made().items():
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
