"""The suite `calibration`: ratings and answers of real people beside those of their personas, and the mapping."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy
from conftest import calls, scai
from planted_people import EXACT, write_people
from scripted import refusing

from scai_cli.errors import ConfigError
from scai_cli.evaluation.calibration_results import calibration_results
from scai_cli.evaluation.human_items import human_items, people_of_items
from scai_cli.evaluation.item import Item
from scai_cli.evaluation.row import EvaluationRow, SystemAnswer
from scai_cli.evaluation.suite import ResultSource, SuiteResult, SuiteSource
from scai_cli.experiment.config import ExperimentConfig, Ratings
from scai_cli.experiment.load import Overrides, bare_experiment, load_experiment
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.rating_map import RatingMap
from scai_cli.messages import Message
from scai_cli.populations.human.record import HumanData, HumanRating, SurveyAnswer
from scai_cli.simulation.utilities import cell

BARE: ExperimentConfig = bare_experiment(Overrides(model="simulated"))
COMMAND = ("evaluate", "none", "--suite", "calibration", "--model", "simulated", "-q")


# --- a whole evaluation


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The evaluation `whole` of ten people, whose files are gone."""
    folder = tmp_path_factory.mktemp("calibration")
    write_people(folder / "people", 0.8, people=10, texts=4, again=1)
    called = scai(*COMMAND, *EXACT, "--human", folder / "people", "--run-id", "whole", "--runs-dir", folder / "runs")
    assert called.code == 0, called.err
    shutil.move(folder / "people", folder / "moved")
    return folder / "runs"


def test_an_answer_is_rated_with_the_own_persona_without_one_and_with_anothers(runs: Path) -> None:
    made = {call["id"].partition("calibration/")[2]: call for call in calls(runs / "whole")}
    planned = scai(*COMMAND, "--human", runs.parent / "moved", "--runs-dir", runs, "--dry-run", "--json").json
    assert planned["suites"][0]["calls"] == {"feedback": 40, "control": 80, "survey": 0}
    assert Counter(call["purpose"] for call in made.values()) == {"feedback": 40, "control": 80}
    people = {who["id"]: who for who in map(json.loads, lines(runs / "whole/people.jsonl"))}
    assert len(people) == 10
    items = [json.loads(line) for line in lines(runs / "whole/items.jsonl")]
    assert Counter(item["swapped"] for item in items) == Counter(item["persona"] for item in items)
    for place, item in enumerate(items, 1):
        own, nobody, swapped = (made[f"i{place}/~{name}/user"]["request"] for name in ("own", "none", "swapped"))
        assert people[item["persona"]]["description"] in own["messages"][0]["content"]
        assert "Name: Somebody\n</persona>" in nobody["messages"][0]["content"]
        assert people[item["swapped"]]["description"] in swapped["messages"][0]["content"]
        assert own["messages"][1:] == nobody["messages"][1:] == swapped["messages"][1:]
        assert item["answer"] in own["messages"][1]["content"]
        assert own["seed"] == nobody["seed"] == swapped["seed"]


def lines(path: Path) -> Sequence[str]:
    return path.read_text(encoding="utf-8").splitlines()


@pytest.mark.slow
def test_results_need_no_file_of_people_and_a_resume_neither(runs: Path, tmp_path: Path) -> None:
    shown = scai("show", runs / "whole")
    assert shown.code == 0, shown.err
    assert "is too wide; take more people" in " ".join(shown.out.split())
    limited = ("--human", runs.parent / "moved", "--run-id", "parts", "--set", "limits.calls=50", "--runs-dir", runs)
    assert scai(*COMMAND, *EXACT, *limited).code == 3
    assert not (runs / "parts/calibration.yaml").exists()
    assert "No verdict before the evaluation is finished." in scai("show", runs / "parts").out
    assert scai("resume", runs / "parts", "-q", "--set", "limits.calls=null").code == 0
    for name in ("rows.jsonl", "people.jsonl", "calibration.yaml"):
        assert (runs / "parts" / name).read_bytes() == (runs / "whole" / name).read_bytes()
    shutil.copytree(runs / "parts", tmp_path / "changed")
    (tmp_path / "changed/people.jsonl").write_text("", encoding="utf-8")
    assert "people.jsonl: is missing, or changed" in scai("show", tmp_path / "changed").err


