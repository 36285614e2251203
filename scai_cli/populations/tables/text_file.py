"""Open text files in their own encoding."""

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from scai_cli.errors import ConfigError
from scai_cli.experiment.file_kinds import text_encoding
from scai_cli.experiment.input_files import opened
from scai_cli.experiment.item_files import LONGEST_LINE
from scai_cli.populations.tables.row import Notify

_BLOCK: Final = 2**20
_HEAD: Final = 2**12
_SAVE: Final = "save the file as UTF-8, e.g. iconv -f CODE-PAGE -t UTF-8"

_UTF8: Final = re.compile(
    rb"\xc3[\xa0-\xbc]|\xc3[\x80-\x96](?=[a-z])|\xe2\x80[\x93-\x9e]|[\xe3-\xed][\x80-\xbf]{2}|\xf0[\x90-\xbf]"
)
"""Letters and quotes as UTF-8 writes them, of which text in Windows-1252 has none."""
_NOT_WESTERN: Final = re.compile(
    rb"[\0\x81\x8d\x8f\x90\x9d]"  # no characters of Windows-1252
    rb"|[\xc0-\xff]{4}|(?!(.)\1{5})[\xa1-\xff]{6}"  # accented letters in a row: Cyrillic, Greek, Chinese, Korean
    rb"|[A-Za-z\xc0-\xff][\x82-\x84\x86-\x8b\x98\x9b\xa2-\xa6\xa8\xaa\xac\xaf\xb1-\xb3\xb5\xb6\xb8-\xbe][a-z]"
    rb"|[a-z][\x8a\x8c\x8e\x9f][a-z]"  # a capital inside a word: Mac Roman
)
"""What text in Windows-1252 does not have: signs or capitals inside words stand for letters of another code page."""


class RecordLines:
    """The lines of a text, without zero bytes; raises ConfigError for a record that is too large.

    The reader resets `size` for each record.
    """

    def __init__(self, file: str, lines: IO[str], delimiter: str = "\n") -> None:
        self._file, self._lines, self._delimiter = file, lines, delimiter
        self.size = self.number = self.zeros = 0
        """The size of the record, the number of lines, and how many of those had zero bytes."""
        self.complete = True
        """Whether the last line has its end: that of a line, or of a quoted cell."""

    def __iter__(self) -> Iterator[str]:
        while line := self._lines.readline(LONGEST_LINE + 1):
            self.number += 1
            self.size += len(line) + 15 * line.count(self._delimiter)  # a cell takes more memory than its text
            if self.size > LONGEST_LINE:
                problem = f"the row is larger than {LONGEST_LINE:,} characters; is a quote missing?"
                raise ConfigError.at(self._file, self.number, None, problem)
            if "\0" in line:
                line, self.zeros = line.replace("\0", ""), self.zeros + 1
            self.complete = line.endswith(("\n", "\r", '"'))
            yield line


@contextmanager
def text(file: str, notify: Notify) -> Iterator[IO[str]]:
    """Open a text file in its own encoding: UTF-8, UTF-16 or, with a warning, Windows-1252; line ends stay unchanged.

    Raises ConfigError for text in another code page, where that is certain, and for text that is damaged or cut.
    """
    encoding = _encoding(file)
    if encoding == "cp1252":
        notify(f"{file}: is not UTF-8; read as Windows-1252")
    with opened(Path(file)) as content:
        try:
            yield io.TextIOWrapper(content, encoding=encoding, newline="")
        except UnicodeDecodeError:
            problem = f"is damaged or cut off, as not all of it is text in {encoding.upper()}"
            raise ConfigError(f"{file}: {problem}; download it again") from None


def _encoding(file: str) -> str:
    with opened(Path(file)) as content:
        shown = text_encoding(content.read(_HEAD))
    if shown not in (None, "utf-8-sig"):
        return shown
    decoder, line = codecs.getincrementaldecoder("utf-8")(), 1
    with opened(Path(file)) as content:
        while block := content.read(_BLOCK):
            try:
                line += decoder.decode(block).count("\n")
            except UnicodeDecodeError as error:
                return _code_page(file, line + error.object.count(b"\n", 0, error.start))
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise ConfigError.at(file, line, None, "is cut off in the middle of a character; download it again") from None
    return "utf-8-sig"


def _code_page(file: str, line: int) -> str:
    """Return Windows-1252 for a text that is not UTF-8 from a line on, unless it can only be something else."""
    with opened(Path(file)) as content:
        while block := content.read(_BLOCK) + content.readline(_BLOCK):
            is_western = _NOT_WESTERN.search(block) is None
            if len(_UTF8.findall(block)) > 1 and (is_western or _is_mostly_utf8(block)):
                problem = "is UTF-8 with a damaged character; correct it there"
                raise ConfigError.at(file, line, None, problem)
            if not is_western:
                problem = f"is neither UTF-8 nor Windows-1252, and its code page is not stated; {_SAVE}"
                raise ConfigError.at(file, line, None, problem)
    return "cp1252"


def _is_mostly_utf8(block: bytes) -> bool:
    """Return whether more of the characters beyond ASCII are whole in UTF-8 than not; of Chinese in GBK few are."""
    characters = block.decode("utf-8", "replace")
    damaged = characters.count("\ufffd")
    return sum(not c.isascii() for c in characters) - damaged > damaged
