"""The folders that work leaves behind: which files each kind has, who writes and who reads them, and what locks it.

The names of the files come from the code. A new kind of folder is a new row of `KINDS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from _generator.tables import code, table
from scai_cli.jobs import explain
from scai_cli.runs.chat_directory import CHATS
from scai_cli.runs.generated_directory import EXPERIMENT, GENERATION, ROWS, TASKS
from scai_cli.runs.locked_folder import CALLS
from scai_cli.runs.locks import LOCK
from scai_cli.runs.outcome import OUTCOME
from scai_cli.runs.run_directory import CONFIG, EVENTS


class Folder(NamedTuple):
    """One kind of folder, in cells of Markdown."""

    kind: str
    place: str
    files: Sequence[str]
    writer: str
    readers: str
    lock: str


CONSTITUTIONS: Final = "constitution/e0.md"
SYSTEM_MESSAGE: Final = "system_message.txt"
WHOLE: Final = f"by `{LOCK}`"
KINDS: Final = (
    Folder(
        "run",
        "`runs/<run-id>/`",
        (CONFIG, EVENTS, CALLS, CONSTITUTIONS, SYSTEM_MESSAGE, OUTCOME),
        "`scai run`, `scai resume`",
        "every command that takes a `RUN`",
        WHOLE,
    ),
    Folder(
        "generated set",
        "`runs/<run-id>/`",
        (GENERATION, EXPERIMENT, TASKS, ROWS, CALLS, OUTCOME),
        "`scai generate`, `scai resume`",
        "`scai export`, `scai list`",
        WHOLE,
    ),
    Folder("chat", f"`{CHATS}/1/`, ... in a run", (EVENTS, CALLS), "`scai chat`", "people", WHOLE),
    Folder(
        "explanation",
        f"`{explain.FOLDER}/` in a run",
        (CALLS,),
        "`scai explain`",
        "`scai explain`, which asks for no answer twice",
        WHOLE,
    ),
    Folder(
        "journal of a population",
        "beside `OUT.jsonl` or `OUT.yaml`",
        (f"OUT.{CALLS}",),
        "`scai personas generate -o`",
        "`scai personas generate`, which asks for no answer twice",
        "the journal itself",
    ),
)

INTRO: Final = """\
# Run directory and other folders

Everything that scai writes is plain text, and no key is ever written. Runs and generated sets are in `runs/`;
`--runs-dir DIR` or the variable `SCAI_RUNS_DIR` puts them elsewhere.
"""

LOCKS: Final = f"""\
While a process writes a folder, it holds a lock on its file `{LOCK}`, which has the id of the process in it. The system
takes the lock back when the process ends: a crash leaves a file, but no lock.

## Files
"""

CALL_LINES: Final = f"""\
## Calls

A line of `{CALLS}` has the call's `id` (its position: `e1/ann/tea/m1/assistant`), who asked for what, the model, the
request word for word, the answer, why it ended (`finish_reason`), tokens, seconds and retries. `source` is `model`,
`replay` (answered from this very file), `cache` (from [the cache](../sweeps.md#a-job-that-is-killed-goes-on)) or
`human`.
"""
FILES: Final = (
    (
        CONFIG,
        "the experiment as it was resolved, prompts, personas and tasks included: enough to run it again, anywhere",
    ),
    (
        EVENTS,
        "[what happened](events.md), one JSON object a line, written as it happens; all else follows from it",
    ),
    (
        CALLS,
        "every model call with its exact messages, settings, answer, tokens and time: for audits, and for resuming",
    ),
    (CONSTITUTIONS, "with `e1.md`, ...: the constitution before the first and after each epoch, for people"),
    (SYSTEM_MESSAGE, "the product, to paste into any chatbot"),
    (OUTCOME, "how the last session ended, as [`scai run --json`](json.md) says it"),
    (GENERATION, "what was ordered; the last file that a new generated set gets"),
    (EXPERIMENT, "the experiment behind the rows"),
    (TASKS, "the tasks that the rows are about"),
    (ROWS, "one row a line, in order"),
)

RESUMING: Final = f"""\
## Resuming is replay

`scai resume` runs the experiment from the start. A call whose id and request are in `{CALLS}` is answered from there,
an event that is there already must come out the same and is not written twice. A torn last line is cut off, and that is
said. So a run may be killed at any moment, and no answer is paid for twice.

```sh
scai run configs/quickstart.yaml --set limits.calls=300 --quiet || test $? = 3
scai resume quickstart --set limits.calls=2000 --quiet
ls runs/quickstart
```
"""


def page() -> str:
    """The whole page; raises ValueError for a file without a description."""
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
        ]
    )
