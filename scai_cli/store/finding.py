"""Finding runs: by id, by a unique prefix, by path, or the latest."""

from __future__ import annotations

from pathlib import Path

from scai_cli.errors import RunError
from scai_cli.store.directory import CONFIG, LATEST
from scai_cli.values import did_you_mean


def find_run(runs: Path, wanted: str) -> Path:
    """The directory of a run: an id, a unique prefix of one, a path, or `latest`; raises RunError."""
    if "/" in wanted or wanted in (".", ".."):
        path = Path(wanted).resolve()
        if not is_run(path):
            raise RunError(f"{wanted}: is no run directory (it holds no {CONFIG})")
        return path
    known = {path.name: path for path in all_runs(runs)}
    if not known:
        raise RunError(f"there is no run in {runs}; make one with `scai run CONFIG`, or name another --runs-dir")
    if wanted == LATEST:
        return max(known.values(), key=_made)
    if wanted in known:
        return known[wanted]
    matches = [name for name in known if wanted and name.startswith(wanted)]
    if len(matches) == 1:
        return known[matches[0]]
    if matches:
        raise RunError(f"run {wanted!r} is ambiguous: it may be {', '.join(matches[:8])}")
    raise RunError(f"there is no run {wanted!r} in {runs}{did_you_mean(wanted, known) or '; see `scai list`'}")


def all_runs(runs: Path) -> list[Path]:
    """Every run directory, by name."""
    return sorted(path for path in runs.iterdir() if is_run(path)) if runs.is_dir() else []


def newest_first(paths: list[Path]) -> list[Path]:
    """Run directories in the order they were made, the newest first."""
    return sorted(paths, key=_made, reverse=True)


def is_run(path: Path) -> bool:
    """Whether a folder is a run directory."""
    return (path / CONFIG).is_file()


def _made(path: Path) -> tuple[int, str]:
    return ((path / CONFIG).stat().st_mtime_ns, path.name)
