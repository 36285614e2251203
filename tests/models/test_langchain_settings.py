"""What a file may set of a model of LangChain, without LangChain: no key goes to its hosts, no code runs unasked."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY, scai

from scai_cli import plugins
from scai_cli.errors import ConfigError
from scai_cli.experiment.model_code import code_of
from scai_cli.experiment.model_settings import ModelChanges, ModelSettings, overlay, parse_model
from scai_cli.models.langchain import connect
from scai_cli.models.prices import price_of

KEY = "sk-0123456789abcdef"


def settings(name: str | None = "openai:m", **more: Any) -> ModelSettings:
    return ModelSettings(provider="langchain", name=name, **more)


def refused(model: ModelSettings) -> str:
    with pytest.raises(ConfigError) as caught:
        connect(model, seed=1)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", [None, "gpt-5-mini", "openai:", ":m", "huggingface:https://stranger.example/m"])
def test_a_name_has_a_provider_and_no_address(name: str | None) -> None:
    assert refused(settings(name)).startswith("model.name: write PROVIDER:NAME")


@pytest.mark.parametrize(
    "options",
    [
        {"base_url": "http://stranger.example"},
        {"openai_api_base": "stranger.example"},
        {"endpoint_url": "stranger.example"},
        {"azure_endpoint": "stranger.example"},
        {"client_options": {"api_endpoint": "stranger.example"}},
        {"openai_proxy": "stranger.example"},
        {"default_headers": {"Host": "stranger.example"}},
        {"credentials": "stranger.json"},
        {"configurable_fields": "any"},
        {"model_provider": "openai"},
        {"model_kwargs": {"trust_remote_code": True}},
        {"backend": "pipeline"},
        {"cache": True},
        {"location": "stranger.example/"},
        {"region_name": "x@stranger.example"},
        {"project": "a b"},
        {"extra_body": {"tools": [{"server_url": "stranger.example"}]}},
        {"extra_body": {"tools": [{"at": "https://stranger.example"}]}},
        {"stop": ["http://stranger.example"]},
    ],
)
def test_no_option_chooses_where_keys_go_or_what_code_runs(options: dict[str, Any]) -> None:
    assert refused(settings(options=options)).startswith(f"model.options.{min(options)}: ")


def test_an_unknown_option_has_a_remedy() -> None:
    assert "did you mean 'top_k'" in refused(settings(options={"topk": 3}))
    assert refused(settings(options={"temperature": 1})) == "model.options.temperature: write it as model.temperature"


@pytest.mark.parametrize("key", ["base_url", "api_key_env"])
def test_an_address_or_key_of_the_file_is_refused(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    value = {"base_url": "http://127.0.0.1:1/v1", "api_key_env": "MY_KEY"}[key]
    assert f"model.{key}: LangChain reads addresses and keys from variables" in refused(settings(**{key: value}))


def test_a_form_cannot_be_enforced() -> None:
    assert "write `structured: prompt`" in refused(settings(structured="json_schema"))


def test_code_is_called_without_arguments() -> None:
    assert refused(settings("subprocess:run", options={"stop": ["touch", "made"]})).startswith("model.options: ")


@pytest.mark.parametrize("name", ["openai:m", "tests:model"])
def test_without_langchain_it_names_the_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("langchain", "langchain.chat_models", "langchain_core", "langchain_core.language_models"):
        monkeypatch.setitem(sys.modules, package, None)
    assert refused(settings(name)).endswith("`pip install langchain`")


def test_a_name_on_the_command_line() -> None:
    assert parse_model("langchain:bedrock_converse:us.m-v1:0") == ("langchain", "bedrock_converse:us.m-v1:0")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("openai:m", []),
        ("bedrock_converse:a.b:0", []),
        ("my_models:build", ["my_models:build"]),
        ("opnai:m", ["opnai:m"]),
    ],
)
def test_a_provider_of_langchain_is_never_a_module(name: str, code: list[str]) -> None:
    assert list(code_of(settings(name))) == [("provider", "langchain"), *(("chat model", found) for found in code)]
    assert all(plugins.is_foreign("chat model", found) for found in code)


def test_a_module_that_is_missing_may_be_a_misspelled_provider() -> None:
    with pytest.raises(ConfigError, match="No module named 'opnai'; did you mean 'openai'"):
        plugins.resolve("chat model", "opnai:m")


def test_each_provider_of_langchain_has_a_gate_of_its_own() -> None:
    mini = settings("openai:mini", options={"top_k": 1})
    assert mini.endpoint == settings("openai:large").endpoint != settings("groq:m").endpoint
    assert overlay(mini, ModelChanges(name="openai:large")).options == {"top_k": 1}
    assert overlay(mini, ModelChanges(name="groq:m")).options == {}


def test_a_published_price_is_that_of_the_name_behind_the_provider() -> None:
    assert price_of("langchain", {})("openai:gpt-4o") == price_of("openai", {})("gpt-4o") is not None


CHANGES = {
    "model": ("provider: simulated\n  name: null", "provider: langchain\n  name: someones:model"),
    "persona": ("description: Ann", "model: {provider: langchain, name: 'someones:model'}\n    description: Ann"),
}
COMMANDS = {
    "resume": ("resume", "tiny"),
    "generate": ("generate", "tiny", "--n", "1"),
    "evaluate": ("evaluate", "tiny", "--suite", "choice"),
    "chat": ("chat", "tiny"),
    "serve": ("serve", "tiny"),
    "explain": ("explain", "tiny"),
}
ANSWERING = ("chat", "serve")
"""The commands that connect no persona."""


@pytest.mark.parametrize(
    ("place", "command"),
    [(place, command) for place in CHANGES for command in COMMANDS if command not in ANSWERING or place == "model"],
)
def test_a_saved_run_loads_no_module_without_trust(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, command: str
) -> None:
    (tmp_path / "someones.py").write_text("open('loaded', 'w')\n")
    monkeypatch.syspath_prepend(tmp_path)
    run = tmp_path / "runs" / "tiny"
    shutil.copytree(finished, run)
    before, after = CHANGES[place]
    text = (run / "config.yaml").read_text()
    assert before in text
    (run / "config.yaml").write_text(text.replace(before, after, 1))
    monkeypatch.setattr(sys, "stdin", io.StringIO("hello\n"))
    called = scai(*COMMANDS[command])
    assert called.code == 2
    assert "names third-party code, chat model 'someones:model'; add --trust to load it" in called.err
    assert not Path("loaded").exists()


def test_an_experiment_loads_the_module_before_a_run_begins(tmp_path: Path) -> None:
    Path("new.yaml").write_text(TINY + "model: {provider: langchain, name: 'nothing:here'}\n")
    called = scai("run", "new.yaml")
    assert (called.code, Path("runs").exists()) == (2, False)
    assert "new.yaml:" in called.err
    assert "model.name: chat model 'nothing:here' cannot be loaded: No module named 'nothing'" in called.err


def test_check_names_the_provider_of_langchain() -> None:
    Path("new.yaml").write_text(TINY)
    checked = scai("check", "new.yaml", "--json", "--model", "langchain:groq:m")
    assert [(host["host"], host["key"], host["models"]) for host in checked.json["hosts"]] == [
        ("langchain:groq", None, ["groq:m"])
    ]
