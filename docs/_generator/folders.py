"""Write the page of the folders: their files, who writes and reads them, and what locks them.

The names of the files come from the code. A new kind of folder is a new row of `KINDS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from _generator.tables import code, table
from scai_cli.jobs import explain
from scai_cli.jobs.serve import PREFIX
from scai_cli.runs.batch_log import BATCHES
from scai_cli.runs.batch_log import FOLDER as BATCH_FILES
from scai_cli.runs.chat_directory import CHATS
from scai_cli.runs.file_names import CONFIG, EVALUATION, EVENTS, GENERATION, ROWS, SWEEP
from scai_cli.runs.locked_folder import CALLS
from scai_cli.runs.locks import LOCK
from scai_cli.runs.outcome import OUTCOME
from scai_cli.runs.row_directory import EXPERIMENT, ITEMS, TASKS
from scai_cli.runs.sweep_directory import CELLS


class Folder(NamedTuple):
    """One kind of folder, in cells of Markdown."""

    kind: str
    place: str
    files: Sequence[str]
    writer: str
    readers: str
    lock: str


REQUESTS: Final = f"{BATCH_FILES}/1.requests.jsonl"
CONSTITUTIONS: Final = "constitution/e0.md"
SYSTEM_MESSAGE: Final = "system_message.txt"
TAKEN_BACK: Final = "events.taken-back-1.jsonl"
TAKEN_BACK_ROWS: Final = "rows.taken-back-1.jsonl"
WHOLE: Final = f"by `{LOCK}`"
KINDS: Final = (
    Folder(
        "run",
        "`runs/<run-id>/`",
        (CONFIG, EVENTS, CALLS, BATCHES, CONSTITUTIONS, SYSTEM_MESSAGE, OUTCOME),
        "`scai run`, `scai resume`",
        "every command that takes a `RUN`",
        WHOLE,
    ),
    Folder(
        "generated set",
        "`runs/<run-id>/`",
        (GENERATION, EXPERIMENT, TASKS, ROWS, CALLS, BATCHES, OUTCOME),
        "`scai generate`, `scai resume`",
        "`scai export`, `scai list`",
        WHOLE,
    ),
    Folder(
        "evaluation",
        "`runs/<run-id>/`",
        (EVALUATION, EXPERIMENT, ITEMS, ROWS, CALLS, BATCHES, OUTCOME),
        "`scai evaluate`, `scai resume`",
        "`scai show`, `scai report`, `scai export --format scores`, `scai list`",
        WHOLE,
    ),
    Folder(
        "sweep",
        "`runs/<name>/`; its cells are runs or generated sets beside it",
        (SWEEP, CELLS),
        "`scai sweep`",
        "`scai show`, `scai report`, `scai list`",
        WHOLE,
    ),
    Folder("chat", f"`{CHATS}/1/`, ... in a run", (EVENTS, CALLS), "`scai chat`", "people", WHOLE),
    Folder(
        "served calls",
        f"`{PREFIX}/1/`, ... in a run; `runs/NAME-{PREFIX}/1/`, ... of a constitution file",
        (CALLS,),
        "`scai serve`",
        "people",
        WHOLE,
    ),
    Folder(
        "explanation",
        f"`{explain.FOLDER}/` in a run",
        (CALLS, BATCHES),
        "`scai explain`",
        "`scai explain`, which repeats no answered call",
        WHOLE,
    ),
    Folder(
        "journal of a population",
        "beside `OUT.jsonl` or `OUT.yaml`",
        (f"OUT.{CALLS}",),
        "`scai personas generate -o`, `scai tasks generate -o`",
        "the same command, which repeats no answered call",
        "the journal itself",
    ),
)

INTRO: Final = """\
# Run directory and other folders

scai writes plain text only, and never writes a key. Runs, generated sets and evaluations are in `runs/`;
`--runs-dir DIR` or the variable `SCAI_RUNS_DIR` selects another folder.
"""

LOCKS: Final = f"""\
While a process writes a folder, it locks the file `{LOCK}`, which has the id of the process. The
system releases the lock when the process ends: after a crash the file remains, but it is not locked.

## Files
"""

CALL_LINES: Final = f"""\
## Calls

