"""Check the settings of a model of LangChain: a file must not send a key of the environment to a host of its choice."""

import re
from collections.abc import Mapping
from typing import Final

from scai_cli.errors import ConfigError
from scai_cli.experiment.model_code import is_module
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.text.data_files import read_data_file
from scai_cli.text.suggestions import did_you_mean

_DATA: Final = read_data_file(__file__)
_KNOWN: Final = (*_DATA["plain"], *_DATA["values"])
_PLAIN: Final = re.compile(r"[\w.-]+", re.ASCII)
_ADDRESS: Final = re.compile("|".join(_DATA["address"]), re.IGNORECASE)


def check_settings(model: ModelSettings) -> None:
    """Raise ConfigError for settings that no model of LangChain has, or that could send a key to another host."""
    name = model.name or ""
    before, _, after = name.partition(":")
    if not (before and after) or "://" in name:
        raise ConfigError(
            "model.name: write PROVIDER:NAME as for LangChain's init_chat_model, e.g. `--model "
            "langchain:bedrock_converse:NAME`, or the `module:attribute` of a chat model"
        )
    for key, value in (("base_url", model.own_base_url), ("api_key_env", model.api_key_env)):
        if value is not None:
            raise ConfigError(
                f"model.{key}: LangChain reads addresses and keys from variables of its own; set those and remove "
                f"{key}, or use `provider: openai` for a compatible endpoint"
            )
    if model.structured != "prompt":
        raise ConfigError("model.structured: LangChain has no one way to enforce a form; write `structured: prompt`")
    if is_module(name) and model.options:
        raise ConfigError(f"model.options: {name} is called without arguments; write them into its code")
    for key, option in model.options.items():
        _check_option(str(key), option)


def _check_option(key: str, value: object) -> None:
    if setting := _DATA["settings"].get(key):
        raise ConfigError(f"model.options.{key}: write it as model.{setting}")
    if key not in _KNOWN:
        raise ConfigError(
            f"model.options.{key}: scai does not pass this to LangChain{did_you_mean(key, _KNOWN)}; set it in a "
            "function of yours that returns the chat model, and write its `module:attribute` as model.name"
        )
    if key in _DATA["plain"] and not _PLAIN.fullmatch(str(value)):
        raise ConfigError(f"model.options.{key}: write letters, digits, `_`, `.` and `-` only")
    if place := _address_in(value):
        raise ConfigError(
            f"model.options.{key}: {place} names an address, and a file must not choose where LangChain's keys go; "
            "remove it"
        )


def _address_in(value: object, key: str = "") -> str:
    """Return the key or text in a value that names an address; empty if there is none."""
    if _ADDRESS.search(key):
        return repr(key)
    if isinstance(value, Mapping):
        return next((found for name, inner in value.items() if (found := _address_in(inner, str(name)))), "")
    if isinstance(value, list | tuple):
        return next((found for inner in value if (found := _address_in(inner))), "")
    return "a text with `://`" if isinstance(value, str) and "://" in value else ""