def test_a_refused_rating_is_missing_and_said(runs: Path) -> None:
    model = {"provider": "scripted:connect", "options": {"script": [refusing("^~r1/.*/i1/~none/")]}}
    options = ("--run-id", "hole", "--set", f"model={json.dumps(model)}", "--trust", "--n", "24")
    (runs.parent / "x.yaml").write_text(EXPERIMENT.replace("calibration: maps/ours.yaml, ", ""), encoding="utf-8")
    where = ("--config", runs.parent / "x.yaml", "--human", runs.parent / "moved", "--runs-dir", runs)
    called = scai(*COMMAND[:4], "-q", *where, *options)
    assert called.code == 0, called.err
    assert "1 rating left out: a simulated rating is missing." in scai("show", runs / "hole").out


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 1.0])
def test_a_planted_share_is_recovered_in_the_verdict(tmp_path: Path, share: float) -> None:
    for seed in range(3):
        human = write_people(tmp_path / str(seed), share, people=40, texts=24, seed=seed)
        where = ("--run-id", f"e{seed}", "--runs-dir", tmp_path / "runs", "--seed", str(seed))
        assert scai(*COMMAND, *EXACT, "--human", human, *where).code == 0
        (result,) = scai("show", tmp_path / f"runs/e{seed}", "--json").json["results"]
        found = result["numbers"]["ratings: explained, own"]
        assert found == pytest.approx(share, abs=0.05)
        assert result["numbers"]["ratings: explained, swapped"] == pytest.approx(0, abs=0.05)
        if share:
            assert result["verdict"].startswith(f"Persona text explains {found:.2f} (95 % interval ")
            assert " a shuffled persona explains " in result["verdict"]
        else:
            assert "explains nothing (" in result["verdict"] or "explains 0.0" in result["verdict"]


# --- items


def data(**changes: Any) -> HumanData:
    """Ann and Bob rated the same two answers, and answered a question."""
    people = {
        "ann": Persona(id="ann", description="Ann likes tea.", stances={"Is tea good?": "Yes."}, weight=2),
        "bob": Persona(id="bob", description="Bob says: coffee is the drink of the free and the brave."),
    }
    asked = (Message("user", "What shall I drink?"),)
    ratings = [
        HumanRating(person, item, asked, text, value)
        for person, values in (("ann", (0.9, 0.1)), ("bob", (0.2, 0.7)))
        for item, text, value in zip(("x", "y"), ("Tea, of course.", "Coffee."), values, strict=True)
    ]
    answers = [SurveyAnswer(person, "Is tea good?", ("Yes", "No"), at) for at, person in enumerate(people)]
    return replace(HumanData(people, tuple(ratings), tuple(answers), source="s", licence="l"), **changes)


def items_of(human: HumanData | None, n: int | None = None) -> Sequence[Item]:
    return human_items("calibration", SuiteSource(BARE, {}, None, n, human=human))


def test_a_second_rating_of_an_answer_is_the_same_item() -> None:
    human = data()
    again = replace(human, ratings=(*human.ratings, replace(human.ratings[0], value=0.8)))
    assert [item.human for item in items_of(again)] == [(0.9, 0.8), (0.1,), (0.2,), (0.7,), (0.0,), (1.0,)]


def test_no_persona_has_the_items_in_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    human = data()
    quoted = replace(human.ratings[2], answer="Coffee  is the drink of the FREE and the brave", item="z")
    found = items_of(replace(human, ratings=(*human.ratings[:2], quoted)))
    assert [item.persona for item in found if item.label == "rating"] == ["ann", "ann"]
    assert "1 item left out: the persona has it in its text" in capsys.readouterr().err
    ann, *_ = people_of_items(human, found)
    assert ann == Persona(id="ann", description="Ann likes tea.", weight=2)


def test_an_answer_to_a_question_that_the_persona_states_as_a_fact_is_not_asked() -> None:
    human = data(ratings=())
    facts = {"ann": human.people["ann"].model_copy(update={"attributes": {"Is tea good?": "Yes"}})}
    assert [item.persona for item in items_of(replace(human, people={**human.people, **facts}))] == ["bob"]


@pytest.mark.parametrize(
    ("human", "problem"),
    [(None, "needs what real people rated"), (data(ratings=(), answers=()), "has neither ratings nor answers")],
)
def test_without_data_there_are_no_items(human: HumanData | None, problem: str) -> None:
    with pytest.raises(ConfigError, match=rf"--suite calibration: {problem}.*add --human"):
        items_of(human)


