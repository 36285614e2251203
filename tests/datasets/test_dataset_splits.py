"""Splits without a leak, rows that repeat each other or a benchmark, licences that are not mixed unsaid."""

from __future__ import annotations

import csv
import gzip
import json
import re
from itertools import combinations, product
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
from conftest import scai
from hypothesis import given
from hypothesis import strategies as st

from scai_cli.datasets.samples.decontamination import Benchmark
from scai_cli.datasets.samples.duplicates import ELSEWHERE, DuplicateIndex
from scai_cli.datasets.samples.licences import Licences, stated_licences
from scai_cli.datasets.samples.row_texts import RowTexts
from scai_cli.datasets.samples.sample import Origin
from scai_cli.datasets.samples.splits import ACROSS, HELD_OUT, By, Splitter, parse_split
from scai_cli.errors import ConfigError
from scai_cli.text.words import words
from scai_cli.values import Split

SHARES = {"train": 0.6, "validation": 0.2, "test": 0.2}
PEOPLE, TASKS = [f"p{n}" for n in range(12)], [f"t{n}" for n in range(12)]
STATED: dict[Split, str] = {"train": "train", "dev": "validation", "test": "test"}


def origin(persona: str | None, task: str, also: tuple[str, ...] = ()) -> Origin:
    return Origin("run", "c", ("m",), 1, 0, (), (), (), (), persona, also, task)


splits = st.dictionaries(st.sampled_from(PEOPLE), st.sampled_from([*STATED]))
task_splits = st.dictionaries(st.sampled_from(TASKS), st.sampled_from([*STATED]))


@given(by=st.sampled_from(["persona", "task", "both"]), seed=st.integers(0, 99), people=splits, tasks=task_splits)
def test_nobody_and_no_task_is_in_two_splits(
    by: By, seed: int, people: dict[str, Split], tasks: dict[str, Split]
) -> None:
    splitter = Splitter(SHARES, by, seed, people, tasks)
    places: dict[tuple[str, str], set[str]] = {}
    for persona, task, rater in product(PEOPLE, TASKS[:4], (None, "p3")):
        for also in ((), ("p5",)):
            split, reason = splitter.split(origin(persona, task, also), task, rater)
            assert (split is None) == bool(reason)
            if split is None:
                continue
            named = {persona, *also} | ({rater} if rater else set())
            for person in named:
                places.setdefault(("persona", person), set()).add(split)
                if people.get(person) in ("dev", "test"):  # whoever is held out never lands elsewhere
                    assert split == STATED[people[person]]
            places.setdefault(("task", task), set()).add(split)
            if tasks.get(task) in ("dev", "test"):
                assert split == STATED[tasks[task]]
    for (what, _), found in places.items():
        if by in (what, "both"):
            assert len(found) == 1


@given(st.integers(0, 99), st.sets(st.sampled_from(PEOPLE), min_size=1))
def test_nobody_moves_when_others_come(seed: int, some: set[str]) -> None:
    few, many = (Splitter(SHARES, "persona", seed, {}, {}) for _ in range(2))
    whole = {person: many.split(origin(person, "t1"), "?", None) for person in PEOPLE}
    assert all(few.split(origin(person, "t1"), "?", None) == whole[person] for person in some)


@pytest.mark.parametrize("by", ["persona", "task"])
def test_shares_are_about_what_was_asked_for(by: By) -> None:
    splitter = Splitter({"train": 0.9, "test": 0.1}, by, 1, {}, {})
    found = [splitter.split(origin(f"persona-{n}", f"task-{n}"), f"prompt {n}", None)[0] for n in range(5000)]
    assert 420 < found.count("test") < 580


