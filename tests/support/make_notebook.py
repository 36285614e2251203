"""Execute examples/quickstart.ipynb again, in a folder of its own, and keep its outputs.

    python tests/support/make_notebook.py      # or `make notebook`

The report is left out of what is stored: it is large, and a web page of the notebook would not show its frame.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, Final

import nbformat
from nbclient import NotebookClient

ROOT: Final = Path(__file__).parents[2]
NOTEBOOK: Final = ROOT / "examples" / "quickstart.ipynb"


def executed() -> Any:
    """Return the notebook with new outputs, as it runs in a folder beside the shipped experiments."""
    book = nbformat.read(NOTEBOOK, as_version=4)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for shipped in ("configs", "personas"):
            (folder / shipped).symlink_to(ROOT / shipped)
        (folder / NOTEBOOK.parent.name).mkdir()
        client = NotebookClient(book, timeout=300, record_timing=False)
        client.execute(cwd=str(folder / NOTEBOOK.parent.name), env={**os.environ, "COLUMNS": "80"})
    return book


def stored(book: Any) -> Any:
    """Return the notebook as it is stored: without the report and the version of Python."""
    book.metadata.pop("language_info", None)
    for output in (output for cell in book.cells for output in cell.get("outputs", ())):
        if "<iframe" in "".join(output.get("data", {}).get("text/html", "")):
            del output["data"]["text/html"]
    return book


if __name__ == "__main__":
    nbformat.write(stored(executed()), NOTEBOOK)
