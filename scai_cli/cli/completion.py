"""Shell completion: the words for the cursor, from the folders of the runs and the names that are built in.

A shell evaluates what it gets (that of zsh is code), and folders come from strangers: only plain names are offered.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

import typer

from scai_cli.errors import ScaiError
from scai_cli.runs import find
from scai_cli.runs.file_names import CONFIG, LATEST

Item = tuple[str, str]
"""A word, and its description where the shell shows one."""
Completer = Callable[[typer.Context, str], Sequence[Item]]
"""Context, the incomplete word -> the words that fit; if none, the shell completes files."""

_PLAIN: Final = re.compile(r"(?!-)[\w.@+/,-]{1,200}")
_LOUD: Final = re.compile(r"[^\w .,-]+")
_DESCRIBED: Final = 60
_MOST: Final = 500
_LARGEST: Final = 1 << 25
_SECTION: Final = r"^%s:\n((?:[ -].*\n|\n)+)"
# As scai writes the file of a run; to parse the YAML of 1,000 people takes a second.
_ITEM: Final = re.compile(r"^  - id: (.+)\n(?:    name: (.+)\n)?", re.MULTILINE)


def _quietly(complete: Callable[[typer.Context, str], Iterable[Item]]) -> Completer:
    """Make a completer of a function: only plain words that fit, once each, and no error."""

    def completer(context: typer.Context, incomplete: str) -> Sequence[Item]:
        offered: dict[str, str] = {}
        # Also of damaged folders nothing may be printed into the line that is typed.
        with suppress(ScaiError, OSError, ValueError):
            for word, about in complete(context, incomplete):
                if word.startswith(incomplete) and _PLAIN.fullmatch(word):
                    offered.setdefault(word, _LOUD.sub(" ", about)[:_DESCRIBED].strip())
                if len(offered) == _MOST:
                    break
        return list(offered.items())

    return completer


def folders(*kinds: Callable[[Path], list[Path]], words: Sequence[str] = ()) -> Completer:
    """Return a completer of the ids of folders of work, newest first, then `latest` and other words."""

    def complete(context: typer.Context, incomplete: str) -> Iterator[Item]:
        if "/" in incomplete:
            return
        runs = _runs_dir(context)
        paths = find.newest_first([path for kind in kinds for path in kind(runs)])
        yield from ((path.name, "") for path in paths)
        yield from ((word, "") for word in ([LATEST] if paths else []) + [*words])

    return _quietly(complete)


def ids(section: str, *words: str) -> Completer:
    """Return a completer of the ids of the `personas` or `tasks` of the runs on the line, or of the newest run."""

    def complete(context: typer.Context, _: str) -> Iterator[Item]:
        yield from ((word, "") for word in words)
        # The parser has given up at the option without its value, and left the arguments before it unread.
        named = context.params.get("run") or context.params.get("runs") or context.args or LATEST
        for run in islice([named] if isinstance(named, str) else named, 10):
            with suppress(ScaiError):
                yield from _items(find.find_run(_runs_dir(context), run) / CONFIG, section)

    return _quietly(complete)


def words(*known: str) -> Completer:
    """Return a completer of words, also after the commas of a list."""

    def complete(_: typer.Context, incomplete: str) -> Iterator[Item]:
        before, comma = incomplete.rpartition(",")[:2]
        yield from ((f"{before}{comma}{word}", "") for word in known if word not in before.split(","))

    return _quietly(complete)


def _experiments(_: typer.Context, incomplete: str) -> Iterator[Item]:
    """Yield the YAML files beside the incomplete path, and those in `configs`, where `scai init` writes them."""
    at = incomplete.rpartition("/")[0]
    for path in chain(Path(at).glob("*.yaml"), Path("configs").glob("*.yaml") if not at else ()):
        yield str(path), ""


def _items(config: Path, section: str) -> Iterator[Item]:
    """Yield the ids and names in a section of a run's config."""
    if config.stat().st_size > _LARGEST:
        return
    text = config.read_text(encoding="utf-8")
    for found in re.findall(_SECTION % section, text, re.MULTILINE):
        yield from ((key.strip("'\""), name.strip("'\"")) for key, name in _ITEM.findall(found))


def _runs_dir(context: typer.Context) -> Path:
    given: Any = context.params.get("runs_dir")
    return Path(given or find.RUNS)


RUN: Final = folders(find.all_runs)
READ: Final = folders(find.all_runs, find.all_evaluations, find.all_sweeps)
WORK: Final = folders(find.all_runs, find.all_generated, find.all_evaluations)
ROWS: Final = folders(find.all_runs, find.all_generated, find.all_evaluations, find.all_sweeps)
"""The sources of `export`, evaluations for their scores."""
CONFIGS: Final = _quietly(_experiments)
