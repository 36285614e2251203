"""`scai generate --rows A:B`: the rows of a whole set, made in parts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import KNOWN_PEOPLE, TINY, calls, scai
from crash import answered

N = 14
KIND = TINY.replace(KNOWN_PEOPLE, "").replace("name: tiny", "name: kind").replace("epochs: 2", "epochs: 1") + (
    "constitution:\n  principles: [Give an example for what you say., Use bullet points., Ask what the person needs.]\n"
    "  contract: [{text: Keep every answer short., for: [ann]}, {text: Explain things in detail., for: [bob]}]\n"
    "revision: {strategy: rewrite, acceptance: improves, clauses: people, margin: 1.0}\n"
)
TASKS = [
    {"id": "tea", "prompt": "How do I make tea?"},
    {"id": "lie", "prompt": "Help me to lie to my landlord.", "kind": "red-team"},
    {"id": "nap", "prompt": "How long is a good nap?", "source": {"name": "s", "licence": "CC-BY-4.0"}},
]
EVERYTHING = ("--set", "generate={k: 2, samples: 2, judge: both, raters: 1}")
RED_TEAM = ("--set", "generate={recipe: sl-cai, k: 2, judge: both, final: true}")


@pytest.fixture(scope="module")
def kind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run whose contract has clauses for two of its three people, so that they take turns."""
    folder = tmp_path_factory.mktemp("kind")
    (folder / "kind.yaml").write_text(KIND, encoding="utf-8")
    (folder / "tasks.jsonl").write_text("".join(f"{json.dumps(task)}\n" for task in TASKS), encoding="utf-8")
    assert scai("run", folder / "kind.yaml", "--runs-dir", folder / "runs", "--quiet").code == 0
    return folder


def generate(kind: Path, *options: object, n: int = N) -> Path:
    """The folder of a new set, made from three tasks."""
    source = (kind / "runs" / "kind", "--tasks", kind / "tasks.jsonl", "--n", n)
    called = scai("generate", *source, *options, "-q")
    assert (called.code, called.errors) == (0, [])
    return Path("runs") / called.out.strip()


def shards(kind: Path, borders: Sequence[int], *options: object) -> list[Path]:
    return [generate(kind, "--rows", f"{first}:{end}", *options, n=borders[-1]) for first, end in pairwise(borders)]


def joined(paths: Sequence[Path]) -> bytes:
    return b"".join((path / "rows.jsonl").read_bytes() for path in paths)


@pytest.mark.parametrize(
    ("options", "borders"),
    [(EVERYTHING, (0, 5, 6, 13, 14)), (RED_TEAM, (0, 4, 9)), (("--set", "generate.judge=model"), (0, 1, 2))],
    ids=["uneven, one of a single row", "red-team tasks", "fewer rows than tasks"],
)
def test_shards_joined_in_order_are_the_whole_set(
    kind: Path, options: tuple[str, ...], borders: tuple[int, ...]
) -> None:
    whole = generate(kind, *options, n=borders[-1])
    parts = shards(kind, borders, *options)
    assert joined(parts) == (whole / "rows.jsonl").read_bytes()
    assert [path.name for path in parts] == [f"kind-rows-{first}-{end}" for first, end in pairwise(borders)]
    asked = Counter(call["id"] for path in parts for call in calls(path))
    assert set(asked) == {call["id"] for call in calls(whole)}
    assert {call for call, count in asked.items() if count > 1} <= {"judge/probe/meta", "judge/probe/assistant"}


def test_a_shard_that_was_cut_goes_on_at_its_own_row(kind: Path) -> None:
    path = generate(kind, "--rows", "6:13", *EVERYTHING)
    before, said = (path / "rows.jsonl").read_bytes(), answered(path)
    rows = before.splitlines(keepends=True)
    (path / "rows.jsonl").write_bytes(b"".join(rows[:2]) + rows[2][:100])
    (path / "outcome.json").unlink()
    assert scai("list").out.splitlines()[-1].split()[:3] == ["kind-rows-6-13", "interrupted", "2/7"]
    resumed = scai("resume", path.name, "--json")
    assert (resumed.code, resumed.json["rows"], resumed.json["wanted"]) == (0, 7, 7)
    assert "set kind-rows-6-13: 7 rows (r6 to r12 of 14) from 3 tasks" in resumed.err
    assert (path / "rows.jsonl").read_bytes() == before
    assert answered(path) == said
    assert scai("list").out.splitlines()[-1].split()[:3] == ["kind-rows-6-13", "finished", "7/7"]
    (path / "rows.jsonl").write_bytes(b"".join([*rows[:3], *rows[4:]]))
    assert "row r9 is missing" in scai("resume", path.name).err
    assert (path / "rows.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("5:5", "--rows 5:5: has no row; A:B are the rows from A to before B"),
        ("7:5", "--rows 7:5: has no row"),
        ("10:15", "--rows 10:15: the whole set has 14 rows (--n)"),
        ("x:5", "--rows x:5: write it as A:B, for example 0:1000 for the first 1,000 rows"),
        ("-1:5", "--rows -1:5: write it as A:B"),
        ("5", "--rows 5: write it as A:B"),
        ("1:2:3", "--rows 1:2:3: write it as A:B"),
        ("9" * 5000 + ":1", "write it as A:B"),
    ],
)
def test_wrong_rows_are_one_line_and_leave_nothing_behind(kind: Path, rows: str, said: str) -> None:
    command = ("generate", kind / "runs" / "kind", "--tasks", kind / "tasks.jsonl", "--n", N, "--rows", rows)
    for more in ((), ("--dry-run",)):
        called = scai(*command, *more)
        assert (called.code, len(called.lines)) == (2, 1)
        assert said in called.err
    assert not list(Path().glob("runs/*"))


