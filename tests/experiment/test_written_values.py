"""What is written in a file of personas, or with `--set`, is what prompts show and `where` compares."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import scai
from hypothesis import example, given
from hypothesis import strategies as st

from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.item_files import items
from scai_cli.experiment.load import Overrides, dump_experiment, load_experiment, load_resolved, load_saved
from scai_cli.experiment.personas import Persona

WORDS = """
NO no yes Yes on off y N true True FALSE NULL None NA 12:30 1:30:00 01234 007 0o17 0b11 0x1F 1.10 1e5 1.5e+3 1_000 +5
.5 5. -0 -0.0 .inf .NaN 2024-01-01 = << 12e45 34 34.0 0.1 1e-05 123456789012345678 Zürich
"""
PLAIN = st.one_of(
    st.sampled_from(WORDS.split()),
    st.from_regex(r"[A-Za-z0-9+.][A-Za-z0-9:+._-]{0,18}[A-Za-z0-9.]", fullmatch=True),
    st.integers().map(str),
    st.floats().map(str),
).filter(lambda text: text != "null" and not text.startswith(("...", "---")))
NUMBER = st.from_regex(r"-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,12})?([eE][-+]?[0-9]{1,2})?", fullmatch=True)
TASKS = "tasks: [{id: tea, prompt: How do I make tea?}]\n"


def shown(file: str, text: str) -> str:
    """What the prompt of the one persona of a file shows as its attribute."""
    Path(file).write_text(text, encoding="utf-8")
    (persona,) = items(Path(file), Persona)
    return persona.portrait().removeprefix("Name: a\nFacts: x: ")


def resolved(experiment: str, *settings: str) -> list[Persona]:
    Path("e.yaml").write_text(experiment, encoding="utf-8")
    return list(load_experiment(Path("e.yaml"), Overrides(settings=settings)).personas.inline)


@given(PLAIN)
def test_a_plain_scalar_of_yaml_is_shown_as_it_is_written(text: str):
    assert shown("block.yaml", f"- id: a\n  attributes:\n    x: {text}\n") == text
    assert shown("flow.yml", f"personas: [{{id: a, attributes: {{x: {text} }}}}]") == text
    assert shown("merged.yaml", f"- id: a\n  attributes: {{<<: [{{x: {text} }}, {{x: 1}}]}}\n") == text


@given(NUMBER)
@example("1.10")
@example("-0")
def test_a_number_of_json_is_shown_as_it_is_written(number: str):
    text = f'{{"id": "a", "attributes": {{"x": {number}}}}}'
    assert shown("a.jsonl", text) == shown("a.json", f"[{text}]") == number
    escaped = text.replace('"id": "a"', '"id": "a", "description": "\\ud83c\\udf4e"')
    assert shown("b.jsonl", escaped).endswith(f"\nFacts: x: {number}")


@given(PLAIN | st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1))
def test_a_text_of_json_is_shown_as_it_is_written(text: str):
    assert shown("a.jsonl", json.dumps({"id": "a", "attributes": {"x": text}})) == text


@given(PLAIN, st.booleans())
def test_a_value_is_found_by_what_is_written(text: str, is_listed: bool):
    Path("p.jsonl").write_text(
        json.dumps({"id": "a", "attributes": {"x": text}}) + '\n{"id": "b", "attributes": {"x": "other one"}}\n',
        encoding="utf-8",
    )
    Path("p.yaml").write_text(f"- id: c\n  attributes: {{x: {text} }}\n- id: d\n", encoding="utf-8")
    files, wanted = "from: [p.jsonl, p.yaml]", f"[{text} , nobody]" if is_listed else text
    in_file = resolved(f"personas: {{{files}, where: {{x: {wanted} }}}}\n{TASKS}")
    set_there = resolved(f"personas: {{{files}}}\n{TASKS}", f"personas.where.x={wanted}")
    assert [persona.id for persona in in_file] == [persona.id for persona in set_there] == ["a", "c"]


@given(PLAIN)
def test_a_value_that_is_set_is_shown_and_saved_as_it_is_written(text: str):
    experiment = f"personas: [{{id: a, attributes: {{x: 1}}}}]\n{TASKS}"
    (persona,) = resolved(experiment, f"personas.0.attributes.x={text}")
    assert persona.portrait() == f"Name: a\nFacts: x: {text}"
    config = load_experiment(Path("e.yaml"), Overrides(settings=[f"personas.0.attributes={{x: {text} }}"]))
    Path("saved.yaml").write_text(dump_experiment(config), encoding="utf-8")
    for read in (load_saved, load_resolved, load_experiment):
        assert read(Path("saved.yaml")).personas.inline == (persona,)


def test_the_same_letter_in_two_ways_is_the_same_value():
    Path("p.jsonl").write_text('{"id": "a", "attributes": {"town": "Zu\\u0308rich"}}\n', encoding="utf-8")
    assert resolved(f"personas: {{from: p.jsonl, where: {{town: Zürich}}}}\n{TASKS}")


def test_keys_with_a_type_read_numbers_and_booleans_as_before():
    Path("e.yaml").write_text(
        "seed: 007\ncache: yes\nmax_failures: 1e-2\n"
        "model: {provider: simulated, temperature: 1.10, send_seed: no, options: {a: 0.10, b: 0x1F, c: true, d: 'NO'}"
        "}\n"
        f"personas: [{{id: no, name: NO, weight: 1.50, preferences: {{concise: -.5}}}}]\n{TASKS}",
        encoding="utf-8",
    )
    config = load_experiment(Path("e.yaml"), Overrides(settings=["epochs=010", "limits.calls=1_000"]))
    assert (config.seed, config.cache, config.max_failures, config.epochs) == (7, True, 0.01, 10)
    assert (config.model.temperature, config.model.send_seed, config.limits.calls) == (1.1, False, 1000)
    assert config.model.options == {"a": 0.1, "b": 31, "c": True, "d": "NO"}
    (persona,) = config.personas.inline
    assert (persona.id, persona.name, persona.weight, persona.preferences) == ("no", "NO", 1.5, {"concise": -0.5})


@pytest.mark.parametrize("value", ["[cat, dog]", "{a: cat}", "~", "null"])
def test_a_list_or_nothing_as_an_attribute_is_one_line_with_its_remedy(value: str):
    Path("people.yaml").write_text(f"- id: a\n  attributes:\n    pets: {value}\n", encoding="utf-8")
    called = scai("personas", "describe", "people.yaml")
    said = "must be one value; join a list into one text, and leave unknown values out"
    assert (called.code, called.err) == (2, f"scai: people.yaml:3: 0.attributes.pets: {said}\n")


def test_booleans_that_an_earlier_version_saved_are_shown_as_it_showed_them():
    config = ExperimentConfig.model_validate(
        {"personas": [{"id": "a", "attributes": {"x": "yes"}}], "tasks": [{"id": "tea", "prompt": "Tea?"}]}
    )
    saved = dump_experiment(config).replace("x: 'yes'", "x: true\n      n: 1.0e-05")
    Path("saved.yaml").write_text(saved, encoding="utf-8")
    for read in (load_saved, load_resolved):
        (persona,) = read(Path("saved.yaml")).personas.inline
        assert persona.portrait() == "Name: a\nFacts: x: True; n: 1e-05"
    assert dump_experiment(load_resolved(Path("saved.yaml"))) == saved  # a resume compares digests of it
    assert load_experiment(Path("saved.yaml")).personas.inline[0].attributes["x"] == "true"


PEOPLE = """\
- {id: a, split: train, attributes: {country: NO, smoker: no}}
- {id: b, split: train, attributes: {country: NO, smoker: yes}}
- {id: c, split: train, attributes: {country: Peru, smoker: yes}}
"""


@pytest.mark.parametrize(
    ("personas", "said"),
    [
        ("where: {country: Perou}", "where: no persona matches; 'country' is 'NO' (2), 'Peru' (1)"),
        ("where: {smokr: yes}", "where: no persona matches; no persona has 'smokr'; did you mean 'smoker'?"),
        (
            "where: {zip: 1, country: XX}",
            "where: no persona matches; no persona has 'zip'; known are country, smoker; ",
        ),
        ("where: {country: Peru, smoker: no}", "where: no persona matches; each value has personas, but none has all"),
        ("where: {country: SE}, sample: 2", "where: no persona matches; 'country' is 'NO' (2), 'Peru' (1)"),
        ("split: dev", "split: no persona has it; there are 'train' (3)"),
    ],
)
def test_who_finds_nobody_reads_the_values_that_are_there(personas: str, said: str):
    Path("people.yaml").write_text(PEOPLE, encoding="utf-8")
    Path("e.yaml").write_text(f"personas: {{from: people.yaml, {personas}}}\n{TASKS}", encoding="utf-8")
    called = scai("check", "e.yaml")
    assert (called.code, called.err.count("\n")) == (2, 1)
    assert called.err.startswith(f"scai: e.yaml:1: personas.{said}")
