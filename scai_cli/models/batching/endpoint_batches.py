"""Batches at an endpoint with OpenAI's files and batches: upload, create, wait, download."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, BinaryIO, Final, TypeVar
from urllib.parse import quote

from scai_cli.errors import CallTransient, EndpointFailed, ProviderError
from scai_cli.models.batching.batch import Batch, BatchJournal
from scai_cli.models.connection import Connection
from scai_cli.models.wire import mapping
from scai_cli.text.counts import counted

T = TypeVar("T")
_FIRST_WAIT_S: Final = 0.25
_LONGEST_WAIT_S: Final = 60.0
_LONGEST_RETRY_AFTER_S: Final = 900.0
"""The longest wait that an endpoint may request, as at the gate of single calls."""
_PATIENCE: Final = 20
"""The number of failed requests in a row after which a session gives up: a quarter of an hour."""
_CLOCKS_S: Final = 3600
"""The seconds by which the endpoint's clock may differ from ours."""
_PAGES: Final = 200
_NO_BATCHES: Final = "not an endpoint with OpenAI's files and batches; remove `model.batch`, or set it to `file`"
_LATE_S: Final = 2.0
"""The seconds after which a request that was cut off has arrived at the endpoint, if at all."""
_ENDED: Final = ("completed", "expired", "cancelled")
_ID: Final = re.compile(r"[\w.:-]{1,200}")


class TooMuchAtOnce(Exception):
    """The endpoint allows fewer tokens in its batches at a time: a smaller batch may be accepted."""


async def fetch(connection: Connection, batch: Batch, journal: BatchJournal) -> None:
    """Hand a new batch over, or find the one of an earlier session; wait until it has ended, and download its results.

    A batch that an earlier session did not come to hand over, or that was not accepted, has an empty file of results.
    Raises ProviderError; the batch is then kept at the endpoint, and a later session continues here.
    """
    ended: Mapping[str, Any] = {}
    if batch.id is None:
        batch.id = await (_find_again(connection, batch) if batch.is_earlier else _create(connection, batch, journal))
        if batch.id is not None:
            journal.handed_over(batch)
    try:
        if batch.id is not None:
            ended = await _end(connection, _safe(connection, batch.id))
        if ended.get("status") == "failed" and not batch.is_earlier:
            raise _rejected(connection, batch, ended)
        with journal.whole_file(batch.results_file) as file:
            await _patiently(lambda: _download(connection, ended, file))
    except EndpointFailed as error:
        if "HTTP 404" not in str(error):
            raise
        remedy = f"delete batches.jsonl in {journal.folder.parent} to ask its requests again"
        raise EndpointFailed(
            f"{error}; batch {batch.number} is not there; use the key that it was made with, or {remedy}"
        ) from None


async def _download(connection: Connection, ended: Mapping[str, Any], file: BinaryIO) -> None:
    """Write the results of a batch to a file; raises CallTransient if it gets fewer than the endpoint counts."""
    file.seek(0)
    file.truncate()
    for key in ("output_file_id", "error_file_id"):
        if part := ended.get(key):
            await connection.download(f"files/{_safe(connection, part)}/content", file)
            file.write(b"\n")
    completed = mapping(ended.get("request_counts")).get("completed")
    expected = completed if isinstance(completed, int) else 0
    file.seek(0)
    if (found := sum(not line.isspace() for line in file)) < expected:
        raise CallTransient(f"{connection.endpoint}: {found:,} of {expected:,} results were received")


async def _create(connection: Connection, batch: Batch, journal: BatchJournal) -> str:
    """Upload the requests and create the batch; return its id."""
    path = journal.folder / batch.requests_file
    try:
        sent = await _patiently(lambda: connection.upload("files", {"purpose": "batch"}, path))
    except EndpointFailed as error:
        if not re.search(r"HTTP 40[45]\b", str(error)):
            raise
        raise EndpointFailed(f"{connection.endpoint}: {_NO_BATCHES}") from None
    wanted = {
        "input_file_id": _text(connection, sent, "id"),
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
        "metadata": {"scai": batch.name},
    }

    is_repeated = False

    async def create() -> str:
        nonlocal is_repeated
        # The endpoint may have made it, and its answer was lost.
        if is_repeated and (found := await _find_again(connection, batch)):
            return found
        is_repeated = True
        return _text(connection, await connection.post("batches", wanted), "id")

    return await _patiently(create)


