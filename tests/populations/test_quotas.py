"""Quotas as real data need them: open bands, values with commas, files of quotas, values that nobody has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import scai
from hypothesis import example, given
from hypothesis import strategies as st

from scai_cli.errors import ConfigError
from scai_cli.experiment.item_files import items
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.scalars import composed
from scai_cli.populations.quota_text import parse_quota, read_quotas
from scai_cli.populations.quotas import Band, Quota, band

LABELS = st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1).map(str.strip)
LABELS = LABELS.filter(lambda label: label and not label[0].isdigit() and label != "<0")  # 9-3 is a band that falls


def matched(quota: Quota, value: str | int | float) -> list[str]:
    return [part.label for part, n in zip(quota.parts, quota.counted({str(value): 1}), strict=True) if n]


@given(st.lists(LABELS, min_size=2, unique_by=lambda label: composed(label).casefold()))
@example(["Korea, Republic of", 'the "other", or none', "12:30"])
def test_a_value_in_quotes_is_any_text(labels: list[str]):
    quoted = ['"' + label.replace('"', '""') + '"' for label in labels]
    bare = [label for label in labels if not set(label) & set('",:')]
    assert [part.label for part in parse_quota(f"x={','.join(quoted)}").parts] == labels
    shared = parse_quota("x=" + ",".join(f"{label}:{n + 1}%" for n, label in enumerate(quoted)))
    assert [part.label for part in shared.parts] == labels
    assert [matched(shared, label) for label in labels] == [[label] for label in labels]
    Path("q.json").write_text(json.dumps({"x": {label: n + 1 for n, label in enumerate(labels)}}), encoding="utf-8")
    assert read_quotas(["q.json"]) == [shared]
    assert not bare or [part.label for part in parse_quota(f"x={','.join(f'{b}:1' for b in bare)}").parts] == bare


def test_an_open_band_counts_all_above_or_below():
    quota = parse_quota("age=<18:1,18-64:1,65+:2")
    assert [matched(quota, age) for age in (0, 17.5, 18, 64.9, 65, 70, 104)] == [
        ["<18"], ["<18"], ["18-64"], ["18-64"], ["65+"], ["65+"], ["65+"],
    ]  # fmt: skip
    assert matched(quota, "65+") == ["65+"]
    assert matched(quota, "retired") == matched(quota, "067") == matched(quota, "true") == []
    assert [part.share for part in quota.parts] == [0.25, 0.25, 0.5]


@pytest.mark.parametrize(
    ("label", "low", "high"),
    [
        ("18 to 24", 18, 24),
        ("25–34 years", 25, 34),
        ("65 years and over", 65, None),
        ("65 or older", 65, None),
        ("≥ 65", 65, None),
        (">64", 65, None),
        ("17 or under", None, 17),
        ("<=17", None, 17),
        ("below 18", None, 17),
    ],
)
def test_a_band_is_read_in_the_words_of_statistical_offices(label: str, low: int | None, high: int | None):
    assert band(label) == Band(low, high)


@pytest.mark.parametrize("label", ["65", "over", "all", "to", "5 or 6", "+", "1-2-3", "moved to 7"])
def test_another_label_is_no_band(label: str):
    assert band(label) is None


@pytest.mark.parametrize(
    ("quota", "lowest", "highest"),
    [
        ("age=65+", 65, 95),
        ("age=18-64:1,65+:999", 65, 95),
        ("age=18-34:1,35-64:1,65+:999", 65, 94),
        ("age=100+", 100, 100),
        ("age=18-64:1,under 18:999", 0, 17),
        ("born=1950-1980:1,<1950:999", 1919, 1949),
        ('income="10,000-20,000":1,"20,000 and over":999', 20_000, 30_000),
        ("children=5+", 5, 7),
    ],
)
def test_people_made_for_an_open_band_get_a_number_of_it(quota: str, lowest: int, highest: int):
    values = parse_quota(quota).draw(3000, "1")
    numbers = [value for value in values if isinstance(value, int)]
    inside = [value for value in numbers if lowest <= value <= highest]
    assert len(numbers) == len(values)
    assert len(inside) >= 2990
    assert min(inside) - lowest <= (highest - lowest) / 100
    assert highest - max(inside) <= (highest - lowest) / 100


def test_bands_with_commas_between_thousands_are_numbers():
    quota = parse_quota('income="10,000-20,000":50,"20,000+":50')
    values = (9_999, 10_000, "15,000", 20_000, 20_001, "1,234,567", "10,000-20,000", "20,000+")
    assert [matched(quota, value) for value in values] == [
        [], ["10,000-20,000"], ["10,000-20,000"], ["10,000-20,000"], ["20,000+"], ["20,000+"],
        ["10,000-20,000"], ["20,000+"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("quota", "problem", "quoted"),
    [
        ("c=Korea, Republic of:50,Peru:50", "'Korea' has no share", 'c="Korea, Republic of":50,Peru:50'),
        ("pay=10,000-20,000:5,20,000+:5", "'10' has no share", 'pay="10,000-20,000":5,"20,000+":5'),
        ("pay=10,000-20,000", "'000-20' looks like the end of a number", 'pay="10,000-20,000"'),
    ],
)
def test_a_comma_that_is_not_in_quotes_is_one_line_with_the_quotes(quota: str, problem: str, quoted: str):
    called = scai("personas", "generate", "--n", 2, "--quota", quota, "-o", "g.yaml")
    assert (called.code, called.err.count("\n")) == (2, 1)
    assert called.err.startswith(f"scai: --quota {quota}: {problem}; ")
    assert called.err.endswith(f"put a value with commas in quotes: --quota '{quoted}'\n")
    assert not Path("g.yaml").exists()
    assert parse_quota(quoted).parts


@pytest.mark.parametrize("quota", ['x="a', 'x="a"b:1', 'x="a":1"', 'x="a":1,"b', 'x="":1', "x=a:1,b", "x=<0"])
def test_a_torn_quota_is_refused(quota: str):
    with pytest.raises(ConfigError, match="--quota x="):
        parse_quota(quota)


@given(st.text('ab01,:-+%" =<.', max_size=20))
def test_any_text_is_a_quota_or_an_error_of_the_user(text: str):
    try:
        quota = parse_quota(f"x={text}")
    except ConfigError:
        return
    assert sum(part.share for part in quota.parts) == pytest.approx(1)
    assert len(quota.draw(7, "1")) == 7


def test_a_file_gives_the_quotas_of_several_attributes():
    Path("quotas.yaml").write_text(
        'age: {18-64: 60, 65+: 40%}\ncountry: {"Korea, Republic of": 1.50, NO: 0.5}\nsmoker: [no, yes, 1.10, 007]\n',
        encoding="utf-8",
    )
    written = (
        "age=18-64:60,65+:40", 'country="Korea, Republic of":1.5,NO:.5', "smoker=no,yes,1.10,007",
    )  # fmt: skip
    assert read_quotas(["quotas.yaml"]) == read_quotas(written)
    called = scai("personas", "generate", "--n", 20, "--quota", "quotas.yaml", "-o", "made.yaml", "-q")
    assert (called.code, called.err) == (0, "")
    people = list(items(Path("made.yaml"), Persona))
    assert {str(person.attributes["smoker"]) for person in people} == {"no", "yes", "1.10", "007"}
    assert {str(person.attributes["country"]) for person in people} == {"Korea, Republic of", "NO"}
    described = scai("personas", "describe", "made.yaml", "--quota", "quotas.yaml", "--json")
    assert described.err == ""
    assert {row["value"]: row["reached"] for row in described.json["quotas"]} == {
        "18-64": 0.6, "65+": 0.4, "Korea, Republic of": 0.75, "NO": 0.25,
        "no": 0.25, "yes": 0.25, "1.10": 0.25, "007": 0.25,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("age: {18-64: 0}", "q.yaml:1: age.18-64: must be a share above 0"),
        ("age: {18-64: many}", "q.yaml:1: age.18-64: must be a share above 0"),
        ("\nage: 3", "q.yaml:2: age: must be value -> share, or a list of values with equal shares"),
        ("age: [[1]]", "q.yaml:1: age.0: must be one value"),
        ("age: [1, 1]", "q.yaml:1: age.1: is given twice; remove one"),
        ("c: {NO: 1, no: 2}", "q.yaml:1: c.no: is given twice; remove one"),
        ("age: {18-64: 70, ' 18-64': 30}", "q.yaml:1: age. 18-64: is given twice; remove one"),
        ("c:\n  '': 1\n  NO: 1", "q.yaml:2: c.: has no value; leave it out"),
        ("'': {a: 1}", "q.yaml:1: an attribute has a name"),
        ("age: {64-18: 1}", "q.yaml:1: age: the range 64-18 falls"),
        ("[age]", "q.yaml:1: must be a mapping of attributes"),
        ("", "q.yaml:1: must be a mapping of attributes"),
    ],
)
def test_a_broken_file_of_quotas_is_one_line(text: str, said: str):
    Path("q.yaml").write_text(text, encoding="utf-8")
    called = scai("personas", "generate", "--n", 2, "--quota", "q.yaml", "-o", "g.yaml")
    assert (called.code, called.err.count("\n")) == (2, 1)
    assert called.err.startswith(f"scai: {said}")


def test_two_quotas_of_an_attribute_are_refused():
    called = scai("personas", "generate", "--n", 2, "--quota", "age=1,2", "--quota", "age=3,4", "-o", "g.yaml")
    assert (called.code, called.err) == (
        2, "scai: --quota age=3,4: the attribute age has a quota already; remove one\n",
    )  # fmt: skip


PEOPLE = """\
{"id": "a", "attributes": {"country": "Korea, Republic of", "age": 70, "height": "1.10", "group": "old"}}
{"id": "b", "attributes": {"country": "Peru", "age": "40", "height": 1.1, "group": "young"}}
"""


def test_describe_warns_of_values_that_nobody_has():
    Path("people.jsonl").write_text(PEOPLE, encoding="utf-8")
    quotas = ("country=Perou:1,Peru:1", "age=0-17:1,18-64:1,65+:1", "contry=Peru:1,Chad:1", "group=18-64:1,old:1")
    options = [word for quota in quotas for word in ("--quota", quota)]
    called = scai("personas", "describe", "people.jsonl", *options, "--json")
    assert called.err.splitlines() == [
        "warning: --quota country: no persona has 'Perou'; there are 'Korea, Republic of' (1), 'Peru' (1)",
        "warning: --quota contry: no persona has this attribute; did you mean 'country'?",
        "warning: --quota group: no persona has '18-64'; there are 'old' (1), 'young' (1)",
    ]
    assert [row["reached"] for row in called.json["quotas"]] == [0, 0.5, 0, 0.5, 0.5, 0, 0, 0, 0.5]
    assert called.json["attributes"]["height"]["values"] == {"1.1": 1, "1.10": 1}


def test_strata_and_weights_are_arithmetic_on_what_is_written():
    rows = [{"id": f"p{n}", "attributes": {"born": str(1950 + n), "zip": f"{n:05}", "w": "1.50"}} for n in range(16)]
    Path("people.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    by_year = scai("personas", "sample", "people.jsonl", "--n", 4, "--by", "born", "--weights", "w", "-o", "s.jsonl")
    assert by_year.err.splitlines()[:4] == [
        "from 1954: 1 of 4", "from 1958: 1 of 4", "from 1962: 1 of 4", "lowest: 1 of 4",
    ]  # fmt: skip
    assert "00003: " in scai("personas", "sample", "people.jsonl", "--n", 4, "--by", "zip", "-o", "z.jsonl").err
    refused = scai("personas", "sample", "people.jsonl", "--n", 4, "--weights", "zip", "-o", "z.jsonl")
    assert (refused.code, "--weights zip: persona 'p0' has no number above 0 in it" in refused.err) == (2, True)
    described = scai("personas", "describe", "people.jsonl", "--json").json["attributes"]
    assert described["born"]["range"] == {"lowest": 1950, "median": 1957.5, "highest": 1965}
    assert len(described["zip"]["values"]) == 12


@pytest.mark.parametrize(
    ("quota", "problem"),
    [
        (
            "age=18-34:30;35-59:70",
            "'18-34:30;35-59' has a colon; put commas between values, and a value with a colon in",
        ),
        ("opens=12:30:1,13:30:2", "'12:30' has a colon"),
        ("census.csv", "quotas are read from YAML, e.g. `age: {18-64: 70, 65+: 30}`"),
    ],
)
def test_what_is_no_list_of_shares_is_refused(quota: str, problem: str):
    with pytest.raises(ConfigError) as error:
        read_quotas([quota])
    assert str(error.value).startswith(f"--quota {quota}: {problem}")
