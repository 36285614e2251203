"""The Markdown that users read, as its tests see it: pages, their blocks, and what is to be done with each.

- `sh` blocks are run, all of a page in order, in one shell and one folder.
- A block whose first line is `# NAME.yaml` (or `.py`) is that file, written before the next block runs.
- `<!-- not run: REASON -->` on the line before a block leaves it out, invisibly for readers; `<!-- slow: REASON -->`
  leaves it to `make test-slow`, `<!-- real model: REASON -->` to `make test-realmodel`; `<!-- not checked: REASON -->`
  is for YAML that is no part of an experiment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = ("README.md", *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("[!_]*.md")))

Mark = Literal["not run", "slow", "real model", "not checked"]
_MARK: Final = re.compile(r"^\s*<!-- (not run|slow|real model|not checked): (.+) -->$")
_FENCE: Final = re.compile(r"^(\s*)(```+)(.*)$")
_FILE: Final = re.compile(r"^# (?:scai run )?([\w./-]+\.(?:yaml|py|jsonl))$")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of a page."""

    page: str
    line: int
    """Of its fence."""
    language: str
    text: str
    mark: Mark | None = None
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def file(self) -> str | None:
        """The name under which the block is a file of the reader's."""
        found = _FILE.match(self.text.partition("\n")[0])
        return found[1] if found else None


def blocks(page: str) -> list[Block]:
    """The blocks of a page, in order."""
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    found, number = [], 0
    while number < len(lines):
        fence = _FENCE.match(lines[number])
        if fence is None:
            number += 1
            continue
        end = next(n for n in range(number + 1, len(lines)) if lines[n].strip() == fence[2])
        text = "".join(line.removeprefix(fence[1]) + "\n" for line in lines[number + 1 : end])
        mark = _MARK.match(lines[number - 1]) if number else None
        kind, reason = (mark[1], mark[2]) if mark else (None, "")
        found.append(Block(page, number + 1, fence[3], text, kind, reason))  # type: ignore[arg-type]
        number = end + 1
    return found


def every(*languages: str) -> list[Block]:
    """All blocks in these languages, page by page."""
    return [block for page in PAGES for block in blocks(page) if block.language in languages]
