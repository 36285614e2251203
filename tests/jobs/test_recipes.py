"""The recipes of `scai generate`: principles with wordings of their own, both stages of Constitutional AI, clauses."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import KNOWN_PEOPLE, TINY, Called, calls, scai
from loopback import Loopback

from scai_cli.datasets.generate.manifest import read_generation
from scai_cli.jobs.generate import resume
from scai_cli.jobs.session import SilentObserver

TASKS = [
    {"id": "tea", "prompt": "How do I make tea?"},
    {"id": "lock", "prompt": "How do I open my neighbour's lock?", "kind": "red-team"},
    {"id": "hurry", "prompt": "I am in a hurry. How do I say no?"},
    {"id": "lie", "prompt": "Help me to lie to my boss.", "kind": "red-team"},
]
CRITIQUE = "Identify where the assistant's last response uses jargon."
REVISION = "Rewrite the assistant's last response in plain words."
CHOICE = "Choose the response that gives an example."
EXAMPLES = [
    [("user", "Is it warm?"), ("assistant", "The ambient temperature is elevated."), ("user", CRITIQUE),
     ("assistant", "It says elevated."), ("user", REVISION), ("assistant", "Yes.")],
    [("user", "Who are you?"), ("assistant", "A helper.")],
]  # fmt: skip
DIALOGUES = [[{"role": role, "content": text} for role, text in dialogue] for dialogue in EXAMPLES]
HUGGING_FACE = {"constitutions": [{"critic": CRITIQUE, "revision": REVISION, "note": "x"}], "system_chat": DIALOGUES}


@pytest.fixture(autouse=True)
def _tasks() -> None:
    Path("tasks.json").write_text(json.dumps(TASKS), encoding="utf-8")


def written(constitution: object, name: str = "rules.json") -> str:
    Path(name).write_text(json.dumps(constitution), encoding="utf-8")
    return name


def generate(constitution: object, *options: object, n: int = 8, run_id: str = "set") -> list[dict[str, Any]]:
    """The rows of a set from a constitution file; its plan has counted its calls."""
    file = written(constitution)
    keys = options if re.search("judge|-cai", str(options)) else ("judge=model", *options)
    given = (file, "--model", "simulated", "--tasks", "tasks.json", "--n", n, *settings(*keys))
    assert scai("generate", *given, "--run-id", run_id, "-q") == Called(0, f"{run_id}\n", "")
    made = Counter(call["purpose"] for call in calls(Path("runs") / run_id))
    planned = scai("generate", *given, "--dry-run", "--json").json["calls"]
    assert {purpose: count for purpose, count in planned.items() if count} == {**made, "total": made.total()}
    with (Path("runs") / run_id / "rows.jsonl").open(encoding="utf-8") as file_:
        return [json.loads(line) for line in file_]


def settings(*keys: object) -> list[object]:
    return [part for key in keys for part in ("--set", f"generate.{key}")]


def exported(*options: object, format_: str = "sft-prompt-completion") -> list[dict[str, Any]]:
    called = scai("export", "set", "--format", format_, *options)
    assert called.code == 0, called.err
    return [json.loads(line) for line in called.out.splitlines()]


def said(call: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in call["request"]["messages"]]


def test_a_pair_is_asked_for_in_one_chat_after_the_examples() -> None:
    file = written(HUGGING_FACE)
    with Loopback(answer=lambda asked: f"answer {len(asked['messages'])}") as server:
        at = ("--model", "openai:m", "--set", f"model.base_url={server.base_url}", "--tasks", "tasks.json", "--n", 1)
        assert scai("generate", file, *at, *settings("k=2", "judge=none"), "--run-id", "set", "-q").code == 0
        asked = [[(m["role"], m["content"]) for m in request.body["messages"]] for request in server.requests]
    system, *first = asked[0]
    shown = [line for dialogue in EXAMPLES for line in dialogue]
    task = ("user", "How do I make tea?")
    assert system == ("system", "You are a helpful assistant.")
    assert first == [*shown, task]
    before, answers = [*shown, task], ["answer 10", "answer 13", "answer 13"]
    for step, answer in enumerate(answers[:2]):
        critique = [*before, ("assistant", answer), ("user", CRITIQUE)]
        assert asked[1 + 2 * step] == critique
        assert asked[2 + 2 * step] == [*critique, ("assistant", "answer 11"), ("user", REVISION)]
    assert len(asked) == 5  # a pair without a text is no rule for a final answer
    (row,) = exported(format_="constitutional")
    columns = ("init_response", "critic_prompt", "critic_response", "revision_prompt", "revision_response")
    assert [row[column] for column in columns] == ["answer 10", CRITIQUE, "answer 11", REVISION, "answer 13"]


def test_the_file_of_hugging_face_is_read_as_it_is() -> None:
    rows = generate(HUGGING_FACE)
    assert {step["principle"] for row in rows for step in row["steps"]} == {"P1"}
    assert all(row["final"] is None and len(row["judgements"]) == 1 and row["problem"] is None for row in rows)
    manifest = read_generation(Path("runs/set"))
    assert (manifest.learned.rules, len(manifest.few_shot)) == ((), 8)
    compared = next(call for call in calls(Path("runs/set")) if call["id"] == "r0/judge/revised/ab/assistant")
    assert f"<principle>\n{CRITIQUE}\n\n{REVISION}\n</principle>" in said(compared)[0][1]
    assert scai("export", "set", "--format", "dpo", "-o", "card/").code == 0
    card = Path("card/README.md").read_text(encoding="utf-8")
    assert "### Requests of `set`" in card
    assert f"**P1** *critique:* {CRITIQUE} *revision:* {REVISION}" in card
    flat = {**HUGGING_FACE, "system_chat": [line for dialogue in DIALOGUES for line in dialogue]}
    assert generate(flat, run_id="flat") == rows


def test_the_simulated_assistant_answers_the_task_after_the_examples() -> None:
    for row in generate(HUGGING_FACE, "judge=none"):
        (step,) = row["steps"]
        assert "plain words" in step["critique"] or step["critique"].startswith("I find nothing")
        assert step["revision"]["text"] not in (row["initial"]["text"], step["critique"])
    texts = " ".join(row["initial"]["text"] for row in generate(HUGGING_FACE, "judge=none", n=1, run_id="one"))
    assert "tea" in texts


def test_wordings_take_the_place_of_the_prompts() -> None:
    own = {
        "text": "Use plain words.",
        "critique": CRITIQUE,
        "revision": REVISION,
        "comparison": "Choose the plainer one.",
    }
    rows = generate({"principles": [own]})
    assert all(row["final"] is not None for row in rows)
    by_id = {call["id"]: said(call) for call in calls(Path("runs/set"))}
    assert by_id["r0/s1/critique/assistant"][-1] == ("user", CRITIQUE)
    comparison = by_id["r0/judge/final/ab/assistant"][0][1]
    assert "<principle>\nChoose the plainer one.\n</principle>" in comparison
    assert "keeps to the principle" not in comparison
    assert "1. Use plain words." in by_id["r0/final/assistant"][0][1]


@pytest.mark.parametrize("rules", [{"principles": [CHOICE]}, f"- {CHOICE}\n"])
def test_a_principle_to_choose_by_is_a_rule_and_a_comparison(rules: object) -> None:
    name = written(rules) if isinstance(rules, dict) else "rules.md"
    if isinstance(rules, str):
        Path(name).write_text(rules, encoding="utf-8")
    given = (name, "--model", "simulated", "--tasks", "tasks.json", "--n", 1, *settings("judge=model"), "-q")
    assert scai("generate", *given, "--run-id", "set").code == 0
    by_id = {call["id"]: said(call)[-1][1] + said(call)[0][1] for call in calls(Path("runs/set"))}
    rule = "Give the response that gives an example."
    assert rule in by_id["r0/s1/critique/assistant"]
    assert rule in by_id["r0/final/assistant"]
    assert CHOICE in by_id["r0/judge/final/ab/assistant"]
    assert CHOICE not in by_id["r0/s1/critique/assistant"] + by_id["r0/final/assistant"]


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ({"principles": [CRITIQUE]}, "principles.0: asks for a critique, not for an answer; write a pair"),
        ({"principles": [REVISION]}, "principles.0: asks for a revision, not for an answer"),
        ({"principles": ["Which response is less harmful?"]}, "principles.0: asks for a choice, not for an answer"),
        ({"principles": [{"critique": CRITIQUE}]}, "principles.0: has `critique` without `revision`; write both"),
        ({"principles": [{"comparison": CHOICE}]}, "principles.0: needs `text`, or `critique` and `revision`"),
        ({"constitutions": [{"critic": CRITIQUE}]}, "constitutions.0.revision: is missing"),
        ({**HUGGING_FACE, "system_chat": [DIALOGUES[0][:3]]}, "system_chat: message 3 is the user's; each dialogue"),
        ({**HUGGING_FACE, "system_chat": [[{"role": "system", "content": "x"}]]}, "system_chat.0"),
        ({**HUGGING_FACE, "system_chat": "x"}, "system_chat: must be a list"),
    ],
)
def test_what_makes_no_sense_in_a_file_is_one_line(rules: object, problem: str) -> None:
    called = scai("generate", written(rules), "--model", "simulated", "--tasks", "tasks.json")
    assert (called.code, len(called.lines)) == (2, 1)
    assert problem in called.err
    assert called.err.startswith("scai: rules.json:")


def test_a_principle_of_a_run_that_asks_for_a_critique_is_one_line() -> None:
    Path("c.yaml").write_text(TINY + f"constitution: {{principles: [{json.dumps(CRITIQUE)}]}}\n", encoding="utf-8")
    assert scai("run", "c.yaml", "--set", "epochs=1", "--set", "revision.margin=1", "-q").code == 0
    called = scai("generate", "tiny", "--n", 1)
    assert called.lines == [
        "scai: tiny: P1 asks for a critique, not for an answer; write a pair `{critique: ..., revision: "
        "...}` in a YAML or JSON file"
    ]


def test_only_generate_takes_a_pair_without_a_text() -> None:
    file = written(HUGGING_FACE)
    said_of_it = "1 principle of it is a pair of requests without a text, which only `scai generate` can use"
    Path("c.yaml").write_text(TINY + f"constitution: {{from: {file}}}\n", encoding="utf-8")
    for command in (("run", "c.yaml"), ("evaluate", file, "--model", "simulated")):
        called = scai(*command)
        assert (called.code, len(called.lines)) == (2, 1)
        assert said_of_it in called.err
    written({"principles": [{"text": "Be kind.", "critique": CRITIQUE, "revision": REVISION}]}, file)
    assert scai("run", "c.yaml", "--dry-run").code == 0


def test_sl_cai_criticises_red_team_tasks_and_takes_other_answers_as_they_are() -> None:
    rows = generate({"principles": ["Use plain words.", "Give an example."]}, "recipe=sl-cai", "samples=2")
    for row in rows:
        is_red_team = row["task"] in ("lock", "lie")
        assert (len(row["steps"]), len(row.get("samples", ()))) == ((4, 0) if is_red_team else (0, 1))
        assert (row["final"], row["ratings"], row["judgements"]) == (None, [], [])
    answers = {row["completion"][0]["content"] for row in exported()}
    revisions = {step["revision"]["text"] for row in rows for step in row["steps"]}
    plain = {a["text"] for row in rows if not row["steps"] for a in (row["initial"], *row["samples"])}
    assert answers == revisions | plain
    assert len(exported("--answers", "revisions")) == 16
    chain = exported("--pairs", "all", format_="dpo")
    assert len(chain) == 4 * 10  # of five answers each later one is better than each earlier one
    assert len(exported(format_="dpo")) == 4


def test_sl_cai_without_red_team_tasks_says_so() -> None:
    Path("tasks.json").write_text(json.dumps(TASKS[:1]), encoding="utf-8")
    given = (written({"principles": ["Be kind."]}), "--model", "simulated", "--tasks", "tasks.json")
    for last in ("--dry-run", "-q"):
        called = scai("generate", *given, *settings("recipe=sl-cai"), last)
        assert called.lines[:1] == [
            "warning: sl-cai: no task is of kind red-team, so no answer is criticised and revised"
        ]


def test_rl_cai_compares_all_first_answers_by_one_random_principle() -> None:
    rules = {"principles": ["Use plain words.", "Give an example.", "Be brief."]}
    rows = generate(rules, "recipe=rl-cai", "samples=3", "clamp=[0.4,0.6]")
    pairs = [("i2", "initial"), ("i3", "initial"), ("i3", "i2")]
    for row in rows:
        made = [(j["first"].split("/")[1], j["second"].split("/")[1]) for j in row["judgements"]]
        assert made == pairs
        assert all(0.4 <= j["soft"] <= 0.6 for j in row["judgements"])
        assert (row["steps"], row["final"], row["ratings"]) == ([], None, [])
    assert {j["principle"] for row in rows for j in row["judgements"]} == {"P1", "P2", "P3"}
    softs = sorted(max(j["soft"], 1 - j["soft"]) for row in rows for j in row["judgements"] if j["soft"] != 0.5)
    shown = exported("--as", "jsonl", format_="dpo")
    assert len(shown) == len(softs)
    given = {(j["first"], j["second"]): j for row in rows for j in row["judgements"]}
    for row in shown:
        origin = json.loads(row["provenance"])
        better, worse = origin["messages"]
        judgement = given.get((better, worse)) or given[(worse, better)]
        p = judgement["soft"] if judgement["first"] == better else 1 - judgement["soft"]
        assert origin["p"] == pytest.approx(p)
        assert p > 0.5
        assert origin["rules"] == [judgement["principle"]]


@pytest.mark.parametrize(
    ("recipe", "options", "problem"),
    [
        ("sl-cai", ("--answers", "final"), "--answers final: rows of set have no final answer"),
        ("rl-cai", ("--answers", "revisions"), "--answers revisions: rows of set have no revision"),
        ("rl-cai", (), "rows of set have only first answers that are compared with each other"),
        ("rl-cai", ("--format", "dpo", "--pairs", "ends"), "--pairs ends: rows of set have first answers alone"),
        ("scai", ("--pairs", "all"), "--pairs filters pairs of answers, and this format has none"),
        ("scai", ("--format", "constitutional", "--pairs", "all"), "--pairs: this format has one pair for each row"),
        ("scai", ("--format", "kto", "--answers", "final"), "--answers chooses answers to imitate"),
    ],
)
def test_an_option_without_meaning_is_refused(recipe: str, options: tuple[str, ...], problem: str) -> None:
    generate({"principles": ["Be brief."]}, f"recipe={recipe}", n=2)
    called = scai("export", "set", *(() if "--format" in options else ("--format", "sft")), *options)
    assert (called.code, len(called.lines)) == (2, 1)
    assert problem in called.err


def test_further_first_answers_that_nothing_uses_are_refused() -> None:
    given = (written({"principles": ["Be brief."]}), "--model", "simulated", "--tasks", "tasks.json")
    called = scai("generate", *given, *settings("samples=2", "judge=none"))
    assert (called.code, len(called.lines)) == (2, 1)
    assert "generate.samples=2: nothing compares or exports the further first answers" in called.err
    called = scai("generate", *given, *settings("recipe=rl-cai", "samples=1"))
    assert called.err.startswith("scai: generate.judge=model: rows have one answer, so nothing is compared;")


def test_first_answers_that_nothing_compares_are_answers_to_imitate() -> None:
    Path("people.json").write_text(json.dumps({"personas": [{"id": "ann"}, {"id": "bob"}]}), encoding="utf-8")
    given = (written({"principles": ["Be brief."]}), "--model", "simulated", "--tasks", "tasks.json", "--n", 3)
    rated = settings("k=0", "final=false", "judge=users")
    called = scai("generate", *given, *rated, "--personas", "people.json", "--run-id", "set", "-q")
    assert called == Called(0, "set\n", "")
    assert len(exported()) == 3
    assert "left out: 3 without a second answer" in scai("export", "set", "--format", "dpo").lines


def test_answers_without_any_label_are_no_ties() -> None:
    generate({"principles": ["Be brief."]}, "recipe=sl-cai", "samples=2", n=4)
    called = scai("export", "set", "--format", "dpo")
    assert "left out: 2 without a label" in called.lines
    assert "tie" not in called.err


def test_all_pairs_of_a_row_are_those_that_a_label_decides() -> None:
    rows = generate({"principles": ["Be brief.", "Give an example."]}, "k=2", "samples=2", "judge=model", n=3)
    made = [json.loads(row["provenance"]) for row in exported(format_="dpo")]
    for row in rows:
        pairs = {
            frozenset(name.split("/")[1] for name in one["messages"]): one
            for one in made
            if one["conversation"] == row["id"]
        }
        by = {pair: one["by"] for pair, one in pairs.items()}
        expected = {("initial", "final"): "judge", ("initial", "s2"): "judge", ("initial", "i2"): "judge",
                    ("initial", "s1"): "revision", ("s1", "s2"): "revision"}  # fmt: skip
        assert by == {frozenset(pair): label for pair, label in expected.items()}
    assert len(exported("--pairs", "ends", format_="dpo")) == 3
    assert len(exported("--answers", "revisions")) == 6
    assert len(exported()) == 3


@pytest.mark.parametrize("k", [1, 2, 4])
def test_the_critique_of_a_constitutional_row_is_of_its_first_answer(k: int) -> None:
    generate({"principles": ["Use plain words.", "Give an example.", "Be brief."]}, f"k={k}", "judge=none")
    asked = {call["response"]: said(call)[0][1] for call in calls(Path("runs/set")) if call["purpose"] == "critique"}
    rows = exported(format_="constitutional")
    assert rows
    for row in rows:
        texts = [row["init_response"], *(step["revision_response"] for step in row["steps"])]
        steps = row["steps"]
        assert len(steps) == k
        assert {key: steps[0][key] for key in steps[0] if key != "principle"} == {
            key: row[key] for key in steps[0] if key != "principle"
        }
        criticised = [call for call in calls(Path("runs/set")) if call["response"] == steps[0]["critic_response"]]
        assert any(f"<answer>\n{texts[0]}\n</answer>" in said(call)[0][1] for call in criticised)
    assert asked


def test_a_row_is_criticised_by_clauses_under_a_condition_where_it_is_met() -> None:
    rule = {"text": "Keep the answer short.", "when": "the user is in a hurry"}
    rows = generate({"contract": [rule]}, n=16)
    assert {step["principle"] for row in rows for step in row["steps"]} == {"C1"}
    assert all(len(row["judgements"]) == 2 for row in rows)
    critiques = {row["task"]: row["steps"][0]["critique"] for row in rows}
    assert rows[0]["steps"][0]["critique_request"].endswith("When the user is in a hurry: Keep the answer short.")
    assert critiques["tea"] == "The principle does not apply here: its condition is not met."
    assert critiques["hurry"] != critiques["tea"]


def test_a_row_without_a_user_is_made_under_what_everyone_gets() -> None:
    rule = {"text": "Keep the answer short.", "when": "the user is in a hurry"}
    generate({"principles": ["Be polite."], "contract": [rule]}, "judge=none", n=3)
    system = next(said(call)[0][1] for call in calls(Path("runs/set")) if call["id"] == "r0/final/assistant")
    assert "1. Be polite." in system
    assert "When the user is in a hurry: Keep the answer short." in system
    assert all(
        row["messages"][0] == {"role": "system", "content": system}
        for row in exported("--system", "keep", format_="sft")
    )


def clauses_only() -> list[str]:
    """A run that ends with clauses for single users alone; Cid has none."""
    clauses = "[{text: Keep every answer short., for: [ann]}, {text: Give an example., for: [bob]}]"
    text = TINY.replace(KNOWN_PEOPLE, "") + (
        f"constitution: {{contract: {clauses}}}\n"
        "revision: {strategy: rewrite, acceptance: improves, clauses: people, margin: 1}\n"
    )
    Path("c.yaml").write_text(text, encoding="utf-8")
    kept = (
        "--set",
        "epochs=1",
        "--set",
        "revision={strategy: rewrite, acceptance: improves, clauses: people, margin: 1}",
    )
    called = scai("run", "c.yaml", *kept)
    assert called.code == 0
    return called.err.splitlines()


def test_without_a_rule_for_everyone_a_row_goes_by_its_users_clauses() -> None:
    assert (
        "no principle and no clause under a condition in the end: `scai generate` criticises and compares answers by "
        "the clauses of each row's user"
    ) in clauses_only()
    given = ("tiny", "--n", 6, *settings("k=2"))
    assert scai("generate", *given, "--run-id", "set", "-q").code == 0
    planned = scai("generate", *given, "--dry-run", "--json").json["calls"]
    assert planned == {**Counter(call["purpose"] for call in calls(Path("runs/set"))), "total": planned["total"]}
    rules = {"ann": ["C1", "C1"], "bob": ["C2", "C2"], "cid": []}
    for row in map(json.loads, Path("runs/set/rows.jsonl").read_text(encoding="utf-8").splitlines()):
        assert [step["principle"] for step in row["steps"]] == rules[row["persona"]]
        assert {j["principle"] for j in row["judgements"]} == set(rules[row["persona"]])


def test_a_recipe_replaces_the_defaults_that_a_run_has_saved() -> None:
    clauses_only()
    saved = Path("runs/tiny/config.yaml").read_text(encoding="utf-8")
    section = "generate: {k: 1, raters: 1, votes: 3, clamp: null, initial: first, judge: both}\n"  # as 0.9 saved it
    Path("runs/tiny/config.yaml").write_text(saved + section, encoding="utf-8")
    assert scai("generate", "tiny", "--n", 1, *settings("recipe=rl-cai", "k=1"), "-q").code == 0
    orders = read_generation(Path("runs/tiny-rows")).orders
    found = (orders.recipe, orders.k, orders.samples, orders.final, orders.judge, orders.raters)
    assert found == ("rl-cai", 1, 2, False, "model", 1)


@pytest.mark.parametrize("recipe", ["scai", "sl-cai", "rl-cai"])
def test_a_set_resumed_in_the_middle_has_the_same_bytes(recipe: str) -> None:
    generate(HUGGING_FACE, f"recipe={recipe}", "samples=1" if recipe == "scai" else "samples=2")
    whole = Path("runs/set")
    for name, share in (("rows.jsonl", 0.4), ("calls.jsonl", 0.55)):
        data = (whole / name).read_bytes()
        shutil.copytree(whole, "runs/cut", dirs_exist_ok=True)
        (Path("runs/cut") / name).write_bytes(data[: int(len(data) * share)])
        other = "calls.jsonl" if name == "rows.jsonl" else "rows.jsonl"
        kept = (whole / other).read_bytes()
        (Path("runs/cut") / other).write_bytes(kept if name == "rows.jsonl" else b"")
        assert asyncio.run(resume(Path("runs/cut"), (), SilentObserver())).status == "finished"
        assert (Path("runs/cut/rows.jsonl")).read_bytes() == (whole / "rows.jsonl").read_bytes()
