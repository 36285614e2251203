"""The Ray engine: each cell is a task of Ray, which plays it on any machine of a cluster.

Ray starts the cell of a worker that has died again, and `run_cell` continues its run. A task cannot report before its
end, so the messages of a cell come with its result. All machines write to the same runs folder.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from typing import Any, Final, Self

from scai_cli.errors import ConfigError, Interrupted
from scai_cli.jobs.interruption import ProcessSignals
from scai_cli.jobs.session import run_on_loop
from scai_cli.jobs.sweep_cell import CellListener, CellOrder, CellResult, failed, given_up, run_cell
from scai_cli.text.characters import one_line

_PATIENCE_S: Final = 10.0


class RayEngine:
    """Plays `places` cells at the same time on the cluster of `RAY_ADDRESS`, else on this machine's.

    A cell takes a CPU, or less of one if it waits for a network and the cluster has fewer CPUs than places.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._tasks: set[Any] = set()

    async def __aenter__(self) -> Self:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ModuleNotFoundError:
            raise ConfigError("--engine ray needs another package: pip install ray") from None
        before = signal.getsignal(signal.SIGTERM)  # which Ray replaces
        try:
            await _reach(os.environ.get("RAY_ADDRESS", ""))
            ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        except (OSError, RuntimeError, ValueError) as error:
            address, why = os.environ.get("RAY_ADDRESS") or "this machine's cluster", one_line(str(error))
            raise ConfigError(f"--engine ray: cannot reach {address}: {why or 'no answer'}; set RAY_ADDRESS") from None
        finally:
            signal.signal(signal.SIGTERM, before)
        self._ray = ray
        self._waiting_share = min(1.0, ray.cluster_resources().get("CPU", 1.0) / self._places)
        return self

    async def run(self, order: CellOrder, listener: CellListener) -> CellResult:
        """Play a cell in a worker; its messages come at its end."""
        waits = any(model.provider != "simulated" for _, model in order.job.config.models())
        task = self._ray.remote(_play).options(num_cpus=self._waiting_share if waits else 1).remote(order)
        self._tasks.add(task)
        try:
            result: CellResult
            result, said = await task
        except self._ray.exceptions.TaskCancelledError:  # before a worker was free
            return failed(order, Interrupted("interrupted"))
        except self._ray.exceptions.RayError as error:
            return given_up(order, f"{type(error).__name__}: {error}")
        finally:
            self._tasks.discard(task)
        for line in said:
            listener.say(line)
        return result

    def stop(self, *, at_once: bool = False) -> None:  # noqa: ARG002 - a second one is as a second signal
        """End all cells in good order, their calls in flight included; a second time at once."""
        for task in self._tasks:
            self._ray.cancel(task)

    async def __aexit__(self, *error: object) -> None:
        self._ray.shutdown()


async def _reach(address: str) -> None:
    """Raise OSError if no cluster answers at the address: Ray would try for ten minutes, and not see Ctrl-C."""
    host, _, port = address.rpartition("/")[2].rpartition(":")
    if host and port.isdecimal():
        async with asyncio.timeout(_PATIENCE_S):
            _, writer = await asyncio.open_connection(host, int(port))
        writer.close()


def _play(order: CellOrder) -> tuple[CellResult, list[str]]:
    """Play a cell in a worker of Ray, which passes a cancellation on as SIGINT; return the messages, too."""
    signals, said, before = ProcessSignals(), list[str](), signal.getsignal(signal.SIGINT)
    try:
        signals.install(signal.SIGINT)  # the others stay Ray's: a worker that they end is replaced
        return run_on_loop(run_cell(order, CellListener(said.append))), said
    except (Interrupted, asyncio.CancelledError):  # between the loop's start and the first call, or after the last one
        return failed(order, Interrupted("interrupted")), said
    finally:
        signal.signal(signal.SIGINT, before)