@pytest.mark.parametrize(
    ("by", "test"), [("persona", {0, 1, 4, 7, 9, 10, 11, 12, 13, 14}), ("task", {0, 1, 2, 4, 5, 7, 9, 10, 11, 12, 15})]
)
def test_a_later_version_moves_nobody_and_no_task(by: By, test: set[int]) -> None:
    splitter = Splitter({"train": 0.5, "test": 0.5}, by, 7, {}, {})
    found = [splitter.split(origin(f"x{n}", f"x{n}"), f"prompt {n}", None)[0] for n in range(16)]
    assert {n for n, split in enumerate(found) if split == "test"} == test


@pytest.mark.parametrize("by", ["persona", "task", "both"])
@pytest.mark.parametrize("dev", ["dev", "validation", "valid", "val", "eval"])
def test_who_states_a_split_is_in_it(by: By, dev: str) -> None:
    names: dict[Split, str] = {"train": "train", "dev": dev, "test": "test"}
    shares = dict.fromkeys(names.values(), 1 / 3)
    for seed, (stated, name) in product(range(5), names.items()):
        splitter = Splitter(shares, by, seed, {"ann": stated}, {"tea": stated})
        assert splitter.split(origin("ann", "tea"), "?", None) == (name, "")


@pytest.mark.parametrize("same", ["How do I  make TEA?", "how do i make tea?\n", "HOW DO I MAKE TEA?"])
def test_a_task_in_the_same_words_goes_nowhere_else(same: str) -> None:
    for seed in range(20):  # of one seed the wordings may begin in the same split by chance
        splitter = Splitter({"train": 0.5, "test": 0.5}, "task", seed, {}, {})
        found = [
            splitter.split(origin(None, f"t{n}"), same if n % 2 else "How do I make tea?", None) for n in range(12)
        ]
        assert len({split for split, _ in found if split is not None}) == 1, seed
        assert "task worded as one of another split" in {reason for _, reason in found}


def test_a_task_in_nearly_the_same_words_goes_nowhere_else_if_asked() -> None:
    words = "what would you tell somebody who has slept badly for a week and has to drive a lorry tomorrow {}"
    found = []
    for near in (False, True):
        splitter = Splitter({"train": 0.5, "test": 0.5}, "task", 0, {}, {}, near=near)
        found.append([splitter.split(origin(None, f"t{n}"), words.format(n), None)[0] for n in range(40)])
    all_rows, kept = found
    assert set(all_rows) == {"train", "test"}
    assert kept == [split if split == all_rows[0] else None for split in all_rows]


def test_a_split_that_nobody_asked_for_is_left_out() -> None:
    splitter = Splitter({"train": 0.5, "test": 0.5}, "persona", 0, {"ann": "dev"}, {"tea": "dev"})
    assert splitter.split(origin("ann", "x"), "?", None) == (None, HELD_OUT)
    assert splitter.split(origin("bob", "tea"), "?", None) == (None, HELD_OUT)
    with pytest.raises(ConfigError, match="--split-by task"):
        splitter.split(origin(None, "x"), "?", None)


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("train=0.9, test=0.1", {"train": 0.9, "test": 0.1}),
        ("all=1", {"all": 1}),
        ("a=0.3333333,b=0.3333333,c=0.3333333", dict.fromkeys("abc", 0.3333333)),
    ],
)
def test_shares_are_read_also_if_rounded(text: str, shares: dict[str, float]) -> None:
    assert parse_split(text) == shares


@pytest.mark.parametrize(
    "text",
    ["train=0.5,test=0.4", "train=0.9,test=0.9", "train=1,test=0", "train=1.5,test=-0.5", "all=nan", "a/b=1", "train"],
)
def test_shares_that_are_no_shares_are_refused_with_the_option(text: str) -> None:
    with pytest.raises(ConfigError, match=f"--split {text}: "):
        parse_split(text)


@given(st.text(max_size=20))
def test_any_split_is_read_or_refused(text: str) -> None:
    try:
        shares = parse_split(text)
    except ConfigError:
        return
    assert sum(shares.values()) == pytest.approx(1)


