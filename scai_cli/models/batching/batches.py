"""The batches of one session: gather calls until no more come, hand them over, and give each call its result."""

from __future__ import annotations

import asyncio
import copy
import shlex
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Final

from scai_cli.errors import BatchesWait, ScaiError
from scai_cli.experiment.model_settings import BatchKind
from scai_cli.messages import ChatRequest
from scai_cli.models.batching.batch import Batch, BatchJournal, Result, Results, custom_id, request_line
from scai_cli.models.batching.endpoint_batches import TooMuchAtOnce, fetch
from scai_cli.models.connection import Connection
from scai_cli.text.counts import counted

_TICK_S: Final = 0.2
_QUIET_TICKS: Final = 2
"""The ticks without a new call after which the calls are handed over."""
_LONG_QUIET_S: Final = 60.0
"""The seconds without a new call after which they are handed over even if this process works on something else."""
_MOST: Final[Mapping[BatchKind, int]] = {"openai": 50_000, "file": 1_000_000}
_MOST_BYTES: Final[Mapping[BatchKind, int]] = {"openai": 190_000_000, "file": 10**12}
"""OpenAI's limits of a batch are 50,000 requests and 200 MB."""

Answer = asyncio.Future[Result | None]
"""A result, or None if the batch has ended without one."""


@dataclass(slots=True)
class _Queue:
    """The calls that wait for a batch, of one endpoint, model and kind: custom id -> line of the request, answer."""

    connection: Connection
    kind: BatchKind
    model: str
    calls: dict[str, tuple[bytes, Answer]] = field(default_factory=dict)
    most: int = 0
    """The requests of a batch, fewer if the endpoint does not accept their tokens; then one batch at a time."""
    has_answered: bool = False
    """Whether a batch is known to have an answer."""

    @property
    def address(self) -> str:
        return "" if self.kind == "file" else str(self.connection.endpoint)

    @property
    def one_at_a_time(self) -> bool:
        return self.most < _MOST[self.kind]

    def is_of(self, batch: Batch) -> bool:
        """Return whether a batch of an earlier session is one of this queue's."""
        return (batch.kind, batch.address, batch.model) == (self.kind, self.address, self.model)

    def chunk(self) -> dict[str, tuple[bytes, Answer]]:
        """Take the calls of the next batch from the queue."""
        chosen: dict[str, tuple[bytes, Answer]] = {}
        size = 0
        for key, (line, answer) in self.calls.items():
            size += len(line) + 1
            if len(chosen) == self.most or (chosen and size > _MOST_BYTES[self.kind]):
                break
            chosen[key] = line, answer
        for key in chosen:
            del self.calls[key]
        return chosen


@dataclass(slots=True)
class _Work:
    """A batch that calls wait for, and its results once they are there."""

    batch: Batch
    queue: _Queue
    answers: dict[str, Answer] = field(default_factory=dict)
    results: Results | None = None
    waits_for_file: bool = False