async def _find_again(connection: Connection, batch: Batch) -> str | None:
    """Return the id of a batch that may have been made; None if it is not there, and still not a little later."""
    found = await _find(connection, batch)
    if found is None:
        await asyncio.sleep(_LATE_S)
        found = await _find(connection, batch)
    return found


async def _find(connection: Connection, batch: Batch) -> str | None:
    """Return the id of a batch with our name; None if there is none."""
    after = ""
    for _ in range(_PAGES):
        page = _object(connection, await _patiently(partial(connection.get, f"batches?limit=100{after}")))
        entries = [mapping(entry) for entry in _list(page.get("data"))]
        for entry in entries:
            if mapping(entry.get("metadata")).get("scai") == batch.name:
                return _safe(connection, entry.get("id"))
        times = (entry.get("created_at") for entry in entries)
        oldest = min((at for at in times if isinstance(at, int | float)), default=0)
        if not page.get("has_more") or not entries or oldest < batch.at - _CLOCKS_S:
            return None
        after = f"&after={quote(str(entries[-1].get('id')), safe='')}"
    return None


async def _end(connection: Connection, name: str) -> dict[str, Any]:
    """Wait until a batch has ended; return what the endpoint says of it."""
    wait = _FIRST_WAIT_S
    while True:
        state = _object(connection, await _patiently(lambda: connection.get(f"batches/{name}")))
        if state.get("status") in (*_ENDED, "failed"):
            return state
        await asyncio.sleep(wait)
        wait = min(wait * 1.5, _LONGEST_WAIT_S)


async def _patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Await `ask()`; repeat it after temporary failures."""
    for failures in range(1, _PATIENCE + 1):
        try:
            return await ask()
        except CallTransient as error:
            if failures == _PATIENCE:
                given_up = f"gave up after {counted(failures, 'attempt')}"
                raise EndpointFailed(f"{error}; {given_up}; the batch is kept") from None
            asked = min(error.retry_after or 0.0, _LONGEST_RETRY_AFTER_S)
            await asyncio.sleep(max(asked, min(_FIRST_WAIT_S * 2.0**failures, _LONGEST_WAIT_S)))
        except EndpointFailed:
            raise
        except ProviderError as error:
            raise EndpointFailed(str(error)) from None
    raise AssertionError


def _rejected(connection: Connection, batch: Batch, state: Mapping[str, Any]) -> Exception:
    """Return the error for a batch that the endpoint did not accept."""
    first = next(map(mapping, _list(mapping(state.get("errors")).get("data"))), {})
    code, message = (str(first.get(key) or "") for key in ("code", "message"))
    if code == "token_limit_exceeded" and len(batch.requests) > 1:
        return TooMuchAtOnce()
    where = connection.endpoint
    return EndpointFailed(f"{where}: the endpoint did not accept batch {batch.number}: {where.quote(message or code)}")


def _object(connection: Connection, data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        where = connection.endpoint
        text = where.quote(data[:1000].decode(errors="replace")) or "an empty body"
        raise EndpointFailed(f"{where}: {_NO_BATCHES} (its answer: {text})")
    return found


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(connection: Connection, data: bytes, key: str) -> str:
    return _safe(connection, _object(connection, data).get(key))


def _safe(connection: Connection, value: object) -> str:
    """Return an id of the endpoint; it becomes a part of addresses."""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise EndpointFailed(
            f"{connection.endpoint}: not an id of a file or batch: {connection.endpoint.quote(str(value))}"
        )
    return value
