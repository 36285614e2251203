"""An engine of a sweep that plays the cells in this process."""

from __future__ import annotations

from typing import Self

from scai_cli.jobs.sweep_cell import CellListener, CellOrder, CellResult, run_cell


class InProcess:
    """Plays cells on the driver's own event loop; remembers their ids in the order of their starts."""

    def __init__(self, places: int) -> None:
        self.places = places
        self.started: list[str] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        pass

    async def run(self, order: CellOrder, listener: CellListener) -> CellResult:
        self.started.append(order.path.name)
        return await run_cell(order, listener)

    def stop(self, *, at_once: bool = False) -> None:
        pass
