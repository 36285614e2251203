"""The reference pages, made from the code: `python docs/reference.py` writes them, `--check` says which are stale."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]

from _generator import commands, events, exits, experiment, folders, prompts, python, shapes, traits  # noqa: E402

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
NOTE: Final = "<!-- Made from the code by `python docs/reference.py`; do not edit. -->\n\n"


def path(name: str) -> Path:
    """Where a page is kept."""
    return DOCS / "reference" / f"{name}.md"


def made() -> dict[Path, str]:
    """Every page as it ought to be now."""
    return {path(name): NOTE + page().rstrip() + "\n" for name, page in PAGES.items()}


def stale() -> list[str]:
    """The pages that are not as they ought to be."""
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
