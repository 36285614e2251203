"""People made to quota: offline, resumable, limited, no two alike."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest
from conftest import scai
from loopback import Loopback

from scai_cli.models.simulated.names import _lists, invented_name
from scai_cli.populations.biographies import Biography
from scai_cli.populations.clean_text import Ids

TASKS = "- {id: buses, prompt: Should the buses in our town be free?}\n- {id: nap, prompt: May I nap at work?}\n"
QUOTAS = ("--quota", "age=18-39:1,40-90:1", "--quota", "country=Kenya,Peru", "--quota", "gender=woman,man")


def generate(*options: object, out: str = "g.jsonl", n: int = 12) -> object:
    Path("tasks.yaml").write_text(TASKS, encoding="utf-8")
    return scai("personas", "generate", "--n", n, "-o", out, "--tasks", "tasks.yaml", "--seed", 5, *QUOTAS, *options)


def test_people_meet_the_quota_and_have_a_life_and_views() -> None:
    assert generate().code == 0
    people = [json.loads(line) for line in Path("g.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len({person["id"] for person in people}) == 12
    assert Counter(person["attributes"]["country"] for person in people) == {"Kenya": 6, "Peru": 6}
    assert sum(person["attributes"]["age"] < 40 for person in people) == 6
    for person in people:
        assert Biography(name=person["name"], biography=person["description"])
        first = person["name"].split()[0]
        assert set(person["stances"]) == {"buses", "nap"}
        assert all(stance.startswith(f"{first} believes that ") for stance in person["stances"].values())
        assert person["source"] == "fictional, written by simulated"
        assert str(person["attributes"]["age"]) in person["description"]
    assert len({person["description"] for person in people}) == 12


def test_a_limit_stops_it_and_the_same_command_goes_on() -> None:
    whole = generate(out="whole.jsonl")
    stopped = generate("--set", "limits.calls=5")
    assert (stopped.code, Path("g.jsonl").exists()) == (3, False)
    assert "; continue with a higher limit: `scai personas generate" in stopped.err
    assert "limits.calls=5" not in stopped.err
    assert stopped.err.endswith(" --set limits.calls=MORE`\n")
    assert len(Path("g.calls.jsonl").read_text(encoding="utf-8").splitlines()) == 5
    went_on = generate()
    assert went_on.code == whole.code == 0
    assert Path("g.jsonl").read_bytes() == Path("whole.jsonl").read_bytes()
    assert len(Path("g.calls.jsonl").read_text(encoding="utf-8").splitlines()) == 12


def test_a_torn_log_is_mended() -> None:
    generate()
    log = Path("g.calls.jsonl")
    log.write_bytes(log.read_bytes()[:-40])
    for name in (".g.jsonl.4711.part", ".h.jsonl.4711.part"):
        Path(name).write_text("half", encoding="utf-8")
    before = Path("g.jsonl").read_bytes()
    assert generate().code == 0
    assert Path("g.jsonl").read_bytes() == before
    assert [*Path().glob(".*.part")] == [Path(".h.jsonl.4711.part")]  # another file's
    assert len(log.read_text(encoding="utf-8").splitlines()) == 12


def test_generated_people_play() -> None:
    generate(out="g.yaml", n=3)
    Path("x.yaml").write_text("epochs: 1\nturns: 1\npersonas: g.yaml\ntasks: tasks.yaml\n", encoding="utf-8")
    assert scai("run", "x.yaml", "-q").code == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Too short.",
        "One is here. Two is here. Three is here. Four is here. And five is here too.",
        "她在长沙开书店。她爱爬山。她有一只猫。她怕冷。她要简短的回答。",
    ],
)
def test_a_biography_has_one_to_four_sentences(text: str) -> None:
    with pytest.raises(ValueError, match="biography"):
        Biography(name="Ann", biography=text)


def test_whoever_has_no_view_on_a_task_is_asked_again() -> None:
    with pytest.raises(ValueError, match="must have a sentence for nap"):
        Biography.model_validate(
            {"name": "Ann", "biography": "Ann runs a bakery by the sea.", "stances": {"buses": "Ann believes so."}},
            context=["buses", "nap"],
        )


LIVES = (
    "Mara repairs clocks in a street of workshops. Mara lost a shop to a flood. Mara wants short answers.",
    "Tom sails to the north and cooks for a crew of nine. Tom once won at chess. Tom minds a formal tone.",
)


def test_a_real_endpoint_is_told_what_was_wrong_and_who_is_there_already(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first answer has no form, the second person is the first one again, with another name."""
    answers = iter([
        "I would rather not.",
        json.dumps({"name": "Mara\x1b[31m Quill", "biography": LIVES[0], "stances": {}}),
        json.dumps({"name": "Nora Quill", "biography": LIVES[0].replace("Mara", "Nora"), "stances": {}}),
        json.dumps({"name": "Tom Reed", "biography": LIVES[1], "stances": {}}),
    ])  # fmt: skip
    with Loopback(answer=lambda _: next(answers)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-of-a-test")
        called = scai(
            "personas", "generate", "--n", 2, "-o", "g.jsonl", "--model", "openai:tiny", "--set", "limits.concurrency=1"
        )
    assert called.code == 0, called.err
    people = [json.loads(line) for line in Path("g.jsonl").read_text(encoding="utf-8").splitlines()]
    assert people[1]["description"] == LIVES[1]
    assert sum("be clearly different" in str(request.body) for request in server.requests) == 1
    assert sum("could not be read" in str(request.body) for request in server.requests) == 1
    assert "\x1b" not in Path("g.jsonl").read_text(encoding="utf-8")
    assert called.lines[-1] == "wrote 2 personas to g.jsonl; 4 calls, 1 text rejected (1 too similar to another one)"
    assert people[0]["source"] == "fictional, written by tiny"


def test_a_name_that_says_nothing_is_refused_before_anybody_is_asked() -> None:
    called = generate(out="people")
    assert (called.code, called.err) == (2, "scai: people: name a .jsonl or .yaml file to write\n")
    assert not list(Path().glob("people*"))


@pytest.mark.parametrize(("readable", "code"), [(0, 4), (1, 0)])
def test_people_that_cannot_be_read_are_told(monkeypatch: pytest.MonkeyPatch, readable: int, code: int) -> None:
    answers = iter([json.dumps({"name": "Mara Quill", "biography": LIVES[0], "stances": {}})] * readable)
    with Loopback(answer=lambda _: next(answers, "I would rather not.")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        called = scai("personas", "generate", "--n", 2, "-o", "g.jsonl", "--model", "openai:tiny", "--quiet")
    assert called.code == code
    assert len(called.lines) == 1
    assert (
        "only 1 of 2 personas: 6 texts" if readable else "no personas: 12 texts rejected (12 unreadable); use a "
    ) in called.err
    assert Path("g.jsonl").exists() == (code == 0)


@pytest.mark.parametrize(
    ("facts", "culture"),
    [
        ({"country": "Germany"}, "germany"),
        ({"nationality": "Japanese"}, "japan"),
        ({"country of residence": "Nairobi, Kenya"}, "swahili"),
        ({"country": "Athens, Georgia, USA"}, "united states"),
        ({"country": "South Sudan and Niger", "nationality": "French"}, "sahel"),
    ],
)
def test_invented_names_fit_the_country(facts: dict[str, str], culture: str) -> None:
    names = _lists()["cultures"][culture]
    for seed in range(20):
        first, family = invented_name({**facts, "gender": "woman"}, random.Random(seed)).split()
        assert (first in names["women"].split(), family in names["families"].split()) == (True, True)


def test_names_of_every_culture_make_readable_ids_and_are_drawn_as_before() -> None:
    """With lists of other lengths, the texts after the name in the biographies of earlier prompts would change."""
    lists = _lists()
    assert len(lists["drawn"]) == 10
    for culture in lists["cultures"].values():
        for names in (names.split() for part, names in culture.items() if isinstance(names, str)):
            assert len(set(names)) == 8
            assert all(len(Ids().take(name, 1)) == len(name) for name in names)
    assert invented_name({"country": "Russia", "gender": "f"}, random.Random(1)) == "Natalia Ivanova"
    assert invented_name({}, random.Random(3)) == "Kavita Nair"