EXPERIMENT = """\
name: many
seed: 2
epochs: 2
turns: 1
personas:
{people}
tasks:
{tasks}
revision: {{strategy: rewrite, acceptance: always, clauses: people}}
"""


def experiment(people: list[dict[str, Any]], tasks: list[dict[str, Any]], *settings: str) -> Path:
    def listed(values: list[dict[str, Any]]) -> str:
        return "\n".join(f"  - {json.dumps(value)}" for value in values)

    path = Path("x.yaml")
    path.write_text(EXPERIMENT.format(people=listed(people), tasks=listed(tasks)), encoding="utf-8")
    called = scai("run", path, "-q", *(part for setting in settings for part in ("--set", setting)))
    assert called.code == 0, called.err
    return Path("runs/many")


def provenance(name: str) -> list[dict[str, Any]]:
    with Path(name).open(encoding="utf-8") as file:
        return [json.loads(json.loads(line)["provenance"]) for line in file]


@pytest.mark.slow
@pytest.mark.parametrize("by", ["persona", "task", "both"])
@pytest.mark.parametrize("options", [(), ("--per-persona",)])
def test_no_leak_in_the_files_of_a_run(by: str, options: tuple[str, ...]) -> None:
    people = [{"id": f"p{n}", "preferences": {"concise": (n - 4) / 4}} for n in range(9)]
    people[0]["split"], people[1]["split"] = "test", "train"
    tasks = [{"id": f"t{n}", "prompt": f"What about number {n}?"} for n in range(6)]
    tasks[2]["split"] = "test"
    experiment(people, tasks)
    called = scai(
        "export",
        "many",
        "--format",
        "dpo",
        "-o",
        "x.jsonl",
        "--split",
        "train=0.6,test=0.4",
        "--split-by",
        by,
        *options,
    )
    assert called.code == 0, called.err
    parts = {name: provenance(f"x.{name}.jsonl") for name in ("train", "test")}
    assert all(o["split"] == name for name, origins in parts.items() for o in origins)
    assert len(parts["train"]) > 5
    folk = {
        name: {person for o in origins for person in (o["persona"], *o["others"], o["rater"]) if person}
        for name, origins in parts.items()
    }
    asked = {name: {o["task"] for o in origins} for name, origins in parts.items()}
    assert "p0" not in folk["train"]
    assert "t2" not in asked["train"]
    if by != "task":
        assert not folk["train"] & folk["test"]
    if by != "persona":
        assert not asked["train"] & asked["test"]
    whole = scai("export", "many", "--format", "dpo", *options).out.count("\n")
    (told,) = (line.removeprefix("left out: ") for line in called.lines if line.startswith("left out: "))
    left = {
        reason: int(count.replace(",", "")) for count, _, reason in (part.partition(" ") for part in told.split(", "))
    }
    splitting = sum(left.get(reason, 0) for reason in (HELD_OUT, ACROSS, ELSEWHERE))
    assert splitting > 0
    assert sum(map(len, parts.values())) + splitting == whole


def test_splits_are_by_people_and_tasks_unless_said_otherwise() -> None:
    experiment([{"id": f"p{n}"} for n in range(4)], [{"id": f"t{n}", "prompt": f"Number {n}?"} for n in range(6)])
    found = {}
    for by in ("", "both", "task", "persona"):
        options = ("--split", "train=0.5,test=0.5", *(("--split-by", by) if by else ()))
        assert scai("export", "many", "--format", "sft", "-o", "x.jsonl", *options).code == 0
        found[by] = [Path(f"x.{name}.jsonl").read_text(encoding="utf-8") for name in ("train", "test")]
    assert found[""] == found["both"]
    assert found["both"] not in (found["task"], found["persona"])


CONDITIONS = "revision.clauses=conditions"
KEPT = re.compile(r"(persona|task|both) ([\d,]+) \(train ([\d,]+), test ([\d,]+)\)")


