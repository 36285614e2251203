"""Finding runs and generated sets: by id, by a unique prefix, by path, or the latest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scai_cli.errors import RunError
from scai_cli.runs.generated_directory import GENERATION, ROWS
from scai_cli.runs.locked_folder import LATEST
from scai_cli.runs.run_directory import CONFIG, EVENTS
from scai_cli.values import did_you_mean


def is_run(path: Path) -> bool:
    """Whether a folder is a run directory."""
    return (path / CONFIG).is_file()


def is_generated(path: Path) -> bool:
    """Whether a folder is a generated set, made by `scai generate`."""
    return (path / GENERATION).is_file()


def log_of(path: Path) -> Path:
    """Return the file that holds all that a run or a generated set has made: its events, or its rows."""
    return path / (ROWS if is_generated(path) else EVENTS)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is looked for, in words, and how to tell it."""

    name: str
    place: str
    sign: str
    holds: Callable[[Path], bool]


_RUN: Final = _Kind("run", "run directory", CONFIG, is_run)
_SOURCE: Final = _Kind(
    "run or generated set", "run directory or generated set", f"{CONFIG} or {GENERATION}", lambda path: _is_source(path)
)


def find_run(runs: Path, wanted: str) -> Path:
    """The directory of a run: an id, a unique prefix of one, a path, or `latest`; raises RunError."""
    return _find(runs, wanted, _RUN)


def find_source(runs: Path, wanted: str) -> Path:
    """The directory of a run or of a generated set, found as a run is; raises RunError."""
    return _find(runs, wanted, _SOURCE)


def all_runs(runs: Path) -> list[Path]:
    """Every run directory, by name."""
    return _all(runs, _RUN)


def all_generated(runs: Path) -> list[Path]:
    """Every generated set, by name."""
    return [path for path in _all(runs, _SOURCE) if not is_run(path)]


def newest_first(paths: list[Path]) -> list[Path]:
    """Run directories or generated sets in the order they were made, the newest first."""
    return sorted(paths, key=_made, reverse=True)


def _is_source(path: Path) -> bool:
    return is_run(path) or is_generated(path)


def _all(runs: Path, kind: _Kind) -> list[Path]:
    return sorted(path for path in runs.iterdir() if kind.holds(path)) if runs.is_dir() else []


def _find(runs: Path, wanted: str, kind: _Kind) -> Path:
    if "/" in wanted or wanted in (".", ".."):
        path = Path(wanted).resolve()
        if not kind.holds(path):
            raise RunError(f"{wanted}: is no {kind.place} (it holds no {kind.sign}){_but(path, kind)}")
        return path
    known = {path.name: path for path in _all(runs, kind)}
    if not known:
        raise RunError(f"there is no run in {runs}; make one with `scai run CONFIG`, or name another --runs-dir")
    if wanted == LATEST:
        return max(known.values(), key=_made)
    return _named(runs, wanted, known, kind)


def _named(runs: Path, wanted: str, known: Mapping[str, Path], kind: _Kind) -> Path:
    if wanted in known:
        return known[wanted]
    if kind is _RUN and wanted in {path.name for path in _all(runs, _SOURCE)}:
        raise RunError(f"{wanted!r} in {runs} is no {kind.name}{_but(runs / wanted, kind)}")
    matches = [name for name in known if wanted and name.startswith(wanted)]
    if len(matches) == 1:
        return known[matches[0]]
    if matches:
        raise RunError(f"{kind.name} {wanted!r} is ambiguous: it may be {', '.join(matches[:8])}")
    raise RunError(f"there is no {kind.name} {wanted!r} in {runs}{did_you_mean(wanted, known) or '; see `scai list`'}")


def _but(path: Path, kind: _Kind) -> str:
    """What a folder is instead of what is looked for."""
    generated = kind is _RUN and is_generated(path)
    return "; it is a generated set: `scai export` makes rows of it, `scai resume` goes on with it" if generated else ""


def _made(path: Path) -> tuple[int, str]:
    sign = CONFIG if is_run(path) else GENERATION
    return ((path / sign).stat().st_mtime_ns, path.name)
