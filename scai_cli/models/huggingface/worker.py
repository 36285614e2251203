"""One copy of a model's weights and the thread that answers all calls to it, batch by batch."""

from __future__ import annotations

import gc
import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakSet, WeakValueDictionary

from scai_cli.errors import CallFailed, EndpointFailed, ProviderError
from scai_cli.messages import Completion
from scai_cli.models.huggingface.batch import Answer, Row, answer, is_out_of_memory
from scai_cli.models.huggingface.checkpoint import Checkpoint, Weights, load_weights, quoted, read_checkpoint
from scai_cli.models.huggingface.options import Source

_QUIET_S: Final = 0.02
"""The pause in which no call arrives until a batch begins: calls that answers cause are sent within milliseconds."""
_CLOSING_S: Final = 10.0
"""The wait for the token, or for the weights, on which the thread is working when the last connection closes."""
_log = logging.getLogger("scai_cli")


@dataclass(eq=False, slots=True)
class Call:
    """A call that waits for its place in a batch."""

    to_row: Callable[[Weights], Row]
    """Encode the prompt; raises a ProviderError, e.g. PromptTooLong."""
    to_completion: Callable[[Row, Answer, Weights], Completion]
    batch_size: int
    future: Future[Completion] = field(default_factory=Future)
    """Cancelled when the caller no longer waits."""
    row: Row | None = None

    def fail(self, error: ProviderError) -> None:
        """End with an error, unless the caller no longer waits."""
        with suppress(InvalidStateError):
            self.future.set_exception(error)


