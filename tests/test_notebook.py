"""The notebook in examples/ runs, and shows again what it is stored with."""

from __future__ import annotations

from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]  # of Jupyter's own


def texts(book: Any) -> list[list[str]]:
    """The texts of the outputs of each cell of code."""
    return [
        ["".join(output.get("text") or output["data"]["text/plain"]) for output in cell.outputs]
        for cell in book.cells
        if cell.cell_type == "code"
    ]


def kinds(book: Any) -> list[set[str]]:
    """The kinds of what the cells show, without the report's frame, which is not stored."""
    outputs = [output for cell in book.cells for output in cell.get("outputs", ()) if "data" in output]
    return [set(output.data) for output in outputs[:-1]]


def test_the_notebook_shows_what_it_is_stored_with() -> None:
    from make_notebook import NOTEBOOK, executed

    book, stored = executed(), nbformat.read(NOTEBOOK, as_version=4)
    assert texts(book) == texts(stored)
    assert kinds(book) == kinds(stored)
    (report,) = book.cells[-1].outputs
    assert report.data["text/html"].startswith('<iframe srcdoc="&lt;!doctype html&gt;')
    assert "gained" in texts(stored)[1][0]
    raw = NOTEBOOK.read_text(encoding="utf-8")
    assert len(raw) < 300_000
    assert "<iframe" not in raw
    assert not [folder for folder in ("/tmp/", "/home/", "/root/", "/Users/") if folder in raw]
