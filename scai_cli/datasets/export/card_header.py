"""Write the YAML header of a dataset card, in the form that the Hub and `load_dataset` read."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from scai_cli.datasets.export.export_record import ExportRecord
from scai_cli.datasets.export.provenance import Provenance
from scai_cli.datasets.formats.format import ExportedFile, Format
from scai_cli.text.characters import one_line, visible
from scai_cli.text.data_files import read_data_file

_LISTS = read_data_file(__file__)

PROVENANCE: Final = "provenance"
"""The name of the config for the files of provenance."""


def header(name: str, record: ExportRecord, beside: Sequence[ExportedFile]) -> str:
    """Return the header, between its `---` lines; `beside` lists the side-car files of provenance."""
    metadata = yaml.safe_dump(_metadata(name, record, beside), allow_unicode=True, sort_keys=False, width=110)
    return f"---\n{visible(metadata)}---\n"


def _metadata(name: str, record: ExportRecord, beside: Sequence[ExportedFile]) -> dict[str, Any]:
    rows = sum(file.rows for file in record.files)
    guide = record.format.guide
    metadata: dict[str, Any] = {
        "pretty_name": name,
        **_licence(record),
        "size_categories": [next((size for size, limit in _LISTS["sizes"].items() if rows < limit), "n>10M")],
        "task_categories": [guide.task],
        "tags": ["scai", "synthetic", "constitutional-ai", *(tag for tag in guide.tags if tag != "constitutional-ai")],
    }
    configs = list(_configs(record.files, beside))
    if configs:
        metadata["configs"] = configs
    columns = {file.name: file.columns for file in record.files}
    features = [
        features for config in configs if (features := _features(record.format, config, columns, record.provenance))
    ]
    return {**metadata, "dataset_info": features} if features else metadata


def _licence(record: ExportRecord) -> dict[str, Any]:
    licences = [licence for licence, rows in sorted(record.licences.items()) if rows]
    names = list(dict.fromkeys(map(_hub_name, licences or [""])))
    if "other" not in names:
        return {"license": names[0] if len(names) == 1 else names}
    stated = " and ".join(one_line(licence) or "unknown" for licence in licences)
    return {"license": "other", "license_name": re.sub(r"[^a-z0-9.]+", "-", stated.lower()).strip("-") or "other"}


def _hub_name(licence: str) -> str:
    name = "-".join(licence.lower().split()) or "unknown"
    return name if name in _LISTS["licences"] else "other"


def _configs(files: Iterable[ExportedFile], beside: Iterable[ExportedFile]) -> Iterator[dict[str, Any]]:
    """Yield one config per set of columns, as the Hub requires; empty files are left out because they do not load."""
    kept = [file for file in files if file.rows]
    for n, columns in enumerate(dict.fromkeys(file.columns for file in kept)):
        alike = [file for file in kept if file.columns == columns]
        yield {"config_name": alike[0].split if n else "default", **_data_files(alike)}
    provenance = [file for file in beside if file.rows]
    if provenance and all(Path(file.name).suffix == ".jsonl" for file in kept):
        yield {"config_name": PROVENANCE, **_data_files(provenance)}


def _data_files(files: Sequence[ExportedFile]) -> dict[str, Any]:
    """Return the files of a config; the digest keeps `datasets` from its cache, whose key is the card's header."""
    digest = hashlib.sha256("".join(file.sha256 for file in files).encode()).hexdigest()
    return {
        "description": f"SHA-256 of the digests of its files: {digest}",
        "data_files": [{"split": file.split, "path": file.name} for file in files],
    }


def _features(
    form: Format, config: Mapping[str, Any], columns: Mapping[str, Sequence[str]], provenance: type[Provenance]
) -> dict[str, Any] | None:
    """Return the types of a config's columns; `datasets` infers types from the first 10 MB only."""
    name, path = config["config_name"], config["data_files"][0]["path"]
    if name == PROVENANCE:
        return {"config_name": name, "features": features_of(provenance)}
    if not form.late_types or path.endswith(".parquet"):  # which states its types itself
        return None
    text = {"dtype": "string"}
    late = {column: _feature(msgspec.inspect.type_info(kind)) for column, kind in form.late_types.items()}
    typed = {
        column: text if path.endswith(".csv") and "list" in feature else feature  # lists are JSON text in CSV
        for column, feature in late.items()
    }
    return {"config_name": name, "features": [{"name": column, **typed.get(column, text)} for column in columns[path]]}


def features_of(struct: type[msgspec.Struct]) -> list[dict[str, Any]]:
    """Return the features of a struct's fields, as a dataset card writes them."""
    return [
        {"name": field.name, **_feature(msgspec.inspect.type_info(field.type))}
        for field in msgspec.structs.fields(struct)
    ]


def _feature(kind: Any) -> dict[str, Any]:
    if isinstance(kind, msgspec.inspect.UnionType):  # of a type and None
        return _feature(next(part for part in kind.types if not isinstance(part, msgspec.inspect.NoneType)))
    if isinstance(kind, msgspec.inspect.VarTupleType | msgspec.inspect.ListType):
        item = _feature(kind.item_type)
        return {"list": item.get("struct") or item.get("dtype", item)}
    if isinstance(kind, msgspec.inspect.StructType):
        return {"struct": features_of(kind.cls)}
    return {"dtype": {"IntType": "int64", "FloatType": "float64"}.get(type(kind).__name__, "string")}
