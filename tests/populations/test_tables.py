"""Tables are read for what they hold, whatever they are called; what is left out of them is said."""

from __future__ import annotations

import builtins
import gzip
import io
import json
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from conftest import scai

ANA = {"id": "a", "name": "Ana", "bio": "Ana bakes.", "age": 34}
BO = {"id": "b", "name": "Bo", "bio": "Bo fishes.", "age": 51}
LINES = f"{json.dumps(ANA)}\n{json.dumps(BO)}\n"
CSV = "id,name,bio,age\na,Ana,Ana bakes.,34\nb,Bo,Bo fishes.,51\n"


def imported(
    file: str, data: str | bytes, *options: object, kind: str = "personas"
) -> tuple[list[dict[str, Any]], list[str]]:
    """Import a file with this content; its items without the source, and the lines that were said."""
    Path(file).write_bytes(data.encode() if isinstance(data, str) else data)
    called = scai(kind, "import", file, "--as", "table", "-o", "-", "-q", *options)
    assert called.code == 0, called
    items = [json.loads(line) for line in called.out.splitlines()]
    for item in items:
        del item["source"]
    return items, called.lines


def refused(file: str, data: str | bytes, form: str = "table") -> str:
    Path(file).write_bytes(data.encode() if isinstance(data, str) else data)
    called = scai("personas", "import", file, "--as", form, "-o", "out.jsonl")
    assert (called.code, called.out, Path("out.jsonl").exists()) == (2, "", False), called
    return called.lines[-1].removeprefix("scai: ")


def both(items: list[dict[str, Any]]) -> bool:
    wanted = [
        {"id": p["id"], "name": p["name"], "description": p["bio"], "attributes": {"age": p["age"]}} for p in (ANA, BO)
    ]
    return items == wanted


def book(*sheets: list[list[Any]], **options: Any) -> bytes:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for n, rows in enumerate(sheets, 1):
        sheet = made.create_sheet(f"S{n}")
        for row in rows:
            sheet.append(row)
        for cells in options.get("merge", ()):
            sheet.merge_cells(cells)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


HELD = {
    "JSON lines": LINES,
    "JSON lines with blank lines": f"\n{LINES}\n\n",
    "JSON lines with a mark": "\ufeff" + LINES,
    "JSON lines with returns": LINES.replace("\n", "\r\n"),
    "JSON lines with old line ends": LINES.replace("\n", "\r"),
    "a list": json.dumps([ANA, BO]),
    "a list over lines": json.dumps([ANA, BO], indent=2),
    "a list a row a line": f"[{json.dumps(ANA)},\n{json.dumps(BO)}]\n",
    "objects over lines": f"{json.dumps(ANA, indent=2)}\n{json.dumps(BO, indent=2)}\n",
    "CSV": CSV,
}


NAMES = [("p.json", False), ("p.jsonl", False), ("p.csv", True), ("p.txt", False), ("p", True), ("p.gz", False)]


@pytest.mark.parametrize(("name", "packed"), NAMES)
@pytest.mark.parametrize("held", HELD)
def test_a_file_is_read_for_what_it_holds(held: str, name: str, packed: bool) -> None:
    if held == "CSV" and name.startswith("p.json"):
        assert "not valid JSON" in refused(name, CSV)
        return
    data = HELD[held].encode()
    items, said = imported(name, gzip.compress(data) if packed else data)
    assert both(items)
    assert said == []


def test_one_person_over_several_lines_is_one_person() -> None:
    for name in ("p.json", "p.jsonl", "p.txt"):
        items, _ = imported(name, json.dumps(ANA, indent=1))
        assert [item["id"] for item in items] == ["a"]


def test_a_damaged_first_line_is_a_bad_row_of_json_lines() -> None:
    for name in ("p.jsonl", "p.txt"):
        assert refused(name, '{"id": "c", "na\n' + LINES).startswith(f"{name}:1: row 1: not valid JSON: ")


