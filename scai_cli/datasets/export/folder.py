"""Complete an exported folder: dataset card, manifest and the format's side files."""

import json
import re
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from scai_cli import __version__
from scai_cli.datasets.export.card import card
from scai_cli.datasets.export.export_record import ExportRecord
from scai_cli.datasets.export.output_files import MANIFEST, SIDE_CAR
from scai_cli.datasets.formats.format import ExportedFile
from scai_cli.runs.jsonl import sha256, write_whole

CARD: Final = "README.md"
_LONGEST_NAME: Final = 60
"""Characters of a repository's name on the Hub, which allows 96 with the user's."""


def finish_folder(folder: Path, record: ExportRecord) -> None:
    """Write the card and manifest beside the rows, the same bytes each time; raises OutputError for a failed write."""
    beside = side_cars(folder, record)
    if record.format.side_files is not None:
        for file, content in record.format.side_files(_name(folder), record.files).items():
            write_whole(folder / file, _json(content))
    write_whole(folder / CARD, card(_name(folder), record, beside))
    write_whole(folder / MANIFEST, _json(manifest(folder, record, beside)))


def upload_command(folder: Path) -> str:
    """Return the command of the Hub's own client that publishes a folder, private at first; USER is to be replaced."""
    name = re.sub(r"\.{2,}", ".", _name(folder))[:_LONGEST_NAME].removesuffix(".git").strip("-.") or "scai"
    path = f"./{folder}" if str(folder).startswith("-") else str(folder)
    return shlex.join(("hf", "upload", f"USER/{name}", path, ".", "--repo-type", "dataset", "--private"))


def side_cars(folder: Path, record: ExportRecord) -> tuple[ExportedFile, ...]:
    """Return the side-car files of the files of rows."""
    beside = ((file, Path(file.name).with_suffix(SIDE_CAR).as_posix()) for file in record.files)
    return tuple(
        ExportedFile(name, file.split, file.rows, sha256(folder / name), (), 0)
        for file, name in beside
        if (folder / name).is_file()
    )


def manifest(folder: Path, record: ExportRecord, beside: tuple[ExportedFile, ...]) -> dict[str, Any]:
    """Return the data to verify the files and to reproduce the export; no time, so that equal exports are equal."""
    return {
        "scai": __version__,
        "format": record.format_name,
        "command": record.command,
        "settings": dict(record.settings),
        "sources": [
            {
                "run": s.run_id,
                "version": s.constitution.version,
                "personas": s.personas,
                "models": dict(s.models),
                "sha256": s.digest,
                "health": list(s.health),
            }
            for s in record.sources
        ],
        "files": [asdict(file) for file in record.files],
        "provenance": [{"name": file.name, "rows": file.rows, "sha256": file.sha256} for file in beside],
        "card": {"name": CARD, "sha256": sha256(folder / CARD)},
        "licences": dict(sorted(record.licences.items())),
        "left_out": dict(sorted(record.left_out.items())),
        "notes": list(record.notes),
        "summary": asdict(record.summary),
    }


def _name(folder: Path) -> str:
    """Return the folder's name as a safe key for other programs' files."""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", folder.resolve().name).strip("-") or "scai"


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, default=str) + "\n"