def test_a_draw_has_eight_ratings_of_each_person_and_the_same_prompts_for_all() -> None:
    prompts = [(Message("user", f"Question {n}?"),) for n in range(20)]
    people = {f"p{n}": Persona(id=f"p{n}") for n in range(30)}
    ratings = [
        HumanRating(who, f"{n}{side}", asked, f"Answer {n} {side}.", 0.5)
        for who in people
        for n, asked in enumerate(prompts)
        for side in "ab"
    ]
    drawn = items_of(HumanData(people, tuple(ratings)), 96)
    assert Counter(Counter(item.persona for item in drawn).values()) == {8: 12}
    assert set(Counter(item.task for item in drawn).values()) == {12}
    assert {item.swapped for item in drawn} == {item.persona for item in drawn}
    assert all(item.swapped != item.persona for item in drawn)


# --- results


def results(
    human: HumanData,
    simulated: Callable[[Item, str], float | None],
    survey: Callable[[Item, str], float | None] | None = None,
) -> SuiteResult:
    """The results of ratings `simulated(item, condition)`, and of the probability of the first of two options."""
    items = items_of(human)
    rows = []
    for item in items:
        asked = ["own", "none", *(["swapped"] if item.swapped else [])]
        scores: dict[str, float | None] = {}
        for name in asked:
            if item.label == "rating":
                scores[name] = simulated(item, name)
            elif survey is not None:
                share = survey(item, name)
                scores |= {f"{name} A": share, f"{name} B": None if share is None else 1 - share}
        rows.append(EvaluationRow(item.id, "item", "calibration", item.id, {"a": SystemAnswer(scores)}))
    people = {person.id: person for person in people_of_items(human, items)}
    source = ResultSource(BARE, ["a"], {item.id: item for item in items}, rows, people=people)
    return calibration_results(source)


def test_numbers_by_hand() -> None:
    found = results(
        data(), lambda item, name: {"own": item.human[0], "none": 0.5}.get(name, 1 - item.human[0]), lambda *_: 0.75
    )
    numbers = {name.removeprefix("ratings: "): value for name, value in found.numbers.items()}
    assert (numbers["pooled, own"], numbers["pooled, none"], numbers["pooled, swapped"]) == (1, 0, -1)
    assert (numbers["agreement, own"], numbers["agreement, none"], numbers["agreement, swapped"]) == (1, 0.5, 0)
    # Ann counts twice: her ratings are 0.4 from the middle, those of Bob 0.25.
    assert numbers["distance, none"] == pytest.approx((2 * 0.4 + 0.25) / 3)
    people = next(table for table in found.tables if table.title.startswith("By person"))
    assert people.columns[-2:] == ("same of two", "distance")
    assert [list(row[-2:]) for row in people.rows] == [["1.00", "0.00"]] * 2
    assert numbers["explained, own"] == pytest.approx(1)
    assert numbers["explained, swapped"] == 0  # a slope below 0 explains nothing
    assert any(note.startswith("People count by their weights; in the rank correlations") for note in found.notes)
    # Two thirds of the weight say yes, 0.75 are predicted; on two options both distances are the difference.
    for name in ("ordinal", "overlap"):
        assert numbers[f"survey: {name}, own"] == pytest.approx(1 - (0.75 - 2 / 3))
    assert numbers["survey: own answer, own"] == pytest.approx((2 * 0.75 + 0.25) / 3)
    nominal = results(
        data(ratings=(), answers=tuple(replace(each, ordered=False) for each in data().answers)),
        lambda *_: None,
        lambda *_: 0.75,
    )
    assert nominal.numbers["survey: ordinal, own"] is None  # options that are no scale have no nearness
    assert nominal.numbers["survey: overlap, own"] == pytest.approx(1 - (0.75 - 2 / 3))
    assert found.verdict.startswith("Cannot tell what persona text explains: the ratings of 2 people are too few; it")
    assert found.verdict.endswith("the answers of 2 people are too few; it takes 10.")
    assert "Cannot tell how far people agree with themselves: nobody rated an answer twice." in found.notes


def test_ratings_of_one_person_are_too_few() -> None:
    human = data()
    one = replace(human, ratings=human.ratings[:2], answers=())
    found = results(one, lambda item, _: item.human[0])
    assert found.verdict == "Cannot tell what persona text explains: the ratings of 1 person are too few; it takes 10."


def test_people_of_whom_nothing_is_known_have_no_persona_text() -> None:
    human = many()
    bare = replace(human, people={name: Persona(id=name) for name in human.people})
    assert "nothing but an id is known" in results(bare, lambda item, _: item.human[0]).verdict


