"""The run directory and the generated set: create, lock, append, repair, read, find."""

from scai_cli.store.claiming import is_locked
from scai_cli.store.directory import CALLS, CONFIG, EVENTS, RunDirectory
from scai_cli.store.finding import all_generated, all_runs, find_run, find_source, is_generated, is_run, newest_first
from scai_cli.store.generated import EXPERIMENT, GENERATION, ROWS, TASKS, GeneratedDirectory
from scai_cli.store.lines import damaged, lines, whole_file, write_whole
from scai_cli.store.outcome import OUTCOME, begin_session, end_session
from scai_cli.store.replay import CallIndex

__all__ = [
    "CALLS",
    "CONFIG",
    "EVENTS",
    "EXPERIMENT",
    "GENERATION",
    "OUTCOME",
    "ROWS",
    "TASKS",
    "CallIndex",
    "GeneratedDirectory",
    "RunDirectory",
    "all_generated",
    "all_runs",
    "begin_session",
    "damaged",
    "end_session",
    "find_run",
    "find_source",
    "is_generated",
    "is_locked",
    "is_run",
    "lines",
    "newest_first",
    "whole_file",
    "write_whole",
]
