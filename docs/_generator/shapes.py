"""Write the page of `--json`: the program's own output over the golden run, shortened."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from scai_cli.experiment.config import ExperimentConfig

ROOT: Final = Path(__file__).parents[2]
GOLDEN: Final = ROOT / "tests/golden"
SHOWN: Final[tuple[tuple[str, list[str], str], ...]] = (
    (
        "scai plan CONFIG",
        ["plan", "configs/quickstart.yaml"],
        "It also has every key of the experiment.",
    ),
    (
        "scai show RUN",
        ["show", "tiny"],
        "With a holdout, `holdout` has the fields of the [event](events.md#holdout) and these: `difference` is\n"
        "computed from the utilities, with its `verdict`; `people` has each person's `before`, `after`, `verdict` and\n"
        "interval, as in `headline`; `reason` says why nothing could change for them, or is null.",
    ),
    ("scai list", ["list"], "An array, newest first."),
    (
        "scai compare RUN RUN",
        ["compare", "tiny", "twin"],
        "The example compares a run with a copy of it, so there are no differences.",
    ),
    ("scai explain RUN", ["explain", "tiny"], ""),
    (
        "scai sweep FILE",
        ["sweep", "study.yaml", "--quiet"],
        "`status` of a cell is `waiting`, `running`, `finished`, `stopped`, `failed`, `interrupted` or `refused`.",
    ),
    (
        "scai show SWEEP",
        ["show", "study"],
        "It has the keys of `scai sweep`, and comparisons along each axis; `seeds` if it differs in them alone.",
    ),
    ("scai generate RUN", ["generate", "tiny", "--set", "generate={k: 0, judge: users}", "--quiet"], ""),
    ("scai dataset describe PATH", ["dataset", "describe", "sft.jsonl"], ""),
    ("scai personas describe FILE", ["personas", "describe", "personas/quickstart.yaml"], ""),
)
SWEEP: Final = """\
experiment: configs/quickstart.yaml
each: {epochs: 1}
grid: {turns: [1, 2]}
"""
INTRO: Final = """\
# What `--json` prints

Each command prints one JSON value on stdout. New versions may add keys, and keep these. The examples come from a
small run, with long lists and mappings cut (`…`) and long texts shortened.

`scai run`, `scai resume` and `outcome.json` in the run directory have the same content. `status` is `finished`,
`stopped`, `failed`, `interrupted` or `running`.
"""
MANY, LONG, WIDTH = 3, 60, 88
_INSTEAD: Final = {
    "config": {"…": "the experiment with all its defaults"},
    "wall_s": 1.5,
    "time": "2026-01-31T12:00:00.000Z",
}
"""Replaces a value that is too long, or that differs each time."""


def page() -> str:
    """Return the whole page."""
    outcome = json.loads((GOLDEN / "tiny/outcome.json").read_text(encoding="utf-8"))
    parts = [INTRO, _block("scai run CONFIG", outcome, "")]
    with _two_runs():
        parts += [_block(command, printed(words), said) for command, words, said in SHOWN]
    return "\n".join(parts)


def printed(words: list[str]) -> Any:
    """Return the output of a command with `--json`."""
    from scai_cli.cli import app

    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):  # the app ends its process
        app([*words, "--json"])
    shown = json.loads(out.getvalue())
    if words == ["show", "study"]:
        shown = {"differences": shown["differences"]}
    if words[0] == "plan":  # its other keys are those of the experiment
        shown = {key: value for key, value in shown.items() if key not in ExperimentConfig.model_fields}
    return shown


@contextlib.contextmanager
def _two_runs() -> Iterator[None]:
    """Work in a folder with the golden run, a copy of it, and the shipped configs and personas."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for name in ("tiny", "twin"):
            shutil.copytree(GOLDEN / "tiny", Path("runs") / name)
        for name in ("configs", "personas"):
            Path(name).symlink_to(ROOT / name)
        shutil.copy(GOLDEN / "sft.jsonl", ".")
        Path("study.yaml").write_text(SWEEP, encoding="utf-8")
        yield


def shortened(value: Any) -> Any:
    """Shorten a value so that its shape stays visible."""
    if isinstance(value, dict):
        most = MANY if len(value) > 24 or _alike(value) else len(value)
        kept = {key: _INSTEAD.get(key) or shortened(inner) for key, inner in list(value.items())[:most]}
        return kept if most >= len(value) else {**kept, "…": "…"}
    if isinstance(value, list):
        most = MANY if all(isinstance(item, int | float | str) for item in value) else 1
        return [shortened(item) for item in value[:most]] + (["…"] if len(value) > most else [])
    if isinstance(value, float):
        return round(value, 4)
    return value[:LONG] + "…" if isinstance(value, str) and len(value) > LONG else value


def written(value: Any, depth: int = 0) -> str:
    """Return a value as JSON, with nested values on one line if they fit."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or 2 * depth + len(line) <= WIDTH:
        return line
    step, end = "  " * (depth + 1), "  " * depth
    if isinstance(value, list):
        return "[\n" + ",\n".join(step + written(item, depth + 1) for item in value) + f"\n{end}]"
    keys = ((json.dumps(key, ensure_ascii=False), inner) for key, inner in value.items())
    return "{\n" + ",\n".join(f"{step}{key}: {written(inner, depth + 1)}" for key, inner in keys) + f"\n{end}}}"


def _alike(value: dict[str, Any]) -> bool:
    """Return whether a mapping has ids as keys, rather than fields of its own."""
    kinds = {type(inner) for inner in value.values()}
    return len(value) > MANY and len(kinds) == 1 and kinds <= {float, str} and len(value) > 8


def _block(command: str, value: Any, said: str) -> str:
    return f"## `{command} --json`\n\n{said}\n\n```json\n{written(shortened(value))}\n```\n".replace("\n\n\n\n", "\n\n")
