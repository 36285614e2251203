"""The run directory: create, lock, append, repair, read, find."""

from scai_cli.store.directory import CALLS, CONFIG, EVENTS, OUTCOME, RunDirectory, is_locked
from scai_cli.store.finding import all_runs, find_run, is_run, newest_first
from scai_cli.store.lines import damaged, lines, whole_file, write_whole
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
    "is_run",
    "lines",
    "newest_first",
    "whole_file",
    "write_whole",
]