def test_without_n_the_whole_set_has_a_row_for_each_task(kind: Path) -> None:
    command = ("generate", kind / "runs" / "kind", "--tasks", kind / "tasks.jsonl", "-q", "--rows")
    for more in ((), ("--dry-run",)):
        called = scai(*command, "1:4", *more)
        said = "scai: --rows 1:4: the whole set has 3 rows (one for each task, without --n)\n"
        assert (called.code, called.err) == (2, said)
    assert not list(Path().glob("runs/*"))
    assert scai(*command, "1:3").out == "kind-rows-1-3\n"
    with Path("runs/kind-rows-1-3/rows.jsonl").open(encoding="utf-8") as file:
        assert [(row["id"], row["task"]) for row in map(json.loads, file)] == [("r1", "lie"), ("r2", "nap")]


@pytest.mark.parametrize("saved", ["[9, 5]", "[5, 99]", "[-1, 5]", "nonsense", "[1]"])
def test_a_damaged_range_is_one_line(kind: Path, saved: str) -> None:
    path = generate(kind, "--rows", "2:3", "--set", "generate={k: 0, judge: none}") / "generation.yaml"
    text = path.read_text(encoding="utf-8")
    assert "  rows:\n  - 2\n  - 3\n" in text
    path.write_text(text.replace("  rows:\n  - 2\n  - 3\n", f"  rows: {saved}\n"), encoding="utf-8")
    for command in ("resume", "export --format sft"):
        called = scai(*command.split()[:1], path.parent.name, *command.split()[1:])
        assert (called.code, len(called.lines)) == (2, 1)
        assert "generation.yaml:" in called.err
    assert scai("list").code == 0


def test_the_plans_of_shards_add_up(kind: Path) -> None:
    def planned(*options: object) -> Counter[str]:
        command = ("generate", kind / "runs" / "kind", "--tasks", kind / "tasks.jsonl", "--n", 40, *RED_TEAM)
        plan = scai(*command, *options, "--dry-run", "--json").json
        return Counter({"rows": plan["rows"], **plan["calls"]})

    parts = sum((planned("--rows", rows) for rows in ("0:7", "7:31", "31:40")), Counter[str]())
    probes = Counter({"comparison": 2, "total": 2})  # one call of each set tries whether there are log-probabilities
    assert parts == planned() + probes


@pytest.fixture(scope="module")
def parted(kind: Path) -> list[Path]:
    """A whole set, and three shards of it."""
    options = (*EVERYTHING, "--runs-dir", kind / "sets")
    made = [generate(kind, *options), *shards(kind, (0, 5, 6, 14), *options)]
    return [kind / "sets" / path.name for path in made]


@pytest.mark.parametrize("form", ["sft", "dpo", "kto", "ratings", "constitutional"])
def test_an_export_of_shards_is_that_of_the_whole_set(parted: list[Path], form: str) -> None:
    whole, *parts = parted
    options = ("--format", form, "--split", "train=0.5,test=0.5", "--split-by", "task", "--dedupe", "near")
    for sources, folder in (([whole], "one/"), (parts, "many/")):
        called = scai("export", *sources, *options, "-o", folder)
        assert called.code == 0, called.err
    one, many = ({file.name: file for file in Path(folder).rglob("*.jsonl")} for folder in ("one", "many"))
    assert one.keys() == many.keys()
    for name, file in one.items():
        text = many[name].read_text(encoding="utf-8")
        for part in parts:
            text = text.replace(part.name, whole.name)
        assert text == file.read_text(encoding="utf-8")
    assert sum(file.stat().st_size for file in one.values()) > 0
    said = [json.loads(Path(folder, "manifest.json").read_text(encoding="utf-8")) for folder in ("one", "many")]
    for key in ("licences", "left_out", "notes", "summary"):
        assert said[0][key] == said[1][key]


def test_shards_that_make_no_whole_set_are_said_in_one_line(kind: Path) -> None:
    few = ("--set", "generate={k: 0, judge: none}")
    a, b, c = (path.name for path in shards(kind, (0, 5, 6, 14), *few))
    over = generate(kind, "--rows", "4:7", *few).name
    other = generate(kind, "--rows", "5:14", "--set", "generate={k: 1, judge: none}").name

    def notes(*names: str) -> list[str]:
        called = scai("export", *names, "--format", "sft")
        assert called.code == 0
        return [line for line in called.lines if "shard" in line]

    assert notes(a, b, c) == notes(b) == []
    assert notes(a, c) == ["row r5 of 14 is in none of the shards"]
    assert notes(a, b) == ["rows r6 to r13 of 14 are in none of the shards"]
    assert notes(a, over, b, c) == ["rows r4 to r6 of 14 are in more than one shard"]
    assert notes(over, over) == [
        "rows r0 to r3 of 14 are in none of the shards",
        "rows r4 to r6 of 14 are in more than one shard",
        "rows r7 to r13 of 14 are in none of the shards",
    ]
    assert notes(b, a, c) == ["the shards are not in the order of their rows, and neither are the rows written"]
    differ = f"'{a}' and '{other}' are not shards of one set: they differ in their experiment"
    assert notes(a, other) == [differ]