def test_second_ratings_of_answers_that_nobody_else_rated_twice_say_nothing() -> None:
    human = many()
    again = [r for r in human.ratings if r.item == f"i{int(r.person[1:]) % 6}" and int(r.person[1:]) < 6]
    found = results(replace(human, ratings=(*human.ratings, *again)), lambda item, _: round(item.human[0], 1))
    assert any("that hardly anyone else rated twice" in note for note in found.notes)
    assert not any("again" in table.columns for table in found.tables)


def many(people: int = 24, again: bool = False) -> HumanData:
    """Each person likes either every even answer or every odd one, more or less than others, and by turns."""
    asked = [(Message("user", f"Question {n}?"),) for n in range(6)]
    members = {
        f"p{n}": Persona(id=f"p{n}", attributes={"side": ("left", "right")[n % 2], "rare": n}) for n in range(people)
    }
    ratings = [
        HumanRating(f"p{n}", f"i{at}", prompt, f"Answer {at}.", 0.5 + (0.2 + (n + at) % 5 / 50) * (-1) ** (n + at))
        for n in range(people)
        for at, prompt in enumerate(asked)
    ]
    return HumanData(members, tuple(ratings) * (1 + again), source="s")


def test_a_second_rating_has_noise_of_its_own_that_a_persona_need_not_have() -> None:
    """With the reliability 0.5, the second rating explains a quarter and what people mean a half."""
    random, human = np.random.default_rng(4), many(20)
    asked = [(Message("user", f"Question {n}?"),) for n in range(20)]
    meant = {(who, f"i{n}"): random.normal() for who in human.people for n in range(20)}

    def rating(who: str, item: str) -> HumanRating:
        return HumanRating(
            who, item, asked[int(item[1:])], f"Answer {item}.", 0.5 + (meant[who, item] + random.normal()) / 20
        )

    first = [rating(*key) for key in meant]
    again = [rating(*key) for key in meant if int(key[1][1:]) < 16]
    found = results(
        replace(human, ratings=(*first, *again)),
        lambda item, name: {"own": 0.5 + meant[item.cluster, item.task or ""] / 20}.get(name, 0.5),
    )
    numbers = {name.removeprefix("ratings: "): value for name, value in found.numbers.items()}
    assert numbers["explained, again"] == pytest.approx(0.25, abs=0.08)
    assert numbers["explained, own"] == pytest.approx(0.5, abs=0.08)
    (note,) = (note for note in found.notes if note.startswith("People themselves"))
    explained, ratings, own, ceiling = re.findall(r"\d[\d.]*(?= of it|[;,]| ratings)", note)
    assert (float(explained), ratings) == (pytest.approx(numbers["explained, again"], abs=0.005), "320")
    assert float(own) == pytest.approx(0.5, abs=0.08)
    assert float(ceiling) == pytest.approx(0.5, abs=0.08)
    alone = results(replace(human, ratings=(*first, again[0])), lambda *_: 0.5)
    assert "there is 1 second rating of answers that hardly anyone else rated twice." in " ".join(alone.notes)


def test_without_any_whole_answer_nothing_can_be_told() -> None:
    found = results(data(), lambda *_: None, lambda *_: None)
    assert found.verdict.startswith("Cannot tell what persona text explains: each of 4 answers of real people lacks")
    assert "Cannot tell what persona text says of answers: each of 2 answers" in found.verdict
    assert (found.tables, found.numbers) == ([], {})


def test_the_verdict_compares_with_a_shuffled_persona() -> None:
    human = many(again=True)

    def faithful(item: Item, name: str) -> float:
        seen = 0.5 + (item.human[0] - 0.5) / 2
        return {"own": seen if item.id.endswith("1") else round(seen, 1), "none": 0.5}.get(name, 1 - seen)

    found = results(human, faithful)
    assert found.verdict.startswith("Persona text explains 0.9")
    assert " of what differs between people;" in found.verdict
    assert found.verdict.endswith("; a shuffled persona explains 0.00.")
    assert any(note.startswith("People themselves, asked again, explain 1.00 of it in 144 ") for note in found.notes)
    groups = next(table for table in found.tables if table.title.startswith("By group"))
    assert [row[0] for row in groups.rows] == ["side: left", "side: right"]
    assert any("1 - 0.05 / 4" in note for note in found.notes)
    assert any("calibration.yaml maps ratings to people's (" in note for note in found.notes)
    deaf = results(human, lambda item, name: 0.5 + 0.01 * (int(item.id.partition("/")[2]) % 2))
    assert deaf.verdict.startswith("Persona text explains nothing of what differs between people: ")
    assert deaf.verdict.endswith("; no more than a shuffled persona.")


