"""Files that a stranger might send: each is small or quick to write, and would take all memory or time if trusted."""

from __future__ import annotations

import gzip
import json
import os
import random
import socket
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

PEOPLE = "personas: [{id: ann, name: Ann}]\n"
TASKS = "tasks: [{id: tea, prompt: How do I make tea?}]\n"
MB = 1_000_000

Write = Callable[[random.Random], tuple[object, ...]]
"""Writes a hostile file into the working directory and returns the command that reads it."""


def text(name: str, *parts: str, packed: bool = False) -> str:
    """Write a file part by part and return its name."""
    with gzip.open(name, "wt", compresslevel=1) if packed else Path(name).open("w", encoding="utf-8") as file:
        for part in parts:
            file.write(part)
    return name


def experiment(personas: str, *more: str) -> tuple[object, ...]:
    """Write an experiment with a file of personas and return the command that checks it."""
    return ("check", text("x.yaml", f"personas: {{from: {personas}}}\n", TASKS, *more))


def table(name: str) -> tuple[object, ...]:
    """Return the command that imports a table of personas."""
    return ("personas", "import", name, "--as", "table", "-o", "out.jsonl")


def described(name: str) -> tuple[object, ...]:
    """Return the command that describes a data set."""
    return ("dataset", "describe", name)


def bomb(levels: int, width: int, padding: int = 0) -> str:
    """YAML whose aliases multiply; the comment makes the file large and its aliases few by comparison."""
    lines = [f"a0: &a0 [{', '.join(['x'] * width)}]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n#" + "x" * padding + "\n"


def merges(levels: int, keys: int) -> str:
    """YAML with merges in merges, each of which copies all keys."""
    return "a: " + "{<<: " * levels + "{" + ", ".join(f"k{n}: 1" for n in range(keys)) + "}" + "}" * levels + "\n"


def nested(depth: int) -> str:
    """JSON with lists in lists."""
    return "[" * depth + "]" * depth


def parquet(name: str, column: str, **options: object) -> str:
    """Write a Parquet file that is far smaller than its content; `column` says how."""
    import pyarrow as pa
    from pyarrow import parquet as pq

    if column == "repeated":
        noise = random.Random(1).randbytes(5 * MB).hex()  # packing does not make it small, its repetition does
        values = pa.DictionaryArray.from_arrays(pa.array([0] * 5000, pa.int32()), pa.array([noise]))
    elif column == "nested":
        cell = pa.DictionaryArray.from_arrays(pa.array([0] * 5000, pa.int32()), pa.array(["x" * 10 * MB]))
        values = pa.ListArray.from_arrays(pa.array(range(5001), pa.int32()), cell)
    elif column == "numbers":
        import numpy as np

        numbers = pa.array(np.zeros(30 * MB, dtype=np.int32))
        values = pa.ListArray.from_arrays(pa.array([0, 30 * MB], pa.int32()), numbers)
    else:
        values = pa.array(["x" * 100 * MB])
    pq.write_table(pa.table({"description": values}), name, compression="zstd", **options)
    return name


def workbook(name: str, part: str, *content: str) -> str:
    """Write an Excel workbook of one sheet, with another content of one of its parts."""
    import openpyxl

    book = openpyxl.Workbook()
    for row in (("id", "description"), ("ann", "Ann waits.")):
        book.active.append(row)
    book.save("whole.xlsx")
    with (
        zipfile.ZipFile("whole.xlsx") as whole,
        zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        parts = {entry: (whole.read(entry).decode(),) for entry in whole.namelist()}
        if part not in parts:  # openpyxl writes texts into the sheet
            (types,) = parts["[Content_Types].xml"]
            parts["[Content_Types].xml"] = (types.replace("</Types>", f"{SHARED}</Types>"),)
        for entry, pieces in (parts | {part: content}).items():
            with new.open(entry, "w") as file:
                for piece in pieces:
                    file.write(piece.encode())
    Path("whole.xlsx").unlink()
    return name


def special(name: str) -> str:
    """Make something that is no regular file."""
    if name.startswith("fifo"):
        os.mkfifo(name)
    elif name == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(name)
    elif name == "loop":
        Path(name).symlink_to(name)
    return name


def person(**fields: object) -> str:
    """Return a line with one persona."""
    return json.dumps({"id": "ann", **fields}) + "\n"


def many(line: Callable[[int], str], count: int) -> Iterable[str]:
    """Return lines, each with its number."""
    return (line(n) for n in range(count))


SHARED = (
    '<Override PartName="/xl/sharedStrings.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/>'
)
SHEET, TEXTS, STYLES = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9))

