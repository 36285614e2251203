"""Files of people that went wrong on their way: the right people, or one line; never people who are not in the source.

A mutation says what is right for it. `REFUSED` is one line and exit 2. `SAME` is all people, each as in the source,
or one line. `CUT` is a file that ends too early: one line, or the people up to the cut where nobody can see it: in two
places only. Where a file of lines is cut at the end of a row, it is a shorter file, and right as it is. Where a
text table is cut inside its last cell, that row could be whole, as many programs write no last line end: its person
comes in with a line that says so. Columns and cells that are left out are named in a line likewise.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from conftest import scai

MUTATIONS = 200

NAMES = ("Ana Reyes", "Zoë Müller", "Ngozi Eze", "José Peña", "Bo Li", "Søren Holm", "Mira Das", "Otto Kraus")
TEXTS = (
    "She drives a bus, and reads.",
    'He says "no" often.',
    "She keeps bees; they know her.",
    "He waits.\nThen he runs.",
    "Owns a café – and a boat.",
    "Likes 1,5 l of tea | a day.",
)
COLUMNS = ("id", "name", "description", "age", "town", "score")

Person = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A file of people: its bytes, name, people, and what is right for it."""

    data: bytes
    name: str
    people: tuple[Person, ...]
    right: str = "SAME"
    said: str = ""
    """A part of the line that must be there if the file is read."""


def people(r: random.Random) -> tuple[Person, ...]:
    return tuple(
        {
            "id": f"p{n}",
            "name": r.choice(NAMES),
            "description": r.choice(TEXTS),
            "age": r.randrange(18, 90),
            "town": r.choice(("Ulm", "Lima", "Ho, Volta", "Åre")),
            "score": r.randrange(1, 100) / 100,
        }
        for n in range(1, r.randrange(3, 9))
    )


def table(some: tuple[Person, ...], delimiter: str = ",", end: str = "\n", *, quote: int = csv.QUOTE_MINIMAL) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quote)
    writer.writerow(COLUMNS)
    writer.writerows([person[column] for column in COLUMNS] for person in some)
    return out.getvalue()


def lines(some: tuple[Person, ...]) -> str:
    return "".join(json.dumps(person, ensure_ascii=False) + "\n" for person in some)


