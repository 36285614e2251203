"""Measures of an answer's text: the shipped ones, a third party's, their options, languages and weights."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from scai_cli import plugins
from scai_cli.errors import ConfigError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import load_experiment
from scai_cli.experiment.measure_settings import MeasureSettings
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.rating_settings import Ratings
from scai_cli.experiment.tasks import Task
from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.observed import observe
from scai_cli.simulation.observed import Measures, Measuring, observed_utility
from scai_cli.simulation.text_measure import text_measure
from scai_cli.simulation.utilities import cell

ANN, TEA = Persona(id="ann"), Task(id="tea", prompt="How do I make tea?")
HERE = "test_text_measures"
GERMAN = "Das ist eine gute Idee, aber ich würde es nicht ohne die Nachbarn machen."
CHINESE = "- 先烧开水\n- 再放茶叶\n- 然后等三分钟"
ENGLISH = "However, you may ask the doctor first. What do you eat?"


@text_measure(languages=["en"], of_others=True)
def shouts(text: str, persona: Persona, task: Task, *, most: int = 1) -> float:
    """Loud answers.

    Not a part of the words.
    """
    return min(1.0, text.count("!") / most)


def returns(text: str, persona: Persona, task: Task, *, value: Any) -> Any:
    if value == "raises":
        raise KeyError(f"no\n{text}\x1b[2J")
    return {"nan": math.nan, "text": "0.5"}.get(value, value)


async def waits(text: str, persona: Persona, task: Task) -> float:
    return 1.0


def measured(text: str, **settings: Any) -> float | None:
    return Measuring(MeasureSettings.model_validate(settings))(text, ANN, TEA)


def test_every_trait_is_found_by_its_name() -> None:
    traits = [n for n, where in plugins.BUILT_IN["measure"].items() if ":traits." in where]
    assert traits == list(TRAITS)


@pytest.mark.parametrize("name", TRAITS)
def test_a_trait_is_a_measure_of_english_text_and_of_no_other_language(name: str) -> None:
    assert measured(ENGLISH, measure=name) == observe(ENGLISH)[name]
    assert measured("", measure=name) == 0.0
    for text in (CHINESE, GERMAN, "Это хорошая мысль."):
        assert measured(text, measure=name) == (None if name != "bullet_list" else observe(text)[name])
    assert plugins.resolve("measure", name).of_others == (TRAITS[name].kind == "substance")


@pytest.mark.parametrize(
    ("settings", "values"),
    [
        ({"measure": "regex", "pattern": r"(?i)\bthanks?\b"}, {"Many THANKS!": 1, "thankful": 0, "谢谢": 0, "": 0}),
        ({"measure": "regex", "pattern": "谢"}, {"谢谢": 1}),
        ({"measure": "length", "target": [2, 4]}, {"": 0, "a": 0.5, "a b": 1, "a b c d e f": 0.5, "a " * 9: 0}),
        ({"measure": "length", "target": [2, 4]}, {"先烧开水": 1}),  # a character is half a word
        ({"measure": "language", "code": "de"}, {GERMAN: 1, ENGLISH: 0, CHINESE: 0, "ok": None}),
        ({"measure": "readability"}, {"The cat sat. It was big.": 1, "": None, CHINESE: None}),
        ({"measure": "readability", "lix": [0, 10]}, {"The cat sat. It was big.\nYes it was.": 0.7, "a " * 50: 0}),
        ({"measure": "json_field", "field": "a.b.1"}, {'Here: {"a": {"b": [0, 0.25]}}': 0.25, "{}": 0, "no": 0}),
        ({"measure": "json_field", "field": "a", "scale": [0, 10]}, {'{"a": 5}': 0.5, '{"a": 99}': 1, '{"a": "x"}': 0}),
        ({"measure": "json_field", "field": "a", "equals": "yes"}, {'{"a": "yes"}': 1, '{"a": "no"}': 0}),
        ({"measure": "json_field", "field": "a"}, {'{"a": true}': 1, '{"a": null}': 0, '{"a": NaN}': 0}),
    ],
    ids=lambda part: part.get("measure", ""),
)
def test_the_other_shipped_measures(settings: dict[str, Any], values: dict[str, float | None]) -> None:
    for text, value in values.items():
        assert measured(text, **settings) == (None if value is None else pytest.approx(value)), text


def test_a_pattern_that_backtracks_elsewhere_has_linear_time() -> None:
    assert measured("a" * 100_000 + "b", measure="regex", pattern="(a+)+$") == 0.0
    assert measured("a" * 20_000, measure="regex", pattern="(.*a.*){20}c") == 0.0


@pytest.mark.parametrize(
    ("measures", "place", "problem"),
    [
        ("[lenth]", "ratings.measures.0", "unknown measure 'lenth'; did you mean 'length'?"),
        ("[{measure: length, targt: [1, 2]}]", "ratings.measures.0.targt", "did you mean 'target'?"),
        (
            "[{measure: length, options: {target: [3, 2]}}]",
            "ratings.measures.0.options.target",
            "must be [fewest, most]",
        ),
        ("[concise, {measure: length, target: no}]", "ratings.measures.1.target", "must be a list"),
        ("[{measure: concise, most: 2}]", "ratings.measures.0.most", "'concise'; it has no options"),
        ("[regex]", "ratings.measures.0", "needs the option 'pattern'"),
        ("[{measure: regex, pattern: '(a'}]", "ratings.measures.0.pattern", "cannot be used: unclosed group"),
        ("[{measure: regex, pattern: '(?=a)'}]", "ratings.measures.0.pattern", "look-around"),
        ("[{measure: language, code: klingon}]", "ratings.measures.0.code", "ISO 639-1"),
        (f"[{{measure: {HERE}:shouts, most: lots}}]", "ratings.measures.0.most", "must be a valid integer"),
        (f"[{HERE}:shout]", "ratings.measures.0", "cannot be loaded"),
        (f"[{HERE}:waits]", "ratings.measures.0", "is a coroutine"),
        ("[no.such:thing]", "ratings.measures.0", "cannot be loaded: No module named 'no'"),
        ("[{measure: length, name: concise}]", "ratings.measures.0", "that of a built-in measure"),
        ("[length, length]", "ratings.measures", "'length' occurs twice"),
        ("[{measure: length, api_key: x}]", "ratings.measures.0.options", "do not write keys here"),
    ],
)
def test_a_wrong_measure_or_option_is_one_line_with_its_place(
    tmp_path: Path, measures: str, place: str, problem: str
) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(f"personas: [{{id: a}}]\ntasks: [{{id: t, prompt: x}}]\nratings:\n  measures: {measures}\n")
    with pytest.raises(ConfigError) as error:
        load_experiment(file)
    assert str(error.value).startswith(f"{file}:4: {place}: ")
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


def test_words_are_the_docstring_and_names_are_without_the_module(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    measures = f"[{HERE}:shouts, warm, {{measure: {HERE}:returns, value: 1, name: odd-one, words: Oddness}}]"
    file.write_text(f"personas: [{{id: a}}]\ntasks: [{{id: t, prompt: x}}]\nratings: {{measures: {measures}}}\n")
    found = load_experiment(file).ratings.measures
    assert [(each.name, each.words) for each in found] == [
        ("shouts", "Loud answers"),
        ("warm", TRAITS["warm"].label),
        ("odd-one", "Oddness"),
    ]


@pytest.mark.parametrize("value", [1.5, -0.1, "nan", "text", [1], "raises"])
def test_what_a_third_partys_measure_does_wrong_is_one_line(value: Any) -> None:
    with pytest.raises(ConfigError) as error:
        measured("Hm.", measure=f"{HERE}:returns", value=value)
    line = str(error.value)
    assert line.startswith(f"measure '{HERE}:returns', for ann on tea: it r")
    assert line.endswith("; a measure returns a number in [0, 1] or None")
    assert not {"\n", "\x1b"}.intersection(line)


@pytest.mark.parametrize("value", [0, 1, True, 0.25, None])
def test_what_it_may_return(value: Any) -> None:
    assert measured("Hm.", measure=f"{HERE}:returns", value=value) == value


def test_a_person_replaces_the_weights_that_are_declared_and_may_prefer_what_is_not() -> None:
    bob = Persona(id="bob", preferences={"shouts": -1, "warm": 0.5, f"{HERE}:shouts": 0.25})
    ratings = {"measures": [{"measure": f"{HERE}:shouts", "most": 2}, {"measure": "length", "weight": 0}]}
    config = ExperimentConfig.model_validate({"personas": [ANN, bob], "tasks": [TEA], "ratings": ratings})
    measures = Measures.of(config)
    assert measures.wanted(ANN) == {"shouts": 1.0, "length": 0.0}
    assert measures.wanted(bob) == {"shouts": -1, "length": 0.0, "warm": 0.5, f"{HERE}:shouts": 0.25}
    assert measures.wanted(bob, of_others=True) == {"shouts": -1, f"{HERE}:shouts": 0.25}
    assert measures.recorded(bob) == ["shouts", "length", f"{HERE}:shouts"]
    assert observed_utility(measures, ANN, TEA, "Go!") == 0.5
    assert observed_utility(measures, bob, TEA, "Go!") == round((0.5 + 0.25) / 1.75, 6)
    assert observed_utility(measures, ANN, TEA, GERMAN) is None
    with pytest.raises(ConfigError, match=r"unknown measure 'shuots'"):
        Measures(preferred=["shuots"])
    with pytest.raises(ConfigError, match=r"ratings.measures: x: most: must be a valid integer"):
        Measures([MeasureSettings.model_validate({"measure": f"{HERE}:shouts", "name": "x", "most": "y"})])


def test_unknown_names_in_preferences_are_found_where_the_experiment_is_whole(tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text("- {id: a}\n- id: b\n  preferences: {shuots: 1}\n")
    file = tmp_path / "x.yaml"
    text = f"personas: people.yaml\ntasks: [{{id: t, prompt: x}}]\nratings: {{measures: [{HERE}:shouts]}}\n"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"people.yaml:3: 1.preferences: unknown measure 'shuots'; did you mean 'sho"):
        load_experiment(file)
    (tmp_path / "people.yaml").write_text(f"- {{id: a, preferences: {{shouts: 1, '{HERE}:shouts': 1}}}}\n")
    assert load_experiment(file).personas.inline[0].preferences == {"shouts": 1, f"{HERE}:shouts": 1}
    (tmp_path / "people.yaml").write_text(f"- {{id: a, preferences: {{'{HERE}:shuots': 1}}}}\n")
    with pytest.raises(ConfigError, match=r"x.yaml:1: personas: preferences: measure .*:shuots' cannot be loaded"):
        load_experiment(file)
    (tmp_path / "people.yaml").write_text("- {id: a, preferences: {regex: 1}}\n")
    with pytest.raises(ConfigError, match=r"personas: preferences: .*'pattern'; declare it in ratings.measures"):
        load_experiment(file)


def test_a_weight_of_what_nobody_measures_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    people = "[{id: a, preferences: {warm: 1}}, {id: b}]"
    text = f"personas: {people}\ntasks: [{{id: t, prompt: x}}]\nratings: {{measured_weight: 0.5}}\n"
    for dialogue in ("assist", "talk"):
        file.write_text(f"{text}dialogue: {dialogue}\n")
        with pytest.raises(ConfigError, match=r"x.yaml:3: ratings.measured_weight: nothing is measured for 'b': add r"):
            load_experiment(file)
    file.write_text(text.replace("0.5", "0.5, measures: [length]"))
    assert load_experiment(file).ratings.measured_weight == 0.5


@pytest.mark.parametrize(
    ("ratings", "rated", "value", "expected"),
    [
        ({}, (5, 10), 0.0, 0.625),  # beside the ratings
        ({"measured_weight": 0.5}, (5, 10), 0.0, 0.3125),
        ({"measured_weight": 0.5}, (5, 10), None, 0.625),  # it cannot tell
        ({"measured_weight": 0.5}, (None, 10), 1.0, None),  # no measure replaces the user's missing rating
        ({"measured_weight": 1}, (None, None), 0.75, 0.75),  # unless it is to
        ({"measured_weight": 1}, (5, 10), None, None),
        ({"measured_weight": 0.5, "cross_weight": 1}, (None, 10), 0.0, 0.5),
    ],
)
def test_what_is_measured_counts_beside_or_instead_of_ratings(
    ratings: dict[str, float], rated: tuple[float | None, float | None], value: float | None, expected: float | None
) -> None:
    assert cell(*rated, Ratings.model_validate(ratings), value) == expected