@pytest.mark.slow
def test_answers_by_group_are_weighted_with_intervals_valid_together() -> None:
    """The first left person counts thrice; the chance of one's own answer is 0.7 to 0.9, of a shuffled one 0.5."""
    human = many(12)
    members = {**human.people, "p0": human.people["p0"].model_copy(update={"weight": 3})}
    answers = tuple(SurveyAnswer(who, "Tea?", ("Yes", "No"), n // 2 % 2) for n, who in enumerate(members))
    chance = {who: 0.7 + 0.2 * n / 11 for n, who in enumerate(members)}

    def survey(item: Item, name: str) -> float:
        own = chance[item.cluster]
        return 0.5 if name != "own" else own if item.human[0] == 0 else 1 - own

    found = results(replace(human, people=members, ratings=(), answers=answers), lambda *_: None, survey)
    groups = next(table for table in found.tables if table.title.startswith("Answers by group"))
    left = [f"p{n}" for n in range(0, 12, 2)]
    weights, values = np.array([3, 1, 1, 1, 1, 1]), np.array([chance[who] for who in left])
    yes = np.where(np.arange(6) % 2 == 0, values, 1 - values)
    overlap = 1 - abs(weights @ yes / 8 - 5 / 8)
    mean = weights @ values / 8
    without = np.array([np.delete(weights, n) @ np.delete(values, n) / (8 - weights[n]) for n in range(6)])
    half = scipy.stats.t.ppf(1 - 0.05 / 8, 5) * np.sqrt(5 / 6 * ((without - without.mean()) ** 2).sum())
    ends, gains = f"{mean - half:.2f} to {mean + half:.2f}", f"+{mean - half - 0.5:.2f} to +{mean + half - 0.5:.2f}"
    row = ("side: left", "6", f"{overlap:.2f}", f"{mean:.2f} ({ends})", f"+{mean - 0.5:.2f} ({gains})")
    assert [each[0] for each in groups.rows] == ["side: left", "side: right"]
    assert groups.rows[0] == row
    assert any(note.startswith("Answers by group: ") and "1 - 0.05 / 4." in note for note in found.notes)


def test_where_people_rated_different_answers_nobody_says_what_an_answer_deserves() -> None:
    human = many()
    apart = [replace(r, item=f"{r.person}{r.item}", answer=f"{r.answer} {r.person}") for r in human.ratings]
    found = results(replace(human, ratings=tuple(apart)), lambda item, _: round(item.human[0], 1))
    assert "Cannot tell what persona text explains: these people do not" not in found.verdict
    assert "of what differs between people and answers" in found.verdict


def test_no_mapping_is_written_where_none_is_better() -> None:
    found = results(many(), lambda item, _: item.human[0])
    assert any("none is better than none at all, beyond chance" in note for note in found.notes)
    deaf = results(many(), lambda item, _: 0.9 + 0.01 * (len(item.id) % 2))
    assert any("none is better than one rating for all answers, beyond chance" in note for note in deaf.notes)


# --- the key `ratings.calibration`

MAP = {
    "kind": "affine",
    "points": [[0, 0.2], [1, 0.6]],
    "measured_on": "a survey",
    "model": "simulated",
    "people": 12,
    "ratings": 120,
    "error": 0.1,
    "error_without": 0.2,
}
EXPERIMENT = """\
name: mapped
epochs: 1
turns: 1
personas: [{id: ann, description: Ann wants it short.}, {id: bob, description: Bob wants it long.}]
tasks: [{id: tea, prompt: "How do I make tea?"}]
ratings: {calibration: maps/ours.yaml, cross_weight: 0}
"""


@pytest.fixture
def mapped(tmp_path: Path) -> Path:
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps/ours.yaml").write_text(json.dumps(MAP), encoding="utf-8")
    (tmp_path / "x.yaml").write_text(EXPERIMENT, encoding="utf-8")
    return tmp_path / "x.yaml"


def test_own_ratings_become_utilities_as_people_give_them(mapped: Path) -> None:
    ratings = load_experiment(mapped).ratings
    assert ratings.calibration == RatingMap.model_validate(MAP)
    assert cell(5, None, ratings) == pytest.approx(0.4)
    mixed = ratings.model_copy(update={"cross_weight": 0.5})
    assert cell(0, 10, mixed) == pytest.approx(0.6)  # ratings by others stay as they are
    assert cell(5, 10, Ratings()) == pytest.approx(0.625)


@pytest.mark.slow
def test_a_run_keeps_its_mapping_and_says_so(mapped: Path) -> None:
    runs = mapped.parent / "runs"
    checked = scai("check", mapped)
    assert "own ratings are calibrated on a survey (12 people, 120 ratings)" in checked.out
    assert scai("run", mapped, "-q", "--run-id", "m", "--runs-dir", runs).code == 0
    shutil.rmtree(mapped.parent / "maps")
    shown = scai("show", runs / "m", "--json").json
    assert shown["config"]["ratings"]["calibration"]["points"] == MAP["points"]
    own = [r["value"] for r in shown["epochs"][0]["ratings"] if r["metric"] == "satisfaction"]
    assert shown["epochs"][0]["welfare"]["values"]["utilitarian"] == pytest.approx(
        sum(0.2 + 0.04 * v for v in own) / len(own)
    )


@pytest.mark.slow
def test_a_page_says_what_ratings_are_calibrated_on(mapped: Path) -> None:
    assert scai("run", mapped, "-q", "--run-id", "m", "--runs-dir", mapped.parent).code == 0
    assert scai("report", mapped.parent / "m", "-o", mapped.parent / "m.html").code == 0
    page = (mapped.parent / "m.html").read_text(encoding="utf-8")
    assert "In welfare, own ratings are calibrated on a survey (12 people, 120 ratings)" in page


def test_a_mapping_of_another_model_is_a_warning(mapped: Path) -> None:
    checked = scai("check", mapped, "--set", "roles.user.name=other")
    assert "was measured with the users' model simulated, not with" in checked.err


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"points": [[0, 0.5], [1, 0.4]]}, "`points` must rise"),
        ({"points": []}, "points: "),
        ({"points": [[0, 2]]}, "points.0.1: "),
        ({"kind": "cubic"}, "kind: "),
        ({"more": 1}, "more: unknown key"),
    ],
)
def test_an_invalid_mapping_names_its_file(mapped: Path, change: dict[str, Any], problem: str) -> None:
    (mapped.parent / "maps/ours.yaml").write_text(json.dumps({**MAP, **change}), encoding="utf-8")
    called = scai("check", mapped)
    assert (called.code, called.out) == (2, "")
    assert "ours.yaml" in called.err
    assert problem in called.err


