"""The file of a sweep: one experiment, and the cells that set some of its keys to other values.

A cell's id comes from its values alone, so that a longer grid adds cells and renames none.
"""

import hashlib
import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError

from scai_cli.experiment.revision_settings import Count
from scai_cli.experiment.scalars import scalar
from scai_cli.experiment.yaml_source import Key, YamlSource, explain, read_yaml
from scai_cli.experiment.yaml_text import yaml_text
from scai_cli.text.characters import clean
from scai_cli.values import SafeId, Value

MOST_CELLS: Final = 10_000
_LONGEST_NAME: Final = 40
"""Characters; the ids of the cells begin with it and have at most 64."""
_LONGEST_ID: Final = 64
_LONGEST_WORD: Final = 20
_SHORT: Final = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.-]{{0,{_LONGEST_WORD - 1}}}")
_ROWS: Final = re.compile(r"([0-9]+):([0-9]+)")
Positive = Annotated[float, Field(gt=0)]


class SweepLimits(Value):
    """Limits of a whole sweep; null means no limit, and for the last three each cell's own."""

    calls: Count | None = None
    """The maximal number of model calls of all cells."""
    tokens: Count | None = None
    """The maximal number of tokens of all cells, input plus output."""
    usd: Positive | None = None
    """The maximal cost of all cells in US dollars; needs a known price for every model."""
    seconds: Positive | None = None
    """The maximal wall time in seconds of one `scai sweep`."""
    concurrency: Count | None = None
    """The maximal number of concurrent calls, divided among the cells at work."""
    requests_per_minute: Positive | None = None
    """The maximal number of requests per minute, divided likewise."""
    tokens_per_minute: Positive | None = None
    """The maximal number of tokens per minute, divided likewise."""


class SweepKeys(Value):
    """The keys of a sweep file."""

    name: SafeId = ""
    """The name of the sweep, with which the ids of its cells begin; default: the file's name without its ending."""
    command: Literal["run", "generate"] = "run"
    """What a cell is: a run, or a generated set."""
    experiment: str | None = None
    """The experiment file, relative to the sweep file."""
    each: Mapping[str, Any] = {}
    """The keys that every cell sets, as `--set` does: dotted or nested."""
    grid: Mapping[str, Any] = {}
    """Axes: a key and the list of its values; the cells are all combinations."""
    list_: tuple[dict[str, Any], ...] = Field(default=(), alias="list")
    """The cells one by one, each with the keys that it sets; instead of `grid`."""
    shards: Annotated[int, Field(ge=1)] | None = None
    """For generated sets: the number of parts, with consecutive rows, of the `n` rows; instead of `grid` and `list`."""
    limits: SweepLimits = SweepLimits()
    """Limits of the whole sweep, divided among the cells at work."""


@dataclass(frozen=True, slots=True)
class SweepCell:
    """A cell: the id of its run, its values by axis (a dotted key), and all that it sets, `each` first.

    A setting is a dotted key and its value; a mapping is merged into the one that the experiment has.
    """

    run_id: str
    values: Mapping[str, Any]
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SweepFile:
    """A sweep as its file describes it, with the cells in the order of the file."""

    path: Path
    name: str
    keys: SweepKeys
    axes: Sequence[str]
    """The dotted keys in which the cells can differ."""
    cells: Sequence[SweepCell]

    @property
    def experiment(self) -> Path | None:
        """The path of the experiment file."""
        return None if self.keys.experiment is None else self.path.parent / self.keys.experiment

    def where(self, cell: SweepCell) -> str:
        """Return the place of a cell in error messages."""
        return f"{self.path}: cell {cell.run_id}"

    def dump(self) -> str:
        """Return YAML that `read_sweep` reads to the same cells from any folder; paths in values stay as they are."""
        data = self.keys.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        absolute = {} if self.experiment is None else {"experiment": str(self.experiment.resolve())}
        return yaml_text({"name": self.name, "command": self.keys.command, **data, **absolute})


