"""LoRA adapters, as peft and TRL save them: a folder with small matrices that change the weights of a base model."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from scai_cli.errors import ConfigError

CONFIG: Final = "adapter_config.json"
_WEIGHTS: Final = "adapter_model.safetensors"
"""The only format of the matrices that runs no code when it is read."""
_MOST_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Adapter:
    """The folder of an adapter and the base model that it names: a folder, or a name at the Hub."""

    folder: Path
    base: str
    revision: str | None

    @property
    def tokenizer(self) -> str | None:
        """The folder, if the tokenizer that it was trained with is there."""
        return str(self.folder) if (self.folder / "tokenizer_config.json").is_file() else None


def find_adapter(name: str, install: str) -> Adapter | None:
    """Return the adapter in a folder; None if it has none, or the name is that of the Hub.

    Raises ConfigError for an adapter of another kind, a damaged one, and a missing package; `install` is the command
    that installs it.
    """
    folder = Path(name)
    if not (folder / CONFIG).is_file():
        return None
    if find_spec("peft") is None:
        raise ConfigError(f"model.name: {name} is an adapter and needs peft; {install}")
    with (folder / CONFIG).open("rb") as file:
        text = file.read(_MOST_BYTES)
    try:
        config = json.loads(text)
        kind, base, revision = config["peft_type"], config["base_model_name_or_path"], config.get("revision")
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
        raise ConfigError(
            f"model.name: {folder / CONFIG} is not the configuration of an adapter; save it again"
        ) from None
    if kind != "LORA" or config.get("megatron_config") is not None:
        raise ConfigError(f"model.name: {name} is an adapter of the kind {str(kind)[:40]!r}; only plain LoRA is read")
    if not isinstance(base, str) or not base.strip() or not isinstance(revision, str | None):
        raise ConfigError(f"model.name: {folder / CONFIG} names no base model; write it as base_model_name_or_path")
    if not (folder / _WEIGHTS).is_file():
        raise ConfigError(f"model.name: {name} has no {_WEIGHTS}; save the adapter again")
    return Adapter(folder, base, revision)


def with_adapter(model: Any, adapter: Adapter) -> Any:
    """Return the base model with the adapter added to its weights; raises ValueError if it is not one of this model."""
    from peft import LoraConfig, PeftModel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about missing parts, which are errors here
        try:
            adapted = PeftModel(model, LoraConfig.from_pretrained(str(adapter.folder)))
            loaded = adapted.load_adapter(str(adapter.folder), "default", is_trainable=False)
        except (RuntimeError, ValueError, TypeError, KeyError) as error:
            first = next(iter(str(error).splitlines()), "")
            raise ValueError(f"{adapter.folder} is not a LoRA adapter of {adapter.base}: {first}") from None
        if loaded.unexpected_keys or any("lora_" in key for key in loaded.missing_keys):
            raise ValueError(f"{adapter.folder} is not a LoRA adapter of {adapter.base}: their layers differ")
        return adapted.merge_and_unload()
