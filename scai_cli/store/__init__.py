"""The run directory: create, lock, append, repair, read, find."""

from scai_cli.store.directory import CALLS, CONFIG, EVENTS, OUTCOME, RunDirectory, is_locked
from scai_cli.store.finding import all_runs, find_run
from scai_cli.store.lines import damaged, lines, write_whole
from scai_cli.store.replay import CallIndex

__all__ = [
    "CALLS",
    "CONFIG",
    "EVENTS",
    "OUTCOME",
    "CallIndex",
    "RunDirectory",
    "all_runs",
    "damaged",
    "find_run",
    "is_locked",
    "lines",
    "write_whole",
]