class Batches:
    """Gathers calls into batches, and collects the results, also of the batches of earlier sessions.

    `busy` says whether calls outside of the batches are under way, from which further calls may follow. `say` takes
    messages for the user. `stop` ends the session when only files of the user can continue it.
    """

    def __init__(self, busy: Callable[[], bool], say: Callable[[str], None]) -> None:
        self.stop: Callable[[ScaiError], None] = self.close_for_new_calls
        self._busy = busy
        self._say = say
        self._journal: BatchJournal | None = None
        self._number = 0
        self._arrived = 0
        self._queues: dict[tuple[int, str, BatchKind], _Queue] = {}
        self._earlier: dict[str, tuple[Batch, ...]] = {}
        self._all_earlier: Sequence[Batch] = ()
        self._works: dict[int, _Work] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._watch: asyncio.Task[None] | None = None
        self._closed: Exception | None = None

    def open(self, journal: BatchJournal) -> None:
        """Use the journal of a piece of work; call it before the first call."""
        self._journal, self._all_earlier = journal, journal.earlier()
        # No new batch has the files of another one, also if a user has removed the log.
        names = (path.name.partition(".")[0] for path in journal.folder.iterdir())
        self._number = max((int(name) for name in names if name.isdecimal()), default=0)
        for batch in self._all_earlier:
            self._number = max(self._number, batch.number)
            self._earlier.update((key, (batch, *self._earlier.get(key, ()))) for key in batch.requests)

    async def result(
        self, connection: Connection, kind: BatchKind, request: ChatRequest, body: Mapping[str, Any]
    ) -> Result | None:
        """Return the result of a request: the answer in a batch of an earlier session, or else that of a new batch."""
        self._check_open()
        key, queue = custom_id(request), self._queue(connection, kind, request.model)
        # Once: what is asked again, and what was refused or not answered, needs a new batch.
        for earlier in self._candidates(self._earlier.pop(key, ()), queue):
            found = await self._expected(earlier, queue, key)
            if found is not None and found.status == 200:
                return found
            self._check_open()
        answer = self._new_answer()
        queue.calls[key] = request_line(key, body), answer
        return await answer

    def have_answered(self, connection: Connection, kind: BatchKind, model: str) -> bool:
        """Return whether a batch of a model, in this session or an earlier one, has an answer."""
        queue = self._queue(connection, kind, model)
        ours = (work.results for work in self._works.values() if work.queue is queue and work.results)
        paths = (self._results_path(batch) for batch in self._all_earlier if queue.is_of(batch))
        earlier = (Results.read(path) for path in paths if path.is_file())
        queue.has_answered = queue.has_answered or any(results.answers for results in chain(ours, earlier))
        return queue.has_answered

    def close_for_new_calls(self, error: Exception) -> None:
        """Make every waiting and later call raise the error; batches stay at their endpoint for a later session."""
        self._closed = self._closed or error
        _fail((answer for answers in self._waiting() for answer in answers), error)

    async def aclose(self) -> None:
        """Stop waiting for batches."""
        tasks = [*self._tasks, *([self._watch] if self._watch else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _queue(self, connection: Connection, kind: BatchKind, model: str) -> _Queue:
        key = id(connection), model, kind
        if key not in self._queues:
            self._queues[key] = _Queue(connection, kind, model, most=_MOST[kind])
        return self._queues[key]

    def _waiting(self) -> Iterable[list[Answer]]:
        for queue in self._queues.values():
            yield [answer for _, answer in queue.calls.values()]
        for work in self._works.values():
            yield list(work.answers.values())

    def _new_answer(self) -> Answer:
        self._arrived += 1
        if self._watch is None:
            self._watch = asyncio.create_task(self._watched())
        return asyncio.get_running_loop().create_future()

    async def _expected(self, batch: Batch, queue: _Queue, key: str) -> Result | None:
        """Return a result of a batch of an earlier session, once it is there."""
        work = self._works.get(batch.number)
        if work is None:
            work = self._begin(_Work(batch, queue))
        if work.results is not None:
            return work.results.of(key)
        work.answers[key] = answer = self._new_answer()
        return await answer

    def _candidates(self, batches: Sequence[Batch], queue: _Queue) -> Iterator[Batch]:
        """Yield the batches that may have an answer, the newest first: those whose results are here, then the others.

        A file of results may be empty: of a batch that a killed session did not come to hand over.
        """
        here = [batch for batch in batches if self._results_path(batch).is_file()]
        yield from here
        yield from (batch for batch in batches if batch not in here and queue.is_of(batch))

    def _check_open(self) -> None:
        if self._closed is not None:
            raise self._closed

    def _results_path(self, batch: Batch) -> Path:
        return self._opened.folder / batch.results_file

    async def _watched(self) -> None:
        """Hand over the waiting calls whenever no further call comes."""
        quiet, seen, cpu, last = 0, -1, 0.0, time.monotonic()
        try:
            while True:
                await asyncio.sleep(_TICK_S)
                last = last if self._arrived == seen else time.monotonic()
                # A session that replays its log makes no call and is busy all the same.
                used, cpu = time.process_time() - cpu, time.process_time()
                is_idle = used < _TICK_S / 2 or time.monotonic() - last > _LONG_QUIET_S
                is_quiet = self._arrived == seen and not self._busy() and is_idle
                quiet, seen = quiet + 1 if is_quiet else 0, self._arrived
                if quiet < _QUIET_TICKS:
                    continue
                quiet = 0
                for queue in self._queues.values():
                    self._hand_over(queue)
                self._stop_if_files_are_missing()
        except Exception as error:  # noqa: BLE001 - e.g. a full disk: every call raises it
            self.close_for_new_calls(error)

    def _hand_over(self, queue: _Queue) -> None:
        """Write the waiting calls of a queue to files of requests, and hand these over."""
        while queue.calls and not (queue.one_at_a_time and self._in_flight(queue)):
            calls = queue.chunk()
            self._number += 1
            batch = Batch(self._number, queue.kind, queue.address, queue.model, list(calls))
            work = _Work(batch, queue, {key: answer for key, (_, answer) in calls.items()})
            self._works[batch.number] = work  # before anything can fail, so that its calls raise that error
            with self._opened.whole_file(batch.requests_file) as file:
                file.writelines(line + b"\n" for line, _ in calls.values())
            self._opened.begun(batch)
            self._begin(work)

    def _in_flight(self, queue: _Queue) -> bool:
        return any(work.queue is queue and work.results is None for work in self._works.values())

    def _begin(self, work: _Work) -> _Work:
        self._works[work.batch.number] = work
        task = asyncio.create_task(self._collect(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return work

    async def _collect(self, work: _Work) -> None:
        """Wait for the results of a batch, and give each call its own."""
        batch, journal = work.batch, self._opened
        path, count = self._results_path(batch), counted(len(batch.requests), "request")
        try:
            if not path.is_file():
                if batch.kind == "file":
                    work.waits_for_file = True
                    return
                where = work.queue.address
                self._say(f"batch {batch.number}: {count} to {where}, whose results may take a day; a stop keeps them")
                await fetch(work.queue.connection, batch, journal)
            work.results = Results.read(path)
        except TooMuchAtOnce:
            self._divide(work)
        except Exception as error:  # noqa: BLE001 - every call of the batch raises it
            _fail(work.answers.values(), error)
        else:
            self._say(f"batch {batch.number}: {work.results.answers:,} of {count} answered")
            for key, answer in work.answers.items():
                if not answer.done():
                    answer.set_result(work.results.of(key))
            work.answers.clear()

    def _divide(self, work: _Work) -> None:
        """Put the calls of a batch that is too large for the endpoint back, for batches of half its size."""
        queue, path = work.queue, self._opened.folder / work.batch.requests_file
        del self._works[work.batch.number]
        queue.most = max(1, len(work.batch.requests) // 2)
        with path.open("rb") as file:
            lines = dict(zip(work.batch.requests, file, strict=True))
        queue.calls.update((key, (lines[key].rstrip(b"\n"), answer)) for key, answer in work.answers.items())
        self._arrived += 1

    def _stop_if_files_are_missing(self) -> None:
        """Stop the session if every batch that is left waits for a file of results."""
        open_works = [work for work in self._works.values() if work.results is None]
        if (
            not open_works
            or any(not work.waits_for_file for work in open_works)
            or any(queue.calls for queue in self._queues.values())
        ):
            return
        commands = []
        for work in open_works:
            folder = self._opened.folder
            files = (shlex.quote(str(folder / name)) for name in (work.batch.requests_file, work.batch.results_file))
            commands.append("`vllm run-batch -i {} -o {} --model {}`".format(*files, shlex.quote(work.batch.model)))
        self.stop(
            BatchesWait(
                f"the requests are in {len(commands)} files; answer each with a program that reads OpenAI's batch "
                f"files, e.g. {', '.join(commands)}; then continue with `scai resume`"
                if len(commands) > 1
                else "the requests are in a file; answer it with a program that reads OpenAI's batch files, e.g. "
                f"{commands[0]}; then continue with `scai resume`"
            )
        )

    @property
    def _opened(self) -> BatchJournal:
        assert self._journal is not None
        return self._journal


def _fail(answers: Iterable[Answer], error: Exception) -> None:
    for answer in answers:
        if not answer.done():
            answer.set_exception(copy.copy(error))  # a shared one would collect the tracebacks of all calls