def read_sweep(path: Path) -> SweepFile:
    """Read a sweep file and make its cells; raises ConfigError with file, line and key.

    The experiment and the values of its keys are not checked here.
    """
    source = read_yaml(path)
    if not isinstance(source.data, dict):
        raise source.error((), "a sweep must be a mapping of keys, e.g. `experiment: FILE` and `grid: {seed: [1, 2]}`")
    if "personas" in source.data and "experiment" not in source.data:
        raise source.error(
            (), f"is an experiment; name it in a sweep file, `experiment: {path.name}`, or use `scai run`"
        )
    source.data.setdefault("name", path.stem)
    try:
        keys = SweepKeys.model_validate(source.data)
    except ValidationError as error:
        raise explain(error, source, SweepKeys) from None
    if len(keys.name) > _LONGEST_NAME:
        raise source.error(
            ("name",), f"must have at most {_LONGEST_NAME} characters; the ids of the cells begin with it"
        )
    if keys.experiment is None and keys.command == "run":
        raise source.error(("experiment",), "is missing; name the experiment file of the cells")
    rows = _axes(keys, source)
    _by_axis(_leaves(keys.each), ("each",), source)
    cells = [SweepCell(_run_id(keys.name, values), values, _merged(keys.each, given)) for values, given in rows]
    _refuse_twice(cells, source)
    axes = dict.fromkeys(axis for cell in cells for axis in cell.values)
    return SweepFile(path, keys.name, keys, tuple(axes), cells)


Values = dict[str, Any]


def _axes(keys: SweepKeys, source: YamlSource) -> list[tuple[Values, Values]]:
    """Return each cell's values by axis, and the keys that it sets."""
    given = [name for name in ("grid", "list", "shards") if source.data.get(name)]
    if len(given) != 1:
        problem = "name the values of its cells with `grid: {KEY: [VALUES]}` or `list: [{KEY: VALUE}]`"
        raise source.error((given[1],) if given else (), f"use one of {' and '.join(given)}" if given else problem)
    if keys.list_:
        return [_listed(n, cell, source) for n, cell in enumerate(keys.list_)]
    grid = _shards(keys, source) if keys.shards else _by_axis(_grid_axes(keys.grid, (), source), ("grid",), source)
    if (count := math.prod(map(len, grid.values()))) > MOST_CELLS:
        raise source.error(("grid",), f"has {count:,} cells; use at most {MOST_CELLS:,}")
    return [(cell := dict(zip(grid, row, strict=True)), cell) for row in itertools.product(*grid.values())]


def _listed(n: int, cell: Mapping[str, Any], source: YamlSource) -> tuple[Values, Values]:
    values = _by_axis(_leaves(cell), ("list", n), source)
    if not values:
        raise source.error(("list", n), "is empty; give at least one key")
    return values, dict(cell)


def _by_axis(found: Iterable[tuple[tuple[str, ...], Any]], at: tuple[Key, ...], source: YamlSource) -> Values:
    """Return dotted key -> value; raises ConfigError for a key that is given twice, as `a: {b: 1}` and `a.b: 2`."""
    values: Values = {}
    places: dict[tuple[str, ...], str] = {}
    for key, value in found:
        axis, place = _dotted(key), (*key[0].split("."), *key[1:])  # dots further inside are parts of names
        if other := next((axis for other, axis in places.items() if _overlap(place, other)), None):
            raise source.error((*at, axis), f"is given twice, also by {other!r}; remove one of them")
        values[axis], places[place] = value, axis
    return values


def _overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return all(a == b for a, b in zip(one, other, strict=False))


