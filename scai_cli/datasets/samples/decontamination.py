"""Find rows that share a long run of words with a benchmark.

After Brown et al. 2020 (arXiv 2005.14165, appendix C): a row is left out if it shares 13 consecutive words with a text
of the benchmark, ignoring case and punctuation. A shorter text must match whole. Where a script has no spaces, 26
characters of Han or kana, or 39 of Thai and its like, are as long as 13 words (`text.words.length`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from scai_cli.errors import ConfigError
from scai_cli.experiment.file_kinds import kind, plain_suffix
from scai_cli.experiment.input_files import read_text
from scai_cli.populations.table_rows import rows as read_rows
from scai_cli.text.counts import counted
from scai_cli.text.words import length, stretches, words

CONTAMINATED: Final = "contaminated"

NGRAM: Final = 13
"""The length in words that must match, as in GPT-3's decontamination; shorter runs are shared by chance."""

_SHORTEST: Final = 4
"""The length in words that identifies a benchmark's row; shorter texts occur anywhere."""

_LEAST: Final = f"{_SHORTEST} words ({2 * _SHORTEST} characters of Chinese or Japanese, {3 * _SHORTEST} of Thai)"


@dataclass
class Benchmark:
    """The word n-grams of a benchmark, and the numbers of the rows that matched."""

    name: str
    rows: int = 0
    too_short: int = 0
    met: set[int] = field(default_factory=set)
    hits: int = 0
    _grams: dict[int, int] = field(default_factory=dict)
    """Hash of an n-gram -> the first row with it, counted from 1."""
    _whole: set[int] = field(default_factory=set)
    """The numbers of words of the texts that are shorter than an n-gram."""

    @classmethod
    def read(cls, path: Path) -> Benchmark:
        """Read a table (JSONL, CSV, Parquet, ...), or a text with one item per line; raises ConfigError."""
        benchmark = cls(path.name)
        for row in _rows(path):
            benchmark.add(row)
        if not benchmark._grams:
            raise ConfigError(f"{path}: has no text of at least {_LEAST} to search for")
        return benchmark

    def meets(self, texts: Iterable[str]) -> bool:
        """Return whether the texts share words with the benchmark; count the row, and the benchmark rows that match."""
        matched = self.matches(texts)
        self.met |= matched
        self.hits += bool(matched)
        return bool(matched)

    def matches(self, texts: Iterable[str]) -> set[int]:
        """Return the numbers of the rows that share words with the texts; of equal n-grams, the first row's."""
        grams = (hash(tuple(gram)) for text in map(words, texts) for gram in self._grams_of(text))
        return {self._grams[gram] for gram in grams if gram in self._grams}

    def report(self) -> str:
        """Return a sentence about the result."""
        if not self.hits:
            report = f"no row contains text of {self.name} ({self.rows} rows)"
        else:
            some = sorted(self.met)
            shown = ", ".join(map(str, some[:20])) + (", ..." if len(some) > 20 else "")
            report = (
                f"{self.hits} rows with text of {self.name} were left out; "
                f"they match {len(some)} of its {counted(self.rows, 'row')}: {shown}"
            )
        short = f"{counted(self.too_short, 'row')} too short to search for: less than {_LEAST}"
        return f"{report}; {short}" if self.too_short else report

    def add(self, row: list[str]) -> None:
        """Add a row's n-grams; if all its texts are shorter than an n-gram, add the longest one whole."""
        self.rows += 1
        texts = sorted((words(text) for text in row), key=length, reverse=True)
        long = [text for text in texts if length(text) >= NGRAM]
        if not long and (not texts or length(texts[0]) < _SHORTEST):
            self.too_short += 1
            return
        for gram in (gram for text in long for gram in stretches(text, NGRAM)) if long else texts[:1]:
            self._grams.setdefault(hash(tuple(gram)), self.rows)
        if not long:
            self._whole.add(len(texts[0]))

    def _grams_of(self, text: Sequence[str]) -> Iterator[Sequence[str]]:
        """Yield the n-grams of a text, and its sequences as long as the texts that must match whole."""
        yield from stretches(text, NGRAM)
        for n in self._whole:
            yield from (text[at : at + n] for at in range(len(text) - n + 1))


def _rows(path: Path) -> Iterator[list[str]]:
    """Yield the texts of every row of a file."""
    suffix = plain_suffix(path)  # a prompt in a text can begin like JSON
    if suffix != ".txt" and (suffix in (".csv", ".tsv") or kind(path) not in ("text", "empty")):
        for row in read_rows(str(path), lambda _: None):
            if row.problem:
                raise ConfigError.at(str(path), row.line, None, row.problem)
            yield list(_strings(row.value))
    else:
        yield from ([line] for line in read_text(path).split("\n") if line.strip())


def _strings(value: Any) -> Iterator[str]:
    """Yield every text in a value, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strings(part)