@pytest.mark.parametrize("options", [(), pytest.param(("--dedupe", "near", "--max-rows", 10), marks=pytest.mark.slow)])
def test_the_rows_that_each_split_by_keeps_are_told_first_and_are_those_it_keeps(options: tuple[object, ...]) -> None:
    people = [{"id": f"p{n}", "preferences": {"concise": n % 2}} for n in range(5)]
    experiment(people, [{"id": f"t{n}", "prompt": f"Number {n}?"} for n in range(5)], "epochs=1", CONDITIONS)
    split = ("--format", "dpo", "--split", "train=0.6,test=0.4", *options)
    line, *_ = scai("export", "many", *split, "-o", "x.jsonl").lines
    assert line.startswith("rows kept by --split-by ")
    assert line.endswith("; this export: --split-by both")
    told = {by: [int(count) for count in counts] for by, *counts in KEPT.findall(line)}
    assert told.keys() == {"persona", "task", "both"}
    for by, (total, *parts) in told.items():
        assert scai("export", "many", *split, "-o", "x.jsonl", "--split-by", by).code == 0
        assert [Path(f"x.{name}.jsonl").read_text().count("\n") for name in ("train", "test")] == parts
        assert total == sum(parts) > 0


def test_nothing_is_told_of_the_splits_if_all_rows_are_kept() -> None:
    experiment([{"id": "ann"}], [{"id": f"t{n}", "prompt": f"Number {n}?"} for n in range(6)], CONDITIONS)
    split = ("--format", "sft", "--split", "train=0.5,test=0.5", "-o", "x.jsonl")
    assert "rows kept by" not in scai("export", "many", *split, "--split-by", "task").err
    called = scai("export", "many", *split, "--split-by", "persona")  # one person: no test set
    assert any("0" in parts for by, _, *parts in KEPT.findall(called.lines[0]) if by == "persona")
    assert "this split is empty: try another --seed or --split-by\n" in called.err
    called = scai("export", "many", *split, "--split-by", "task", "--max-rows", "1")
    assert "this split is empty: raise --max-rows, or try another --seed\n" in called.err


def test_a_split_that_is_impossible_is_left_out_of_the_line() -> None:
    tasks = [{"id": f"t{n}", "prompt": f"Number {n}?"} for n in range(6)]
    experiment(
        [{"id": f"p{n}"} for n in range(4)], tasks, "epochs=1", CONDITIONS, "constitution.principles=[Be brief.]"
    )
    assert scai("generate", "many", "--n", 6, "--run-id", "rows", "-q").code == 0
    split = ("--format", "sft", "--split", "train=0.5,test=0.5", "-o", "D/")
    called = scai("export", "many", "rows", *split)  # the rows of the set belong to no persona
    assert called.code == 0
    assert [by for by, *_ in KEPT.findall(called.lines[0])] == ["task", "both"]
    refused = scai("export", "rows", *split, "--split-by", "persona")
    assert (refused.code, len(refused.lines)) == (2, 1)


def test_licences_are_not_mixed_unsaid() -> None:
    people = [
        {"id": "ann", "source": {"name": "a", "licence": "CC-BY-4.0"}},
        {"id": "bob", "source": {"name": "b", "licence": "CC-BY-NC-4.0"}},
        {"id": "cid"},
    ]
    experiment(people, [{"id": "tea", "prompt": "Tea?", "source": {"name": "t", "licence": "cc-by-4.0 "}}])
    sft = ("many", "--format", "sft", "--system", "keep")
    called = scai("export", *sft, "-o", "x.jsonl")
    assert called.code == 2
    assert called.err == (
        "scai: the rows have different licences: CC-BY-4.0, CC-BY-NC-4.0; "
        "export them separately, or add --mix-licences\n"
    )
    assert not list(Path().glob("*.jsonl"))
    for persona in ("ann", "cid"):  # one licence, and one with what states none
        assert scai("export", *sft, "--persona", persona).code == 0
    assert scai("export", *sft, "-o", "D/", "--mix-licences").code == 0
    told = json.loads(Path("D/manifest.json").read_text(encoding="utf-8"))["licences"]
    assert told["CC-BY-NC-4.0"] == 3
    assert "CC-BY-NC-4.0" in Path("D/README.md").read_text(encoding="utf-8")