A line of `{CALLS}` has the call's `id` (its position: `e1/ann/tea/m1/assistant`), its role and purpose, the model,
the exact request, the answer, the reason for its end (`finish_reason`), tokens, seconds and retries. `source` is
`model`, `replay` (answered from this file), `cache` (from [the cache](../sweeps.md#runs-that-know-of-each-other)) or
`human`.
"""
FILES: Final = (
    (
        CONFIG,
        "the resolved experiment with its prompts, personas and tasks: enough to run it again anywhere",
    ),
    (
        EVENTS,
        "[all events](events.md), one JSON object per line, written at once; all other results are computed from them",
    ),
    (
        CALLS,
        "every model call with its exact messages, settings, answer, tokens and time, for audits and for resuming",
    ),
    (
        BATCHES,
        "only with [batches](../real-models.md#batches): a line for each before it is handed over, and one with the "
        f"endpoint's id of it; `{REQUESTS}` and `{BATCH_FILES}/1.results.jsonl` are the requests and results of the "
        "first, and may be deleted when the work is finished",
    ),
    (CONSTITUTIONS, "with `e1.md`, ...: the constitution before the first and after each epoch, for people"),
    (SYSTEM_MESSAGE, "the final system message, to paste into any chatbot"),
    (
        OUTCOME,
        "the result of the last session, as [`scai run --json`](json.md) prints it; if it is finished, with the "
        "`sha256` of its logs and texts",
    ),
    (GENERATION, "the settings of the set; the last file that is written for a new set"),
    (EVALUATION, "the systems, suites and judges of an evaluation; the last file that is written for a new one"),
    (EXPERIMENT, "the experiment that the rows come from"),
    (TASKS, "the tasks of the rows"),
    (ITEMS, "the items of an evaluation, with their sources and licences"),
    (SWEEP, "the sweep file as it was read, with the whole path of the experiment"),
    (CELLS, "a line when a cell of a sweep starts and one when it ends; the last line of a cell counts"),
    (ROWS, "one row per line, in order; of an evaluation, an item with the answers and scores of all systems"),
)

RESUMING: Final = f"""\
## Resuming is replay

`scai resume` runs the experiment from the start. A call whose id and request are in `{CALLS}` is answered from there,
and an event that is already in the log must be equal and is not written twice. So a run may be killed at any moment,
and no answered call is repeated. A finished run is left as it is: if its files have the SHA-256 in `{OUTCOME}`, it is
not replayed.

A run's id is the name of its folder. A renamed folder is continued under its new name; the event `run_started` keeps
the first one.

```sh
scai run configs/quickstart.yaml --set limits.calls=300 --quiet || test $? = 3
scai resume quickstart --set limits.calls=2000 --quiet
ls runs/quickstart
```

## After a power cut

A killed process loses no line that it wrote. A power cut may keep any part of the lines since the last sync, of each
file. So scai syncs `{CALLS}` first, then `{EVENTS}` or `{ROWS}`: at the end of each epoch, after every 256 rows, and at
the end of a session. `{CONFIG}`, `{EXPERIMENT}`, `{GENERATION}` and `{TASKS}` are written under another name, synced
and renamed, and then their folder is synced: they are never half written. `scai resume` repairs the rest, with a line
about each repair:
"""
REPAIRS: Final = (
    ("a torn last line, or lines with NUL bytes, which never reached the disk", "removes them; `scai show` skips them"),
    (
        f"events whose calls are not in `{CALLS}`",
        f"moves the first of them and all later ones to `{TAKEN_BACK}` (`-2`, ...), and continues from there; the "
        "calls that are left are not repeated",
    ),
    (
        f"a gap in the numbers (`seq`) of `{EVENTS}` or in the rows of `{ROWS}`, or a line twice",
        f"moves the lines from there on to `{TAKEN_BACK}` or `{TAKEN_BACK_ROWS}`, and makes them again from the calls",
    ),
    (
        f"a line twice in `{CALLS}`",
        "counts it once; of two answers to the same request, both are paid for, and the first is used",
    ),
    ("another damaged line, or an event that was changed", "refuses in one line, and changes nothing"),
)


def page() -> str:
    """Return the whole page; raises ValueError for a file without a description."""
    described = dict(FILES)
    names = dict.fromkeys(name for kind in KINDS for name in kind.files if not name.startswith("OUT."))
    if missing := names.keys() - described.keys():
        raise ValueError(f"no words for {', '.join(missing)}")
    kinds = ([k.kind, k.place, " ".join(map(code, k.files)), k.writer, k.readers, k.lock] for k in KINDS)
    return "\n".join(
        [
            INTRO,
            table(["folder", "where", "files", "written by", "read by", "locked"], kinds),
            LOCKS,
            table(["file", ""], ([code(name), described[name]] for name in names)),
            CALL_LINES,
            RESUMING,
            table(["found", "`scai resume`"], REPAIRS),
        ]
    )
