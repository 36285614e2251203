"""Unpack a table that is one JSON object, of pandas or the Hub's viewer; refuse other objects that are not rows."""

from collections.abc import Mapping
from typing import Any, Final

from scai_cli.errors import ConfigError
from scai_cli.populations.tables.row import Notify

_RECORDS: Final = 'write it with df.to_json(FILE, orient="records", lines=True)'
_LISTS: Final = ("data", "rows", "items", "results", "records", "personas", "tasks", "people", "examples", "entries")
"""Keys under which a page of an API has its rows."""
_OF_AN_ERROR: Final = frozenset((
    "error", "errors", "message", "detail", "details", "status", "status_code", "statusCode", "code", "type", "title",
    "success", "documentation_url", "request_id", "cause", "path", "timestamp",
))  # fmt: skip


def unpacked(file: str, value: Any, notify: Notify) -> list[Any]:
    """Return the rows of an object, or the object as the only row; raises ConfigError for one that is not a row."""
    if not isinstance(value, Mapping):
        return [value]
    if (rows := _split(value) or _schema(value) or _viewer(file, value, notify) or _by_number(value)) is not None:
        return rows
    if problem := _no_row(value):
        raise ConfigError(f"{file}: {problem}")
    return [value]


def _split(value: Mapping[str, Any]) -> list[Any] | None:
    """Unpack {"columns": [...], "data": [[...], ...]} (pandas, orient="split")."""
    columns, rows = value.get("columns"), value.get("data")
    if not isinstance(columns, list) or not isinstance(rows, list) or not value.keys() <= {"columns", "index", "data"}:
        return None
    named = all(isinstance(name, str) for name in columns) and len(set(columns)) == len(columns)
    if not named or not all(isinstance(row, list) and len(row) == len(columns) for row in rows):
        return None
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _schema(value: Mapping[str, Any]) -> list[Any] | None:
    """Unpack {"schema": {...}, "data": [{...}]} (pandas, orient="table"), without the index."""
    schema, rows = value.get("schema"), value.get("data")
    if not isinstance(schema, Mapping) or "pandas_version" not in schema or not _are_objects(rows):
        return None
    index = {"index"} & set(schema.get("primaryKey") or ())
    return [{key: cell for key, cell in row.items() if key not in index} for row in rows or ()]


def _viewer(file: str, value: Mapping[str, Any], notify: Notify) -> list[Any] | None:
    """Unpack {"features": [...], "rows": [{"row_idx": 0, "row": {...}}]}, a page of the Hub's viewer."""
    rows: Any = value.get("rows")
    if "features" not in value or not _are_objects(rows) or not _are_objects([row.get("row") for row in rows]):
        return None
    if any(row.get("truncated_cells") for row in rows):
        raise ConfigError(f"{file}: is a page of the Hub's viewer with cells that are cut; read hub:OWNER/NAME instead")
    total = value.get("num_rows_total")
    if isinstance(total, int) and total > len(rows):
        notify(f"{file}: is a page of the Hub's viewer, {len(rows):,} of {total:,} rows; for all, read hub:OWNER/NAME")
    return [row["row"] for row in rows]


def _by_number(value: Mapping[str, Any]) -> list[Any] | None:
    """Unpack rows or columns by the row's number, {"0": {...}, "1": {...}} or {"name": {"0": ..., "1": ...}}."""
    if not value or not all(isinstance(inner, Mapping) for inner in value.values()):
        return None
    if _are_numbers(value):
        return list(value.values())
    first = next(iter(value.values()))
    if not _are_numbers(first) or any(inner.keys() != first.keys() for inner in value.values()):
        return None
    return [{name: cells[number] for name, cells in value.items()} for number in first]


def _are_numbers(keys: Mapping[str, Any]) -> bool:
    return bool(keys) and list(keys) == [str(number) for number in range(len(keys))]


def _are_objects(rows: Any) -> bool:
    return isinstance(rows, list) and bool(rows) and all(isinstance(row, Mapping) for row in rows)


def _no_row(value: Mapping[str, Any]) -> str | None:
    """Return what an object is that is not a person or a task, with the remedy."""
    inner = list(value.values())
    if value.get("type") in ("FeatureCollection", "Feature", "Topology"):
        return "is GeoJSON; save the properties of its features as CSV or as a JSON list"
    if value.keys() <= _OF_AN_ERROR and value.keys() & {"error", "errors", "message", "detail"}:
        said = next(str(value[key]) for key in ("error", "message", "detail", "errors") if key in value)
        return f"is an error message of a server ({' '.join(said.split())[:80]}); download the file again"
    if set(value) >= {"columns", "data"} or (len(value) > 1 and _are_columns(inner)):
        return f"is a table by columns (pandas?); {_RECORDS}"
    lists = [key for key in value if _are_objects(value[key])]
    others = [cell for key, cell in value.items() if key not in lists]
    if len(lists) == 1 and lists[0].lower() in _LISTS and not any(isinstance(cell, list) for cell in others):
        return f"is one object, with its rows under {lists[0]!r}; save that list alone: jq .{lists[0]} FILE"
    return None


def _are_columns(inner: list[Any]) -> bool:
    """Whether all values are lists of the same length, or objects with the same keys."""
    if all(isinstance(cells, list) for cells in inner):
        return len({len(cells) for cells in inner}) == 1 and len(inner[0]) > 1
    same = all(isinstance(cells, Mapping) for cells in inner)
    return same and len({frozenset(cells) for cells in inner}) == 1 and len(inner[0]) > 1
