"""`scai export`: which rows come out, checked against the events as anybody would read them."""

from __future__ import annotations

import json
import random
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from conftest import Called, events, scai

from scai_cli.api.loaded_run import Run
from scai_cli.datasets.samples.run_pairs import PAIRS_PER_PROMPT
from scai_cli.experiment.load import load_saved
from scai_cli.runs.history.conversations import read_conversations

PEOPLE = """\
name: group
seed: 5
epochs: 3
turns: 2
personas:
  - {id: ann, preferences: {concise: 1.0, warm: 0.5}}
  - {id: bob, preferences: {detailed: 1.0, formal: 0.5}}
  - {id: cid, preferences: {names_source: 1.0, concise: -0.5}}
  - {id: dee, preferences: {formal: 1.0, warm: -1.0}}
tasks:
  - {id: tea, prompt: How do I make a pot of tea?}
  - {id: sleep, prompt: What helps against bad sleep?}
  - {id: letter, prompt: How do I write to my landlord?}
constitution: {principles: [Be brief., Be friendly.]}
limits: {concurrency: 1}
"""


@pytest.fixture(scope="session")
def group(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of four people and three tasks over three epochs and a play of the best version."""
    folder = tmp_path_factory.mktemp("group")
    (folder / "x.yaml").write_text(PEOPLE, encoding="utf-8")
    # The best version so far has been played, so that no epoch follows the last revision.
    assert scai("run", folder / "x.yaml", "--runs-dir", folder, "-q", "--set", "revision.best_so_far=true").code == 0
    return folder / "group"


@pytest.fixture(scope="session")
def generated(group: Path) -> Path:
    """A set generated from it: two rows a task, two critiques each."""
    called = scai("generate", group, "--n", "6", "--set", "generate.k=2", "--run-id", "set", "--runs-dir", group.parent)
    assert called.code == 0, called.err
    return group.parent / "set"


def lines(path: Path | str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def rows(*options: object) -> list[dict[str, Any]]:
    called = scai("export", *options)
    assert called.code == 0, called.err
    return [json.loads(line) for line in called.out.splitlines()]


def origins(*options: object) -> list[dict[str, Any]]:
    """The provenance of every row."""
    return [json.loads(row["provenance"]) for row in rows(*options)]


def finals(run: Path) -> dict[tuple[int, str, str], tuple[str, dict[tuple[str, str], float]]]:
    """(epoch, task, persona) -> the text of the final answer and its ratings by (kind, rater)."""
    said: dict[str, str] = {}
    marks: dict[str, dict[tuple[str, str], float]] = defaultdict(dict)
    for event in events(run):
        if event["type"] == "message":
            said[event["id"]] = event["content"]
        if event["type"] == "rating" and event["final"] and event["value"] is not None:
            marks[event["message"]][event["kind"], event["rater"]] = event["value"]
    found = {}
    for message, ratings in marks.items():
        epoch, persona, task, _ = message.split("/")
        found[int(epoch[1:]), task, persona] = (said[message], ratings)
    return found


def test_pairs_are_what_the_ratings_of_both_say(group: Path) -> None:
    known = finals(group)
    expected: dict[frozenset[str], float] = {}
    for (key, (text, marks)), (other_key, (other, others)) in combinations(sorted(known.items()), 2):
        same_epoch = key[:2] == other_key[:2]
        next_epoch = key[1:] == other_key[1:] and abs(key[0] - other_key[0]) == 1
        both = marks.keys() & others.keys()
        if not (same_epoch or next_epoch) or not both or text == other:
            continue
        weights = {who: 0.25 if who[0] == "cross" else 0.75 for who in both}
        margin = sum(weights[who] * (marks[who] - others[who]) for who in both) / sum(weights.values())
        if margin:
            ids = {f"e{epoch}/{persona}/{task}/m3" for epoch, task, persona in (key, other_key)}
            expected[frozenset(ids)] = abs(margin)
    found = rows(group, "--format", "dpo")
    origin = [json.loads(row["provenance"]) for row in found]
    assert {frozenset(o["messages"]): o["margin"] for o in origin} == pytest.approx(expected)
    assert len(found) == len(expected) > 50
    said = {e["id"]: e["content"] for e in events(group) if e["type"] == "message"}
    for row, o in zip(found, origin, strict=True):
        assert [row["chosen"][0]["content"], row["rejected"][0]["content"]] == [said[m] for m in o["messages"]]
        assert row["prompt"] == [{"role": "user", "content": said[o["conversation"] + "/m0"]}]
        (epoch, persona, task, _), (other_epoch, other_persona, *_) = (m.split("/") for m in o["messages"])
        mine, theirs = known[int(epoch[1:]), task, persona][1], known[int(other_epoch[1:]), task, other_persona][1]
        both = mine.keys() & theirs.keys()
        against = sum(mine[who] < theirs[who] for who in both) / len(both)
        assert o["disagreement"] == (pytest.approx(against) if len(both) > 1 else None)
        assert sorted(o["raters"]) == sorted(rater for _, rater in both)


def test_per_persona_a_pair_is_what_one_rater_prefers(group: Path) -> None:
    known = finals(group)
    found = origins(group, "--format", "dpo", "--per-persona")
    assert {o["rater"] for o in found} == {"ann", "bob", "cid", "dee"}
    for o in found:
        (epoch, persona, task, _), (other_epoch, other_persona, *_) = (m.split("/") for m in o["messages"])
        mine, theirs = known[int(epoch[1:]), task, persona][1], known[int(other_epoch[1:]), task, other_persona][1]
        (who,) = [who for who in mine.keys() & theirs.keys() if who[1] == o["rater"]]
        assert mine[who] - theirs[who] == o["margin"] > 0
    assert {o["rater"] for o in origins(group, "--format", "dpo", "--per-persona", "--persona", "cid")} == {"cid"}


def test_filters_choose_among_pairs(group: Path) -> None:
    whole = origins(group, "--format", "dpo")

    def count(*options: object) -> int:
        return len(origins(group, "--format", "dpo", *options))

    assert count("--min-margin", 2) == sum(o["margin"] >= 2 for o in whole)
    assert count("--min-rating", 6) == sum(o["rating"] is not None and o["rating"] >= 6 for o in whole)
    told = [o["disagreement"] for o in whole if o["disagreement"] is not None]
    for low, high in ((0.3, 1), (0, 0.1), (0, 1), (0.25, 0.25)):
        assert count("--disagreement", f"{low}:{high}") == sum(low <= share <= high for share in told)
    assert 0 < count("--disagreement", "0.3:1") < len(told)
    assert count("--task", "tea") == sum(o["task"] == "tea" for o in whole)
    assert count("--persona", "bob") == sum({m.split("/")[1] for m in o["messages"]} == {"bob"} for o in whole)
    assert count("--epoch", 2) == sum({m.split("/")[0] for m in o["messages"]} == {"e2"} for o in whole)


def test_kto_has_good_and_bad_answers_and_ratings_all_cells(group: Path) -> None:
    labels = {row["label"] for row in rows(group, "--format", "kto")}
    assert labels == {True, False}
    cells = rows(group, "--format", "ratings")
    told = [e for e in events(group) if e["type"] == "rating"]
    key = ("answer_id", "rater", "kind", "value", "comment")
    assert sorted(tuple(map(str, (c[k] for k in key))) for c in cells) == sorted(
        tuple(map(str, (e["message"], e["rater"], e["kind"], e["value"], e["comment"]))) for e in told
    )


def test_generated_rows_become_answers_pairs_traces_and_ratings(generated: Path) -> None:
    made = lines(generated / "rows.jsonl")
    answers = rows(generated, "--format", "sft")
    assert [row["messages"][-1]["content"] for row in answers] == [row["final"]["text"] for row in made]
    by = {label: rows(generated, "--format", "dpo", "--labels", label) for label in ("ratings", "judge", "revision")}
    for row in by["revision"]:
        origin = json.loads(row["provenance"])
        (of,) = [m for m in made if m["id"] == origin["conversation"]]
        assert row["chosen"][0]["content"] == of["steps"][-1]["revision"]["text"]
        assert row["rejected"][0]["content"] == of["initial"]["text"]
        assert origin["rules"] == list(dict.fromkeys(step["principle"] for step in of["steps"]))
    assert all(0.5 < json.loads(row["provenance"])["p"] <= 1 for row in by["judge"])
    assert all(json.loads(row["provenance"])["margin"] > 0 for row in by["ratings"])
    default = origins(generated, "--format", "dpo")
    rated = {json.loads(row["provenance"])["conversation"] for row in by["ratings"]}
    assert {o["conversation"] for o in default if o["by"] == "ratings"} == rated
    called = scai("export", generated, "--format", "constitutional", "-o", "c.jsonl")
    assert called.code == 0
    traces = [row for name in ("c.train_sft.jsonl", "c.train_prefs.jsonl") for row in lines(name)]
    assert len(traces) == len(made)
    assert all(len(row["steps"]) == 2 for row in traces)
    cells = rows(generated, "--format", "ratings")
    assert len(cells) == sum(len(row["ratings"]) for row in made)


def test_the_constitution_of_a_generated_row_is_that_of_its_answer(generated: Path) -> None:
    asked = {}
    for line in (generated / "calls.jsonl").read_text(encoding="utf-8").splitlines():
        call = json.loads(line)
        asked[call["id"].removesuffix("/assistant")] = call["request"]["messages"][0]["content"]
    for row in rows(generated, "--format", "sft", "--system", "keep"):
        (final,) = json.loads(row["provenance"])["messages"]
        assert row["messages"][0] == {"role": "system", "content": asked[final]}
    said = rows(generated, "--format", "sft", "--system", "Speak plainly.")
    assert {row["messages"][0]["content"] for row in said} == {"Speak plainly."}


def test_at_most_so_many_rows_are_drawn_with_the_seed_whatever_their_order(group: Path) -> None:
    def drawn(*options: object) -> list[str]:
        return [o["messages"][0] for o in origins(group, "--format", "sft", *options)]

    whole, ten, five = drawn(), drawn("--max-rows", 10), drawn("--max-rows", 5)
    assert len(whole) == 96
    assert (len(ten), len(five)) == (10, 5)
    assert set(five) < set(ten)
    assert ten == [message for message in whole if message in ten]
    assert ten != whole[:10]
    assert ten != drawn("--max-rows", 10, "--seed", 1)
    assert drawn("--max-rows", 1000) == whole
    called = scai("export", group, "--format", "sft", "--max-rows", 5)
    assert called.lines[0] == "left out: 91 beyond --max-rows"


@pytest.fixture(scope="session")
def weighted(group: Path) -> Path:
    """The run, with people of whom one stands for nine."""
    run = shutil.copytree(group, group.parent / "weighted")
    config = (run / "config.yaml").read_text(encoding="utf-8")
    (run / "config.yaml").write_text(
        config.replace("  - id: cid\n", "  - id: cid\n    weight: 9.0\n"), encoding="utf-8"
    )
    return run


def test_rows_have_the_weights_of_people_who_count_by_them(group: Path, weighted: Path) -> None:
    known, found = finals(weighted), origins(weighted, "--format", "dpo")
    for o in found:
        (epoch, persona, task, _), (other_epoch, other_persona, *_) = (m.split("/") for m in o["messages"])
        mine, theirs = known[int(epoch[1:]), task, persona][1], known[int(other_epoch[1:]), task, other_persona][1]
        counts = {w: (0.25 if w[0] == "cross" else 0.75) * (9 if w[1] == "cid" else 1) for w in mine.keys() & theirs}
        margin = sum(count * (mine[who] - theirs[who]) for who, count in counts.items()) / sum(counts.values())
        assert o["margin"] == pytest.approx(margin)
        assert o["weight"] == (9 if o["persona"] == "cid" else 1)
    assert {o["rater"]: o["weight"] for o in origins(weighted, "--format", "dpo", "--per-persona")}["cid"] == 9
    assert not any("weight" in o for o in origins(group, "--format", "dpo"))  # where all count alike
    assert scai("export", weighted, "--format", "openai-sft", "-o", "api.jsonl").code == 0
    assert [set(line) for line in lines("api.jsonl")] == [{"messages"}] * 96  # the API refuses other keys
    assert {line["weight"] for line in lines("api.meta.jsonl")} == {1, 9}


def test_rows_are_drawn_in_proportion_to_weights(group: Path, weighted: Path) -> None:
    def share(run: Path) -> float:
        drawn = [o for seed in range(4) for o in origins(run, "--format", "sft", "--max-rows", 12, "--seed", seed)]
        assert len(drawn) == 48
        return sum(o["persona"] == "cid" for o in drawn) / 48

    assert share(weighted) > 0.5 > share(group)  # expected 3/4 at first, and 1/4 without weights


def test_means_of_people_are_by_weight_everywhere(weighted: Path) -> None:
    last = [event for event in events(weighted) if event["type"] == "welfare"][-1]
    values = last["satisfaction"]
    expected = (sum(values.values()) + 8 * values["cid"]) / 12
    listed = next(e for e in scai("list", "--runs-dir", weighted.parent, "--json").json if e["run_id"] == "weighted")
    metrics = scai("compare", weighted.parent / "group", weighted, "--json").json["metrics"]
    epochs = [row["satisfaction"] for row in Run(weighted).welfare()]
    assert (listed["satisfaction"], metrics["satisfaction.last"]["weighted"], epochs[-1]) == pytest.approx(
        (expected,) * 3
    )
    shown = scai("show", weighted, "--json").json["headline"]
    of_people = shown["people"]
    for side in ("before", "after"):
        expected = (sum(one[side] for one in of_people.values()) + 8 * of_people["cid"][side]) / 12
        assert shown["satisfaction"][side] == pytest.approx(expected)
    assert ") of unequal weight " in shown["sentence"]


def interleaved(run: Path, rng: random.Random) -> bytes:
    """The events of a run as if its conversations had gone on at the same time."""
    out: list[bytes] = []
    talks: dict[str, list[bytes]] = {}

    def merge() -> None:
        while talks:
            name = rng.choice(sorted(talks))
            out.append(talks[name].pop(0))
            if not talks[name]:
                del talks[name]

    for line in (run / "events.jsonl").read_bytes().splitlines(keepends=True):
        event = json.loads(line)
        if event["type"] in ("message", "rating") and not event["id"].endswith("/m0"):
            name = event.get("conversation") or event["id"].rpartition("/")[0]
            talks.setdefault(name, []).append(line)
            if event["type"] == "rating" and event["kind"] == "cross":
                here = talks[name]
                first = next(n for n, told in enumerate(here) if b'"kind":"cross"' in told)
                here.insert(rng.randint(first, len(here) - 1), here.pop())
            continue
        if event["type"] != "message":
            merge()
        out.append(line)
    return b"".join(out)


@pytest.mark.slow
def test_rows_do_not_depend_on_how_many_conversations_were_held_at_a_time(group: Path, tmp_path: Path) -> None:
    run = tmp_path / "group"
    run.mkdir()
    (run / "config.yaml").write_bytes((group / "config.yaml").read_bytes())
    told = (group / "events.jsonl").read_bytes()
    for seed in range(3):
        (run / "events.jsonl").write_bytes(interleaved(group, random.Random(seed)))
        assert (run / "events.jsonl").read_bytes() != told
        for form in ("sft", "dpo", "kto", "ratings"):
            assert scai("export", run, "--format", form).out == scai("export", group, "--format", form).out, seed


def test_whole_conversations_do_not_wait_for_ever_for_one_that_failed(group: Path, tmp_path: Path) -> None:
    run = tmp_path / "group"
    run.mkdir()
    (run / "config.yaml").write_bytes((group / "config.yaml").read_bytes())
    told = (group / "events.jsonl").read_bytes().splitlines(keepends=True)
    lost = [line for line in told if b'"id":"e1/ann/tea/m3"' not in line]
    (run / "events.jsonl").write_bytes(b"".join(lost))
    config = load_saved(run / "config.yaml")
    bounds = (config.turns, config.ratings.cross_raters)
    first, *_ = read_conversations(run, *bounds, waiting=2)
    assert first.id != "e1/ann/tea"
    found = [talk.id for talk in read_conversations(run, *bounds, waiting=2)]
    whole = [talk.id for talk in read_conversations(group, *bounds)]
    assert sorted(found) == sorted(whole)
    assert [talk.id for talk in read_conversations(run, *bounds)] == [
        "e1/ann/tea" if n == 0 else name for n, name in enumerate(whole)
    ]


@pytest.mark.parametrize("form", ["sft", "dpo", "ratings"])
def test_a_run_is_exported_as_far_as_it_went(group: Path, tmp_path: Path, form: str) -> None:
    run = tmp_path / "group"
    run.mkdir()
    (run / "config.yaml").write_bytes((group / "config.yaml").read_bytes())
    told = (group / "events.jsonl").read_bytes().splitlines(keepends=True)
    whole = scai("export", group, "--format", form).out.splitlines()
    before = 0
    for count in range(0, len(told) + 1, 97):
        (run / "events.jsonl").write_bytes(b"".join(told[:count]) + b'{"seq":9,"time":"2026')
        called = scai("export", run, "--format", form)
        assert called.code == 0
        if form != "ratings":  # of a conversation that goes on the last rating is not there yet
            found = called.out.splitlines()
            assert len(found) >= before
            before = len(found)
    if form == "sft":
        assert {json.loads(row)["messages"][-1]["content"] for row in found} <= {
            json.loads(row)["messages"][-1]["content"] for row in whole
        }


@pytest.mark.parametrize("form", ["sft", "dpo", "ratings"])
@pytest.mark.parametrize("damage", [b"nonsense", b'{"type":"message"}', b'{"type":"rating","x":1}', b"\xff\xfe", b"{"])
def test_a_damaged_line_is_named(group: Path, tmp_path: Path, form: str, damage: bytes) -> None:
    run = tmp_path / "group"
    run.mkdir()
    (run / "config.yaml").write_bytes((group / "config.yaml").read_bytes())
    told = (group / "events.jsonl").read_bytes().split(b"\n")
    told[30] = damage
    (run / "events.jsonl").write_bytes(b"\n".join(told))
    called = scai("export", run, "--format", form, "-o", "x.jsonl")
    assert called.code == 2
    assert called.err.startswith(f"scai: {run / 'events.jsonl'}:31: this line is damaged")
    assert not Path("x.jsonl").exists()


def test_a_damaged_row_is_named(generated: Path, tmp_path: Path) -> None:
    copy = tmp_path / "set"
    copy.mkdir()
    for name in ("generation.yaml", "experiment.yaml", "tasks.jsonl"):
        (copy / name).write_bytes((generated / name).read_bytes())
    told = (generated / "rows.jsonl").read_bytes().split(b"\n")
    (copy / "rows.jsonl").write_bytes(b"\n".join([told[0], b'{"id": 3}', *told[1:]]))
    called = scai("export", copy, "--format", "sft", "-o", "x.jsonl")
    assert (called.code, called.err.count("\n")) == (2, 1)
    assert "rows.jsonl:2: this line is damaged" in called.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--format sft --persona anne", "--persona: group has no persona 'anne'; did you mean 'ann'?"),
        ("--format sft --task teas", "--task: group has no task 'teas'; did you mean 'tea'?"),
        ("--format sft --epoch 7", "run 'group' has no epoch 7; it has 4"),
        ("--format sft --min-margin 1", "--min-margin filters pairs"),
        ("--format sft --per-persona", "--per-persona filters pairs"),
        ("--format kto --labels judge", "--labels filters pairs"),
        ("--format constitutional", "make one with `scai generate group`"),
        ("--format dpo --disagreement 0.5", "write it as LOW:HIGH"),
        ("--format dpo --disagreement 0.5:0.1", "write it as LOW:HIGH"),
        ("--format dpo --disagreement 0:nan", "write it as LOW:HIGH"),
        ("--format dpo --disagreement 0:1.5", "write it as LOW:HIGH"),
        ("--format system --disagreement 0:1", "--disagreement: the format 'system' exports whole runs"),
        ("--format system -o folder/", "has no samples for a card"),
        ("--format dpo --split-by task", "add e.g. --split"),
        ("--format dpo --split train=1,test=1 -o x.jsonl", "add up to 1"),
        ("--format dpo --split train=0.5,train=1 -o x.jsonl", "has two shares"),
        ("--format dpo --split train:1 -o x.jsonl", "write it as train=0.9,test=0.1"),
        ("--format dpo --split a/b=1 -o x.jsonl", "cannot be part of a file name"),
        ("--format dpo --split train=0.5,test=0.5", "add -o FILE"),
        ("--format dpo --as markdown", "only for system messages"),
        ("--format dpo --as csv", "name a file with -o FILE.csv"),
        ("--format system --as csv", "text, markdown or json"),
        ("--format dpo --as csv -o x.parquet", "-o x.parquet: the ending means parquet, but --as is csv"),
        ("--format dpo --as parquet -o x.jsonl", "-o x.jsonl: the ending means jsonl, but --as is parquet"),
        ("--format system --as text -o x.md", "-o x.md: the ending means markdown, but --as is text"),
        ("--format dpo -o x.xlsx", "-o x.xlsx: .xlsx is not written; name a .csv, .jsonl or .parquet file"),
        ("--format system --dedupe exact", "--dedupe: the format 'system' exports whole runs"),
        ("--format system --split train=1", "--split: the format 'system' exports whole runs"),
        ("--format dpo --decontaminate no.jsonl", "no.jsonl"),
        ("--format dpo -o no/folder/x.jsonl", "no/folder/x.jsonl: no/folder does not exist; create this folder"),
        ("--format dpo -o x.jsonl --guard off", "--guard off: only CSV cells are guarded"),
        ("--format system --guard on", "--guard: the format 'system' exports whole runs"),
    ],
)
def test_what_cannot_be_is_one_line(group: Path, options: str, said: str) -> None:
    called = scai("export", group, *options.split())
    assert (called.code, called.out, called.err.count("\n")) == (2, "", 1)
    assert said in called.err
    assert not list(Path().iterdir())


@pytest.fixture
def mine() -> Iterator[None]:
    """Formats of somebody else's in a module `mine`."""
    Path("mine.py").write_text(
        "from scai_cli.datasets.formats.format import Format\n"
        "def rows(run, layout):\n"
        "    epochs = run.history.chosen(run.epoch)\n"
        "    yield {'run': run.history.run_id, 'epochs': len(epochs), 'system': layout.system, 'who': run.persona}\n"
        "whole = Format('runs', rows)\n"
        "def low_rows(rating, layout):\n"
        "    return [{'r': rating.score.rater}] if rating.score.value <= 2 else []\n"
        "low = Format('ratings', low_rows)\n"
    )
    sys.path.insert(0, "")
    yield
    sys.path.remove("")
    sys.modules.pop("mine", None)


def test_a_format_of_whole_runs_is_given_the_run_and_the_filters(group: Path, mine: None) -> None:
    called = scai("export", group, "--format", "mine:whole", "--epoch", 2, "--system", "Be.", "--persona", "ann")
    to_csv = scai("export", group, group, "--format", "mine:whole", "-o", "x.csv")
    refused = scai("export", group, "--format", "mine:whole", "--max-rows", 1)
    assert called == Called(0, '{"run":"group","epochs":1,"system":"Be.","who":"ann"}\n', "")
    assert to_csv == Called(0, "", "2 rows of group, group -> x.csv\n")
    assert Path("x.csv").read_text() == "run,epochs,system,who\ngroup,4,,\ngroup,4,,\n"
    assert not list(Path().glob("*.meta.jsonl"))
    assert (refused.code, refused.err.count("\n")) == (2, 1)


def test_a_format_of_samples_is_all_that_a_third_party_writes(group: Path, mine: None) -> None:
    low = [row["rater"] for row in rows(group, "--format", "ratings") if row["value"] <= 2]
    assert [row["r"] for row in rows(group, "--format", "mine:low")] == low != []
    assert scai("export", group, "--format", "mine:low", "-o", "low/", "--split", "train=0.5,test=0.5").code == 0
    assert "in the format `mine:low`" in Path("low/README.md").read_text(encoding="utf-8")
    refused = scai("export", group, "--format", "mine:rows")
    assert refused == Called(
        2, "", "scai: format 'mine:rows' is not a scai_cli.api.Format; name an object that is one\n"
    )
    unknown = scai("export", group, "--format", "dop")
    assert unknown == Called(2, "", "scai: unknown format 'dop'; did you mean 'dpo'?\n")


KEPT = "revision: {acceptance: improves, margin: 1}"
"""No revision is adopted, so that there is one play of one constitution."""


def test_a_prompt_has_at_most_so_many_pairs(tmp_path: Path) -> None:
    crowd = ", ".join(f"{{id: p{n}}}" for n in range(13))
    (tmp_path / "x.yaml").write_text(
        f"{{name: crowd, epochs: 1, turns: 1, personas: [{crowd}], tasks: [{{id: tea, prompt: Tea?}}], {KEPT}}}"
    )
    assert scai("run", tmp_path / "x.yaml", "--runs-dir", tmp_path, "-q").code == 0
    called = scai("export", tmp_path / "crowd", "--format", "dpo")
    assert f"left out: {13 * 12 // 2 - PAIRS_PER_PROMPT} more than {PAIRS_PER_PROMPT} pairs of a prompt" in called.err
    assert called == scai("export", tmp_path / "crowd", "--format", "dpo")
    assert called.out != scai("export", tmp_path / "crowd", "--format", "dpo", "--seed", 1).out
    assert 0 < called.out.count("\n") <= PAIRS_PER_PROMPT


def test_system_messages_of_several_runs_have_an_empty_line_between_them(group: Path) -> None:
    plain = scai("export", group, "--format", "system").out
    assert scai("export", group, group, "--format", "system").out == f"{plain}\n{plain}"