FAST: dict[str, Write] = {
    "random as personas": lambda _: experiment("/dev/random"),
    "zeros as personas": lambda _: experiment("/dev/zero"),
    "pipe as personas": lambda _: experiment(special("fifo")),
    "socket as personas": lambda _: experiment(special("socket")),
    "symbolic link to itself": lambda _: experiment(special("loop")),
    "folder as personas": lambda _: experiment("."),
    "name of personas with a null character": lambda _: experiment('"a\\0b"'),
    "name of personas that is too long": lambda _: experiment("x" * 5000),
    "pipe as experiment": lambda _: ("check", special("fifo")),
    "random as experiment": lambda _: ("check", "/dev/random"),
    "pipe as constitution": lambda _: (
        "check",
        text("x.yaml", PEOPLE, TASKS, f"constitution: {{from: {special('fifo.md')}}}\n"),
    ),
    "YAML aliases": lambda _: ("check", text("x.yaml", bomb(9, 9))),
    "YAML number": lambda _: ("check", text("x.yaml", PEOPLE, TASKS, "seed: 1" + ":1" * 200_000 + "\n")),
    "YAML binary number": lambda _: ("check", text("x.yaml", PEOPLE, TASKS, "seed: 0b" + "1" * 200_000 + "\n")),
    "YAML tags": lambda _: ("check", text("x.yaml", *many(lambda n: f"%TAG !a{n}! x:\n", 30_000), "---\n", PEOPLE)),
    "JSON of digits": lambda _: experiment(text("p.jsonl", '{"id": "ann", "weight": ' + "9" * MB + "}\n")),
    "JSON of lists in lists": lambda _: experiment(text("p.jsonl", nested(MB), "\n")),
    "JSON of lists in a value": lambda _: table(text("p.json", '[{"description": ' + nested(90_000) + "}]")),
    "JSON row of lists in lists": lambda _: described(text("p.jsonl", '{"prompt": ' + nested(90_000) + "}\n")),
    "half a gzip file": lambda _: table(
        text("p.jsonl.gz", "x") and (Path("p.jsonl.gz").write_bytes(gzip.compress(b"{}\n" * 9)[:-12]) and "p.jsonl.gz")
    ),
    "gzip of noise": lambda r: table(
        Path("p.csv.gz").write_bytes(gzip.compress(b"")[:10] + r.randbytes(9999)) and "p.csv.gz"
    ),
    "workbook with entities in entities": lambda _: table(
        workbook("p.xlsx", SHEET, f'<!DOCTYPE x [<!ENTITY a0 "ha">{LAUGHS}]><worksheet {MAIN}>&a8;</worksheet>')
    ),
    "pipe to import": lambda _: table(special("fifo.jsonl")),
    "pipe to describe": lambda _: described(special("fifo.jsonl")),
    "Parquet of noise": lambda r: table(
        Path("p.parquet").write_bytes(b"PAR1" + r.randbytes(999) + b"PAR1") and "p.parquet"
    ),
    "description of two million characters": lambda _: experiment(text("p.jsonl", person(description="x" * 2 * MB))),
    "name of two million characters": lambda _: (
        "check",
        text("x.yaml", f"personas: [{{id: ann, name: {'x' * 2 * MB}}}]\n", TASKS),
    ),
    "key of a million characters": lambda _: ("check", text("x.yaml", PEOPLE, TASKS, "x" * MB, ": 1\n")),
    "runs folder that is a file": lambda _: ("list", "--runs-dir", text("runs.txt", "x")),
}
"""Name -> what writes the file; a reader refuses each within a second."""

