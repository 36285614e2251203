"""`scai cache info`, `scai cache clear`."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from scai_cli.cli.options import Json


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    cache = typer.Typer(help="Answers kept across runs (see `cache:` in the experiment).", no_args_is_help=True)
    cache.command()(info)
    cache.command()(clear)
    app.add_typer(cache, name="cache")


def info(as_json: Json = False) -> None:
    """Say where the cache is, what it holds and how large it is."""
    from scai_cli.models.cache import cache_path

    path = cache_path()
    entries, size = _entries(path), _size(path)
    if as_json:
        print(json.dumps({"path": str(path), "entries": entries, "bytes": size}))  # noqa: T201 - data for stdout
    else:
        print(f"{path}: {entries:,} answers, {size / 1e6:.1f} MB")  # noqa: T201 - data for stdout


def clear() -> None:
    """Forget all answers."""
    from scai_cli.models.cache import Cache, cache_path

    path = cache_path()
    entries = _entries(path)
    if path.exists():
        cache = Cache.open(path)
        try:
            cache.clear()
        finally:
            cache.close()
    typer.echo(f"{path}: {entries:,} answers forgotten", err=True)


def _entries(path: Path) -> int:
    """How many answers the cache holds; a file that is not there is not made for that."""
    from scai_cli.models.cache import Cache

    if not path.exists():
        return 0
    cache = Cache.open(path)
    try:
        return cache.entries()
    finally:
        cache.close()


def _size(path: Path) -> int:
    """The bytes of the file and of what is not yet merged into it."""
    parts = (path, path.with_name(f"{path.name}-wal"))
    return sum(part.stat().st_size for part in parts if part.exists())
