"""A bound for interim responses (1xx), which aiohttp keeps in memory until the final one."""

from functools import cache
from typing import Final

MOST_WAITING: Final = 10_000
"""The maximal responses of one connection that wait to be read; one final response is usual."""


@cache
def bound_interim_responses() -> None:
    """Make aiohttp drop a connection with over MOST_WAITING unread responses.

    Its limits apply to one response at a time, and uvloop reads up to 8 MB before the task that waits for them runs:
    200,000 interim responses of an endless series, 3 KB each.
    """
    from aiohttp import connector
    from aiohttp.client_exceptions import ClientPayloadError
    from aiohttp.client_proto import ResponseHandler

    class BoundedHandler(ResponseHandler):
        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if len(self) > MOST_WAITING:
                self._buffer.clear()
                self.abort()
                self.set_exception(ClientPayloadError("an endless series of interim responses (1xx)"))

    connector.ResponseHandler = BoundedHandler  # type: ignore[attr-defined]