SLOW: dict[str, Write] = {
    "workbook with cells far apart": lambda _: table(
        workbook(
            "p.xlsx",
            SHEET,
            f'<worksheet {MAIN}><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c>'
            '</row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>',
        )
    ),
    "YAML of empty lists": lambda _: ("check", text("x.yaml", "[", "[]," * 3 * MB, "]")),
    "YAML of as many values as are allowed": lambda _: ("check", text("x.yaml", "[", "[]," * 390_000, "]")),
    "YAML of one word": lambda _: ("check", text("x.yaml", "x" * 30 * MB)),
    "YAML without end": lambda _: ("check", text("x.yaml", *["- word\n" * 10_000] * 6000)),
    "YAML aliases in a large file": lambda _: ("check", text("x.yaml", bomb(9, 9, padding=20 * MB))),
    "YAML merges": lambda _: ("check", text("x.yaml", merges(50, 100_000))),
    "JSON line of 100 MB": lambda _: experiment(text("p.jsonl", "[" + "[]," * 34 * MB)),
    "JSON line of empty lists": lambda _: experiment(text("p.jsonl", '{"id": [' + "[]," * 5 * MB, "[]]}\n")),
    "JSON line with a million attributes": lambda _: experiment(
        text("p.jsonl", person(attributes={f"k{n}": 1 for n in range(900_000)}))
    ),
    "JSON list of empty lists": lambda _: table(text("p.json", "[", "[]," * 20 * MB, "[]]")),
    "JSON list of 200 MB": lambda _: table(text("p.json", "[", *['{"description": "' + "x" * MB + '"},'] * 200, "{}]")),
    "JSON row of a million columns": lambda _: table(
        text("p.jsonl", json.dumps({f"k{n}": "x" for n in range(900_000)}), "\n")
    ),
    "CSV of one line": lambda _: table(text("p.csv", "description\n", *["x" * MB] * 300)),
    "CSV of one cell": lambda _: table(text("p.csv", 'description\n"', *["x\n" * MB] * 150)),
    "CSV of one row": lambda _: table(text("p.csv", "description\n", *['"\n",' * MB] * 50)),
    "CSV of a million columns": lambda _: table(text("p.csv", ",".join(f"c{n}" for n in range(MB)), "\n")),
    "CSV without header": lambda _: table(text("p.csv", *["x" * MB] * 100)),
    "gzip of zeros": lambda _: table(text("p.csv.gz", *["\0" * MB] * 600, packed=True)),
    "gzip of one JSON line": lambda _: table(text("p.jsonl.gz", *["x" * MB] * 600, packed=True)),
    "gzip of a JSON list": lambda _: table(text("p.json.gz", "[", *["1," * MB] * 300, packed=True)),
    "lines of zeros": lambda _: (
        *("tasks", "import", text("p.txt", *["\0" * MB] * 300), "--as", "lines", "-o", "out.jsonl"),
    ),
    "transcripts of new lines": lambda _: (
        *("tasks", "import", text("p.txt", "Human: x", "\n" * 40 * MB), "--as", "anthropic", "-o", "out.jsonl"),
    ),
    "transcript of new lines": lambda _: (
        *("tasks", "import", text("p.jsonl", json.dumps("x\n\n" * 9000)), "--as", "anthropic", "-o", "out.jsonl"),
    ),
    "rows of 100 MB": lambda _: described(text("p.jsonl", "[" + "[]," * 34 * MB)),
    "CSV rows of 300 MB": lambda _: described(text("p.csv", 'prompt,completion\n"', *["x" * MB] * 300)),
    "Parquet cell that is repeated": lambda _: table(parquet("p.parquet", "repeated")),
    "Parquet list of a cell that is repeated": lambda _: table(parquet("p.parquet", "nested")),
    "Parquet list of 30 million numbers": lambda _: table(parquet("p.parquet", "numbers")),
    "Parquet cell of 100 MB": lambda _: table(parquet("p.parquet", "cell", use_dictionary=False)),
    "Parquet cell of 100 MB to describe": lambda _: described(parquet("p.parquet", "cell")),
    "workbook with a row of 50 million cells": lambda _: table(
        workbook(
            "p.xlsx",
            SHEET,
            f"<worksheet {MAIN}><sheetData><row>",
            *["<c/>" * MB] * 50,
            "</row></sheetData></worksheet>",
        )
    ),
    "workbook with a text of a gigabyte": lambda _: table(
        workbook("p.xlsx", TEXTS, f"<sst {MAIN}><si><t>", *["x" * MB] * 1000, "</t></si></sst>")
    ),
    "workbook with 20 million texts": lambda _: table(
        workbook("p.xlsx", TEXTS, f"<sst {MAIN}>", *["<si><t/></si>" * MB] * 20, "</sst>")
    ),
    "workbook with 20 million styles": lambda _: table(
        workbook("p.xlsx", STYLES, f"<styleSheet {MAIN}><cellXfs>", *["<xf/>" * MB] * 20, "</cellXfs></styleSheet>")
    ),
    "workbook with 20 million rows": lambda _: table(
        workbook("p.xlsx", SHEET, f"<worksheet {MAIN}><sheetData>", *["<row/>" * MB] * 20, "</sheetData></worksheet>")
    ),
    "workbook with a cell in row 100 million": lambda _: table(
        workbook(
            "p.xlsx",
            SHEET,
            f'<worksheet {MAIN}><sheetData><row r="1"><c r="A1"><v>1</v></c></row>'
            '<row r="99999999"><c r="A99999999"><v>1</v></c></row></sheetData></worksheet>',
        )
    ),
    "constitution of 30 MB": lambda _: (
        "check",
        text("x.yaml", PEOPLE, TASKS, f"constitution: {{from: {text('c.md', '-' * 1, ' x' * 15 * MB)}}}\n"),
    ),
    "benchmark of one line": lambda _: (
        *("personas", "import", text("p.ndjson", *["1," * MB] * 100), "--as", "table", "-o", "out.jsonl"),
    ),
}
"""Those that take longer to write or to refuse."""