@pytest.mark.parametrize("name", ["nowhere.yaml", "", "maps"])
def test_a_mapping_that_cannot_be_read_is_one_line(mapped: Path, name: str) -> None:
    called = scai("check", mapped, "--set", f"ratings.calibration={json.dumps(name)}")
    assert called.code == 2
    assert len(called.err.splitlines()) == 1


def test_the_mapping_that_an_evaluation_wrote_is_used(runs: Path, mapped: Path) -> None:
    found = scai("check", mapped, "--set", f"ratings.calibration={runs / 'whole/calibration.yaml'}")
    assert found.code == 0, found.err
    assert "own ratings are calibrated on ratings.csv, people.csv (10 people, 40 ratings)" in found.out


# --- a survey


def test_answers_to_a_survey_are_asked_by_letter_with_weights(tmp_path: Path) -> None:
    """In the form of OpinionQA."""
    options = ["Every day", "Sometimes", "Never"]
    with (tmp_path / "info.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("key", "question", "references", "option_mapping", "option_ordinal"))
        mapping = {float(n): text for n, text in enumerate(options, 1)}
        rows.writerow(("TEA_W1", "How often do you drink tea?", repr(options), repr(mapping), repr([1.0, 2.0, 3.0])))
    with (tmp_path / "responses.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("QKEY", "SEX", "AGE", "TEA_W1", "WEIGHT_W1"))
        rows.writerows((100 + n, ("Male", "Female")[n % 2], "30-49", options[n % 3], 1 + n % 2) for n in range(6))
    where = ("--human", tmp_path, "--run-id", "survey", "--runs-dir", tmp_path / "runs")
    called = scai(*COMMAND, *where)
    assert called.code == 0, called.err
    assert {call["purpose"] for call in calls(tmp_path / "runs/survey")} == {"survey"}
    (result,) = scai("show", tmp_path / "runs/survey", "--json").json["results"]
    assert result["notes"][1] == "6 answers of 6 people to 1 question."
    assert 0 <= result["numbers"]["survey: ordinal, own"] <= 1
    assert result["numbers"]["survey: own answer, own"] > 0