def test_a_row_that_states_no_licence_goes_with_one_that_does() -> None:
    licences = Licences()
    for row in (stated_licences("", ""), stated_licences("MIT", ""), stated_licences("", "mit")):
        licences.note(row)
    assert licences.counts() == {"": 1, "MIT": 2}
    with pytest.raises(ConfigError, match=r"Apache-2\.0, MIT"):
        licences.note(stated_licences("Apache-2.0", ""))


LONG = (
    "whoever wants to make a good pot of tea should first warm the pot and then wait for {} minutes before pouring it"
)


ONE, TWO = RowTexts("Tea?", LONG.format("five")), RowTexts("Tea?", LONG.format("six"))


def test_repeats_within_and_across_splits() -> None:
    exact, near, none = DuplicateIndex("exact"), DuplicateIndex("near"), DuplicateIndex()
    for repeats in (exact, near, none):
        assert repeats.reason_against(ONE, "train") is None
    assert exact.reason_against(ONE, "train") == "duplicate"
    assert exact.reason_against(TWO, "test") is None
    assert none.reason_against(ONE, "train") is None
    assert none.reason_against(ONE, "test") == "duplicate of a row in another split"
    assert near.reason_against(TWO, "test") == "near-duplicate"
    assert near.reason_against(RowTexts("Roses?", "something else about gardens and roses"), "test") is None
    assert exact.reason_against(RowTexts("a", "b"), "train") is None
    assert exact.reason_against(RowTexts("ab", ""), "train") is None
    assert exact.reason_against(RowTexts("a ", "b\n"), "train") == "duplicate"


@pytest.mark.parametrize(
    ("one", "other", "is_repeat"),
    [
        (ONE, TWO, True),
        (RowTexts(LONG, "Yes, do."), RowTexts(LONG, "No, wait."), False),  # another answer to a long prompt
        (RowTexts("What is war?", "I cannot say."), RowTexts("Who hid a body?", "I cannot say."), False),  # a refusal
        (RowTexts("Tea?", LONG, "No."), RowTexts("Tea?", LONG, "Never."), True),
        (RowTexts("Tea?", LONG, "No."), RowTexts("Tea?", "No.", LONG), False),  # the opposite preference
        (RowTexts("Tea?", LONG, rater="ann own"), RowTexts("Tea?", LONG, rater="bob own"), False),
    ],
)
def test_a_row_nearly_repeats_another_in_all_its_texts_and_in_its_answer(
    one: RowTexts, other: RowTexts, is_repeat: bool
) -> None:
    for first, second in ((one, other), (other, one)):
        index = DuplicateIndex("near")
        assert index.reason_against(first, "train") is None
        assert (index.reason_against(second, "train") == "near-duplicate") is is_repeat


def test_dedupe_leaves_the_first_of_each() -> None:
    tasks = [{"id": f"t{n}", "prompt": "The same question?"} for n in range(3)]
    run = experiment([{"id": "ann"}], tasks, "opening=task")
    lines = []
    for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if event["type"] == "message" and event["role"] == "assistant":
            event["content"] = LONG.format("five" if event["task"] == "t0" else "six")
        lines.append(json.dumps(event, separators=(",", ":")))
    (run / "events.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for dedupe, left, said in (
        (None, 9, ""),
        ("exact", 2, "left out: 7 duplicate\n"),
        ("near", 1, "left out: 7 duplicate, 1 near-duplicate\n"),
    ):
        options = ("--format", "sft", "--system", "keep", *(("--dedupe", dedupe) if dedupe else ()))
        called = scai("export", "many", *options)
        assert called.out.count("\n") == left
        assert called.err.startswith(said)


