"""The response cache: a SQLite file that keeps answers across runs, so that no request is paid for twice.

It is off unless the experiment has `cache: true`. It stores complete answers only: a request that failed, or whose
answer was cut off (`length`), withheld or refused, is sent again, as it may succeed now.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import to_json

from scai_cli.errors import CacheError
from scai_cli.messages import ChatRequest, Completion, Usage
from scai_cli.models.base import ChatModel
from scai_cli.models.thoughts import answered

if TYPE_CHECKING:
    import sqlite3

_APPLICATION: Final = 0x53434149  # "SCAI", in the file's header
_VERSION: Final = 1
_LOCK_TIMEOUT_S: Final = 5.0
"""The seconds to wait for another process that locks the file."""

_SCHEMA: Final = "CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, answer BLOB NOT NULL) WITHOUT ROWID"


def cache_path() -> Path:
    """Return `$SCAI_CACHE`, or `scai/cache.sqlite3` in the user's cache folder."""
    if named := os.environ.get("SCAI_CACHE"):
        return Path(named)
    folder = os.environ.get("XDG_CACHE_HOME") or ""
    base = Path(folder) if Path(folder).is_absolute() else Path.home() / ".cache"
    return base / "scai" / "cache.sqlite3"


@dataclass(slots=True)
class Cache:
    """An open cache file, shared with any number of processes; after a failure it is closed, with its `problem`."""

    path: Path
    problem: str | None = None
    _database: sqlite3.Connection | None = field(default=None, repr=False)

    @classmethod
    def open(cls, path: Path) -> Cache:
        """Open or create the file; raises CacheError if it is locked, damaged or not scai's."""
        import sqlite3

        from filelock import FileLock

        with _sqlite_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(path, timeout=_LOCK_TIMEOUT_S, isolation_level=None)
            try:
                # Of two processes that find no file, one makes it: SQLite does not wait to change the journal mode.
                with FileLock(f"{path}.lock", timeout=_LOCK_TIMEOUT_S):
                    _prepare(database, path)
            except BaseException:
                database.close()
                raise
        return cls(path, None, database)

    def get(self, key: bytes) -> Completion | None:
        """Return the answer for a key, or None."""
        rows = self._do("SELECT answer FROM answers WHERE key = ?", (key,))
        return _completion(rows[0][0]) if rows else None

    def put(self, key: bytes, completion: Completion) -> None:
        """Store an answer; it replaces an older one."""
        usage = completion.usage
        answer = [completion.text, completion.finish_reason, usage.input_tokens, usage.output_tokens, completion.model]
        values = to_json([*answer, completion.logprobs or [], completion.thoughts])
        self._do("INSERT OR REPLACE INTO answers VALUES (?, ?)", (key, values))

    def close(self) -> None:
        """Close the file."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _do(self, statement: str, values: tuple[object, ...]) -> list[Any]:
        if self._database is None:
            return []
        try:
            with _sqlite_errors(self.path):
                return self._database.execute(statement, values).fetchall()
        except CacheError as error:
            self.problem = f"{error}; the run continues without it"
            self.close()
            return []


class CachedModel:
    """Answers from the cache or the model; `context` is all that determines an answer besides the request."""

    def __init__(self, model: ChatModel, cache: Cache, context: dict[str, Any]) -> None:
        self._model = model
        self._cache = cache
        self._context = to_json(context)

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer one request; `source` is `cache` if the answer came from it."""
        key = hashlib.blake2b(self._context + request.canonical(), digest_size=24).digest()
        if (known := self._cache.get(key)) is not None and known.text:
            await asyncio.sleep(0)  # many cached answers in a row must not block other conversations and signals
            return known
        completion = await self._model.complete(request)
        if completion.text and completion.ended == "whole":
            self._cache.put(key, completion)
        return completion

    async def aclose(self) -> None:
        """Close the model behind the cache."""
        await self._model.aclose()


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    application = database.execute("PRAGMA application_id").fetchone()[0]
    version = database.execute("PRAGMA user_version").fetchone()[0]
    tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application != _APPLICATION and (application or version or tables):
        raise CacheError(f"{path}: not a cache of scai; set SCAI_CACHE to another file")
    if version not in (0, _VERSION):
        raise CacheError(f"{path}: written by another version of scai; delete it, or set SCAI_CACHE to another file")
    database.execute("PRAGMA journal_mode = WAL")  # readers do not wait for a writer in another process
    database.execute("PRAGMA synchronous = NORMAL")
    if not tables:
        database.execute("BEGIN IMMEDIATE")
        database.execute(_SCHEMA)
        database.execute(f"PRAGMA application_id = {_APPLICATION}")
        database.execute(f"PRAGMA user_version = {_VERSION}")
        database.execute("COMMIT")


def _completion(answer: bytes) -> Completion:
    text, finish_reason, input_tokens, output_tokens, model, *more = json.loads(answer)
    more += ([], "")[len(more) :]  # older versions wrote fewer values
    usage = Usage(input_tokens, output_tokens)
    pairs = tuple((token, value) for token, value in more[0]) or None
    found = Completion(text, finish_reason, usage, model=model, source="cache", logprobs=pairs, thoughts=more[1])
    return answered(found)  # older versions wrote the thoughts into the text


@contextmanager
def _sqlite_errors(path: Path) -> Iterator[None]:
    import sqlite3

    try:
        yield
    except TimeoutError:
        raise CacheError(f"{path}: another process is preparing the cache; wait until it ends") from None
    except OSError as error:
        raise CacheError(f"{path}: cannot open the cache: {error.strerror}; set SCAI_CACHE to another file") from None
    except (sqlite3.Error, ValueError) as error:
        remedy = (
            "wait for the other process" if "locked" in str(error) else "delete the file, or set SCAI_CACHE to another"
        )
        raise CacheError(f"{path}: the cache cannot be used: {error}; {remedy}") from None
