"""One overlay for roles and personas: what is null is as below, options stay with their endpoint, saved runs hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import scai

from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import dump_experiment, load_experiment, load_saved
from scai_cli.experiment.model_settings import ModelChanges, ModelSettings, overlay
from scai_cli.experiment.rating_settings import Ratings
from scai_cli.experiment.revision_settings import Revision
from scai_cli.jobs.run import digests

BASE = ModelSettings(provider="openai", name="m", base_url="http://a/v1", timeout_s=9, options={"top_k": 1})
ELSEWHERE = [{"base_url": "http://b/v1"}, {"provider": "simulated"}, {"api_key_env": "OTHER_KEY"}]
CONFIG = {
    "tasks": [{"id": "tea", "prompt": "Tea?"}],
    "model": {"provider": "openai", "name": "m", "base_url": "http://a/v1", "options": {"top_k": 1}},
    "roles": {"meta": {"base_url": "http://b/v1", "temperature": 0}, "user": {"send_seed": False}},
}
PERSONAS = [
    {"id": "ann", "model": {"temperature": 0.3, "max_tokens": 500}},
    {"id": "bob", "model": {"timeout_s": 7, "send_seed": True, "options": {"top_k": 2}}},
    {"id": "cid", "model": {"base_url": "http://c/v1"}},
    {"id": "dan"},
]


def experiment(*ids: str) -> ExperimentConfig:
    return ExperimentConfig.model_validate({**CONFIG, "personas": [p for p in PERSONAS if p["id"] in ids]})


@pytest.mark.parametrize("key", ModelChanges.model_fields)
def test_null_is_as_in_what_it_is_laid_over(key: str) -> None:
    assert getattr(overlay(BASE, ModelChanges()), key) == getattr(BASE, key)
    assert overlay(BASE, None) == BASE


@pytest.mark.parametrize("changes", ELSEWHERE, ids=str)
def test_options_are_left_behind_at_another_endpoint(changes: dict[str, str]) -> None:
    assert overlay(BASE, ModelChanges(**changes)).options == {}
    assert overlay(BASE, ModelChanges(**changes, options={"k": 2})).options == {"k": 2}
    assert overlay(BASE, ModelChanges(base_url=BASE.base_url, name="other")).options == BASE.options


@pytest.mark.parametrize("provider", ["huggingface", "langchain"])
def test_a_provider_without_an_endpoint_has_neither_the_address_nor_the_key_of_another(provider: str) -> None:
    base = BASE.model_copy(update={"api_key_env": "MY_KEY"})
    other = overlay(base, ModelChanges(provider=provider, name="openai:m"))
    assert (other.base_url, other.api_key_env, other.may_send_schema) == (None, None, False)
    in_place = overlay(base, ModelChanges(provider=provider, base_url="http://b"))
    assert (in_place.base_url, in_place.api_key_env) == ("http://b", None)  # an error that names the key
    shared = base.model_copy(update={"base_url_from": "environment", "api_key_env": None})
    back = overlay(overlay(shared, ModelChanges(provider=provider)), ModelChanges(provider="openai"))
    assert (back.base_url, back.base_url_from) == ("http://a/v1", "environment")


def test_roles_and_personas_take_the_same_keys() -> None:
    config = experiment("ann", "bob", "cid", "dan")
    assert (config.model_for("meta").options, config.model_for("meta").temperature) == ({}, 0)
    assert config.model_for("assistant").options == {"top_k": 1}
    ann, bob, cid, dan = (config.model_of(persona) for persona in config.personas.inline)
    assert (ann.temperature, ann.send_seed, ann.options) == (0.3, False, {"top_k": 1})
    assert (bob.timeout_s, bob.send_seed, bob.options) == (7, True, {"top_k": 2})
    assert (cid.base_url, cid.send_seed, cid.options) == ("http://c/v1", False, {})
    assert dan == config.model_for("user")


def test_a_personas_model_may_hold_every_key_and_is_saved_with_them() -> None:
    Path("x.yaml").write_text(dump_experiment(experiment("ann", "bob", "cid", "dan")), encoding="utf-8")
    saved = load_saved(Path("x.yaml"))
    assert saved.model_of(saved.personas.inline[1]).options == {"top_k": 2}
    Path("y.yaml").write_text(dump_experiment(saved), encoding="utf-8")
    assert load_saved(Path("y.yaml")) == saved


def test_a_secret_among_a_personas_options_is_refused() -> None:
    text = "tasks: [{id: tea, prompt: Tea?}]\npersonas:\n- id: a\n  model: {options: {api_key: sk-do-not-tell}}\n"
    Path("x.yaml").write_text(text, encoding="utf-8")
    error = scai("check", "x.yaml").err
    assert error.startswith("scai: x.yaml:4: personas.0.model.options: ")
    assert "sk-do" not in error


def test_a_run_of_0_1_keeps_its_digests_and_what_show_prints() -> None:
    """Written by version 0.1, in which a persona's model had eight keys."""
    revision = Revision(strategy="rewrite", acceptance="always", clauses="people", quorum=0.66)
    then = {"opening": "task", "ratings": Ratings(cross_raters="all"), "revision": revision}  # the defaults of 0.1
    config = experiment("ann", "cid", "dan").model_copy(update=then)
    assert digests(config, with_remedies=True) == DIGESTS
    printed = config.model_dump(mode="json", by_alias=True)
    assert list(printed["personas"]["inline"][0]["model"]) == EIGHT_KEYS
    assert list(printed["roles"]["user"]) == list(printed["model"]) == ELEVEN_KEYS
    assert printed["roles"]["user"]["options"] is None


def test_the_timeout_and_the_remedies_of_a_persona_are_free_to_change_and_its_name_is_not(tiny: Path) -> None:
    plain = load_experiment(tiny)
    person = plain.personas.inline[0]

    def changed(**keys: object) -> ExperimentConfig:
        model = ModelChanges.model_validate({"temperature": 1.0, **keys})
        personas = (person.model_copy(update={"model": model}), *plain.personas.inline[1:])
        return plain.model_copy(update={"personas": plain.personas.model_copy(update={"inline": personas})})

    assert digests(changed(timeout_s=5)) == digests(changed())
    assert digests(changed(send_seed=False, max_tokens=9)) == digests(changed())
    assert digests(changed(send_seed=False), with_remedies=True) != digests(changed(), with_remedies=True)
    assert digests(changed(name="other")) != digests(changed())


EIGHT_KEYS = ["provider", "name", "base_url", "api_key_env", "temperature", "top_p", "max_tokens", "structured"]
ELEVEN_KEYS = [*EIGHT_KEYS[:7], "timeout_s", "structured", "send_seed", "options"]
DIGESTS = {
    "personas": "83da75a9db1e2cd1",
    "tasks": "de65e48e4d0a16ec",
    "model": "8032d81fe23bb749",
    "roles": "b3310a643fa82513",
}
