"""Populations: splits, filters, a model of one's own, drawing, describing, listing, large files."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from conftest import calls, events, scai
from hypothesis import given
from hypothesis import strategies as st

from scai_cli.populations.quota_text import parse_quota
from scai_cli.populations.quotas import apportion
from scai_cli.text.near_duplicates import NearDuplicateIndex

PEOPLE = """\
- {id: a, description: Ann runs a bakery., attributes: {country: Kenya, age: 30, income: low}, weight: 5, split: train}
- {id: b, description: Bob teaches logic to soldiers., attributes: {country: Kenya, age: 41, income: low}, split: train}
- {id: c, description: Cid fishes for eels., attributes: {country: Peru, age: 52, income: high}, split: dev}
- {id: d, description: Dee sings in a choir of miners., attributes: {country: Peru, age: 63, income: low}, split: test}
- {id: e, description: Eve codes at night and sleeps by day., attributes: {country: Chad, age: 74, income: high}}
- {id: f, description: Fay codes at night and sleeps by noon., attributes: {country: Chad, age: 85}, source: fictional}
"""
TASK = "tasks: [{id: tea, prompt: How do I make tea?, split: dev}, {id: nap, prompt: May I nap?, split: test}]\n"


@pytest.fixture
def people() -> str:
    Path("people.yaml").write_text(PEOPLE, encoding="utf-8")
    return "people.yaml"


def resolved(personas: str) -> list[str]:
    Path("x.yaml").write_text(f"seed: 1\npersonas: {personas}\n{TASK}", encoding="utf-8")
    return [persona["id"] for persona in scai("check", "x.yaml", "--json").json["personas"]["inline"]]


@pytest.mark.parametrize(
    ("spec", "ids"),
    [
        ("{from: people.yaml, split: train}", "ab"),
        ("{from: people.yaml, where: {country: Peru}}", "cd"),
        ("{from: people.yaml, where: {country: [Peru, Chad], income: high}}", "ce"),
        ("{from: people.yaml, where: {age: 85}}", "f"),
        ("{from: people.yaml, split: train, where: {age: 41}}", "b"),
    ],
)
def test_a_split_and_attributes_choose_who_takes_part(people: str, spec: str, ids: str) -> None:
    assert resolved(spec) == list(ids)


def test_nobody_of_a_kind_is_said_so(people: str) -> None:
    Path("x.yaml").write_text(f"personas: {{from: people.yaml, where: {{country: Oz}}}}\n{TASK}", encoding="utf-8")
    called = scai("check", "x.yaml")
    assert (called.code, called.lines) == (
        2, ["scai: x.yaml:1: personas.where: no persona matches; 'country' is 'Chad' (2), 'Kenya' (2), 'Peru' (2)"]
    )  # fmt: skip


def test_a_split_of_the_tasks_is_asked(people: str) -> None:
    Path("x.yaml").write_text(f"personas: people.yaml\n{TASK}".replace("tasks: [", "tasks: {split: dev, inline: [")
        .replace("split: test}]", "split: test}]}"), encoding="utf-8")  # fmt: skip
    assert [task["id"] for task in scai("check", "x.yaml", "--json").json["tasks"]["inline"]] == ["tea"]


def test_a_sample_is_the_same_from_yaml_and_from_streamed_lines(people: str) -> None:
    scai("personas", "sample", people, "--n", 6, "-o", "people.jsonl", "-q")
    assert resolved("{from: people.yaml, sample: 3}") == resolved("{from: people.jsonl, sample: 3}")


def test_a_source_is_a_name_or_more() -> None:
    Path("p.yaml").write_text(
        "- {id: a, source: fictional}\n- {id: b, source: {name: PRISM, licence: CC BY 4.0, row: 7}}\n", encoding="utf-8"
    )
    assert sorted(scai("personas", "sample", "p.yaml", "--n", 2, "-o", "-", "-q").out.splitlines()) == [
        '{"id":"a","source":"fictional"}',
        '{"id":"b","source":{"name":"PRISM","licence":"CC BY 4.0","row":7}}',
    ]


OWN = """\
name: own
epochs: 1
turns: 1
personas:
  - {id: ann, description: Ann wants it short., model: {name: small, temperature: 0.1}}
  - {id: bob, description: Bob wants it long.}