class Worker:
    """Answers the calls of all connections to one source, one batch at a time, in one thread.

    The thread and the weights exist from the first call until the last of the `users` has left.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self.users: WeakSet[object] = WeakSet()
        self.largest: int | None = None
        """The calls that fit into memory together, once a batch did not."""
        self._name = checkpoint.source.called
        self._arrived: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._weights: Weights | None = None
        self._broken: str | None = None

    @property
    def is_closed(self) -> bool:
        """Whether it accepts no more calls."""
        return self._closed.is_set()

    def submit(self, call: Call) -> None:
        """Hand over a call; the thread starts with the first one."""
        self._arrived.put(call)
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=f"huggingface {self._name}", daemon=True)
                self._thread.start()

    def leave(self, user: object) -> None:
        """Remove a user; after the last one, end the thread and free the weights. It may take seconds."""
        with _opening:
            self.users.discard(user)
            if self.users:
                return
            self._closed.set()
        self._arrived.put(None)  # the thread may wait for a call
        if self._thread is not None:
            self._thread.join(_CLOSING_S)

    def _work(self) -> None:
        waiting: deque[Call] = deque()
        try:
            while not self._closed.is_set():
                waiting.extend(filter(self._prepare, self._gather(wait=not waiting)))
                if batch := self._next_batch(waiting):
                    waiting.extendleft(reversed(self._answer(batch)))
        finally:
            self._weights = None
            _free_memory()
            for call in (*waiting, *self._drain()):
                call.fail(EndpointFailed(f"{self._name}: the model was closed"))

    def _gather(self, *, wait: bool) -> list[Call]:
        """Return the calls that have arrived, once no other follows for a moment; with `wait`, at least one if open."""
        calls: list[Call | None] = [self._arrived.get()] if wait else []
        with suppress(queue.Empty):
            while not self._closed.is_set():
                calls.append(self._arrived.get(timeout=_QUIET_S))
        return [call for call in calls if call is not None]

    def _drain(self) -> Iterator[Call]:
        with suppress(queue.Empty):
            while True:
                if (call := self._arrived.get_nowait()) is not None:
                    yield call

    def _prepare(self, call: Call) -> bool:
        """Load the weights for the first call and encode the prompt; return whether the call can be answered."""
        try:
            call.row = call.to_row(self._loaded())
        except ProviderError as error:
            call.fail(error)
        except Exception as error:  # noqa: BLE001 - libraries raise anything; the thread has to answer other calls
            call.fail(CallFailed(f"{self._name}: {quoted(error)}"))
        return call.row is not None

    def _loaded(self) -> Weights:
        """Return the weights; raises EndpointFailed if they cannot be loaded."""
        if self._broken is not None:
            raise EndpointFailed(self._broken)
        if self._weights is None:
            try:
                with _loading:
                    self._weights = load_weights(self.checkpoint)
            except Exception as error:  # noqa: BLE001 - a damaged file, a full disk, no memory, no network
                remedy = "; choose a smaller model or options.dtype: bfloat16" if is_out_of_memory(error) else ""
                self._broken = f"{self._name}: the weights cannot be loaded: {quoted(error)}{remedy}"
                raise EndpointFailed(self._broken) from None
            model = self._weights.model
            _log.warning("scai: %s runs on %s in %s", self._name, model.device, str(model.dtype).removeprefix("torch."))
        return self._weights

    def _next_batch(self, waiting: deque[Call]) -> list[Call]:
        """Take the first calls in the queue that fit together, by their number and in the model's context."""
        batch: list[Call] = []
        others: list[Call] = []
        steps = 0
        room = self.checkpoint.context
        while waiting:
            call = waiting.popleft()
            assert call.row is not None
            if call.future.cancelled():
                continue
            allowed = min(call.batch_size, self.largest or call.batch_size, *(c.batch_size for c in batch))
            most, left = max(steps, call.row.most), min(room, self.checkpoint.context - len(call.row.prompt))
            if not batch or (len(batch) < allowed and most <= left):
                batch.append(call)
                steps, room = most, left
            else:
                others.append(call)
        waiting.extend(others)
        return batch

    def _answer(self, batch: Sequence[Call]) -> Sequence[Call]:
        """Answer a batch; return its calls again if it was too large for the memory."""
        weights, rows = self._loaded(), [call.row for call in batch if call.row is not None]
        try:
            answers = answer(weights, rows)
        except Exception as error:  # noqa: BLE001 - each call of the batch has to end with the error
            if is_out_of_memory(error) and len(batch) > 1:
                self.largest = len(batch) // 2
            else:
                problem = self._problem(error, rows[0])
                for call in batch:
                    call.fail(CallFailed(problem))
        else:
            for call, row, each in zip(batch, rows, answers, strict=True):
                self._finish(call, row, each, weights)
        left = [call for call in batch if not call.future.done()]
        if left:
            _free_memory()  # here, where the error's frames no longer keep the tensors
        return left

    def _finish(self, call: Call, row: Row, made: Answer, weights: Weights) -> None:
        try:
            if self._closed.is_set():  # the row may have ended early
                raise EndpointFailed(f"{self._name}: the model was closed")
            completion = call.to_completion(row, made, weights)
        except ProviderError as error:
            call.fail(error)
        except Exception as error:  # noqa: BLE001 - a tokenizer that cannot decode this answer
            call.fail(CallFailed(f"{self._name}: {quoted(error)}"))
        else:
            with suppress(InvalidStateError):
                call.future.set_result(completion)

    def _problem(self, error: Exception, row: Row) -> str:
        if is_out_of_memory(error):
            size = f"a single call of {len(row.prompt):,} tokens with up to {row.most:,} more does not fit into memory"
            return f"{self._name}: {size}; lower model.max_tokens, or choose a smaller model or options.dtype: bfloat16"
        return f"{self._name}: {quoted(error)}"


_open: Final[WeakValueDictionary[Source, Worker]] = WeakValueDictionary()
_opening: Final = threading.Lock()
_loading: Final = threading.Lock()
"""Only one model is loaded at a time: meanwhile transformers changes settings of the whole process."""


def worker_of(source: Source, user: object) -> Worker:
    """Return the worker of a source, a new one if there is none, with one more user.

    Raises the errors of `read_checkpoint`.
    """
    with _opening:
        worker = _open.get(source)
        if worker is None or worker.is_closed:
            worker = _open[source] = Worker(read_checkpoint(source))
        worker.users.add(user)
        return worker


def _free_memory() -> None:
    import torch

    gc.collect()
    if torch.accelerator.is_available():
        torch.accelerator.empty_cache()