NO_TABLES = [
    ({"type": "FeatureCollection", "features": [{"type": "Feature", "properties": ANA}]}, "is GeoJSON; save the"),
    ({"error": "Rate limit exceeded"}, "is an error message of a server (Rate limit exceeded); download the file"),
    ({"detail": "Not found.", "status": 404}, "is an error message of a server (Not found.)"),
    ({"message": "Bad credentials", "documentation_url": "https://x"}, "is an error message of a server (Bad creden"),
    ({"count": 2, "next": None, "results": [ANA, BO]}, "is one object, with its rows under 'results'; save that list"),
    ({"cast": [ANA, BO]}, "is one object, with its rows under 'cast'; save that list alone: jq .cast FILE"),
    ({"a": ANA, "b": BO, "c": ANA, "d": {"bio": "", "x": 1}}, "is one object, with a row under each name; save a list"),
    ({"personas": [ANA, BO]}, "is one object, with its rows under 'personas'; save that list alone: jq .personas"),
    ({"id": ["a", "b"], "bio": ["Ana bakes.", "Bo fishes."]}, "is a table by columns (pandas?); write it with df.to_"),
    ({"bio": {"a": "Ana bakes.", "b": "Bo fishes."}, "age": {"a": 3, "b": 5}}, "is a table by columns (pandas?); wri"),
    ({"columns": list(ANA), "index": [0], "data": [list(ANA.values())]}, "is a table by columns (pandas?); write it"),
    ({key: {"0": ANA[key], "1": BO[key]} for key in ANA}, "is a table by columns (pandas?); write it with"),
    ({"0": ANA, "1": BO}, "is a table by columns (pandas?); write it with df.to_json(FILE, orient="),
    ({"schema": {"fields": [], "pandas_version": "1.4.0"}, "data": [ANA]}, "is a table by columns (pandas?); write it"),
    (
        {"features": [{"name": "id"}], "rows": [{"row_idx": 0, "row": ANA, "truncated_cells": []}]},
        "is a page of the Hub's viewer; import hub:OWNER/NAME (pip install datasets pyarrow)",
    ),
]


@pytest.mark.parametrize(("value", "problem"), NO_TABLES, ids=[str(n) for n in range(len(NO_TABLES))])
def test_an_object_that_is_no_row_is_refused_with_the_remedy(value: Any, problem: str) -> None:
    for name, indent in (("p.json", None), ("p.json", 2), ("p.jsonl", None), ("p.txt", None)):
        assert refused(name, json.dumps(value, indent=indent)).startswith(f"{name}: {problem}")


def a_zip(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "application/vnd.oasis.opendocument.spreadsheet" if name == "mimetype" else "x")
    return out.getvalue()


