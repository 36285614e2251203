"""Refuse a JSON object that is not a row: a table of pandas, a page of the Hub's viewer, a map, an error message."""

from collections.abc import Mapping
from typing import Any, Final

from scai_cli.errors import ConfigError

_RECORDS: Final = 'write it with df.to_json(FILE, orient="records", lines=True)'
_LISTS: Final = (
    *("data", "rows", "items", "results", "records", "personas", "tasks", "people", "examples", "entries"),
    *("agents", "users", "respondents", "participants", "profiles", "responses", "questions", "samples", "prompts"),
)
"""Keys under which a page of an API has its rows."""
_NAMED_ROWS: Final = 4
"""The fewest objects that can be rows under their names; fewer are often the parts of one row."""
_OF_A_MESSAGE: Final = ("content", "value", "text")
_OF_AN_ERROR: Final = frozenset((
    "error", "errors", "message", "detail", "details", "status", "status_code", "statusCode", "code", "type", "title",
    "success", "documentation_url", "request_id", "cause", "path", "timestamp",
))  # fmt: skip


def check_row(file: str, value: Any) -> None:
    """Raise ConfigError for an object that is the whole of a file and is not a row, with the remedy."""
    if isinstance(value, Mapping) and (problem := _no_row(value)):
        raise ConfigError(f"{file}: {problem}")


def _are_objects(rows: Any) -> bool:
    return isinstance(rows, list) and bool(rows) and all(isinstance(row, Mapping) for row in rows)


def _no_row(value: Mapping[str, Any]) -> str | None:
    """Return what an object is that is not a person or a task, with the remedy."""
    inner, rows = list(value.values()), value.get("rows")
    if value.get("type") in ("FeatureCollection", "Feature", "Topology"):
        return "is GeoJSON; save the properties of its features as CSV or as a JSON list"
    if value.keys() <= _OF_AN_ERROR and value.keys() & {"error", "errors", "message", "detail"}:
        said = next(str(value[key]) for key in ("error", "message", "detail", "errors") if key in value)
        return f"is an error message of a server ({' '.join(said.split())[:80]}); download the file again"
    if "features" in value and isinstance(rows, list):
        return "is a page of the Hub's viewer; import hub:OWNER/NAME (pip install datasets pyarrow)"
    if set(value) >= {"columns", "data"} or set(value) >= {"schema", "data"} or (value and _are_columns(inner)):
        return f"is a table by columns (pandas?); {_RECORDS}"
    if len(inner) >= _NAMED_ROWS and _are_objects(inner) and frozenset.intersection(*map(frozenset, inner)):
        return "is one object, with a row under each name; save a list: jq '[to_entries[] | {id: .key} + .value]' FILE"
    lists = [key for key in value if _are_objects(value[key])]
    others = [cell for key, cell in value.items() if key not in lists]
    are_messages = any(key in row for name in lists for row in value[name] for key in _OF_A_MESSAGE)
    is_all = len(value) == 1 and not are_messages
    if (
        len(lists) == 1
        and (is_all or lists[0].lower() in _LISTS)
        and not any(isinstance(cell, list) for cell in others)
    ):
        return f"is one object, with its rows under {lists[0]!r}; save that list alone: jq .{lists[0]} FILE"
    return None


def _are_columns(inner: list[Any]) -> bool:
    """Whether all values are lists of the same length, or objects with the same keys: by column, or by row number."""
    if all(isinstance(cells, list) for cells in inner):
        return len(inner) > 1 and len({len(cells) for cells in inner}) == 1 and len(inner[0]) > 1
    if not all(isinstance(cells, Mapping) and cells for cells in inner):
        return False
    is_numbered = all(key.isdigit() for key in inner[0])
    return is_numbered or (len(inner) > 1 and len({frozenset(cells) for cells in inner}) == 1 and len(inner[0]) > 1)