BENCH = "If a train leaves the station at nine in the morning and goes eighty miles an hour, when is it there"


@pytest.mark.parametrize("name", ["b.jsonl", "b.json", "b.csv", "b.txt", "b.ndjson.gz"])
def test_rows_that_hold_a_benchmark_are_left_out_and_told(name: str) -> None:
    rows = [
        {"question": "Short but long enough to count", "answer": "A"},
        {"question": BENCH, "answer": "B"},
        {"question": "tiny", "answer": "C"},
    ]
    if name == "b.jsonl":
        Path(name).write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    elif name == "b.ndjson.gz":
        Path(name).write_bytes(gzip.compress("".join(f"{json.dumps(row)}\n" for row in rows).encode()))
    elif name == "b.json":
        Path(name).write_text(json.dumps(rows))
    elif name == "b.csv":
        with Path(name).open("w", newline="") as file:
            csv.writer(file).writerows([["question", "answer"], *(row.values() for row in rows)])
    else:
        Path(name).write_text("".join(f"{row['question']}\n" for row in rows))
    benchmark = Benchmark.read(Path(name))
    shouted = BENCH.upper().replace(" ", ", ")
    assert benchmark.meets(["first " + shouted + " then"])
    assert not benchmark.meets([" ".join(BENCH.split()[:12]), "a short but different one"])
    assert benchmark.meets(["He said: short, but long enough to count!"])
    assert (benchmark.hits, benchmark.met, benchmark.rows, benchmark.too_short) == (2, {1, 2}, 3, 1)
    assert "2 rows with text of" in benchmark.report()
    tasks = [{"id": "t0", "prompt": f"{BENCH}?"}, {"id": "t1", "prompt": "Something else?"}]
    experiment([{"id": "ann"}], tasks, CONDITIONS)
    called = scai("export", "many", "--format", "sft", "--decontaminate", name)
    # By the words of the task, whatever its user said instead.
    openings = [json.loads(line)["messages"][0]["content"] for line in called.out.splitlines()]
    assert len(openings) == 3
    assert all("omething else?" in opening for opening in openings)
    assert "left out: 3 contaminated" in called.err
    assert "they match 1 of its 3 rows: 2" in called.err


@pytest.mark.parametrize(("text", "said"), [("a b\n", "of at least 4 words"), ("{", "not valid JSON"), ("", "")])
def test_a_benchmark_that_cannot_be_read_is_one_line(text: str, said: str) -> None:
    experiment([{"id": "ann"}], [{"id": "t0", "prompt": "?"}])
    name = "b.jsonl" if text == "{" else "b.txt"
    Path(name).write_text(text)
    called = scai("export", "many", "--format", "sft", "--decontaminate", name)
    assert (called.code, called.out, called.err.count("\n")) == (2, "", 1)
    assert said in called.err


ZH = "一列火车早上九点从车站出发，每小时走八十公里，下午两点以前它能走多少公里到哪座城市？"
TH = "รถไฟออกจากสถานีตอนเก้าโมงเช้าวิ่งชั่วโมงละแปดสิบกิโลเมตรจะถึงเมืองหน้าตอนกี่โมงถ้าไม่หยุดพักเลย"


@pytest.mark.parametrize(("text", "run"), [(ZH, 26), (TH, 39), (BENCH, 13)])
def test_a_benchmark_in_a_script_without_spaces_is_found(text: str, run: int) -> None:
    benchmark = Benchmark("b")
    benchmark.add([text])
    assert benchmark.matches([f"A b {text} c d"]) == {1}
    assert benchmark.matches([normalize("NFD", text.replace("，", " "))]) == {1}
    said = words(text)
    assert benchmark.matches([("" if run > 13 else " ").join(said[2 : run + 2])]) == {1}
    assert benchmark.matches([("" if run > 13 else " ").join(said[2 : run + 1])]) == set()


