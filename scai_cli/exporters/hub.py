"""The YAML header of a card, as the Hub and `load_dataset` read it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from scai_cli.exporters.guide import guide
from scai_cli.exporters.made import Made, MadeFile
from scai_cli.exporters.markdown import line

_SIZES: Final = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)
_LICENCES: Final = frozenset(
    ("apache-2.0", "mit", "unlicense", "bsd-2-clause", "bsd-3-clause", "afl-3.0", "gpl-3.0", "lgpl-3.0", "agpl-3.0",
     "cc0-1.0", "cc-by-2.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-3.0", "cc-by-nc-4.0",
     "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cc-by-nc-nd-4.0", "cc-by-nd-4.0", "odc-by", "odbl", "pddl",
     "cdla-sharing-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "openrail", "unknown")
)  # fmt: skip
"""Those of the Hub's list that data come under."""


def header(name: str, made: Made, beside: Sequence[MadeFile]) -> str:
    """The header between its two lines; `beside` are the files of provenance."""
    told = yaml.safe_dump(_metadata(name, made, beside), allow_unicode=True, sort_keys=False, width=110)
    return f"---\n{told}---\n"


def _metadata(name: str, made: Made, beside: Sequence[MadeFile]) -> dict[str, Any]:
    rows = sum(file.rows for file in made.files)
    about = guide(made.format)
    told: dict[str, Any] = {
        "pretty_name": name,
        **_licence(made),
        "size_categories": [next((size for least, size in _SIZES if rows < least), "n>10M")],
        "task_categories": ["text-classification" if made.format == "ratings" else "text-generation"],
        "tags": ["scai", "synthetic", "constitutional-ai", *(tag for tag in about.tags if tag != "constitutional-ai")],
    }
    configs = list(_configs(made.files, beside))
    return {**told, "configs": configs} if configs else told


def _licence(made: Made) -> dict[str, Any]:
    found = {_hub_name(licence): licence for licence, rows in sorted(made.licences.items()) if rows} or {"unknown": ""}
    if len(found) == 1 and "other" not in found:
        return {"license": next(iter(found))}
    if "other" not in found:
        return {"license": list(found)}
    names = " and ".join(line(licence) or "unknown" for licence, rows in sorted(made.licences.items()) if rows)
    return {"license": "other", "license_name": re.sub(r"[^a-z0-9.]+", "-", names.lower()).strip("-") or "other"}


def _hub_name(licence: str) -> str:
    name = "-".join(licence.lower().split()) or "unknown"
    return name if name in _LICENCES else "other"


def _configs(files: Iterable[MadeFile], beside: Iterable[MadeFile]) -> Iterator[dict[str, Any]]:
    """One for all files with the same columns: the Hub loads files of one config alone. Empty files load nowhere."""
    kept = [file for file in files if file.rows]
    for n, columns in enumerate(dict.fromkeys(file.columns for file in kept)):
        alike = [file for file in kept if file.columns == columns]
        yield {"config_name": alike[0].split if n else "default", **_data_files(alike)}
    provenance = [file for file in beside if file.rows]
    if provenance and all(Path(file.name).suffix == ".jsonl" for file in kept):
        yield {"config_name": "provenance", **_data_files(provenance)}


def _data_files(files: Iterable[MadeFile]) -> dict[str, Any]:
    return {"data_files": [{"split": file.split, "path": file.name} for file in files]}