FOREIGN = {
    "p.sav": (b"$FL2@(#) SPSS DATA FILE", "is an SPSS file (.sav); save it as CSV"),
    "p.por": (b"ASCII SPSS PORT FILE".rjust(200), "is a portable SPSS file (.por); save it as CSV"),
    "p.dta": (b"<stata_dta><header>", "is a Stata file (.dta); save it as CSV"),
    "old.dta": (b"\x72\x02\x01\x00" + bytes(200), "is a Stata file (.dta); save it as CSV"),
    "p.sas7bdat": (bytes(12) + b"\xc2\xea\x81\x60\xb3", "is a SAS file (.sas7bdat); save it as CSV"),
    "p.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an old Excel file (.xls), or one with a password; save it as"),
    "p.xml": (b"<?xml version='1.0'?>\n<a/>", "is XML; save it as CSV"),
    "p.ods": (a_zip("mimetype", "content.xml"), "is an OpenDocument sheet (.ods); save it as CSV or .xlsx"),
    "p.xlsb": (a_zip("xl/workbook.bin"), "is a binary Excel file (.xlsb); save it as CSV or .xlsx"),
    "p.docx": (a_zip("word/document.xml"), "is a document of an office program; save its table as CSV"),
    "p.zip": (a_zip("people.csv"), "is a zip archive; unpack it, and name the file that you mean"),
    "p.pdf": (b"%PDF-1.7\n", "is a PDF; copy its text to a text file, or its table to a CSV file"),
    "p.rds": (gzip.compress(b"X\n\0\0\0\x03"), "is a file of R; save it as CSV"),
    "p.tar.gz": (gzip.compress(bytes(257) + b"ustar\0"), "is a tar archive; unpack it"),
    "p.csv.bz2": (b"BZh91AY", "is compressed with bzip2; unpack it"),
    "twice.gz": (gzip.compress(gzip.compress(CSV.encode())), "is a gzip file inside a gzip file; unpack it once"),
    "p.html": (b"\n<!DOCTYPE html><html>Log in</html>", "is a web page, perhaps one to log in or of an error; downl"),
    "p.lfs": (b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS and not the file itself; run"),
    "p.png": (b"\x89PNG\r\n\x1a\n", "is an image or a recording; save it as CSV what it shows"),
    "p.bin": (bytes(range(32)) * 9, "is not text, nor a file of a kind that scai reads; save it as CSV"),
    "p.yaml": (b"personas:\n  - {id: a}\n", "is YAML; an experiment reads people and tasks in YAML as they are"),
    "p.md": (b"# People\n\nAna bakes.\n", "is text, but not a table or JSON; convert it to CSV, TSV, JSONL"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_that_is_not_read_is_named_with_the_remedy(name: str) -> None:
    data, problem = FOREIGN[name]
    assert refused(name, data).startswith(f"{name}: {problem}")
    if not name.endswith((".yaml", ".md")):  # by its content
        assert refused("p.csv", data).startswith(f"p.csv: {problem}")


@pytest.mark.parametrize(
    "name", ["ORCID", "PAR1", "BZh", "A", "PK", "RIFF", "$F", "GIF8", "Obj", "ARROW1", "FEA1", "X"]
)
def test_a_column_can_be_called_like_the_start_of_another_kind_of_file(name: str) -> None:
    items, said = imported("p.csv", f"{name},bio\n2,Ana bakes.\n3,Bo fishes.\n")
    assert ([item["attributes"] for item in items], said) == ([{name: 2}, {name: 3}], [])


CUT = {
    "p.csv.gz": gzip.compress(CSV.encode()),
    "p.jsonl.gz": gzip.compress(LINES.encode()),
    "p.xlsx": book([list(ANA), list(ANA.values())]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CUT)
def test_a_file_that_is_cut_anywhere_is_one_line(name: str) -> None:
    data = CUT[name]
    for at in (*range(24), *range(24, len(data), 131), len(data) - 8, len(data) - 1):
        assert refused(name, data[:at]).startswith(f"{name}: is "), at


def test_a_damaged_gzip_file_is_one_line() -> None:
    data = bytearray(gzip.compress(CSV.encode()))
    data[-5] ^= 1
    assert refused("p.csv.gz", bytes(data)).startswith("p.csv.gz: is a damaged gzip file (")


QUALTRICS = (
    "StartDate,ResponseId,Q1,Q2\nStart Date,Response ID,\"How old are you,\nin years?\",Where?\n"
    '"{""ImportId"":""startDate""}","{""ImportId"":""_recordId""}","{""ImportId"":""QID1""}","{""ImportId"":""QID2""}"\n'
    "2026-03-02,R_1,34,Ulm\n2026-03-02,R_2,61,Lima\n"
)  # fmt: skip
EXPORTS = [
    (QUALTRICS, "left out 2 lines below the header: the questions' wording and import ids"),
    (
        QUALTRICS.replace(",", "\t").replace("you\t", "you,"),
        "left out 2 lines below the header: the questions' wording",
    ),
    (
        "\n".join(QUALTRICS.split("\n")[:3] + QUALTRICS.split("\n")[4:]),
        "left out 1 line below the header: the questions'",
    ),
    (
        "Respondent ID,Collector ID,Q1,Q2,\n,,Open-Ended Response,A bus,A train\n1,9,34,A bus,\n2,9,61,,A train\n",
        "left out 1 line below the header: the options' wording, which the names of the columns now have",
    ),
]


@pytest.mark.parametrize(("data", "line"), EXPORTS, ids=["Qualtrics", "tabs", "without ids", "SurveyMonkey"])
def test_more_header_lines_of_a_survey_are_no_people(data: str, line: str) -> None:
    items, said = imported("p.csv", data)
    assert [item["attributes"]["Q1"] for item in items] == [34, 61]
    assert said[0].startswith(f"p.csv: {line}")


def test_survey_monkey_names_each_option() -> None:
    items, _ = imported("p.csv", EXPORTS[3][0])
    assert items[0]["attributes"]["Q2: A bus"] == "A bus"
    assert items[1]["attributes"]["Q2: A train"] == "A train"


def test_survey_monkey_is_recognised_without_its_collector() -> None:
    data = "RespondentID,Rides?,Which lines?,,Age\n,Response,A line,B line,Response\n7,Yes,A line,,34\n8,No,,,\n"
    items, _ = imported("p.csv", data)
    assert items[0]["attributes"] == {"RespondentID": 7, "Rides?": "Yes", "Which lines?: A line": "A line", "Age": 34}
    assert items[1]["attributes"] == {"RespondentID": 8, "Rides?": "No"}


TITLES = [
    ("comment", "# version 1.2\nid,bio\na,He waits.\n", "1 line"),
    ("comments", "# version 1.2\n# of May\nid,bio\na,He waits.\n", "2 lines"),
]


@pytest.mark.parametrize(("data", "lines"), [case[1:] for case in TITLES], ids=[case[0] for case in TITLES])
def test_comments_above_the_header_are_left_out(data: str, lines: str) -> None:
    items, said = imported("p.csv", data)
    assert (items, said[0]) == ([{"id": "a", "description": "He waits."}], f"p.csv: left out {lines} above the header")


def test_a_title_above_the_header_is_left_out_but_not_a_name() -> None:
    items, said = imported("p.csv", "Survey 2026,,\n,,\nid,bio,age\na,He waits.,3\n")
    assert (items[0]["attributes"], said[0]) == ({"age": 3}, "p.csv: left out 1 line above the header")
    assert refused("p.csv", "name,,\nAda,nurse,tea\n").startswith("p.csv:1: the first row must name the columns")


def test_columns_between_spaces_are_read_if_they_are_numbers() -> None:
    items, _ = imported("p.csv", "age  sex income\n34    1  2.50\n 61   2  1.10\n")
    assert [list(item["attributes"].values()) for item in items] == [[34, 1, "2.50"], [61, 2, "1.10"]]
    items, _ = imported("p.csv", "a short story\nHe waits here.\nShe waits there.\n")
    assert items[0]["attributes"] == {"a short story": "He waits here."}


def test_answers_that_are_like_their_columns_are_people() -> None:
    items, said = imported("p.csv", "id,Apples,Pears\na,Apples,Pears\nb,Apples,\n")
    assert (len(items), said) == (2, [])


READ = [
    ("sep", "sep=;\nid;bio\na;One, two.\n", "One, two."),
    ("sep with returns", "sep=,\r\nid,bio\r\na,Once.\r\n", "Once."),
    ("sep in quotes", '"sep=|"\nid|bio\na|One; two.\n', "One; two."),
    ("bars", "id|bio\na|One, two.\n", "One, two."),
    ("commas in quotes of the header", '"id";"bio";"age, in years";"town, and land"\na;He waits.;3;Ulm\n', "He waits."),
    ("commas in the header", "id;bio;age, in years\na;He waits, and waits.;3\n", "He waits, and waits."),
    (
        "prose with commas",
        "id;bio\na;He waits, and waits, and waits.\nb;She, too, waits, and runs.\n",
        "He waits, and wai",
    ),
    ("prose with semicolons", "id,bio\na,He waits; and waits; and waits.\nb,She waits.\n", "He waits; and waits"),
    ("spaces after commas", 'id, bio\na, "He waits, and runs."\n', "He waits, and runs."),
    ("lines above the header", "\n\n,,\n  \nid,bio,\na,He waits.,\n", "He waits."),
    ("trailing columns", "id,bio,,\na,He waits.,,\n", "He waits."),
    ("trailing cells", "id,bio\na,He waits.,,\n", "He waits."),
    ("rows without text", "id,bio\n,\na,He waits.\n,\n\n", "He waits."),
    ("an index", ",id,bio\n0,a,He waits.\n", "He waits."),
    ("years", "id,bio,2019,2020\na,He waits.,3,4\n", "He waits."),
    ("statements", "id,bio,0,1,2,5\na,He waits.,1,-1,,1\n", "He waits."),
]


@pytest.mark.parametrize(("data", "text"), [case[1:] for case in READ], ids=[case[0] for case in READ])
def test_csv_is_read_as_it_is_separated(data: str, text: str) -> None:
    for line_end in ("\n", "\r\n", "\r"):
        items, said = imported("p.csv", data.replace("\r\n", "\n").replace("\n", line_end))
        assert items[0]["id"] == "a"
        assert items[0]["description"].startswith(text)
        assert said == []


def test_decimal_commas_are_numbers_only_where_a_number_is_asked_for() -> None:
    (person,), _ = imported("p.csv", "id;weight;preferences.concise;share\na;1,5;-0,8;0,25\n")
    assert (person["weight"], person["preferences"]) == (1.5, {"concise": -0.8})
    assert person["attributes"] == {"share": "0,25"}
    assert "has no number" in refused("p.csv", 'id,weight,bio\na,"1,5",x\n')


SAID = [
    ("a column without a name", "id,bio,\na,He waits.,x\n", "p.csv: left out column 3, which has no name"),
    ("the header again", "id,bio\na,He waits.\nid,bio\n", "p.csv: left out 1 lines that repeat the header"),
    (
        "no last line end",
        "id,bio\na,He waits.",
        "p.csv: its last line has no line end; if the file was cut off, that row",
    ),
    ("zero bytes", "id,bio\na,He w\0aits.\n", "p.csv: left out the zero bytes in 1 lines"),
]


@pytest.mark.parametrize(("data", "line"), [case[1:] for case in SAID], ids=[case[0] for case in SAID])
def test_what_is_left_out_is_said(data: str, line: str) -> None:
    items, said = imported("p.csv", data)
    assert [(item["id"], item["description"]) for item in items] == [("a", "He waits.")]
    assert [one.startswith(line) for one in said] == [True]


def test_a_quoted_last_cell_is_whole_without_a_line_end() -> None:
    assert imported("p.csv", 'id,bio\na,"He waits."')[1] == []


WRONG = [
    (
        "people without a header",
        "Ana,34,Ulm\nBo,51,Lima\n",
        "p.csv:1: the first row must name the columns, and '34' looks",
    ),
    (
        "an address",
        "Ana,ana@example.org\nBo,bo@example.org\n",
        "p.csv:1: the first row must name the columns, and 'ana@",
    ),
    (
        "a date",
        "2026-01-02,Ana\n2026-01-03,Bo\n",
        "p.csv:1: the first row must name the columns, and '2026-01-02' looks",
    ),
    ("only numbers", "1,2,3\n4,5,6\n", "p.csv:1: the first row must name the columns, and '1' looks like a person's"),
    ("Markdown", "| id | bio |\n|---|---|\n| a | He waits. |\n", "p.csv:1: is a table in Markdown; save it as CSV"),
    ("a name twice", "\nid,bio,bio\na,b,c\n", "p.csv:2: the column 'bio' appears twice; rename one"),
    ("a quote of the header", 'id","bio"\n"a","b"\n', "p.csv:1: the column 'id\"' has a quote that is not closed"),
    ("blank", "\n \n\n", "p.csv: is empty"),
]


@pytest.mark.parametrize(("data", "problem"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_a_header_that_names_no_columns_is_refused(data: str, problem: str) -> None:
    assert refused("p.csv", data).startswith(problem)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1251", "Анна печёт хлеб."),
        ("koi8-r", "Анна печёт хлеб."),
        ("shift-jis", "アナはパンを焼く。"),
        ("gb18030", "安娜烤面包。"),
        ("gb18030", "王小明,我是北京的出租车司机。我喜欢简短的回答。我在上海教小学。我想要例子和来源。"),
        ("big5", "王小明在台北開計程車。我喜歡簡短的回答，也喜歡例子和來源。"),
        ("euc-kr", "안나는 빵을 굽는다."),
        ("cp850", "Zoë wärmt Brötchen."),
        ("mac-roman", "Zoë wärmt Brötchen."),
        ("cp1250", "Łukasz piekł chleb i ciasto, bo był głodny."),
    ],
)
def test_a_code_page_that_is_not_western_is_refused(encoding: str, text: str) -> None:
    line = refused("p.csv", f"id,bio\na,{text}\n".encode(encoding))
    assert line.startswith("p.csv:2: is neither UTF-8 nor Windows-1252, and its code page is not stated; save the file")


@pytest.mark.parametrize(
    "text", ["“Zoë’s café” – 5 € … naïve, l’été", "Ærø, Åse, Øyvind", "NÃO, AÇÃO É »BOM«", "paral·lel, 1º, 5 m²"]
)
def test_western_text_is_read_and_said(text: str) -> None:
    items, said = imported("p.csv", f'id,bio\na,"{text}"\n'.encode("cp1252"))
    assert items[0]["description"].removesuffix(".") == text
    assert said == ["p.csv: is not UTF-8; read as Windows-1252"]


def test_utf8_with_a_damaged_character_is_not_read_as_another_code_page() -> None:
    data = "id,bio\na,Zoë wärmt Brötchen.\nb,Åse läuft.\n".encode()
    assert refused("p.csv", data.replace("Å".encode(), b"\xc3")).startswith("p.csv:3: is UTF-8 with a damaged char")
    assert refused("p.csv", data[: data.index("ö".encode()) + 1]).startswith("p.csv:2: is cut off in the middle of a")
    assert refused("p.csv", data.decode().encode("utf-16")[:-1]).startswith("p.csv: is damaged or cut off, as not all")
    assert refused("p.json", LINES.encode("utf-16")).startswith("p.json: has JSON in UTF-16, and JSON is read as UTF-8")


def test_a_workbook_is_read_as_it_is_shown() -> None:
    rows = [
        ["id", "bio", "born", "at", "paid", "whole", "share", "code", "none"],
        ["a", "Ana bakes.", date(1990, 2, 3), datetime(2026, 1, 2, 3, 4, 5), True, 34.0, 0.25, "01234", None],
        [],
        ["b", "Bo fishes.", date(1980, 1, 1), datetime(2026, 1, 2), False, 7, 1.5, "#N/A", None],
    ]
    items, said = imported("p.csv", book([], rows, [["x", "y"], [1, 2]]))
    assert [item["attributes"] for item in items] == [
        {
            "born": "1990-02-03",
            "at": "2026-01-02 03:04:05",
            "paid": "true",
            "whole": 34,
            "share": 0.25,
            "code": "01234",
        },
        {"born": "1980-01-01", "at": "2026-01-02", "paid": "false", "whole": 7, "share": 1.5},
    ]
    assert said == [
        "p.csv: read the sheet 'S2' and not 'S3'; to read another, save it as CSV",
        "p.csv: 1 cells have errors of Excel (#N/A) and are taken as empty",
    ]


def test_merged_cells_all_have_their_value() -> None:
    rows = [["id", "town", "bio"], ["a", "Ulm", "Ana bakes."], ["b", None, "Bo fishes."], ["c", "Lima", "Cy waits."]]
    items, _ = imported("p.xlsx", book(rows, merge=["B2:B3"]))
    assert [item["attributes"]["town"] for item in items] == ["Ulm", "Ulm", "Lima"]


def test_formulas_are_read_by_their_stored_results() -> None:
    data = book([["id", "age"], ["a", "=30+4"]])
    assert refused("p.xlsx", data).startswith(
        "p.xlsx: has formulas whose results are not stored; open it in Excel or L"
    )
    stored = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stored, "w") as new:
        for name in old.namelist():
            part = old.read(name).replace(b"<v></v>", b"<v>34</v>").replace(b"<v />", b"<v>34</v>")
            new.writestr(name, part)
    items, _ = imported("p.xlsx", stored.getvalue())
    assert items[0]["attributes"] == {"age": 34}


def test_a_workbook_with_header_lines_of_a_survey_or_without_a_header_is_told_apart() -> None:
    survey = [["StartDate", "ResponseId", "Q1"], ["Start Date", "Response ID", "How old?"], ["2026", "R_1", 34]]
    items, said = imported("p.xlsx", book(survey))
    assert (len(items), said) == (1, ["p.xlsx: left out 1 line below the header: the questions' wording"])
    assert refused("p.xlsx", book([["Ana", 34], ["Bo", 51]])).startswith(
        "p.xlsx:1: the first row must name the columns"
    )
    assert refused("p.xlsx", book([[]])) == "p.xlsx: has no sheet with text in two rows"


def test_without_the_extra_a_workbook_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    imports = builtins.__import__

    def without(name: str, *rest: Any, **options: Any) -> Any:
        if name.startswith("openpyxl"):
            raise ImportError(name)
        return imports(name, *rest, **options)

    data = book([list(ANA), list(ANA.values())])
    monkeypatch.setattr(builtins, "__import__", without)
    problem = "p.xlsx: Excel needs openpyxl: pip install openpyxl, or save it as CSV"
    assert refused("p.xlsx", data) == problem


def test_in_a_folder_the_bad_file_is_named() -> None:
    Path("agents").mkdir()
    good = {"type": "TinyPerson", "persona": {"name": "Ana"}}
    for name, agent in (("a.json", good), ("b.json", {"persona": {}})):
        (Path("agents") / name).write_text(json.dumps(agent), encoding="utf-8")
    called = scai("personas", "import", "agents", "--as", "tinytroupe", "-o", "out.jsonl")
    assert called.lines == [
        "scai: agents/b.json:1: row 2: has no object under 'persona'; correct it, or add --skip-bad"
    ]
    Path("polis").mkdir()
    Path("polis/comments.csv").write_text("comment-id,comment-body,moderated\n0,Free buses.,1\n", encoding="utf-8")
    Path("polis/participants-votes.csv").write_text("participant,group-id,0\n1,x,1\n", encoding="utf-8")
    called = scai("personas", "import", "polis", "--as", "polis", "-o", "out.jsonl")
    assert called.lines[-1].startswith("scai: polis/participants-votes.csv:2: row 1: group-id 'x' is not a number")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["train.parquet", "train.jsonl.gz", "train.csv"])
def test_a_damaged_dataset_folder_of_the_hub_is_one_line(name: str) -> None:
    from test_population_import import pa, parquet

    Path("folder").mkdir()
    parquet.write_table(pa.table({"bio": ["Ana bakes."] * 99}), "whole.parquet")
    whole = Path("whole.parquet").read_bytes()
    packed = gzip.compress(b"".join(b'{"bio": "%d"}\n' % n**9 for n in range(5000)))
    data = {"train.parquet": whole[:-90], "train.jsonl.gz": packed[:-900], "train.csv": b'id,bio\na,"b\n'}[name]
    (Path("folder") / name).write_bytes(data)
    called = scai("personas", "import", "hub:./folder", "--as", "table", "-o", "out.jsonl")
    assert (called.code, len(called.lines), Path("out.jsonl").exists()) == (2, 1, False), called
    assert called.err.startswith("scai: hub:./folder: ")


@pytest.mark.parametrize("text", ["personas:\n- {id: ann, bio: She waits.}\n", "- id: ann\n  bio: She waits.\n"])
@pytest.mark.parametrize("name", ["p.csv", "p.txt", "p.yaml"])
def test_yaml_under_any_name_is_refused(text: str, name: str) -> None:
    assert refused(name, text) == f"{name}: is YAML; an experiment reads people and tasks in YAML as they are"


def test_an_id_has_words_only_of_a_text_in_latin_letters() -> None:
    for text, name in (("王さんはM1の大会に出たい。", "row-1"), ("Élodie vend des pommes.", "elodie-vend-des-pommes")):
        items, _ = imported("p.jsonl", json.dumps({"description": text}) + "\n")
        assert items[0]["id"] == name


def test_a_persona_of_tinytroupe_can_be_the_whole_object() -> None:
    agent = {"name": "Ana", "age": 48, "occupation": {"title": "Baker"}, "goals": ["To open at dawn."]}
    Path("ana.json").write_text(json.dumps(agent), encoding="utf-8")
    called = scai("personas", "import", "ana.json", "--as", "tinytroupe", "-o", "-", "-q")
    person = json.loads(called.out)
    assert person["attributes"] == {"age": 48, "occupation": "Baker"}
    assert person["description"] == "Ana is Baker. Goals: To open at dawn."