def _merged(each: Mapping[str, Any], given: Mapping[str, Any]) -> Values:
    """Return the settings of `each` and, after them, those of a cell; mappings of the same key are merged."""
    merged = {key: value for key, value in each.items() if key not in given}
    for key, value in given.items():
        old = each.get(key)
        merged[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _grid_axes(
    grid: Mapping[str, Any], at: tuple[str, ...], source: YamlSource
) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    for key, value in grid.items():
        if isinstance(value, dict) and value:
            yield from _grid_axes(value, (*at, key), source)
        elif isinstance(value, list) and value:
            yield (*at, key), value
        else:
            raise source.error(("grid", *at, key), "must be a list with at least one value")


def _shards(keys: SweepKeys, source: YamlSource) -> dict[str, list[str]]:
    """Return the axis of the rows: consecutive parts whose sizes differ by at most one row."""
    rows, parts = keys.each.get("n"), keys.shards or 1
    if keys.command != "generate":
        raise source.error(("shards",), "divides the rows of a generated set; write `command: generate`")
    if not isinstance(rows, int) or rows < parts:
        raise source.error(("shards",), f"needs at least {parts} rows; write their number, `each: {{n: ROWS}}`")
    ends = [rows * part // parts for part in range(parts + 1)]
    return {"rows": [f"{first}:{end}" for first, end in itertools.pairwise(ends)]}


def _leaves(given: Mapping[str, Any], at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in given.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*at, key))
        else:
            yield (*at, key), value


def _refuse_twice(cells: Sequence[SweepCell], source: YamlSource) -> None:
    seen: dict[str, SweepCell] = {}
    for cell in cells:
        # Some file systems do not distinguish upper and lower case.
        other = seen.setdefault(cell.run_id.lower(), cell)
        if other is not cell:
            problem = f"gives the cell {other.run_id!r} twice; remove one of them"
            if other.values != cell.values:
                problem = f"gives two cells almost equal ids, {other.run_id!r} and {cell.run_id!r}; change a value"
            raise source.error(("list" if "list" in source.data else "grid",), problem)


def axis_labels(axes: Sequence[str]) -> list[str]:
    """Return the last part of each axis' key; the whole key where others end in the same one."""
    last = [axis.rpartition(".")[2] for axis in axes]
    return [axis if last.count(label) > 1 else label for axis, label in zip(axes, last, strict=True)]


def _run_id(name: str, values: Mapping[str, Any]) -> str:
    """Return the id of a cell; it does not depend on the other cells."""
    labels = axis_labels(tuple(values))
    parts = (
        part for label, value in zip(labels, values.values(), strict=True) for part in (_slug(label), _word(value))
    )
    run_id = "-".join((name, *parts))
    if len(run_id) <= _LONGEST_ID and not run_id.endswith("."):
        return run_id
    # Longer than that of a value, as thousands of cells may differ in it alone.
    return f"{run_id[: _LONGEST_ID - 11].rstrip('-.')}-{_digest(values, 5)}"


def _word(value: Any) -> str:
    """Return a value as a part of an id: itself if it is short and safe, else some of its letters and a digest."""
    if isinstance(value, str):
        if rows := _ROWS.fullmatch(value):
            return "-".join(rows.groups())
        # A text that YAML writes in quotes would look like the number, or the word, without them.
        is_plain = isinstance(scalar(value), str) and value not in ("true", "false", "null")
        return value if is_plain and _SHORT.fullmatch(value) else _slug_and_digest(value, value)
    text = json.dumps(value)
    if isinstance(value, dict | list):
        words = [str(leaf) for _, leaf in _leaves(value)] if isinstance(value, dict) else [str(item) for item in value]
        return _slug_and_digest(" ".join(words), value)
    return text if _SHORT.fullmatch(text.removeprefix("-")) else _slug_and_digest(text, value)  # 1e+16 has a plus


def _slug_and_digest(text: str, value: Any) -> str:
    return "-".join(part for part in (_slug(text)[:_LONGEST_WORD].rstrip("-"), _digest(value)) if part)


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-")


def _digest(value: Any, size: int = 3) -> str:
    return hashlib.blake2b(clean(json.dumps(value, sort_keys=True)).encode(), digest_size=size).hexdigest()


def _dotted(at: Sequence[str]) -> str:
    return ".".join(at)
