"""The errors in the settings of the provider `huggingface`, which show before a library is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import TINY, scai

from scai_cli.errors import ConfigError
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.models.huggingface import connect
from scai_cli.models.huggingface.options import Options, Source, read_settings
from scai_cli.models.prices import FREE, price_of


def settings(**keys: object) -> ModelSettings:
    return ModelSettings.model_validate({"provider": "huggingface", "name": "org/model", **keys})


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"name": None}, "model.name: name a model at the Hub or a folder"),
        ({"name": "./no/such/folder"}, "model.name: ./no/such/folder is not a folder"),
        ({"base_url": "http://127.0.0.1:8000/v1"}, "model.base_url: the huggingface provider calls no endpoint"),
        ({"api_key_env": "MY_KEY"}, "model.api_key_env: the huggingface provider calls no endpoint"),
        ({"structured": "json_schema"}, "model.structured: .* set it to prompt"),
        ({"options": {"batchsize": 3}}, "model.options.batchsize: .*did you mean 'batch_size'"),
        ({"options": {"trust_remote_code": True}}, "model.options.trust_remote_code: code from .* is never run"),
        ({"options": {"batch_size": 0}}, "model.options.batch_size: 0 is not a whole number of at least 1"),
        ({"options": {"batch_size": True}}, "model.options.batch_size: True is not a whole number"),
        ({"options": {"dtype": "float8"}}, "model.options.dtype: 'float8' is not one of auto, float32"),
        ({"options": {"device": "cuda:"}}, "model.options.device: 'cuda:' is not a device"),
        ({"options": {"gguf_file": 3}}, "model.options.gguf_file: 3 is not the name of a file"),
        ({"options": {"gguf_file": "/dev/zero"}}, "model.options.gguf_file: '/dev/zero' is not the name of a file in"),
        ({"options": {"gguf_file": "a/../../b"}}, "model.options.gguf_file: 'a/../../b' is not the name of a file in"),
        ({"options": {"revision": "../main"}}, "model.options.revision: '../main' is not the name of a branch"),
        ({"options": {"chat_template_kwargs": [1]}}, r"model.options.chat_template_kwargs: \[1\] is not a mapping"),
    ],
)
def test_an_error_in_the_settings_names_the_key_and_the_remedy(keys: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        connect(settings(**keys), seed=1)


def test_a_file_as_the_name_of_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "small.gguf"
    file.touch()
    with pytest.raises(ConfigError, match=r"is not a folder; .*`options: \{gguf_file: small.gguf\}`"):
        connect(settings(name=str(file)), seed=1)


@pytest.mark.parametrize("package", ["transformers", "torch", "jinja2"])
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigError, match=rf"huggingface needs .*{package}.*; pip install torch transformers"):
        connect(settings(), seed=1)


def test_a_missing_reader_of_gguf_files(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("transformers", "torch", "jinja2"):
        monkeypatch.setitem(sys.modules, package, sys)
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(ConfigError, match=r"model.options.gguf_file: needs gguf; pip install torch transformers"):
        connect(settings(options={"gguf_file": "small.gguf"}), seed=1)


def test_only_what_changes_the_weights_is_in_their_source(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("transformers", "torch", "jinja2"):
        monkeypatch.setitem(sys.modules, package, sys)
    one = read_settings(settings(options={"dtype": "bfloat16", "batch_size": 2, "revision": None}, timeout_s=5))
    other = read_settings(settings(options={"dtype": "bfloat16", "chat_template_kwargs": {"a": 1}}))
    assert one[0] == other[0] == Source("org/model", dtype="bfloat16")
    assert one[1] == Options(dtype="bfloat16", batch_size=2)
    assert read_settings(settings(options={"revision": "v2"}))[0] != read_settings(settings())[0]


def test_a_model_in_this_process_is_free() -> None:
    assert price_of("huggingface", {})("gpt-4o") == FREE


def test_a_plan_names_no_host_for_a_model_in_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    (tmp_path / "tiny.yaml").write_text(TINY)
    planned = scai("check", tmp_path / "tiny.yaml", "--model", "huggingface:org/model", "--json")
    assert planned.code == 0, planned.err
    assert planned.json["hosts"] == []
    assert planned.json["usd"] == 0


def test_no_library_is_imported_with_the_provider() -> None:
    heavy = ("torch", "transformers", "jinja2", "tokenizers")
    code = f"import sys, scai_cli.models.huggingface; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
