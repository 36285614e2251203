"""The help desk's page describes the people that ship, and its run shows what the page says of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from conftest import scai
from documents import ROOT, blocks

PAGE = "docs/help-desk.md"
SHIPPED = yaml.safe_load((ROOT / "personas/help-desk.yaml").read_text(encoding="utf-8"))["personas"]


def kept(personas: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(persona["id"], persona["name"], persona["description"]) for persona in personas]


def test_the_eight_lines_are_the_people_that_ship():
    written = next(block.text for block in blocks(PAGE) if "people.txt" in block.text)
    lines = re.search(r"<<'END'\n(.*?)^END$", written, re.DOTALL | re.MULTILINE)
    assert lines
    Path("people.txt").write_text(lines[1], encoding="utf-8")
    assert scai("personas", "import", "people.txt", "--as", "lines", "-o", "people.yaml", "-q").code == 0
    imported = yaml.safe_load(Path("people.yaml").read_text(encoding="utf-8"))["personas"]
    assert len(imported) == 8
    assert kept(imported) == kept(SHIPPED)


def test_the_persona_on_the_page_is_one_that_ships():
    shown = next(yaml.safe_load(block.text) for block in blocks(PAGE) if block.text.startswith("personas:"))["personas"]
    assert [persona | {"source": "fictional"} for persona in shown] == [one for one in SHIPPED if one["id"] == "parent"]


def test_the_message_on_the_page_keeps_the_locked_line():
    config = yaml.safe_load((ROOT / "configs/help-desk.yaml").read_text(encoding="utf-8"))
    message = next(block.text for block in blocks(PAGE) if block.text.startswith("You are a helpful assistant."))
    assert [line for line in config["constitution"]["locked"] if line not in message] == []