@pytest.mark.parametrize(
    ("text", "short"), [("泡一壶好茶吧", 1), ("怎样泡一壶好茶吧？", 0), ("ชงชา", 1), ("ชงชาอย่างไรให้อร่อย", 0)]
)
def test_a_text_of_few_characters_is_too_short_to_search_for(text: str, short: int) -> None:
    benchmark = Benchmark("b")
    benchmark.add([text])
    assert benchmark.too_short == short
    assert bool(benchmark.matches([f"请问{text}"])) == (not short)
    said = "1 row too short to search for: less than 4 words (8 characters of Chinese or Japanese"
    assert (said in benchmark.report()) == bool(short)


@pytest.mark.parametrize(("one", "other"), [("Café au lait?", "Cafe\u0301 au lait?"), ("テスト１", "ﾃｽﾄ1")])
def test_a_text_in_another_form_is_the_same_row_and_the_same_task(one: str, other: str) -> None:
    assert one != other
    rows = DuplicateIndex("exact")
    assert rows.reason_against(RowTexts(one, ""), "train") is None
    assert rows.reason_against(RowTexts(other, ""), "train") == "duplicate"
    assert rows.reason_against(RowTexts(other, ""), "test") == ELSEWHERE
    splitter = Splitter({"train": 0.5, "test": 0.5}, "task", 0, {}, {"t1": "train", "t2": "test"})
    assert splitter.split(origin(None, "t1"), one, None) == ("train", "")
    assert splitter.split(origin(None, "t2"), other, None)[0] is None


def test_all_files_of_an_export_have_different_prompts_when_split_by_task() -> None:
    tasks = [{"id": f"t{n}", "prompt": f"Number {n}?"} for n in range(12)]
    experiment([{"id": "ann"}, {"id": "bob"}], tasks, CONDITIONS)
    options = ("--split", "train=0.5,dev=0.25,test=0.25", "--split-by", "task")
    assert scai("export", "many", "--format", "sft", "-o", "D/", *options).code == 0
    prompts = []
    for name in ("train", "dev", "test"):
        with Path(f"D/{name}.jsonl").open() as file:
            prompts.append({json.loads(line)["messages"][0]["content"] for line in file})
    assert sum(map(len, prompts)) > 36  # each conversation opens in words of its own
    numbers = [{re.sub(r"\D", "", prompt) for prompt in found} for found in prompts]
    assert sum(map(len, numbers)) == 12
    assert all(not one & other for one, other in combinations(numbers, 2))


def test_two_tasks_in_the_same_words_are_in_one_split_however_their_users_open() -> None:
    experiment([{"id": f"p{n}"} for n in range(3)], [{"id": f"t{n}", "prompt": "Where to?"} for n in range(8)])
    options = ("--split", "train=0.5,test=0.5", "--split-by", "task")
    called = scai("export", "many", "--format", "sft", "-o", "D/", *options)
    assert "task worded as one of another split" in called.err
    assert [name for name in ("train", "test") if Path(f"D/{name}.jsonl").read_text()] in (["train"], ["test"])


def test_the_prompt_of_a_pair_is_the_opening_of_its_chosen_answer() -> None:
    run = experiment([{"id": "ann"}, {"id": "bob"}], [{"id": "t0", "prompt": "Where to?"}], CONDITIONS)
    conversations: dict[str, list[str]] = {}
    for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines():
        if (event := json.loads(line))["type"] == "message":
            conversations.setdefault(event["id"].rpartition("/")[0], []).append(event["content"])
    said = {(messages[0], messages[1]) for messages in conversations.values()}
    pairs = [json.loads(line) for line in scai("export", "many", "--format", "dpo").out.splitlines()]
    assert pairs
    for pair in pairs:
        assert (pair["prompt"][-1]["content"], pair["chosen"][0]["content"]) in said
