"""The group's change from the start's version to the product's: over which ratings, how sure, and in which words."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from changed_runs import changed
from conftest import TINY, events, scai

from scai_cli.analysis.before_after import BeforeAfter, before_after, difference_maker
from scai_cli.analysis.headline import Headline, headline
from scai_cli.analysis.holdout import holdout_change
from scai_cli.analysis.participants import participants
from scai_cli.analysis.verdicts import between, change_words, gained_or_lost, signed
from scai_cli.analysis.version_cells import VersionPlays
from scai_cli.experiment.constitution import Clause, Constitution, Principle
from scai_cli.experiment.load import load_experiment
from scai_cli.experiment.personas import Persona
from scai_cli.runs.events import HoldoutCompared
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.history.history import History
from scai_cli.runs.records import Estimate
from scai_cli.social_choice.welfare import NAMES, parse
from scai_cli.stats.intervals import Estimand, Interval, paired_difference, person_differences

GOLDEN = Path(__file__).parents[1] / "golden"
CONFIGS = Path(__file__).parents[2] / "configs"
WHOLE = GOLDEN / "v0" / "whole"
ROSE = GOLDEN / "v0.4" / "whole"
NEVER = ["--set", "revision.acceptance=improves", "--set", "revision.margin=1"]
"""No revision is adopted."""

Runner = Callable[..., Path]


@pytest.fixture
def play(tiny: Path, tmp_path: Path) -> Runner:
    """Run the tiny experiment with some options."""

    def run(*options: object) -> Path:
        called = scai("run", tiny, "--runs-dir", tmp_path / "runs", "--quiet", *options)
        assert called.code == 0, called.err
        return tmp_path / "runs" / called.out.strip()

    return run


def of(run: Path) -> Headline:
    found = headline(read_history(run, messages=False, ratings=False))
    assert found is not None
    return found


def pairs_of(history: History) -> list[BeforeAfter]:
    return before_after(history, headline(history))


def cells(run: Path, version: int) -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], float]]:
    """Return own ratings and utilities of the epochs that played a version, averaged, from the events alone."""
    own: dict[tuple[str, str], list[float]] = {}
    utility: dict[tuple[str, str], list[float]] = {}
    told = events(run)
    for started in (e for e in told if e["type"] == "epoch_started" and e["version"] == version):
        given = [e for e in told if e["type"] == "rating" and e["final"] and e["epoch"] == started["epoch"]]
        for rating in (e for e in given if e["kind"] == "own"):
            user, task = rating["rater"], rating["conversation"].split("/")[2]
            crosses = [
                e["value"]
                for e in given
                if e["kind"] == "cross" and e["rater"] == user and e["conversation"].endswith(f"/{task}")
            ]
            own.setdefault((user, task), []).append(rating["value"])
            value = 0.075 * rating["value"] + 0.025 * sum(crosses) / len(crosses)
            utility.setdefault((user, task), []).append(value)
    first, second = ({pair: sum(v) / len(v) for pair, v in side.items()} for side in (own, utility))
    return first, second


def table(cells: Mapping[tuple[str, str], float]) -> list[list[float | None]]:
    users, tasks = (list(dict.fromkeys(pair[side] for pair in cells)) for side in (0, 1))
    return [[cells[user, task] for task in tasks] for user in users]


def test_the_change_is_over_all_plays_of_both_versions(play: Runner) -> None:
    """The product of this run was played several times."""
    run = play("--set", "epochs=4")
    found = of(run)
    assert (found.start.version, len(found.product.epochs) > 1) == (0, True)
    assert found.compared == found.product
    (before, before_u), (after, after_u) = (cells(run, version) for version in (0, found.product.version))
    again = "these people and tasks again"
    for change, sides in ((found.satisfaction, (before, after)), (found.welfare, (before_u, after_u))):
        expected = paired_difference(*map(table, sides), again)
        assert expected is not None
        assert change.interval is not None
        assert (change.interval.low, change.interval.high) == pytest.approx((expected.low, expected.high))
        assert (change.interval.estimand, change.interval.people, change.interval.tasks) == (again, 3, 2)
        assert change.after is not None
        assert change.before is not None
        assert change.after - change.before == pytest.approx(expected.estimate)
    assert found.people["ann"].change == pytest.approx(
        sum(after[pair] - before[pair] for pair in before if pair[0] == "ann") / 2
    )
    assert found.welfare_by("utilitarian")[:2] == pytest.approx((found.welfare.before, found.welfare.after))
    assert found.welfare_by("utilitarian")[2] == found.welfare.interval
    for name in NAMES:
        interval = found.welfare_by(name)[2]
        expected = paired_difference(table(before_u), table(after_u), again, parse(name))
        assert interval is not None
        assert expected is not None
        assert (interval.low is not None) is parse(name).smooth
        if parse(name).smooth:
            assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))
    assert found.welfare_by("gini_coefficient")[2] is None
    for person, sure in zip(("ann", "bob", "cid"), person_differences(table(before), table(after)), strict=True):
        assert sure is not None
        assert found.people[person].interval.level == sure.level == 0.95
        assert (found.people[person].interval.low, found.people[person].interval.high) == pytest.approx(
            (sure.low, sure.high)
        )


def test_the_json_has_for_each_person_whether_the_change_is_beyond_chance(finished: Path) -> None:
    people = scai("show", finished, "--json").json["headline"]["people"]
    assert list(people) == ["ann", "bob", "cid"]
    for person in people.values():
        expected = "gained" if person["low"] > 0 else "lost" if person["high"] < 0 else "cannot tell"
        assert person["verdict"] == expected
        assert person["estimate"] == pytest.approx(person["after"] - person["before"])
        assert (person["people"], person["tasks"], person["level"]) == (1, 2, 0.95)


def test_a_change_is_stated_with_its_versions_and_whose_it_is() -> None:
    found = of(ROSE)
    assert found.verdict == "higher"
    assert found.sentence == (
        "Satisfaction of 3 simulated people (a small program and no language model) rose from 2.8 (version 0, epoch 1) "
        "to 8.7 (version 2, final play): +5.8 (95 % interval +3.0 to +8.7, the same 3 people and 2 tasks again)."
    )
    chance = of(WHOLE)
    assert chance.verdict == "no change beyond chance"
    assert chance.sentence == (
        "Satisfaction of 4 simulated people (a small program and no language model) of unequal weight was 4.4 "
        "(version 0, epoch 1) and 7.3 (version 1, epoch 2): no change beyond chance (-1.1 to +6.9, the same 4 people "
        "and 2 tasks again)."
    )


def test_the_same_change_downward_fell(tmp_path: Path) -> None:
    run = shutil.copytree(ROSE, tmp_path / "down")
    told = events(run)
    for event in told:
        if event["type"] == "rating":
            event["value"] = 10 - event["value"]
    (run / "events.jsonl").write_text("".join(json.dumps(e, separators=(",", ":")) + "\n" for e in told))
    found = of(run)
    assert (found.verdict, found.welfare.verdict) == ("lower", "lower")
    assert " fell from 7.2 (version 0, epoch 1) to 1.3 (version 2, final play): -5.8 (95 % interval " in found.sentence


def test_without_an_adopted_revision_all_plays_are_of_one_constitution(play: Runner) -> None:
    run = play("--set", "epochs=3", *NEVER)
    found = of(run)
    assert found.verdict == found.welfare.verdict == "one constitution"
    means = [sum(m.values()) / 3 for m in (e["satisfaction"] for e in events(run) if e["type"] == "welfare")]
    assert found.sentence == (
        "No revision was adopted: 3 plays of one constitution (version 0). Satisfaction of 3 simulated people (a small "
        f"program and no language model) was {min(means):.1f} to {max(means):.1f}, which shows how much it varies from "
        "play to play."
    )
    assert pairs_of(read_history(run)) == []
    assert of(play("--set", "epochs=1", "--run-id", "once", *NEVER)).sentence.startswith(
        "No revision was adopted: one play of one constitution (version 0). Satisfaction of 3 "
    )


def test_a_product_that_was_not_played_is_marked(tmp_path: Path) -> None:
    """The runs of 0.1 end with a revision that nobody has played."""
    run = shutil.copytree(GOLDEN / "tiny", tmp_path / "old")
    kept = [event for event in events(run) if not event["id"].startswith("e3")]
    (run / "events.jsonl").write_text("".join(json.dumps(e, separators=(",", ":")) + "\n" for e in kept))
    found = of(run)
    assert (found.product.version, found.compared.version) == (2, 1)
    assert " (version 0, epoch 1) " in found.sentence
    assert " (version 1, epoch 2): " in found.sentence
    assert found.sentence.endswith(" The product (version 2) was not played.")
    assert str(found.product) == "version 2, not played"
    assert pairs_of(read_history(run)) == []


def test_one_person_cannot_show_a_change(play: Runner, tiny: Path) -> None:
    tiny.write_text("".join(line for line in TINY.splitlines(keepends=True) if "bob" not in line and "cid" not in line))
    found = of(play())
    assert found.verdict == "cannot tell"
    assert "Satisfaction of 1 simulated person (" in found.sentence
    assert ": too few ratings to tell a change from chance." in found.sentence


@pytest.mark.parametrize(("people", "tasks"), [(1, 1), (1, 2), (2, 1), (1, 5)])
def test_the_sentence_the_table_and_the_json_agree_whether_there_are_too_few_ratings(
    people: int, tasks: int, play: Runner, tiny: Path
) -> None:
    head, _, rest = TINY.partition("  - {id: ann")
    users = f"  - {{id: ann{rest}".splitlines(keepends=True)[:people]
    questions = [f"  - {{id: t{n}, prompt: How do I make tea for {n + 2} people}}\n" for n in range(tasks)]
    tiny.write_text("".join((head, *users, "tasks:\n", *questions)))
    run = play("--set", "revision={strategy: rewrite, acceptance: always, clauses: people}")
    told = events(run)
    for n, event in enumerate(event for event in told if event["type"] == "rating"):
        event["value"] = n % 3 + 1 if event["epoch"] == 1 else n % 2 + 7
    (run / "events.jsonl").write_text("".join(json.dumps(e, separators=(",", ":")) + "\n" for e in told))
    found, shown = of(run), scai("show", run)
    few = people * tasks < 3
    assert ("too few ratings" in found.sentence) == few
    assert ("(95 % interval " in found.sentence) == (not few)
    rows = [row for row in shown.out.splitlines() if row.startswith(("Ann Smith  ", "Bob Jones  ", "everyone  "))]
    assert len(rows) == people + 1
    assert all((" to +" in row) == (not few) for row in rows), rows
    printed = scai("show", run, "--json").json["headline"]
    for change in (printed["satisfaction"], printed["welfare"], *printed["people"].values()):
        assert (change["low"] is None) == few
        assert (change["verdict"] == "cannot tell") == few
        assert change["level"] == 0.95


def test_noise_is_pooled_over_held_out_people_whom_a_changed_rule_reaches() -> None:
    """Here one of six is reached, and the ratings of the others vary less."""
    people = tuple(f"p{n}" for n in range(6))
    before = ((0.5, 0.6, 0.4),) * 6
    after = ((1.0, 0.7, 0.9), *((0.5, 0.61, 0.4),) * 3, *((0.5, 0.6, 0.4),) * 2)
    means = ({p: sum(row) / 3 for p, row in zip(people, side, strict=True)} for side in (before, after))
    first, last = means
    history = History(Path(), "finished")
    history.config = load_experiment(CONFIGS / "quickstart.yaml")
    clause = Clause(id="C1", text="Write short answers.", users=("p0",))
    history.known_versions = {0: (Constitution(), ""), 1: (Constitution(version=1, contract=(clause,)), "")}
    history.holdout = HoldoutCompared(
        id="h", first_version=0, last_version=1, personas=people, tasks=("a", "b", "c"), first=first, last=last,
        first_values={}, last_values={}, difference=None, missing=0, first_cells=before, last_cells=after,
    )  # fmt: skip
    found = holdout_change(history)
    assert found is not None
    assert found.same_rules is None
    groups = [True, *[False] * 5]
    assert list(found.people.values()) == person_differences(before, after, groups=groups)
    assert gained_or_lost(found.people["p0"]) == "cannot tell"
    assert gained_or_lost(person_differences(before, after)[0]) == "gained"


def test_ratings_that_cannot_be_read_show_nothing(finished: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished, tmp_path / "mute")
    told = events(run)
    for event in told:
        if event["type"] == "rating":
            event["value"] = None
    (run / "events.jsonl").write_text("".join(json.dumps(e, separators=(",", ":")) + "\n" for e in told))
    found = of(run)
    assert (found.verdict, found.people, found.range is None) == ("cannot tell", {}, False)
    assert found.sentence.startswith("No rating of satisfaction could be read")
    assert pairs_of(read_history(run)) == []


def test_there_is_nothing_to_say_before_an_epoch_has_ended(finished: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished, tmp_path / "young")
    lines = (run / "events.jsonl").read_bytes().splitlines(keepends=True)
    (run / "events.jsonl").write_bytes(b"".join(lines[:4]))
    assert headline(read_history(run)) is None
    assert pairs_of(read_history(run)) == []


def test_the_epochs_of_a_version_in_words() -> None:
    words = {(1,): "epoch 1", (1, 3): "epochs 1 and 3", (3, 4, 5): "epochs 3 to 5", (): "not played"}
    assert {epochs: VersionPlays(2, epochs).where for epochs in words} == words
    assert str(VersionPlays(5, (6,), final=True)) == "version 5, final play"
    assert str(VersionPlays(1, (2, 3, 6), final=True)) == "version 1, epochs 2 and 3 and final play"


def test_people_in_words(tmp_path: Path) -> None:
    text = TINY.replace("{id: ann,", "{id: ann, human: true,")
    text = text.replace("{id: bob,", "{id: bob, model: {provider: openai, name: gpt-4o-mini},")
    (tmp_path / "mixed.yaml").write_text(text)
    mixed = load_experiment(tmp_path / "mixed.yaml")
    assert participants(mixed) == (
        "1 real person, 1 person simulated by openai:gpt-4o-mini and 1 simulated person "
        "(a small program and no language model)"
    )
    assert participants(mixed, {"ann"}) == "1 real person"


def interval(estimate: float, low: float | None, high: float | None, people: int = 6, tasks: int = 3) -> Interval:
    return Interval(estimate, low, high, 0.95, "these people and tasks again", people, tasks)


def test_no_end_of_an_interval_that_excludes_0_is_shown_as_0() -> None:
    again = "the same 6 people and 3 tasks again"
    assert change_words(interval(2.9, 0.03, 6.0), 1) == f"+2.90 (95 % interval +0.03 to +6.00, {again})"
    assert change_words(interval(-2.9, -6.0, -0.004), 1) == f"-2.900 (95 % interval -6.000 to -0.004, {again})"
    assert change_words(interval(0.3, -0.04, 0.6), 1) == f"no change beyond chance (0.0 to +0.6, {again})"
    assert between(interval(2.9, 0.03, 6.0), 1) == "+0.03 to +6.00"
    assert change_words(interval(0.0, 0.0, 0.0), 1) == f"no change at all ({again})"
    assert change_words(interval(0.3, None, None), 1) == "+0.3 (cannot tell how sure)"
    assert change_words(None, 1) == "cannot tell"


@pytest.mark.parametrize(
    ("estimand", "people", "tasks", "words"),
    [
        ("these people and tasks again", 1, 1, "the same 1 person and 1 task again"),
        ("new tasks", 6, 3, "new tasks for 6 people, from 3 tasks"),
        ("new people", 4, 1, "new people, from 4 people held out"),
        ("new people and tasks", 4, 3, "new people and tasks, from 4 people and 3 tasks held out"),
    ],
)
def test_every_interval_says_for_whom_it_holds(estimand: Estimand, people: int, tasks: int, words: str) -> None:
    found = Interval(0.3, 0.1, 0.5, 0.95, estimand, people, tasks)
    assert change_words(found, 1) == f"+0.3 (95 % interval +0.1 to +0.5, {words})"
    assert change_words(replace(found, low=-0.1), 1) == f"no change beyond chance (-0.1 to +0.5, {words})"
    before_0_5 = Estimate(estimate=0.3, low=0.1, high=0.5, level=0.95)
    assert change_words(before_0_5, 1) == "+0.3 (95 % interval +0.1 to +0.5)"


def test_what_an_interval_for_others_lacks_is_said() -> None:
    few = Interval(0.3, None, None, 0.95, "new people", 3, 9)
    assert change_words(few, 1) == "+0.3 (cannot tell how sure: an interval takes 4 people held out, not 3)"
    few = replace(few, estimand="new tasks", people=9, tasks=2)
    assert change_words(few, 1) == "+0.3 (cannot tell how sure: an interval takes 3 tasks held out, not 2)"


def test_a_person_gains_or_loses_only_beyond_chance() -> None:
    words = [gained_or_lost(each) for each in (interval(2, 1, 3), interval(-2, -3, -1), interval(2, -1, 5), None)]
    assert words == ["gained", "lost", "cannot tell", "cannot tell"]
    assert [between(each, 1) for each in (interval(2, 1, 3), interval(2, None, None), None)] == [
        "+1.0 to +3.0",
        "–",
        "–",
    ]


# --- before and after


def test_before_and_after_are_the_last_answers_under_both_versions() -> None:
    history = read_history(WHOLE)
    pairs = pairs_of(history)
    changes = {user: change.change for user, change in of(WHOLE).people.items()}
    assert [changes[pair.person] for pair in pairs] == [max(changes.values()), min(changes.values())]
    told = events(WHOLE)
    answers = {e["id"]: e["content"] for e in told if e["type"] == "message"}
    ratings = {e["conversation"]: e for e in told if e["type"] == "rating" and e["kind"] == "own" and e["final"]}
    for pair in pairs:
        assert pair.change == pytest.approx(changes[pair.person])
        for side, version in ((pair.before, 0), (pair.after, 1)):
            assert (side.version, side.epoch) == (version, version + 1)
            assert side.conversation == f"e{side.epoch}/{pair.person}/{pair.task}"
            assert side.rating == ratings[side.conversation]["value"]
            assert side.text == answers[ratings[side.conversation]["message"]]
        moved = {
            task: ratings[f"e2/{pair.person}/{task}"]["value"] - ratings[f"e1/{pair.person}/{task}"]["value"]
            for task in ("tea", "sleep")
        }
        assert pair.task == min(moved, key=lambda task: abs(moved[task] - pair.change))


def test_no_rule_made_a_difference_where_the_ratings_are_equal(tmp_path: Path) -> None:
    assert any(pair.rule for pair in pairs_of(read_history(WHOLE)))
    level = changed(WHOLE, tmp_path / "level", lambda rows: [r | {"value": 5.0} if "value" in r else r for r in rows])
    assert [pair.rule for pair in pairs_of(read_history(level))] == [None]


def test_equal_sums_and_differences_are_rounded_alike() -> None:
    assert 6.725 - 3.075 != 3.65 != 3.6500000000000004
    assert len({signed(value, 1) for value in (6.725 - 3.075, 3.65, 3.6500000000000004)}) == 1
    assert (signed(-0.04, 1), signed(-0.06, 1)) == ("+0.0", "-0.1")


ANN = Persona(id="ann", preferences={"names_source": 1.0})
LONG = "I would begin with the large things and then go on to those that are smaller. " * 12
SHORT = "Begin with the large things."


def rules(*texts: str, clauses: tuple[tuple[str, str], ...] = ()) -> Constitution:
    principles = tuple(Principle(id=f"P{n}", text=text) for n, text in enumerate(texts, 1))
    contract = tuple(Clause(id=f"C{n}", text=text, users=(who,)) for n, (text, who) in enumerate(clauses, 1))
    return Constitution(principles=principles, contract=contract)


def named(first: Constitution, last: Constitution, before: str, after: str) -> str | None:
    rule = difference_maker(first, last, ANN, before, after)
    return rule.id if rule else None


def test_the_rule_that_made_the_difference_is_seen_in_the_answers() -> None:
    product = rules("Give a reference for each claim.", "Keep every answer short.")
    assert named(rules(), product, LONG, SHORT) == "P2"
    assert named(rules(), product, SHORT, LONG) is None  # the other way round no rule asks for it
    assert named(rules(), product, SHORT, SHORT) is None


def test_a_rule_counts_for_whom_it_is_and_only_where_it_is_new() -> None:
    short = "Keep every answer short."
    assert named(rules(short), rules(short), LONG, SHORT) is None
    assert named(rules("Answer briefly."), rules(short), LONG, SHORT) == "P1"  # reworded
    assert named(rules(), rules(clauses=((short, "bob"),)), LONG, SHORT) is None
    assert named(rules(), rules(clauses=((short, "ann"),)), LONG, SHORT) == "C1"


def test_of_two_rules_that_changed_as_much_the_wanted_one_is_named() -> None:
    both = "Keller (2016) has a chapter on this. For example, ten people turn up."
    product = rules("Give an example.", "Name your sources.")
    assert named(rules(), product, SHORT, both) == "P2"
    assert named(rules(), rules("Name your sources.", "Cite a source."), SHORT, both) is None
