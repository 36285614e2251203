"""LoRA adapters of peft as models of the provider `huggingface`: what is refused before a library is imported."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from scai_cli.errors import ConfigError
from scai_cli.models.huggingface.adapter import find_adapter

GOOD: dict[str, Any] = {"peft_type": "LORA", "base_model_name_or_path": "org/base", "revision": None}


@pytest.fixture(autouse=True)
def _peft(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if peft were installed; nothing here imports it."""
    monkeypatch.setattr("scai_cli.models.huggingface.adapter.find_spec", lambda name: name)


def adapter(folder: Path, config: object = GOOD, *, weights: str = "adapter_model.safetensors") -> Path:
    folder.mkdir()
    (folder / "adapter_config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    (folder / weights).touch()
    return folder


def test_an_adapter_names_its_base_and_perhaps_a_tokenizer(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "a", GOOD | {"revision": "v2"})
    found = find_adapter(str(folder), "install it")
    assert found is not None
    assert (found.base, found.revision, found.tokenizer) == ("org/base", "v2", None)
    (folder / "tokenizer_config.json").touch()
    assert found.tokenizer == str(folder)
    assert find_adapter("org/model", "install it") is None


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ("{", "is not the configuration of an adapter"),
        ("[]", "is not the configuration of an adapter"),
        ("[" * 100_000, "is not the configuration of an adapter"),
        (GOOD | {"peft_type": "PROMPT_TUNING"}, "of the kind 'PROMPT_TUNING'; only plain LoRA is read"),
        (GOOD | {"megatron_config": {}, "megatron_core": "os"}, "only plain LoRA is read"),
        (GOOD | {"base_model_name_or_path": None}, "names no base model"),
        (GOOD | {"revision": 3}, "names no base model"),
    ],
)
def test_a_damaged_adapter_is_one_line(tmp_path: Path, config: object, problem: str) -> None:
    folder = adapter(tmp_path / "a", config)
    with pytest.raises(ConfigError, match=problem) as caught:
        find_adapter(str(folder), "install it")
    assert "\n" not in str(caught.value)


def test_weights_that_could_run_code_are_not_read(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "a", weights="adapter_model.bin")
    with pytest.raises(ConfigError, match=r"has no adapter_model\.safetensors"):
        find_adapter(str(folder), "install it")


def test_without_peft_the_command_that_installs_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scai_cli.models.huggingface.adapter.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"is an adapter and needs peft; pip install .* peft"):
        find_adapter(str(adapter(tmp_path / "a")), "pip install torch transformers accelerate gguf jinja2 peft")
    assert "peft" not in sys.modules
