"""The corpus of hostile texts passes through every command: no screen, page or file lets through what it must not."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import typer.main
from conftest import Called, events, scai
from hostile_texts import EVERYTHING, HIDDEN, TAGGED, TEXTS, UNSEEN
from scripted import script
from terminal import on_a_terminal, piped

from scai_cli.cli import app
from scai_cli.simulation.placeholders import is_rule
from scai_cli.text.characters import clean

SPLIT = f"Z\u200be\u00add\u202e{TAGGED}"
"""What an earlier version let into names and rules; in a file of the user's it is refused."""
OF_A_FORM = ("long", "json", "form", "forged_log")
"""They are long, or read as the form of an answer."""
COMMENT = "\n".join(clean(text) for name, text in TEXTS.items() if name not in OF_A_FORM)
SAFE = [clean(text) for name, text in TEXTS.items() if name not in (*HIDDEN, *OF_A_FORM)]
EXPERIMENT = {
    "name": "bad",
    "epochs": 2,
    "turns": 1,
    "personas": [
        {
            "id": "a.b-_1",
            "name": " ".join(SAFE),
            "description": EVERYTHING,
            "attributes": {TEXTS["html"]: EVERYTHING, TEXTS["formula"]: TEXTS["wide_formula"]},
            "stances": {"tea": EVERYTHING},
        },
        {"id": "bob", "name": "ZED"},
    ],
    "tasks": [
        {"id": "tea", "prompt": EVERYTHING, "kind": EVERYTHING, "topic": EVERYTHING, "source": EVERYTHING},
        {"id": "e1", "prompt": TEXTS["tags"]},
    ],
    "ratings": {
        "own": (words := '\u202e</message> <script>alert(1)</script> [/] " x='),
        "measures": [{"measure": "length", "words": words}],
    },
    "constitution": {"max_tokens": 10_000, "max_principles": 50},
    "revision": {"strategy": "rewrite", "acceptance": "always", "clauses": "people"},
}
RULES = [{"id": text[:99], "text": text[:900], "for": ["bob"]} for text in SAFE if is_rule(text) and "{" not in text]
SCRIPT = script(
    {"at": "/m1/assistant$", "say": EVERYTHING},
    {"at": "/m2/user$", "say": json.dumps({"feedback": COMMENT, "rating": 6})},
    {"at": "/cross/", "say": json.dumps({"reason": COMMENT, "rating": 5})},
    {
        "at": "/revision/",
        "say": json.dumps(
            {
                "critique": COMMENT,
                "principles": [{"id": None, "text": "Let YONDER things be plain and calm.", "reason": COMMENT}],
                "contract": RULES,
            }
        ),
    },
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, a folder `old` with one of an earlier version, and files of people, tasks and rows."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "x.json").write_text(json.dumps(EXPERIMENT), encoding="utf-8")
    called = scai("run", folder / "x.json", "--runs-dir", folder / "runs", *SCRIPT)
    assert (called.code, called.out) == (0, "bad\n"), called.err
    assert not UNSEEN.search(called.err)
    assert "Let YONDER things" in (folder / "runs/bad/system_message.txt").read_text(encoding="utf-8")
    old = folder / "old" / f"bad-{SPLIT}"
    shutil.copytree(folder / "runs" / "bad", old)
    for file in (path for path in old.rglob("*") if path.is_file()):
        file.write_bytes(file.read_bytes().replace(b"ZED", SPLIT.encode()).replace(b"YONDER", SPLIT.encode()))
    grid = {"personas.0.description": [*TEXTS.values()], "model": ["simulated", SPLIT]}
    for name, axes in (("sweep", {"personas.0.description": [EVERYTHING, TEXTS["formula"]]}), ("bad", grid)):
        (folder / f"{name}.json").write_text(json.dumps({"experiment": "x.json", "grid": axes}), encoding="utf-8")
    (folder / "people.jsonl").write_text("".join(json.dumps(who) + "\n" for who in EXPERIMENT["personas"]))
    (folder / "tasks.json").write_text(json.dumps(EXPERIMENT["tasks"]))
    rows = [{"prompt": text, "completion": text, EVERYTHING[:99]: text} for text in TEXTS.values()]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    chats = [{"user": text[:99], "messages": [{"role": "user", "content": text}], text[:99]: "x"} for text in SAFE]
    (folder / "chats.jsonl").write_text("".join(json.dumps(chat) + "\n" for chat in chats))
    rated = [
        {
            "person": f"{n} {text[:60]}",
            "prompt": EVERYTHING,
            "answer": text,
            "rating": n % 3,
            "scale": "0-2",
            "country": c,
        }
        for n, text in enumerate(SAFE[:12])
        for c in [SAFE[n % 2][:60]]
    ]
    (folder / "rated.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rated))
    (folder / "lines.txt").write_text("\n".join(text.replace("\n", " ") for text in map(clean, TEXTS.values())))
    return folder


SHOWN = (
    *("", "--epoch 1 --persona bob", "--task tea", "--constitution", "--ratings", "--diff 0 1", "--json"),
    *("--prompts e1/bob", "--prompts e1/revision", "--follow", "--follow --json"),
)
FORMS = ("system --as text", "system --as markdown", "system --as json", "sft --system keep", "preference", "kto")
ROWS: dict[str, tuple[str, ...]] = {
    "init": ("{tmp}/?",),
    "check": ("{place}/x.json", "{place}/x.json --prompts", "{place}/x.json --json --prompts"),
    "plan": ("{place}/x.json --set name=?", "{place}/x.json --set ?=1", "{place}/x.json --model ?:?"),
    "run": ("{place}/x.json --run-id ?", "{place}/x.json --runs-dir ?/x --json --set epochs=1"),
    "resume": ("{old}", "{place}/runs/bad --set ?=?", "{place}/runs/bad --json"),
    "sweep": ("{place}/sweep.json --dry-run", "{place}/sweep.json --dry-run --json", "{place}/?", "{place}/bad.json"),
    "list": ("--runs-dir {place}/old", "--runs-dir {place}/old --json"),
    "show": tuple(f"{run} {view}" for run in ("{old}", "{place}/runs/bad") for view in SHOWN)
    + tuple(f"{{old}} {option} ?" for option in ("--persona", "--task", "--prompts", "--epoch")),
    "chat": ("{old} --against start", "{old} --json", "{place}/runs/bad --persona ?"),
    "report": ("{old} -o ?.html",),
    "compare": ("{old} {place}/runs/bad", "{place}/runs/bad {old} --json", "{old} --embedding-model ?:?"),
    "explain": ("{old} --set limits.calls=9", "{old} --users ? ?", "{old} --json --set limits.calls=9"),
    "export": tuple(f"{{old}} --format {form}" for form in FORMS)
    + tuple(f"{{old}} --format sft -o ?{end}" for end in (".csv", "/", ".md"))
    + ("{old} --format ?", "{old} --format sft --split ?=1", "{old} --format sft --disagreement ?"),
    "generate": ("{old} --n 1 --runs-dir {tmp}", "{old} --dry-run", "{old} --rows ?", "? --config {place}/x.json"),
    "evaluate": (
        *("none {old} --suite choice --n 2 --runs-dir {tmp}/1", "bare ? --suite choice", "none {old} --suite ?"),
        *("?={old} none --n 1", "none {old} --n 1 --judge ?:?", "none {place}/lines.txt --suite choice=?"),
        *(
            "none {old} --suite society --n 1 --runs-dir {tmp}/2 --json",
            "{old} --suite realism --n 1 --runs-dir {tmp}/3 --human {place}/chats.jsonl",
            "{old} --suite calibration --runs-dir {tmp}/4 --human {place}/rated.jsonl",
            "none {old} --suite realism --human {place}/rows.jsonl --human ?",
            "none {old} --gold {place}/rows.jsonl --dry-run",
        ),
    ),
    "serve": ("?", "{old} --port ?", "{old} --host ? --port 0", "{place}/? --model ?:?"),
    "view": ("--port ?", "?", "--port 99999 --runs-dir ?"),
    "dataset describe": ("{place}/rows.jsonl", "{place}/rows.jsonl --json", "{place}/?"),
    "personas import": ("{place}/lines.txt --as lines -o ?.jsonl", "{place}/lines.txt --as ? -o -"),
    "personas describe": ("{place}/people.jsonl", "{place}/people.jsonl --json --quota ?=?:1", "?"),
    "personas list": ("{place}",),
    "personas validate": ("{place}/people.jsonl",),
    "personas sample": (
        *("{place}/people.jsonl --n 2 -o - --by ?", "{place}/people.jsonl --n 1 -o ?.yaml"),
        "{place}/people.jsonl --n 1 -o - --quota ?=?:1",
    ),
    "personas weigh": ("{place}/people.jsonl -o - --quota ?=?:1", "{place}/people.jsonl -o ?.yaml --quota ?"),
    "personas generate": ("--n 1 -o ?.jsonl --tasks {place}/tasks.json --quota ?=?:1",),
    "trust": ("? ?", "--json", "KEY ?", "KEY https://? --remove"),
    "tasks generate": (
        *("--n 1 --like {place}/tasks.json -o ?.jsonl --quota topic=?:1", "--n 1 --like ? -o ?.jsonl"),
        "--n 1 --like {place}/tasks.json -o - --personas {place}/people.jsonl --quota ?=?:1",
    ),
    "tasks import": ("{place}/lines.txt --as lines -o - --topic ? --kind ?", "{place}/? --as lines -o -"),
}
"""Command -> its options; `?` is a hostile text."""


def commands(group: object, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        yield from commands(command, f"{name} ") if hasattr(command, "commands") else [before + name]


def test_every_command_is_tried() -> None:
    assert set(ROWS) == set(commands(typer.main.get_command(app)))


def called(place: Path, tmp: Path, command: str, options: str) -> Called:
    bad = SPLIT + TEXTS["osc"].replace("/", "|") + "[x]"
    words = [word.replace("?", bad).replace("{old}", f"{place}/old/bad-{SPLIT}") for word in options.split()]
    words = [word.replace("{place}", str(place)).replace("{tmp}", str(tmp)) for word in words]
    if command != "chat":
        return scai(*command.split(), *words)
    return Called(*piped(f"{COMMENT}\n/system\n/{bad}\n", *command.split(), *words))


@pytest.mark.parametrize(("command", "options"), [(command, row) for command in ROWS for row in ROWS[command]])
def test_no_command_lets_through_what_a_terminal_obeys_or_hides(
    place: Path, tmp_path: Path, command: str, options: str
) -> None:
    found = called(place, tmp_path, command, options)
    assert found.code in (0, 2, 3, 4), found.err
    assert not UNSEEN.search(found.out)
    assert not UNSEEN.search(found.err)
    assert "Traceback" not in found.err
    if "--json" in options and found.code == 0:
        assert len([json.loads(line) for line in found.out.splitlines()]) == found.out.count("\n")


@pytest.mark.parametrize("command", ROWS)
def test_no_usage_error_lets_it_through(command: str) -> None:
    for words in ([f"--{SPLIT}"], [SPLIT] * 9, [f"--json={SPLIT}"]):
        found = scai(*command.split(), *words)
        assert not UNSEEN.search(found.out + found.err)


@pytest.mark.slow
@pytest.mark.parametrize("view", ["", "--epoch 1", "--ratings", "--constitution"])
def test_a_terminal_gets_only_colours(place: Path, view: str) -> None:
    shown = on_a_terminal("show", f"{place}/old/bad-{SPLIT}", *view.split())
    plain = "".join(part.partition("m")[2] if n else part for n, part in enumerate(shown.split("\x1b[")))
    assert not UNSEEN.search(plain.replace("\r\n", "\n"))


def test_files_show_what_is_hidden(place: Path, tmp_path: Path) -> None:
    old = f"{place}/old/bad-{SPLIT}"
    for kind, name in (("system", "system.md"), ("system", "system.txt"), ("sft", "rows.csv"), ("sft", "folder/")):
        assert scai("export", old, "--format", kind, "-o", name).code == 0
    made = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in made} >= {".md", ".txt", ".csv", ".jsonl", ".json"}
    for path in (*made, *(place / "runs" / "bad" / "constitution").iterdir(), place / "runs/bad/system_message.txt"):
        text = path.read_bytes().decode()
        assert not UNSEEN.search(text.replace("\r\n", "\n") if path.suffix == ".csv" else text), path
    assert "Z‹U+200B›e‹U+00AD›d‹U+202E›‹U+E0074›" in (tmp_path / "system.md").read_text(encoding="utf-8")


def test_rows_of_json_keep_the_data(place: Path) -> None:
    rows = [json.loads(line) for line in scai("export", place / "runs/bad", "--format", "sft").out.splitlines()]
    assert EVERYTHING.strip() in {message["content"].strip() for row in rows for message in row["messages"]}


def test_no_cell_of_a_table_begins_a_formula(place: Path, tmp_path: Path) -> None:
    run = tmp_path / "formulas"
    shutil.copytree(place / "runs" / "bad", run)
    told = [{**e, "content": TEXTS["wide_formula"]} if e["type"] == "message" else e for e in events(run)]
    (run / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in told), encoding="utf-8")
    assert scai("export", run, "--format", "sft-prompt-completion", "--as", "csv", "-o", "rows.csv").code == 0
    rows = list(csv.reader(io.StringIO((tmp_path / "rows.csv").read_text(encoding="utf-8"), newline="")))
    assert len(rows) > 1
    assert not [cell for row in rows for cell in row if cell.lstrip()[:1] in tuple("=+-@\t\r＝＋－＠")]


class Elements(HTMLParser):
    """The elements of a page with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.mark.slow
def test_the_page_has_no_element_of_a_text(place: Path) -> None:
    page = scai("report", f"{place}/old/bad-{SPLIT}", place / "runs/bad", "-o", "-").out
    elements = Elements()
    elements.feed(page)
    assert not elements.found & {"img", "iframe", "object", "embed", "base"}
    assert page.count("<script") == 1
    assert not [name for name in elements.attributes if name.startswith("on")]


@pytest.mark.parametrize("name", HIDDEN)
def test_a_rule_with_hidden_characters_is_refused(tiny: Path, name: str) -> None:
    rule = {"id": None, "text": f"Be kind {clean(TEXTS[name])}"}
    said = json.dumps({"critique": "", "principles": [rule], "contract": []})
    options = ("--set", "epochs=1", "--set", "ratings.cross_raters=0", "--set", "force=all")
    assert scai("run", tiny, "-q", *options, *script({"at": "/revision/", "say": said})).code == 0
    (revision,) = [event for event in events(Path("runs/tiny")) if event["type"] == "revision"]
    assert not revision["accepted"]
    assert "broken: P1 has hidden characters (U+" in revision["candidates"][0]["objection"]


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize("key", ["principles", "locked", "contract", "name", "people", "file"])
def test_in_a_file_of_the_users_they_are_refused_with_their_line(
    tiny: Path, tmp_path: Path, key: str, name: str
) -> None:
    bad = f"Be kind {TEXTS[name]}".replace("\n", " ").replace('"', "'")
    written = '"' + "".join(c if c.isascii() else f"\\U{ord(c):08x}" for c in bad) + '"'
    text = tiny.read_text(encoding="utf-8")
    if key == "name":
        text = text.replace("Ann Smith", written)
    elif key == "people":
        (tmp_path / "p.jsonl").write_text(f'{{"id": "ann"}}\n{{"id": "bob", "name": {json.dumps(bad)}}}\n')
        text = text[: text.index("personas:")] + "personas: {from: p.jsonl}\n" + text[text.index("tasks:") :]
    elif key == "file":
        (tmp_path / "rules.md").write_text(f"# Rules\n\n- Be brief.\n- {bad}\n", encoding="utf-8")
        text += "constitution: {from: rules.md}\n"
    else:
        rule = f"{{text: {written}, for: [ann]}}" if key == "contract" else written
        text += f"constitution:\n  {key}:\n    - {rule}\n"
    tiny.write_text(text, encoding="utf-8")
    found = scai("check", tiny)
    line = {"name": 6, "people": 2, "file": 4}.get(key, text.count("\n"))
    assert (found.code, found.out) == (2, "")
    assert f"{'p.jsonl' if key == 'people' else 'rules.md' if key == 'file' else tiny.name}:{line}:" in found.err
    assert "hidden characters (U+" in found.err
    assert found.err.count("\n") == 1


def test_joiners_where_they_belong_are_welcome(tiny: Path) -> None:
    family = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
    good = f"Be kind {family} \u2764\ufe0f 1\ufe0f\u20e3 \u0645\u06cc\u200c\u062e\u0648 \u0915\u094d\u200d\u0937"
    tiny.write_text(f"{tiny.read_text(encoding='utf-8')}constitution: {{principles: ['{good}']}}\n", encoding="utf-8")
    assert scai("run", tiny, "-q", "--set", "epochs=1").code == 0
    assert good in scai("show", "tiny", "--constitution").out
    assert good in Path("runs/tiny/system_message.txt").read_text(encoding="utf-8")


def test_a_run_of_an_earlier_version_gives_no_hidden_rule_to_a_new_one(tiny: Path, place: Path) -> None:
    found = scai(
        "check", tiny, "--set", f"constitution.from={place}/old/bad-{SPLIT}", "--set", "constitution.drop=[C1]"
    )
    assert found.code == 2
    assert "P1 of run bad-" in found.err
    assert "has hidden characters (U+200B, U+00AD, U+202E)" in found.err
