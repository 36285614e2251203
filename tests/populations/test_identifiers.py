"""What identifies a person stays out unless it is named; numbers, dates, bands and words stay in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import scai
from hypothesis import given
from hypothesis import strategies as st

from scai_cli.populations.identifiers import identifier

OUT = {
    "mail": ["ada@example.org", "bo.x@mail.example.com", "c@d.ee"],
    "address": ["12 Mill Lane, Leeds", "221B Baker Street", "Lindenweg 3"],
    "network": ["203.0.113.7", "2001:db8::1", "198.51.100.4"],
    "link": ["https://example.org/ada", "www.example.org", "http://x.example/1"],
    "phone": ["+44 20 7946 0958", "(212) 555-0100", "+1-212-555-0199"],
    "where": ["51.50735, -0.12776", "48.85661, 2.35222", "(40.41678, -3.70379)"],
    "LocationLatitude": ["51.5", "48.1", "-3"],
    "token": ["5f00aa00000000000000000a", "a3bb189e-8bf9-3888-9912-ace4e6543002", "5f00aa00000000000000000b"],
    "answer_key": ["R_1", "R_2", "Rx9"],
    "long": ["13.4051", "-0.1278", "2.3522"],
    "Home phone": ["5550100", "2125550101", "020 7946 09 58"],
    "Social Security Number": ["078051120", "219-09-9999", "457555462"],
    "Passport number": ["C01X00T47", "987654321", "AB 1234567"],
    "Address (number and road)": ["857 Paul Freeway", "6 Cobb Trafficway Apt. 2", "12 Mill"],
    "ref": ["p9", "p10", "p11"],
    "postcode": ["SW1A 1AA", "LS2 9JT", "EH1 1YZ"],
}
IN = {
    "age": ["34", "61", "22"],
    "band": ["18-34", "35-64", "65+"],
    "income": ["10,000-20,000", "20,000+", "<10,000"],
    "height": ["170cm", "182 cm", "1.65m"],
    "born": ["1984-03-02", "2/11/1961", "12.05.1990"],
    "opens": ["12:30", "09:15", "7:00:00"],
    "work": ["nurse", "bus driver", "teacher of maths"],
    "views": ["Covid-19 was hard on me.", "We need 3 more buses.", "I read 12 books a year."],
    "number": ["1001", "1002", "1003"],
    "country": ["NO", "PE", "NA"],
    "grade": ["A1", "A1", "B2"],
    "score": ["0.25", "1.10", "-3"],
    "geo": ["1", "2", "4"],
    "how_long": ["2.5", "1.25", "3.0"],
    "phone": ["Android 12", "iPhone 15", "a landline since 1998"],
    "phone_share": ["0.2541173", "0.0312245", "0.9900012"],
    "social_security": ["1200", "none", "15000 a year"],
    "address": ["by first name", "Mr and surname", "by title"],
    "item": ["children_in_2100_or_later", "income_10000_to_20000", "income_10000_to_20000"],
    "joined": ["12-Mar-2020", "Oct-75", "3 May 1981"],
    "worked": ["03/2015-06/2018", "01/2011-12/2014", "8/29-31/08"],
    "decade": ["1990s", "20s", "1980s"],
    "level": ["A1", "B2", "C1"],
    "trade": ["B2B", "B2C", "C2C"],
    "quarter": ["2026Q1", "2025-Q2", "2024Q4"],
    "week": ["2026-W05", "2026-W06", "2025-W51"],
    "pay": ["1 200 - 1 500", "900 - 1 200", "10 000 - 20 000"],
    "wealth": ["1 000 000", "250 000", "12 500"],
    "day": ["2021 03 01", "2020 12 31", "2021-03-01T12:00:00Z"],
    "period": ["2021/03/01 - 2021/04/01", "2020/03/01 - 2020/04/01", "2019/01/01 - 2020/04/01"],
    "choice": ["18_to_24_years_old", "under_10000_per_year", "very_much_1_of_10"],
    "years": ["18to24", "25to34", "35to44"],
}


def imported(columns: Mapping[str, list[Any]], text: str = "") -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Import a table with these columns beside a story; its people, and the account."""
    rows = [
        {"story": "She waits.", **dict(zip(columns, cells, strict=True))}
        for cells in zip(*columns.values(), strict=True)
    ]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    Path("map.yaml").write_text(f"description: story\n{text}", encoding="utf-8")
    called = scai("personas", "import", "rows.jsonl", "--as", "table", "--map", "map.yaml", "-o", "p.jsonl", "--json")
    assert called.code == 0, called.err
    people = [json.loads(line) for line in Path("p.jsonl").read_text(encoding="utf-8").splitlines()]
    return people, called.json


def test_identifiers_that_nobody_named_are_left_out_and_listed() -> None:
    people, account = imported(OUT)
    assert all("attributes" not in person for person in people)
    for column in OUT:
        (reason,) = account["fields"][column]["left_out"]
        assert reason.startswith("like identifiers: "), column
        assert account["fields"][column]["left_out"][reason] == 3


def test_numbers_dates_bands_and_words_stay() -> None:
    people, _ = imported(IN)
    assert [{key: str(value) for key, value in person["attributes"].items()} for person in people] == [
        dict(zip(IN, cells, strict=True)) for cells in zip(*IN.values(), strict=True)
    ]


