"""Find unclear words in docstrings, messages and docs: `python tests/support/plain_english.py [PATH...]`.

Prints `file:line: word -> what to write` for each and exits 1. The list is `plain_english.yaml`.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = ("scai_cli", "configs", "examples", "personas", "docs", "README.md", "CHANGELOG.md", "CONTRIBUTING.md")
LEFT_OUT: Final = ("docs/_build/", "docs/_generator/")
CODE: Final = re.compile(r"`[^`\n]*`|<[^>\n]*>|\]\([^)]*\)")


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{words})\b".replace(" ", r"\s+"), re.I)


@dataclass(frozen=True)
class WordList:
    """The patterns with their remedies, the paths of which only docstrings are checked, and the data files of prose."""

    patterns: tuple[tuple[re.Pattern[str], str], ...]
    speech: tuple[str, ...]
    prose: tuple[str, ...]

    @classmethod
    def read(cls) -> WordList:
        """Read the list beside this module."""
        data = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
        patterns = tuple((_pattern(words), remedy) for words, remedy in data["words"].items())
        return cls(patterns, tuple(data["speech"]), tuple(data["prose"]))

    def findings(self, text: str, first_line: int) -> Iterator[str]:
        """Yield `line: word -> remedy` for each unclear word of a text."""
        prose = CODE.sub(lambda match: " ".join("`" for _ in match[0].split()), text)
        for pattern, remedy in self.patterns:
            for match in pattern.finditer(prose):
                line = first_line + prose.count("\n", 0, match.start())
                yield f"{line}: {' '.join(match[0].split())} -> {remedy}"


def python_texts(source: str, *, docstrings_only: bool = False) -> Iterator[tuple[int, str]]:
    """Yield the docstrings and the string literals of more than two words, each with its first line."""
    tree = ast.parse(source)
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            text = node.value
        else:
            continue
        if len(text.split()) > 2 and (id(node) in docstrings or not docstrings_only):
            yield node.lineno, text


def markdown_texts(source: str) -> Iterator[tuple[int, str]]:
    """Yield the text with its code blocks, records of runs, comments and front matter emptied, as one piece."""
    blocks = re.compile(
        r"<!-- recorded:.*?<!-- /recorded -->|^( *)(```+|~~~+).*?^ *\2`*~* *$|<!--.*?-->|\A---\n.*?^---$", re.M | re.S
    )
    yield 1, blocks.sub(lambda match: "\n" * match[0].count("\n"), source)


def yaml_texts(source: str) -> Iterator[tuple[int, str]]:
    """Yield the comments."""
    for number, line in enumerate(source.splitlines(), 1):
        if match := re.search(r"(?:^|\s)#(.*)", line):
            yield number, match[1]


def check_file(file: Path, name: str, words: WordList) -> list[str]:
    """Return what is unclear in a file."""
    source = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        texts = python_texts(source, docstrings_only=name.startswith(words.speech))
    elif name in words.prose:
        texts = iter([(1, source)])
    else:
        texts = (markdown_texts if file.suffix == ".md" else yaml_texts)(source)
    return [f"{name}:{finding}" for line, text in texts for finding in words.findings(text, line)]


def files(root: Path, sources: tuple[str, ...] = SOURCES) -> Iterator[tuple[Path, str]]:
    """Yield the files that users and developers read, each with its name below the root."""
    for source in sources:
        path = root / source
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            name = file.relative_to(root).as_posix()
            if file.suffix in (".py", ".md", ".yaml") and not name.startswith(LEFT_OUT):
                yield file, name


def main() -> int:
    """Check the paths given, or all; return the exit code."""
    words = WordList.read()
    checked = files(ROOT, tuple(sys.argv[1:]) or SOURCES)
    problems = [problem for file, name in checked for problem in check_file(file, name, words)]
    print("\n".join(problems) or "no unclear words")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