tasks: [{id: tea, prompt: How do I make tea?}]
revision: {acceptance: ratify, clauses: people}
"""


def test_a_persona_with_a_model_of_its_own_is_played_by_it() -> None:
    Path("own.yaml").write_text(OWN, encoding="utf-8")
    assert scai("run", "own.yaml", "-q").code == 0
    assert events(Path("runs/own"))[0]["models"] == {
        "assistant": "simulated", "user": "simulated", "meta": "simulated", "user/ann": "small",
    }  # fmt: skip
    asked = {(call["model"], call["purpose"]): call for call in calls(Path("runs/own")) if call["role"] == "user"}
    assert {("small", "feedback"), ("small", "cross_rating"), ("simulated", "feedback")} <= asked.keys()
    assert asked["small", "feedback"]["request"]["temperature"] == 0.1
    assert "temperature" not in asked["simulated", "feedback"]["request"]
    assert scai("resume", "own").code == 0
    plan = scai("plan", "own.yaml", "--json").json
    assert (plan["calls"]["user"], plan["usd"]) == (14, 0.0)  # 6 of them play the product at the end


def test_the_price_of_a_model_of_ones_own_must_be_known_for_a_limit_in_money() -> None:
    text = OWN.replace("name: small", "provider: openai, name: small, base_url: http://127.0.0.1:9/v1")
    Path("own.yaml").write_text(f"{text}limits: {{usd: 1}}\n", encoding="utf-8")
    called = scai("run", "own.yaml")
    assert called.code == 2
    assert "the price of model 'small' is unknown" in called.err


def test_a_saved_run_with_foreign_code_behind_a_persona_is_not_loaded_without_trust() -> None:
    Path("own.yaml").write_text(OWN, encoding="utf-8")
    assert scai("run", "own.yaml", "-q", "--set", "limits.calls=2").code == 3
    config = Path("runs/own/config.yaml")
    config.write_text(config.read_text(encoding="utf-8").replace("name: small", "provider: evil:model"), "utf-8")
    called = scai("resume", "own")
    assert (called.code, "evil:model" in called.err, "--trust" in called.err) == (2, True, True)


@pytest.mark.parametrize("options", [(), ("--by", "country"), ("--weights", "weight"), ("--diverse",)])
def test_a_draw_follows_from_its_seed_alone(people: str, options: tuple[str, ...]) -> None:
    def drawn(seed: int) -> str:
        return scai("personas", "sample", people, "--n", 3, "--seed", seed, "-o", "-", "-q", *options).out

    assert drawn(1) == drawn(1)
    assert len(drawn(1).splitlines()) == 3
    assert len({drawn(seed) for seed in range(4)}) > 1


def test_strata_get_their_shares(people: str) -> None:
    called = scai("personas", "sample", people, "--n", 3, "--by", "country", "-o", "s.yaml")
    assert called.lines == ["Chad: 1 of 2", "Kenya: 1 of 2", "Peru: 1 of 2", "drew 3 of 6 personas"]


@pytest.mark.slow
def test_weights_are_probabilities(people: str) -> None:
    drawn = Counter(
        json.loads(
            scai("personas", "sample", people, "--n", 1, "--weights", "weight", "--seed", s, "-o", "-", "-q").out
        )["id"]
        for s in range(60)
    )
    assert drawn["a"] > 60 * 0.3  # expected 0.5, and 1 / 6 without weights


def test_the_diverse_leave_out_who_is_like_another(people: str) -> None:
    for seed in range(6):
        called = scai("personas", "sample", people, "--n", 5, "--diverse", "--seed", seed, "-o", "-", "-q")
        assert {"e", "f"} - {json.loads(line)["id"] for line in called.out.splitlines()}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--n", 7), "--n: people.yaml has 6 personas, fewer than 7; lower it"),
        (("--n", 2, "--by", "planet"), "--by planet: no persona has this attribute"),
        (("--n", 2, "--weights", "income"), "--weights income: persona 'a' has no number above 0 in it; correct it"),
    ],
)
def test_a_draw_that_cannot_be_is_refused(people: str, options: tuple[Any, ...], said: str) -> None:
    called = scai("personas", "sample", people, *options, "-o", "s.yaml")
    assert (called.code, called.err.startswith(f"scai: {said}"), Path("s.yaml").exists()) == (2, True, False)


def test_a_description_counts_everything(people: str) -> None:
    Path("people.yaml").write_text(
        PEOPLE + "- {id: g, description: Ann runs a bakery}\n"
        "- {id: h, description: 'Gil codes at night and sleeps by noon, as codes at night and sleeps by noon go.'}\n"
        "- {id: i, description: 'Gus codes at night and sleeps by noon, as codes at night and sleeps by noon go.'}\n",
        encoding="utf-8",
    )
    told = scai("personas", "describe", people, "--json", "--quota", "income=low:1,high:1", "--quota", "age=0-50").json
    assert (told["personas"], told["weight"]) == (9, 13)
    assert told["attributes"]["country"] == {
        "known": 6, "missing": 3, "distinct": 3, "values": {"Chad": 2, "Kenya": 2, "Peru": 2},
    }  # fmt: skip
    assert told["quotas"][0] == {
        "attribute": "income",
        "value": "low",
        "wanted": 0.5,
        "reached": 0.3333,
        "weighted": 0.5385,
    }
    assert told["quotas"][2]["reached"] == 0.2222
    assert told["duplicates"] == [["g", "a"]]
    assert [pair[:2] for pair in told["near_duplicates"]] == [["i", "h"]]
    assert told["missing"] == {
        "name": 9, "description": 0, "attributes": 3, "stances": 9, "preferences": 9, "split": 5, "source": 8,
    }  # fmt: skip
    assert told["splits"] == {"dev": 1, "none": 5, "test": 1, "train": 2}
    shown = scai("personas", "describe", people)
    assert shown.code == 0
    assert "the same text twice: 1; nearly the same: 1" in shown.out


def test_decimal_commas_are_numbers_where_they_part_no_thousands(people: str) -> None:
    def hours(*cells: str) -> dict[str, Any]:
        rows = (json.dumps({"id": f"p{n}", "attributes": {"hours": cell}}) for n, cell in enumerate(cells))
        Path("hours.jsonl").write_text("\n".join(rows), encoding="utf-8")
        found: dict[str, Any] = scai("personas", "describe", "hours.jsonl", "--json").json["attributes"]["hours"]
        return found

    some = [f"{n},5" for n in range(13)]
    assert hours(*some, "20")["range"] == {"lowest": 0.5, "median": 7, "highest": 20}
    assert "range" not in hours(*some, "1.5")
    assert "range" not in hours(*(f"{n},500" for n in range(13)))


@pytest.mark.parametrize("alias", ["list", "validate"])
def test_describe_has_hidden_aliases(people: str, alias: str) -> None:
    assert scai("personas", alias, people).out == scai("personas", "describe", people).out
    assert f" {alias} " not in scai("personas", "--help").out


def test_describe_names_a_bad_line_and_lists_a_folder(people: str) -> None:
    Path("bad.jsonl").write_text('{"id": "a"}\n{"id": "b", "wieght": 1}\n', encoding="utf-8")
    called = scai("personas", "describe", "bad.jsonl")
    assert (called.code, called.err) == (2, "scai: bad.jsonl:2: 1.wieght: unknown key; did you mean 'weight'?\n")
    assert scai("personas", "describe").out.count(".yaml") >= 6  # those that ship
    listed = {row["file"]: row for row in scai("personas", "describe", ".", "--json").json}
    assert (listed[people]["personas"], listed["bad.jsonl"]["personas"]) == (6, None)
    assert "wieght" in scai("personas", "describe", ".").out


@pytest.mark.slow
def test_the_library_has_balanced_splits() -> None:
    for file in (Path(__file__).parents[2] / "configs" / "tasks" / "library").glob("*.yaml"):
        Path("x.yaml").write_text(f"personas: [{{id: a}}]\ntasks: {file}\n", encoding="utf-8")
        tasks = scai("check", "x.yaml", "--json").json["tasks"]["inline"]
        assert Counter(task["split"] for task in tasks) == {"train": 7, "dev": 2, "test": 2}


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=12), st.integers(0, 500))
def test_apportioned_numbers_sum_up_and_keep_the_quota(shares: list[float], count: int) -> None:
    given = apportion(shares, count)
    assert sum(given) == count
    for number, share in zip(given, shares, strict=True):
        assert abs(number - count * share / sum(shares)) < 1 + 1e-9


@pytest.mark.parametrize(
    "text", ["age", "age=", "age=x", "=a", "age=18-34:0", "age=a:x", "age=a,a", "age=40-30", "age=a:nan"]
)
def test_a_quota_that_makes_no_sense_is_refused(text: str) -> None:
    called = scai("personas", "generate", "--n", 2, "--quota", text, "-o", "g.yaml")
    assert (called.code, called.err.count("\n"), called.err.startswith(f"scai: --quota {text}: ")) == (2, 1, True)


def test_a_quota_is_met_to_the_person() -> None:
    ages = parse_quota("age=18-34:30%,35-59:40%,60-90:30%").draw(50, "1")
    assert Counter((int(age) >= 35) + (int(age) >= 60) for age in ages) == {0: 15, 1: 20, 2: 15}
    assert all(18 <= int(age) <= 90 for age in ages)
    assert Counter(parse_quota("zip=02139,7").draw(4, "1")) == {"02139": 2, 7: 2}


def test_alike_is_what_shares_its_words() -> None:
    index = NearDuplicateIndex()
    text = "Mara repairs clocks in a street of workshops and reads one long book each winter by the stove."
    index.add("mara", text)
    assert index.most_similar(text.replace("Mara", "Nora"))[0] == "mara"  # type: ignore[index]
    assert index.most_similar("Tom sails to the north and cooks for a crew of nine who never agree on salt.") is None
    assert index.most_similar("") is None
