"""Why a request got no response, in words of our own: those of the HTTP libraries are for their programmers."""

import os
import re
import socket
import ssl
from collections.abc import Iterator
from typing import Final

from scai_cli.text.data_files import read_data_file

_WORDS: Final[dict[str, str]] = read_data_file(__file__)
_ERRNO: Final = re.compile(r"\[Errno (\d{1,3})\]")
"""In the text of an error about several addresses of a host."""
_DEEPEST: Final = 10
"""The causes of an exception that are read."""


def links(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and its causes, the outermost first."""
    link: BaseException | None = error
    for _ in range(_DEEPEST):
        if link is None:
            return
        yield link
        link = link.__cause__ or link.__context__


def reason(error: BaseException) -> str:
    """Return why a request got no response, of the exception that the HTTP client raised."""
    chain = list(links(error))
    system = next((text for link in reversed(chain) if (text := _of_system(link))), "")
    texts = [system] if system else [f"{type(link).__name__}: {link}" for link in chain]
    plain = (plain for text in texts for words, plain in _WORDS.items() if re.search(words, text, re.IGNORECASE))
    return next(plain, system) or str(error) or type(error).__name__


def _of_system(error: BaseException) -> str:
    """Return what the operating system or OpenSSL says; an empty text for another error."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return (getattr(error, "reason", None) or "").replace("_", " ").lower()
    if isinstance(error, socket.gaierror):
        return str(error.strerror or error)
    if not isinstance(error, OSError):
        return ""
    found = _ERRNO.search(str(error)) if error.errno is None else None
    number = int(found[1]) if found else error.errno
    return os.strerror(number) if number and number > 0 else ""
