"""Read a response up to a limit: what an endpoint sends takes no more memory than the limit, however it is packed."""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    import httpx2

MB: Final = 1_000_000
MAX_ERROR: Final = 64_000
"""The bytes of an error's body that are read."""
ENCODING: Final = "gzip"
"""The encoding to ask for."""
_turns: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]] = WeakKeyDictionary()
"""Event loop -> the lock for its long bodies; threads may have loops at the same time."""


async def read_body(response: httpx2.Response, most: int) -> tuple[bytes, bool]:
    """Return the decoded body and whether it is longer than `most` bytes; of a longer one, at most MAX_ERROR bytes.

    Beyond one megabyte, one body is read at a time. Raises ValueError and zlib.error for one that cannot be decoded.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip", "deflate"):
        raise ValueError(f"the response has the content-encoding {encoding}, and scai asks for {ENCODING}")
    unpacker = None if encoding == "identity" else zlib.decompressobj(zlib.MAX_WBITS | 32)  # of either kind
    body, received, limit = bytearray(), 0, min(MB, most)
    parts = response.aiter_raw()
    turn: asyncio.Lock | None = None
    try:
        async for part in parts:
            received += len(part)
            while True:
                if unpacker is None:
                    body += part
                    part = b""
                elif not unpacker.eof:  # what follows the end would pile up in the unpacker
                    body += unpacker.decompress(part, limit + 1 - len(body))
                    part = unpacker.unconsumed_tail
                # What is received counts, too: an endless packed body may contain nothing.
                if max(len(body), received) <= limit:
                    break
                if limit == most:
                    return bytes(body[: min(most, MAX_ERROR)]), True
                waited = _turn(asyncio.get_running_loop())
                await waited.acquire()
                turn, limit = waited, most
        await response.aclose()  # here, so that the next long body waits until this one is decoded
        return bytes(body), False
    finally:
        if turn is not None:
            turn.release()
        await parts.aclose()


def _turn(loop: asyncio.AbstractEventLoop) -> asyncio.Lock:
    """Return the lock of an event loop for long bodies: many at once would take many times the limit."""
    return _turns.setdefault(loop, asyncio.Lock())