def workbook(some: tuple[Person, ...], *, above: int = 0, widened: int = 0) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    for _ in range(above):
        sheet.append([])
    sheet.append([*COLUMNS, *[None] * widened])
    for person in some:
        sheet.append([person[column] for column in COLUMNS])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def written(rows: list[list[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


def encoded(r: random.Random, some: tuple[Person, ...]) -> Case:
    encoding = r.choice(("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"))
    return Case(table(some).encode(encoding), "p.csv", some)


def separated(r: random.Random, some: tuple[Person, ...]) -> Case:
    delimiter = r.choice(";\t|")
    sep = f"sep={delimiter}\r\n" if r.random() < 0.5 else ""
    name = r.choice(("p.csv", "p.tsv", "p.txt", "p.dat"))
    return Case((sep + table(some, delimiter, r.choice(("\n", "\r\n")))).encode(), name, some)


def carriage_returns(r: random.Random, some: tuple[Person, ...]) -> Case:
    plain = tuple({**person, "description": person["description"].replace("\n", " ")} for person in some)
    return Case(table(plain, end="\r", quote=r.choice((csv.QUOTE_ALL, csv.QUOTE_MINIMAL))).encode(), "p.csv", plain)


def cut_table(r: random.Random, some: tuple[Person, ...]) -> Case:
    data = table(some, r.choice(",;"), quote=r.choice((csv.QUOTE_ALL, csv.QUOTE_MINIMAL))).encode()
    return Case(data[: r.randrange(len(data))], "p.csv", some, "CUT")


def cut_lines(r: random.Random, some: tuple[Person, ...]) -> Case:
    data = lines(some).encode()
    return Case(data[: r.randrange(len(data))], r.choice(("p.jsonl", "p.json")), some, "CUT")


def cut_list(r: random.Random, some: tuple[Person, ...]) -> Case:
    data = json.dumps(some, ensure_ascii=False, indent=r.choice((None, 2))).encode()
    return Case(data[: r.randrange(len(data))], r.choice(("p.json", "p.jsonl")), some, "REFUSED")


def cut_gzip(r: random.Random, some: tuple[Person, ...]) -> Case:
    text, name = r.choice(((table(some), "p.csv"), (lines(some), "p.jsonl"), (json.dumps(some), "p.json")))
    data = gzip.compress(text.encode())
    return Case(data[: r.randrange(len(data))], f"{name}.gz", some, "REFUSED")


def cut_workbook(r: random.Random, some: tuple[Person, ...]) -> Case:
    data = workbook(some)
    return Case(data[: r.randrange(len(data))], "p.xlsx", some, "REFUSED")


def flipped_workbook(r: random.Random, some: tuple[Person, ...]) -> Case:
    data = bytearray(workbook(some))
    for _ in range(20):
        data[r.randrange(len(data))] ^= 1 << r.randrange(8)
    return Case(bytes(data), "p.xlsx", some)


def odd_workbook(r: random.Random, some: tuple[Person, ...]) -> Case:
    return Case(workbook(some, above=r.randrange(4), widened=r.randrange(3)), r.choice(("p.xlsx", "p.csv", "p")), some)


def misnamed(r: random.Random, some: tuple[Person, ...]) -> Case:
    forms = {
        "lines": lines(some),
        "list": json.dumps(some, ensure_ascii=False, indent=r.choice((None, 2))),
        "objects": "\n".join(json.dumps(person, indent=2) for person in some),
        "table": table(some),
    }
    form = r.choice(list(forms))
    names = ("p.csv", "p.txt", "p") if form == "table" else ("p.json", "p.jsonl", "p.txt", "p.csv", "p")
    data = forms[form].encode(r.choice(("utf-8", "utf-8-sig")))
    return Case(gzip.compress(data) if r.random() < 0.3 else data, r.choice(names), some)


def header_fault(r: random.Random, some: tuple[Person, ...]) -> Case:
    rows = rows_of(table(some))
    place = r.randrange(len(COLUMNS))
    fault = r.choice(("repeated", "blank", "missing", "shuffled", "none", "above", "again"))
    if fault == "repeated":
        rows[0][place] = rows[0][place - 1]
    elif fault == "missing":
        del rows[0][place]
    elif fault == "none":
        del rows[0]
    elif fault == "blank":
        rows[0][place] = ""
        left = tuple({**person, COLUMNS[place]: None} for person in some)
        return Case(written(rows), "p.csv", left, "SAME", f"left out column {place + 1}")
    elif fault == "shuffled":  # with their cells: a header that is shuffled alone is another table
        order = r.sample(range(len(COLUMNS)), len(COLUMNS))
        rows = [[row[n] for n in order] for row in rows]
    elif fault == "above":
        rows = [[""] * r.randrange(7) for _ in range(r.randrange(1, 4))] + rows
    else:
        rows.insert(r.randrange(2, len(rows)), rows[0])
        return Case(written(rows), "p.csv", some, "SAME", "repeat the header")
    return Case(written(rows), "p.csv", some, "SAME" if fault in ("shuffled", "above") else "REFUSED")


def cell_fault(r: random.Random, some: tuple[Person, ...]) -> Case:
    rows = rows_of(table(some))
    row = rows[r.randrange(1, len(rows))]
    fault = r.choice(("extra", "short", "empty", "trailing", "blank"))
    if fault == "extra":
        row.insert(r.randrange(len(row)), "one more")
    elif fault == "short":
        del row[r.randrange(len(row)) :]
    elif fault == "empty":
        rows = [[*line, "", ""] for line in rows]
    elif fault == "trailing":
        row += ["", ""]
    else:
        rows.insert(r.randrange(1, len(rows)), [""] * r.randrange(len(COLUMNS) + 1))
    right = "REFUSED" if fault == "extra" or (fault == "short" and row) else "SAME"
    left = some if fault != "short" or row else tuple(p for p in some if [p["id"]] in [one[:1] for one in rows])
    return Case(written(rows), "p.csv", left, right)


def cut_quote(r: random.Random, some: tuple[Person, ...]) -> Case:
    text = table(some, quote=csv.QUOTE_ALL)
    quotes = [at for at, letter in enumerate(text) if letter == '"']
    at = r.choice(quotes)
    return Case((text[:at] + text[at + 1 :]).encode(), "p.csv", some, "QUOTE")


def binary_inside(r: random.Random, some: tuple[Person, ...]) -> Case:
    data = bytearray(table(some).encode())
    for _ in range(r.randrange(1, 4)):
        data.insert(r.randrange(len(data)), 0)
    return Case(bytes(data), "p.csv", some, "SAME", "zero bytes")


MUTATE: tuple[Callable[[random.Random, tuple[Person, ...]], Case], ...] = (
    *(encoded, separated, carriage_returns, cut_table, cut_lines, cut_list, cut_gzip, cut_workbook, flipped_workbook),
    *(odd_workbook, misnamed, header_fault, cell_fault, cut_quote, binary_inside),
)


def expected(person: Person) -> dict[str, Any]:
    """What must come out of a person of the source, as texts."""
    description = person["description"] and person["description"].replace("\r", "\n")
    fields = {"id": person["id"], "name": person["name"], "description": description}
    fields |= {key: person[key] for key in ("age", "town", "score")}
    return {key: str(value) for key, value in fields.items() if value is not None}


def found(out: Path) -> list[dict[str, Any]]:
    with out.open(encoding="utf-8") as file:
        read = [json.loads(line) for line in file]
    return [
        {key: str(value) for key, value in {**person, **person.get("attributes", {})}.items() if key in COLUMNS}
        for person in read
    ]


def check(case: Case) -> None:
    Path(case.name).write_bytes(case.data)
    out = Path("out.jsonl")
    out.unlink(missing_ok=True)
    called = scai("personas", "import", case.name, "--as", "table", "-o", out, "-q")
    assert "Traceback" not in called.err
    if called.code:
        assert (called.code, out.exists()) == (2, False), called
        assert called.lines[-1].startswith(f"scai: {case.name}"), called
        assert not any(line.startswith("scai: ") for line in called.lines[:-1]), called
        return
    assert case.right != "REFUSED", called
    got, source = found(out), [expected(person) for person in case.people]
    assert case.said in called.err, called
    if case.right == "SAME":
        if any("id" not in person for person in source):  # made from the name or the description
            for person in got:
                person.pop("id")
        assert got == source
    elif case.right == "CUT":
        whole = got == source[: len(got)]
        if not whole:
            assert "if the file was cut off, that row is incomplete" in called.err
            assert got[:-1] == source[: len(got) - 1]
            last = source[len(got) - 1]
            assert all(last[key].startswith(value.rstrip(".")) for key, value in got[-1].items()), (got[-1], last)
        elif len(got) < len(source):
            assert _ends_at_a_row(case.data) or "that row is incomplete" in called.err, called
    else:
        assert len(got) == len(source)  # a quote that is missing can end up in its cell, but moves no other cell
        assert [person["id"].strip('"') for person in got] == [person["id"] for person in source]


def _ends_at_a_row(data: bytes) -> bool:
    return data.endswith((b"\n", b'"', b"}"))


@pytest.mark.slow
def test_mutated_files_give_the_right_people_or_one_line() -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    for n in range(MUTATIONS):
        r = random.Random(seed + n)
        mutate = MUTATE[n % len(MUTATE)]
        print(n, mutate.__name__)
        check(mutate(r, people(r)))


@pytest.mark.parametrize("mutate", MUTATE, ids=[mutate.__name__ for mutate in MUTATE])
def test_a_mutated_file_gives_the_right_people_or_one_line(mutate: Callable[..., Case]) -> None:
    r = random.Random(3)
    check(mutate(r, people(r)))


def test_files_that_are_not_mutated_give_their_people() -> None:
    r = random.Random(5)
    some = people(r)
    for name, data in (
        ("p.csv", table(some).encode()),
        ("p.jsonl", lines(some).encode()),
        ("p.json", json.dumps(some).encode()),
        ("p.xlsx", workbook(some)),
        ("p.csv.gz", gzip.compress(table(some).encode())),
    ):
        case = Case(data, name, some)
        check(case)
        with pytest.raises(AssertionError):
            check(replace(case, people=some[:-1]))
