"""Experiment files: what is wrong is said in one line with file, line, key and remedy, and nothing is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from conftest import scai
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scai_cli.errors import ConfigError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.item_files import items
from scai_cli.experiment.load import (
    Overrides,
    bare_experiment,
    dump_experiment,
    load_experiment,
    load_saved,
)
from scai_cli.experiment.model_settings import parse_model
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.yaml_source import parse_yaml
from scai_cli.simulation.prompts import Prompts
from scai_cli.text.characters import clean, hidden

PEOPLE = "personas: [{id: ann}, {id: bob}]\n"
TASKS = "tasks: [{id: tea, prompt: Tea?}]\n"
GOOD = PEOPLE + TASKS  # two lines: what a case adds begins in line 3
SECRET = "sk-do-not-tell"


def bomb(opening: str, many: str, closing: str, levels: int) -> str:
    text = f"a0: &a0 {opening}{'x: 1' if opening == '{' else 'x'}{closing}\n"
    for n in range(levels):
        inner = many.format(
            ", ".join(f"{f'k{i}: ' if opening == '{' and '<<' not in many else ''}*a{n}" for i in range(9))
        )
        text += f"a{n + 1}: &a{n + 1} {opening}{inner}{closing}\n"
    return text


NESTED_MERGES = "a: {<<: " + "".join(f"&m{n} {{<<: [" for n in range(30)) + "{x: 1}"
for n in reversed(range(30)):
    NESTED_MERGES += f"{f', *m{n + 1}' * 8 if n < 29 else ''}]}}"
NESTED_MERGES += "}\n"

# name: (file, line, key, words of the remedy)
BROKEN = {
    "unknown key": (GOOD + "epcohs: 1\n", 3, "epcohs", "unknown key; did you mean 'epochs'?"),
    "unknown key with a bracket": (GOOD + '"a[0]": 1\n', 3, "a[0]", "unknown key"),
    "unknown key of a type's name": (GOOD + "int: 1\n", 3, "int", "unknown key"),
    "key of a type's name": (GOOD + "prices: {str: {inputt: 3, output: 1}}\n", 3, "prices.str.inputt", "'input'?"),
    "unknown key in ratings": (GOOD + "ratings: {sacle: [0, 1]}\n", 3, "ratings.sacle", "did you mean 'scale'?"),
    "unknown key in model": (GOOD + "model:\n  temprature: 1\n", 4, "model.temprature", "'temperature'?"),
    "unknown role": (GOOD + "roles: {metta: {}}\n", 3, "roles.metta", "did you mean 'meta'?"),
    "unknown key in a role": (GOOD + "roles:\n  meta:\n    nam: x\n", 5, "roles.meta.nam", "did you mean 'name'?"),
    "unknown key in limits": (GOOD + "limits: {call: 3}\n", 3, "limits.call", "did you mean 'calls'?"),
    "unknown key in a price": (GOOD + "prices: {m: {inputt: 3, output: 1}}\n", 3, "prices.m.inputt", "'input'?"),
    "unknown key in personas": ("personas:\n  form: x\n" + TASKS, 2, "personas.form", "did you mean 'from'?"),
    "unknown key of a persona": ("personas:\n- id: a\n  nme: x\n" + TASKS, 3, "personas.0.nme", "'name'?"),
    "unknown key of an inline persona": (
        "personas:\n  inline:\n  - id: a\n    nme: x\n" + TASKS,
        4,
        "personas.inline.0.nme",
        "'name'?",
    ),
    "unknown key of a task": (PEOPLE + "tasks:\n- {id: t, promt: x}\n", 3, "tasks.0.promt", "did you mean 'prompt'?"),
    "unknown key of a clause": (
        GOOD + "constitution:\n  contract:\n  - {txt: x, for: [ann]}\n",
        5,
        "constitution.contract.0.txt",
        "'text'?",
    ),
    "unknown measure": (
        "personas:\n- id: a\n  preferences: {consise: 1}\n" + TASKS,
        3,
        "personas.0.preferences",
        "'concise'?",
    ),
    "key twice": (GOOD + "epochs: 1\nepochs: 2\n", 4, "epochs", "duplicate key (first in line 3)"),
    "key twice below": (GOOD + "ratings:\n  own: a\n  own: b\n", 5, "ratings.own", "duplicate key (first in line 4)"),
    "text for a number": (GOOD + "epochs: many\n", 3, "epochs", "must be a valid integer"),
    "number for text": (GOOD + "name: 7\n", 3, "name", "put it in quotes"),
    "truth value for an id": ("personas: [{id: true}]\n" + TASKS, 1, "personas.0.id", "put it in quotes"),
    "scalar for a mapping": (GOOD + "ratings: 3\n", 3, "ratings", "must be a mapping of keys"),
    "too small": (GOOD + "epochs: 0\n", 3, "epochs", "greater than or equal to 1"),
    "neither number nor word": (GOOD + "ratings: {cross_raters: few}\n", 3, "ratings.cross_raters", "'all'"),
    "falling scale": (GOOD + "ratings: {scale: [3, 1]}\n", 3, "ratings.scale", "must rise"),
    "no personas": (TASKS, 1, "personas", "is missing"),
    "null personas": ("personas:\n" + TASKS, 1, "personas", "must be a mapping"),
    "empty population": ("personas: []\n" + TASKS, 1, "personas", "there is no persona"),
    "empty tasks": (PEOPLE + "tasks: []\n", 2, "tasks", "there is no task"),
    "missing id": ("personas:\n  inline:\n  - name: a\n" + TASKS, 3, "personas.inline.0.id", "is missing"),
    "missing file": (PEOPLE + "tasks: {from: nope.yaml}\n", 2, "tasks.from", "there is no file nope.yaml"),
    "endless file name": (f"personas: {'n' * 300}.yaml\n" + TASKS, 1, "personas.from", "there is no file"),
    "id twice": ("personas:\n- id: a\n- id: a\n" + TASKS, 3, "personas.1", "'a' occurs twice"),
    "id in a path": ("personas:\n- id: ../x\n" + TASKS, 2, "personas.0.id", "e.g. 'x'"),
    "empty id": ("personas:\n- id: ''\n" + TASKS, 2, "personas.0.id", "is not a safe id"),
    "reserved id": ("personas:\n- id: con\n" + TASKS, 2, "personas.0.id", "e.g. 'con-1'"),
    "id of two words": ("personas:\n- id: a b\n" + TASKS, 2, "personas.0.id", "e.g. 'a-b'"),
    "id with a dot at its end": ("personas:\n- id: a.\n" + TASKS, 2, "personas.0.id", "e.g. 'a'"),
    "long id": (f"personas:\n- id: {'x' * 200}\n" + TASKS, 2, "personas.0.id", "1 to 64"),
    "unsafe name": (GOOD + "name: ../../x\n", 3, "name", "e.g. 'x'"),
    "sample too large": (
        "personas:\n  inline: [{id: a}]\n  sample: 5\n" + TASKS,
        3,
        "personas.sample",
        "asks for 5 of 1 personas",
    ),
    "per_epoch too large": (
        PEOPLE + "tasks:\n  inline: [{id: t, prompt: x}]\n  per_epoch: 2\n",
        4,
        "tasks.per_epoch",
        "",
    ),
    "stranger in a contract": (
        GOOD + "constitution:\n  contract:\n  - {text: x, for: [anne]}\n",
        5,
        "constitution.contract.0.for",
        "'ann'?",
    ),
    "empty rule": (
        GOOD + "constitution:\n  contract:\n  - {text: '', when: x}\n",
        5,
        "constitution.contract.0.text",
        "must not be empty",
    ),
    "rule too long": (
        GOOD + f"constitution:\n  principles: [{'x' * 5000}]\n",
        4,
        "constitution.principles.0",
        "must have at most 4000 characters, not 5000",
    ),
    "tag that builds": (GOOD + "name: !!python/object/apply:os.system [ls]\n", 3, "name", "is not allowed"),
    "tag that imports": (GOOD + "name: !!python/name:os.system\n", 3, "name", "is not allowed"),
    "tag on a mapping": (GOOD + "ratings: !thing {own: x}\n", 3, "ratings", "is not allowed"),
    "tag that lies": (GOOD + "seed: !!int ''\n", 3, "seed", "not a valid int"),
    "tag that lies about truth": (GOOD + "seed: !!bool maybe\n", 3, "seed", "not a valid bool"),
    "list bomb": (GOOD + bomb("[", "{}", "]", 12), 3, "", "too many aliases"),
    "map bomb": (GOOD + bomb("{", "{}", "}", 12), 3, "", "too many aliases"),
    "merge bomb": (GOOD + bomb("{", "<<: [{}]", "}", 12), 3, "", "too many aliases"),
    "nested merge bomb": (GOOD + NESTED_MERGES, 3, "", "too many aliases"),
    "alias of itself": (GOOD + "name: &a [*a]\n", 3, "", "too many aliases"),
    "merge of itself": (GOOD + "name: &a {<<: *a}\n", 3, "", "too many aliases"),
    "merge of a list of words": (GOOD + "roles:\n  <<: [a, b]\n", 4, "roles.<<", "merges mappings only"),
    "deep nesting": (GOOD + "\nname: " + "[" * 100_000 + "\n", 4, "", "too deeply nested"),
    "deep nesting by dashes": (GOOD + "name:\n  " + "- " * 50_000 + "x\n", 4, "", "too deeply nested"),
    "tab": (GOOD + "ratings:\n\town: a\n", 4, "", "not valid YAML"),
    "indentation": (GOOD + "ratings:\n  own: a\n cross: b\n", 5, "", "not valid YAML"),
    "open quote": (GOOD + "name: 'a\n", 4, "", "not valid YAML"),
    "control character": (GOOD + "name: a\x1bb\n", 3, "", "the character U+001B is not allowed"),
    "two documents": (GOOD + "---\n" + GOOD, 3, "", "not valid YAML"),
    "list": ("- a\n", 1, "", "a mapping of keys"),
    "word": ("hello\n", 1, "", "a mapping of keys"),
    "empty": ("", 1, "", "a mapping of keys"),
    "unknown strategy": (GOOD + "revision:\n  strategy: rewrit\n", 4, "revision.strategy", "did you mean 'rewrite'?"),
    "unknown acceptance": (GOOD + "revision: {acceptance: alway}\n", 3, "revision.acceptance", "'always'?"),
    "unknown provider": (GOOD + "model: {provider: opnai}\n", 3, "model.provider", "did you mean 'openai'?"),
    "unknown provider of a role": (
        GOOD + "roles:\n  meta: {provider: opnai}\n",
        4,
        "roles.meta.provider",
        "did you mean 'openai'?",
    ),
    "module that is not there": (GOOD + "model: {provider: 'no_such:x'}\n", 3, "model.provider", "No module named"),
    "module without a name": (GOOD + "model: {provider: ':x'}\n", 3, "model.provider", "cannot be loaded"),
    "provider that is no function": (GOOD + "model: {provider: 'os:path'}\n", 3, "model.provider", "not a function"),
    "unknown welfare": (GOOD + "welfare: utilitarain\n", 3, "welfare", "did you mean 'utilitarian'?"),
    "welfare out of range": (GOOD + "welfare: {atkinson: {epsilon: -3}}\n", 3, "welfare", "at least 0"),
    "unknown prompt": (GOOD + "prompts: {feedbak: x}\n", 3, "prompts", "did you mean 'feedback'?"),
    "unknown place in a prompt": (
        GOOD + "prompts:\n  feedback: 'Rate {{metrc}}'\n",
        3,
        "prompts",
        "knows no {{metrc}}; did you mean 'metric'?",
    ),
    "NaN": (GOOD + "max_failures: .nan\n", 3, "max_failures", "finite"),
    "infinity": (GOOD + "limits: {seconds: .inf}\n", 3, "limits.seconds", "finite"),
    "infinite scale": (GOOD + "ratings: {scale: [0, .inf]}\n", 3, "ratings.scale.1", "finite"),
    "NaN weight": ("personas: [{id: a, weight: .nan}]\n" + TASKS, 1, "personas.0.weight", "finite"),
    "huge seed": (GOOD + f"seed: {'1' * 30}\n", 3, "seed", "must be less than"),
    "share above one": (GOOD + "holdout: {personas: 4}\n", 3, "holdout.personas", "must be less than 1"),
    "endless seed": (GOOD + f"seed: {'1' * 5000}\n", 3, "seed", "not a valid int"),
    "secret in an address": (
        GOOD + f"model: {{provider: openai, name: m, base_url: 'http://u:{SECRET}@h/v1'}}\n",
        3,
        "model.base_url",
        "api_key_env",
    ),
    "secret in a query": (
        GOOD + f"model: {{provider: openai, name: m, base_url: 'http://h/v1?k={SECRET}'}}\n",
        3,
        "model.base_url",
        "leave the query away",
    ),
    "secret in a role's address": (
        GOOD + f"roles:\n  meta: {{base_url: 'http://u:{SECRET}@h/v1'}}\n",
        4,
        "roles.meta.base_url",
        "api_key_env",
    ),
    "secret as a key": (GOOD + f"model: {{api_key: {SECRET}}}\n", 3, "model.api_key", "api_key_env"),
    "secret as a role's key": (
        GOOD + f"roles:\n  user:\n    api_key: {SECRET}\n",
        5,
        "roles.user.api_key",
        "api_key_env",
    ),
    "secret in options": (GOOD + f"model: {{options: {{api_key: {SECRET}}}}}\n", 3, "model.options", "api_key_env"),
    "secret in a role's options": (
        GOOD + f"roles: {{meta: {{options: {{password: {SECRET}}}}}}}\n",
        3,
        "roles.meta.options",
        "api_key_env",
    ),
    "secret in a header": (
        GOOD + f"model:\n  options: {{extra_headers: {{Authorization: {SECRET}}}}}\n",
        4,
        "model.options",
        "api_key_env",
    ),
    "boolean of YAML 1.1 in options": (
        GOOD + "model: {provider: openai, name: m, options: {chat_template_kwargs: {enable_thinking: no}}}\n",
        3,
        "model.options.chat_template_kwargs.enable_thinking",
        "write true or false, or put no in quotes",
    ),
    "secret for a variable's name": (
        GOOD + f"model: {{api_key_env: {SECRET}}}\n",
        3,
        "model.api_key_env",
        "name of an environment variable",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_experiment_is_one_line_with_place_and_remedy(case: str) -> None:
    text, line, key, remedy = BROKEN[case]
    Path("x.yaml").write_text(text, encoding="utf-8")
    called = scai("run", "x.yaml")
    assert called.code == 2
    assert called.out == ""
    assert called.err.startswith(f"scai: x.yaml:{line}: {f'{key}: ' if key else ''}")
    assert remedy in called.err
    assert called.err.count("\n") == 1
    assert SECRET not in called.err
    assert len(called.err) < 800
    assert not Path("runs").exists()


def test_check_and_plan_refuse_what_run_refuses() -> None:
    Path("x.yaml").write_text(GOOD + "epcohs: 1\n", encoding="utf-8")
    assert scai("check", "x.yaml") == scai("plan", "x.yaml") == scai("run", "x.yaml")


@pytest.mark.parametrize(
    ("setting", "place", "remedy"),
    [
        ("epochs", "--set epochs", "write KEY=VALUE"),
        ("=1", "--set ", "write KEY=VALUE"),
        ("epcohs=1", "--set epcohs: epcohs", "did you mean 'epochs'?"),
        ("a.b.c=1", "--set a.b.c: a", "unknown key"),
        ("personas[0].name=Bob", "--set personas[0].name: personas[0]", "unknown key"),
        ("ratings.sacle=[0, 1]", "--set ratings.sacle: ratings.sacle", "did you mean 'scale'?"),
        ("personas.9.id=x", "--set personas.9.id", "nothing at '9'"),
        ("epochs.x=1", "--set epochs.x", "nothing at 'x'"),
        ("epochs=many", "--set epochs: epochs", "valid integer"),
        ("epochs=", "--set epochs: epochs", "valid integer"),
        ("epochs=[", "--set epochs", "not valid YAML"),
        ("name=!!python/name:os.system", "--set name", "is not allowed"),
        (f"model.api_key={SECRET}", "--set model.api_key: model.api_key", "api_key_env"),
    ],
)
def test_a_bad_override_is_one_line_that_names_it(setting: str, place: str, remedy: str) -> None:
    Path("x.yaml").write_text(GOOD + "epochs: 1\n", encoding="utf-8")
    called = scai("run", "x.yaml", "--set", setting)
    assert (called.code, called.out) == (2, "")
    assert called.err.startswith(f"scai: {place}")
    assert remedy in called.err
    assert called.err.count("\n") == 1
    assert SECRET not in called.err
    assert not Path("runs").exists()


@pytest.mark.parametrize("model", ["gpt", "openai:", ":x", ""])
def test_a_bad_model_is_one_line(model: str) -> None:
    Path("x.yaml").write_text(GOOD, encoding="utf-8")
    called = scai("run", "x.yaml", "--model", model)
    assert (called.code, called.out, called.err.count("\n")) == (2, "", 1)
    assert "--model" in called.err


def test_overrides_go_over_the_file() -> None:
    Path("x.yaml").write_text(GOOD + "epochs: 1\nroles: {meta: {name: old}}\n", encoding="utf-8")
    options = ("--set", "epochs=3", "--set", "limits.calls=9", "--seed", "8", "--model", "openai:1234")
    checked = scai("check", "x.yaml", "--json", *options).json
    assert (checked["epochs"], checked["limits"]["calls"], checked["seed"]) == (3, 9, 8)
    assert checked["model"]["name"] == "1234"
    assert checked["roles"]["meta"]["name"] is None


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"caf\xe9", "is not UTF-8 text"),
        ("name: x\n".encode("utf-16"), "is not UTF-8 text"),
    ],
)
def test_other_encodings_are_refused(content: bytes, problem: str) -> None:
    Path("x.yaml").write_bytes(content)
    called = scai("check", "x.yaml")
    assert (called.code, called.err.count("\n")) == (2, 1)
    assert problem in called.err


def test_files_that_are_not_there_or_no_files() -> None:
    Path("quickstart.yaml").touch()
    assert scai("run", "quikstart.yaml").err == (
        "scai: quikstart.yaml: there is no such file; did you mean 'quickstart.yaml'?\n"
    )
    Path("folder").mkdir()
    assert scai("run", "folder").err == "scai: folder: is a folder, not a file\n"


def test_a_byte_order_mark_and_windows_line_ends_are_no_trouble() -> None:
    Path("x.yaml").write_bytes(b"\xef\xbb\xbf" + (GOOD + "epochs: 5\n").replace("\n", "\r\n").encode())
    assert load_experiment(Path("x.yaml")).epochs == 5


def test_ids_are_unique_across_files() -> None:
    Path("one.yaml").write_text("personas: [{id: a}]\n", encoding="utf-8")
    Path("two.jsonl").write_text('{"id": "b"}\n\n{"id": "a"}\n', encoding="utf-8")
    Path("x.yaml").write_text("personas:\n  from: [one.yaml, two.jsonl]\n" + TASKS, encoding="utf-8")
    called = scai("run", "x.yaml")
    assert called.code == 2
    assert called.err == "scai: x.yaml:2: personas.from: the id 'a' occurs twice; change one\n"


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("p.yaml", "personas:\n- id: a\n- id: a\n", "p.yaml:3: personas.1: the id 'a' occurs twice"),
        ("p.yaml", "- id: a\n  nme: b\n", "p.yaml:2: 0.nme: unknown key; did you mean 'name'?"),
        ("p.yaml", "people:\n- id: a\n", "p.yaml:1: people: unknown key"),
        ("p.yaml", "{}", "p.yaml:1: personas: must be a list"),
        ("p.yaml", "", "p.yaml:1: must be a list"),
        ("p.jsonl", '{"id": "a"}\n\n{"id": \n', "p.jsonl:3: not valid JSON"),
        ("p.jsonl", '{"id": "a"}\n\n{"id": "b", "nme": ""}\n', "p.jsonl:3: 1.nme: unknown key"),
        ("p.jsonl", '{"id": "a", "a[0]": 1}', "p.jsonl:1: 0.a[0]: unknown key"),
        ("p.jsonl", '{"id": "a", "text": 1}', "p.jsonl:1: 0.text: unknown key"),
        ("p.jsonl", '{"id": "a", "inline": 1}', "p.jsonl:1: 0.inline: unknown key"),
        ("p.jsonl", "[" * 100_000, "p.jsonl:1: too many aliases or too deeply nested"),
        ("p.json", '[{"id": "a"},\n {"id": "b", "nme": ""}]', "p.json:2: 1.nme: unknown key"),
    ],
)
def test_a_broken_persona_file_is_named_itself(name: str, text: str, place: str) -> None:
    Path(name).write_text(text, encoding="utf-8")
    Path("x.yaml").write_text(f"personas: {name}\n" + TASKS, encoding="utf-8")
    called = scai("run", "x.yaml")
    assert (called.code, called.err.count("\n")) == (2, 1)
    assert called.err.startswith(f"scai: {place}")


def test_anchors_and_merges_that_are_no_bombs_work() -> None:
    text = (
        "base: &b {temperature: 1.0, max_tokens: 9}\n"
        "roles:\n  user: &u {<<: *b, temperature: 0.5}\n  meta: *u\n  assistant: {<<: [{max_tokens: 7}, *u]}\n"
    )
    roles = parse_yaml(text, "x").data["roles"]
    assert roles["user"] == roles["meta"] == {"temperature": 0.5, "max_tokens": 9}
    assert roles["assistant"] == {"temperature": 0.5, "max_tokens": 7}


YAML_SPECIAL = [
    "null", "~", "yes", "NO", "1e3", "0x1f", "1_000", "12:30", "2020-01-01", "", " ", "- a", "a: b", "#", "!!int 3",
    "&a", "*a", "%x", "@x", "`x", "{}", "{{x}}", "{{constitution}}", "[bold]", "\x1b[31mred", "\u2028", "a\u2028b\nc",
    "\x85", "a\x85b", "\n", "\n\n a\n", "  lead\ntrail  \n", "tab\there", "\r\n", "👩🏽‍🌾", "\ufeff", "\x00", "\x7f",
    "'", '"', "\\", "|", ">", "? x", "=", "<<", "---", "...", "\ud800", "end \n", "x" * 300 + " y\n z",
]  # fmt: skip
texts = st.one_of(
    st.text(), st.sampled_from(YAML_SPECIAL), st.builds("\n".join, st.lists(st.sampled_from(YAML_SPECIAL)))
)


@given(texts, texts, texts, st.dictionaries(texts, st.one_of(texts, st.integers(), st.booleans()), max_size=3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_saved_is_read_back_equal(
    description: str, prompt: str, wording: str, facts: dict[str, object]
) -> None:
    experiment = ExperimentConfig.model_validate(
        {
            "personas": [{"id": "a", "name": clean(prompt), "description": description}, {"id": "b"}],
            "tasks": [{"id": "t", "prompt": prompt or "x"}],
            "prompts": {"assistant": wording.replace("{{x}}", "")},
            "constitution": {"principles": [description[:3000] or "x"], "contract": [{"text": "y", "for": ["b"]}]},
        }
    )
    people = Persona.model_validate({"id": "c", "attributes": {clean(k): _clean(v) for k, v in facts.items()}})
    sources = experiment.personas.model_copy(update={"inline": (*experiment.personas.inline, people)})
    experiment = experiment.model_copy(update={"personas": sources})
    Path("saved.yaml").write_text(dump_experiment(experiment), encoding="utf-8", newline="")
    once = load_saved(Path("saved.yaml"))
    assert once.personas.inline == experiment.personas.inline
    assert once.tasks.inline == experiment.tasks.inline
    assert once.constitution == experiment.constitution
    assert once.prompts["assistant"] == experiment.prompts["assistant"]
    Path("again.yaml").write_text(dump_experiment(once), encoding="utf-8", newline="")
    assert load_saved(Path("again.yaml")) == once


def _clean(value: object) -> object:
    return clean(value) if isinstance(value, str) else value


def test_a_saved_experiment_needs_no_file_beside_it(tiny: Path) -> None:
    Path("people").mkdir()
    Path("people/p.yaml").write_text("- id: a\n- id: b\n- id: c\n", encoding="utf-8")
    tiny.write_text("seed: 5\npersonas: {from: people/p.yaml, sample: 2}\n" + TASKS, encoding="utf-8")
    experiment = load_experiment(tiny)
    assert len(experiment.personas.inline) == 2
    Path("elsewhere").mkdir()
    Path("elsewhere/config.yaml").write_text(dump_experiment(experiment), encoding="utf-8")
    assert load_saved(Path("elsewhere/config.yaml")) == experiment


def test_a_prompt_that_scai_has_learnt_since_makes_no_other_experiment_of_a_saved_one(tiny: Path) -> None:
    saved = yaml.safe_load(dump_experiment(load_experiment(tiny)))
    del saved["prompts"]["ballot"]
    Path("config.yaml").write_text(yaml.safe_dump(saved), encoding="utf-8")
    before = load_saved(Path("config.yaml"))
    assert before.prompts == saved["prompts"]
    prompts = Prompts(before.prompts, before.ratings, before.constitution, before.personas.inline)
    assert prompts.ballot(before.personas.inline[0], {})[-1].content
    assert load_experiment(Path("config.yaml")).prompts.keys() == {*saved["prompts"], "ballot"}


def test_a_saved_experiment_says_every_setting(tiny: Path) -> None:
    tiny.write_text(GOOD, encoding="utf-8")
    experiment = load_experiment(tiny)
    saved = yaml.safe_load(dump_experiment(experiment))
    assert saved["revision"] == experiment.revision.model_dump(mode="json")
    assert saved.keys() >= {"epochs", "turns", "model", "ratings", "constitution", "welfare", "limits"}
    assert saved["personas"]["inline"][0].keys() <= {"id", "name", "description", "preferences"}


def test_options_of_one_provider_do_not_go_to_another(tiny: Path) -> None:
    tiny.write_text(
        GOOD
        + "model: {options: {noise: 0.2}}\n"
        + "roles:\n  meta: {name: x}\n  assistant: {provider: openai, name: y}\n"
        + "  user: {provider: openai, name: y, options: {k: 1}}\n",
        encoding="utf-8",
    )
    experiment = load_experiment(tiny)
    assert experiment.model_for("meta").options == {"noise": 0.2}
    assert experiment.model_for("assistant").options == {}
    assert experiment.model_for("user").options == {"k": 1}


def test_a_saved_experiment_loads_no_code_that_it_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "evil_code.py").write_text("raise SystemError('was loaded')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    Path("config.yaml").write_text(GOOD + "model: {provider: 'evil_code:connect'}\n", encoding="utf-8")
    assert load_saved(Path("config.yaml")).model.provider == "evil_code:connect"
    with pytest.raises(SystemError):
        load_experiment(Path("config.yaml"))


def test_texts_of_json_lines_hold_no_lone_surrogates() -> None:
    person = {"id": "a", "name": "\ud800", "attributes": {"x\udfff": "\ud800"}, "description": "😀"}
    Path("p.jsonl").write_text(json.dumps(person), encoding="utf-8")
    read = next(iter(items(Path("p.jsonl"), Persona)))
    assert (read.name, read.description) == ("\ufffd", "😀")
    assert read.model_dump_json()


@given(
    st.fixed_dictionaries(
        {"description": st.text()}, optional={"name": st.text().filter(lambda text: not hidden(text))}
    )
)
def test_a_json_file_may_escape_what_it_likes(said: dict[str, str]) -> None:
    said["source"] = "\\ud83d\\ude00 😀 \\\\😀"
    Path("p.json").write_text(json.dumps([{"id": "a", **said}]), encoding="utf-8")
    assert next(iter(items(Path("p.json"), Persona))).model_dump(include=said.keys()) == said


@pytest.mark.slow
def test_a_run_is_not_started_that_could_not_be_resumed() -> None:
    """The limits on a file are those on a saved experiment, too."""
    people = tuple(Persona(id=f"p{n}", name="Ann Lee", description="x") for n in range(60_000))
    config = bare_experiment(Overrides())
    config = config.model_copy(update={"personas": config.personas.model_copy(update={"inline": people})})
    with pytest.raises(ConfigError, match="too many for one run; draw some of them"):
        dump_experiment(config)


@given(st.text())
def test_any_text_is_plain_values_or_an_error_in_one_line(text: str) -> None:
    try:
        parse_yaml(text, "x.yaml")
    except ConfigError as error:
        said = str(error)
        assert said.startswith("x.yaml")
        assert "\n" not in said


plain = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5)
trees = st.recursive(
    plain,
    lambda leaf: st.lists(leaf, max_size=4) | st.dictionaries(st.text(max_size=5), leaf, max_size=4),
    max_leaves=12,
)


@given(trees)
def test_yaml_is_read_as_the_safe_loader_reads_it(data: object) -> None:
    text = yaml.safe_dump(data, allow_unicode=False)
    assert parse_yaml(text, "x").data == yaml.safe_load(text)


def test_another_provider_comes_without_the_options_of_the_one_in_the_file(tiny: Path) -> None:
    tiny.write_text(tiny.read_text(encoding="utf-8") + "model: {provider: simulated, options: {noise: 0.2}}\n")
    other = Overrides(model="openai:some")
    assert load_experiment(tiny, other).model.options == {}
    assert load_experiment(tiny, Overrides(model="simulated")).model.options == {"noise": 0.2}
    chosen = Overrides(settings=["model.options.min_p=0.1"], model="openai:some")
    assert "noise" in load_experiment(tiny, chosen).model.options  # whoever sets options has the last word on them


@pytest.mark.parametrize(
    ("text", "provider", "name"),
    [
        ("openai:org/some:tag", "openai", "org/some:tag"),
        ("package.module:connect:some:tag", "package.module:connect", "some:tag"),
        ("package.module:connect", "package.module:connect", None),
        ("scripted:connect:some:tag", "scripted:connect", "some:tag"),  # a module without a package
        ("opnai:some", "opnai", "some"),  # neither: the error suggests `openai`
    ],
)
def test_a_model_names_a_provider_or_third_party_code(text: str, provider: str, name: str) -> None:
    assert parse_model(text) == (provider, name)
