"""Find runs, generated sets, evaluations and sweeps by id, unique prefix of an id, path, or `latest`."""

import os
import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scai_cli.errors import RunError
from scai_cli.runs.file_names import CONFIG, EVALUATION, EVENTS, GENERATION, LATEST, ROWS, SWEEP
from scai_cli.text.suggestions import did_you_mean

RUNS: Final = Path("runs")
"""The usual folder of the runs."""


def resume_command(path: Path) -> str:
    """Return the command that continues the work on a folder."""
    return f"scai resume {shlex.quote(path.name if path.parent == RUNS else str(path))}"


def is_run(path: Path) -> bool:
    """Return whether a folder is a run directory."""
    return os.path.isfile(path / CONFIG)


def is_generated(path: Path) -> bool:
    """Return whether a folder is a generated set, written by `scai generate`."""
    return os.path.isfile(path / GENERATION)


def is_evaluation(path: Path) -> bool:
    """Return whether a folder is an evaluation, written by `scai evaluate`."""
    return os.path.isfile(path / EVALUATION)


def is_sweep(path: Path) -> bool:
    """Return whether a folder is that of a sweep."""
    return os.path.isfile(path / SWEEP)


def log_of(path: Path) -> Path:
    """Return the main log of a run, a generated set or an evaluation: its events, or its rows."""
    return path / (EVENTS if is_run(path) else ROWS)


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of folder: its names in messages, its characteristic file, and a test."""

    name: str
    folder: str
    sign: str
    holds: Callable[[Path], bool]
    article: str = "a"


_RUN: Final = _Kind("run", "run directory", CONFIG, is_run)
_SOURCE: Final = _Kind(
    "run or generated set",
    "run directory or generated set",
    f"{CONFIG} or {GENERATION}",
    lambda path: is_run(path) or is_generated(path),
)
_EVALUATION: Final = _Kind("evaluation", "evaluation", EVALUATION, is_evaluation, article="an")
_READ: Final = _Kind(
    "run, evaluation or sweep",
    "run directory, evaluation or sweep",
    f"{CONFIG}, {EVALUATION} or {SWEEP}",
    lambda path: is_run(path) or is_evaluation(path) or is_sweep(path),
)
_WORK: Final = _Kind(
    "run, generated set or evaluation",
    "run directory, generated set or evaluation",
    f"{CONFIG}, {GENERATION} or {EVALUATION}",
    lambda path: is_run(path) or is_generated(path) or is_evaluation(path),
)


def find_run(runs: Path, wanted: str) -> Path:
    """Return the directory of a run, given by id, unique prefix of an id, path or `latest`; raises RunError."""
    return _find(runs, wanted, _RUN)


def find_source(runs: Path, wanted: str) -> Path:
    """Return the directory of a run or generated set, given as for `find_run`; raises RunError."""
    return _find(runs, wanted, _SOURCE)


def find_read(runs: Path, wanted: str) -> Path:
    """Return the directory of a run, an evaluation or a sweep, given as for `find_run`; raises RunError."""
    return _find(runs, wanted, _READ)


def find_evaluation(runs: Path, wanted: str) -> Path:
    """Return the directory of an evaluation, given as for `find_run`; raises RunError."""
    return _find(runs, wanted, _EVALUATION)


def find_work(runs: Path, wanted: str) -> Path:
    """Return the directory of a run, a generated set or an evaluation, given as for `find_run`; raises RunError."""
    return _find(runs, wanted, _WORK)


def all_runs(runs: Path) -> list[Path]:
    """Return all run directories, sorted by name."""
    return _all(runs, _RUN)


def all_generated(runs: Path) -> list[Path]:
    """Return all generated sets, sorted by name."""
    return [path for path in _all(runs, _SOURCE) if not is_run(path)]


def all_evaluations(runs: Path) -> list[Path]:
    """Return all evaluations, sorted by name."""
    return [path for path in _all(runs, _WORK) if is_evaluation(path)]


def all_sweeps(runs: Path) -> list[Path]:
    """Return all sweeps, sorted by name."""
    return [path for path in _all(runs, _READ) if is_sweep(path)]


def newest_first(paths: list[Path]) -> list[Path]:
    """Return the folders of work sorted by age, newest first."""
    return sorted(paths, key=created, reverse=True)


def _all(runs: Path, kind: _Kind) -> list[Path]:
    try:
        return sorted(path for path in runs.iterdir() if kind.holds(path))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(f"{runs}: {error.strerror}; name the folder of the runs with --runs-dir") from None


def strange_file(path: Path) -> Path | None:
    """Return a pipe or a device in a folder of work, which can keep its reader waiting for ever; or None."""
    with suppress(OSError):  # the folder is gone meanwhile, or closed to us: what reads it says so
        files = (*path.iterdir(), *path.glob("constitution/*"))
        return next((f for f in files if not f.is_file() and not f.is_dir() and f.exists()), None)
    return None


def _find(runs: Path, wanted: str, kind: _Kind) -> Path:
    path = _looked_up(runs, wanted, kind)
    if strange := strange_file(path):
        raise RunError(f"{strange}: is a pipe or a device, not a file; restore it from a copy, or remove it")
    return path


def _looked_up(runs: Path, wanted: str, kind: _Kind) -> Path:
    if "/" in wanted or wanted in (".", ".."):
        path = Path(os.path.realpath(wanted))
        if not kind.holds(path):
            raise RunError(f"{wanted}: not {kind.article} {kind.folder} (it has no {kind.sign}){_hint(path)}")
        return path
    known = {path.name: path for path in _all(runs, kind)}
    if not known and not any(other.holds(runs / wanted) for other in (_WORK, _READ)):
        start = "scai evaluate SYSTEM..." if kind is _EVALUATION else "scai run CONFIG"
        what = kind.name if kind is _EVALUATION else "run"
        raise RunError(f"there is no {what} in {runs}; start one with `{start}`, or give another --runs-dir")
    if wanted == LATEST:
        return max(known.values(), key=created)
    return _named(runs, wanted, known, kind)


def _named(runs: Path, wanted: str, known: Mapping[str, Path], kind: _Kind) -> Path:
    if wanted in known:
        return known[wanted]
    if wanted in {path.name for path in (*_all(runs, _WORK), *_all(runs, _READ))}:
        raise RunError(f"{wanted!r} in {runs} is not {kind.article} {kind.name}{_hint(runs / wanted)}")
    matches = [name for name in known if wanted and name.startswith(wanted)]
    if len(matches) == 1:
        return known[matches[0]]
    if matches:
        raise RunError(f"{kind.name} {wanted!r} is ambiguous; choose one of {', '.join(matches[:8])}")
    raise RunError(f"there is no {kind.name} {wanted!r} in {runs}{did_you_mean(wanted, known) or '; see `scai list`'}")


def _hint(path: Path) -> str:
    """Return a hint for a folder that is named where another kind is needed."""
    if is_generated(path):
        return "; it is a generated set, for `scai view`, `scai export` and `scai resume`"
    if is_sweep(path):
        return "; it is a sweep, for `scai show`, `scai report` and `scai sweep FILE`"
    commands = "`scai show`, `scai report`, `scai resume` and `scai export --format scores`"
    return f"; it is an evaluation, for {commands}" if is_evaluation(path) else ""


def created(path: Path) -> tuple[int, str]:
    """Return the time of a folder's creation in ns, 0 if it has been deleted meanwhile, and its name."""
    with suppress(OSError):
        signs = [path / name for name in (CONFIG, GENERATION, EVALUATION, SWEEP)]
        return (next(sign for sign in signs if sign.is_file() or sign is signs[-1]).stat().st_mtime_ns, path.name)
    return (0, path.name)