def test_identifiers_in_lists_and_objects_are_left_out_alone() -> None:
    contact = [
        {"mail": "ada@example.org", "town": "Leeds", "more": {"pid": "p1x2", "lat": 51.5}},
        {"mail": "", "town": "York", "more": {"pid": "p3x4", "lat": 48.1}},
    ]
    ways = [["ada@example.org", "by letter"], ["+44 20 7946 0958", "203.0.113.7:80"]]
    people, account = imported({"contact": contact, "ways": ways, "list": [["bo@example.org"] * 50, []]})
    assert [person["attributes"] for person in people] == [
        {"contact": "town Leeds", "ways": "by letter"},
        {"contact": "town York"},
    ]
    assert "bo@" not in people[0]["description"]
    assert account["fields"]["contact.mail"]["left_out"] == {"like identifiers: e-mail addresses": 1}  # one is blank
    assert account["fields"]["contact.more.pid"]["left_out"] == {"like identifiers: codes": 2}
    assert account["fields"]["contact.more.lat"]["left_out"] == {"like identifiers: coordinates": 2}
    assert account["fields"]["list"]["left_out"] == {"like identifiers: e-mail addresses": 50}


@pytest.mark.parametrize("cell", ["Ada <ada@example.org>", "ada@example.org; bo@example.org", "Tel: +44 20 7946 0958"])
def test_addresses_in_other_spellings_are_left_out(cell: str) -> None:
    people, _ = imported({"contact": [cell]})
    assert "attributes" not in people[0]


def test_an_address_is_no_name_of_a_column_and_no_opinion() -> None:
    row = {"id": "a", "bio": "She waits.", "name": "ada@example.org", "stances.tea": "bo@example.org", "cy@d.ee": 3}
    Path("p.jsonl").write_text(json.dumps(row), encoding="utf-8")
    called = scai("personas", "import", "p.jsonl", "--as", "table", "-o", "-")
    assert json.loads(called.out) == {
        "id": "a", "description": "She waits.", "source": {"name": "p.jsonl", "row": 1}
    }  # fmt: skip
    assert all(f"{column} (e-mail addresses)" in called.err for column in ("name", "stances.tea", "cy@d.ee"))


def test_a_named_column_comes_in_whatever_it_looks_like() -> None:
    people, _ = imported(OUT, "attributes: [mail, answer_key]\n")
    assert people[0]["attributes"] == {"mail": "ada@example.org", "answer_key": "R_1"}


def test_a_single_address_among_words_is_left_out_alone() -> None:
    people, account = imported({"contact": ["by letter", "ada@example.org", "never"]})
    assert [person.get("attributes", {}).get("contact") for person in people] == ["by letter", None, "never"]
    assert account["fields"]["contact"]["left_out"] == {"like identifiers: e-mail addresses": 1}


def test_an_address_is_no_id_by_itself() -> None:
    Path("p.csv").write_text("id,bio\nada@example.org,She waits.\nbo@example.org,He waits.\n", encoding="utf-8")
    called = scai("personas", "import", "p.csv", "--as", "table", "-o", "-")
    assert "example" not in called.out
    assert "left out, like identifiers; a map (--map) that names them keeps them: id (e-mail addresses)" in called.lines


@pytest.mark.parametrize("key", ["participant", "workerId", "user_id", "PROLIFIC_PID"])
def test_keys_of_people_that_occur_again_are_codes_by_their_name(key: str) -> None:
    people, account = imported({key: ["p1", "p1", "p2"], "age": ["3", "3", "4"]})
    assert [person["attributes"] for person in people] == [{"age": 3}, {"age": 3}, {"age": 4}]
    assert account["fields"][key]["left_out"] == {"like identifiers: codes": 3}


@given(st.text(alphabet="0123456789abcXYZ.@:-+ /_°,()", max_size=250))
def test_any_cell_is_judged_at_once(cell: str) -> None:
    assert identifier(cell, "latitude") is None or len(cell) <= 200


def test_identifiers_inside_objects_and_lists_stay_out_too() -> None:
    rows = [
        {
            "user": {
                "nick": nick,
                "ip": ip,
                "born": {"year": 1990 + n, "mail": f"{nick}@example.org"},
                "key": f"q{n}z7",
            },
            "logins": [{"from": ip, "device": "phone"}],
        }
        for n, (nick, ip) in enumerate((("Ama", "10.0.0.1"), ("Bo", "10.0.0.2")))
    ]
    Path("p.json").write_text(json.dumps(rows), encoding="utf-8")
    called = scai("personas", "import", "p.json", "--as", "table", "-o", "out.jsonl", "--json", "-q")
    first = json.loads(Path("out.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert first["attributes"] == {"user": "nick Ama, born (year 1990)", "logins": "device phone"}
    fields = called.json["fields"]
    assert fields["user.ip"]["left_out"] == {"like identifiers: IP addresses": 2}
    assert fields["user.born.mail"]["left_out"] == {"like identifiers: e-mail addresses": 2}
    assert fields["user.key"]["left_out"] == {"like identifiers: codes": 2}
    assert fields["user.nick"]["into"] == {"attributes.user": 2}
    assert fields["logins"] == {
        "values": 4, "empty": 0, "into": {"attributes.logins": 2}, "left_out": {"like identifiers: IP addresses": 2},
    }  # fmt: skip
