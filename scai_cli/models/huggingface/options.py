"""The settings of the provider, read from `model:` before any library is imported."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from scai_cli.errors import ConfigError
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.models.huggingface.adapter import Adapter, find_adapter
from scai_cli.text.suggestions import did_you_mean

INSTALL: Final = "pip install torch transformers accelerate gguf jinja2 peft"
_PACKAGES: Final = ("transformers", "torch", "jinja2")
_DTYPES: Final = ("auto", "float32", "float16", "bfloat16")
_DEVICE: Final = re.compile(r"auto|[a-z]+(?::\d+)?")


@dataclass(frozen=True, slots=True)
class Source:
    """All that determines the weights in memory: connections with equal sources share one copy."""

    name: str
    """A name at the Hub, or the path of a folder."""
    revision: str | None = None
    gguf_file: str | None = None
    dtype: str | None = None
    device: str | None = None
    adapter: Adapter | None = None
    """A LoRA adapter of this model, whose folder the user named."""

    @property
    def called(self) -> str:
        """The name that the user wrote."""
        return self.name if self.adapter is None else str(self.adapter.folder)


@dataclass(frozen=True, slots=True)
class Options:
    """The keys of `model.options`."""

    device: str | None = None
    """`cpu`, `cuda`, `cuda:1`, `mps`, or `auto`: spread over all devices; the accelerator, else the CPU, if None."""
    dtype: str | None = None
    """`float32`, `float16`, `bfloat16`, or `auto`: the type in the files; `float32` on a CPU, else `auto`, if None."""
    batch_size: int = 16
    """The calls that are answered together, at most."""
    gguf_file: str | None = None
    """The GGUF file in the folder or repository; its weights are decoded into `dtype`."""
    revision: str | None = None
    """The branch, tag or commit at the Hub; of an adapter's base, the one that the adapter names if None."""
    chat_template_kwargs: Mapping[str, Any] = field(default_factory=dict)
    """Variables of the chat template, e.g. `{enable_thinking: false}`."""


def read_settings(model: ModelSettings) -> tuple[Source, Options]:
    """Return the source of the weights and the options; raises ConfigError for an error, also if a package is missing.

    Nothing is imported or loaded.
    """
    if not model.name:
        raise ConfigError("model.name: name a model at the Hub or a folder, e.g. `--model huggingface:ORG/MODEL`")
    for key, value in (("base_url", model.own_base_url), ("api_key_env", model.api_key_env)):
        if value is not None:
            raise ConfigError(f"model.{key}: the huggingface provider calls no endpoint; remove the key")
    if model.structured != "prompt":
        raise ConfigError(f"model.structured: the huggingface provider has no {model.structured}; set it to prompt")
    options, location = _options(model.options), _location(model.name)
    if missing := [package for package in _PACKAGES if find_spec(package) is None]:
        raise ConfigError(f"model.provider: huggingface needs {' and '.join(missing)}; {INSTALL}")
    if options.gguf_file is not None and find_spec("gguf") is None:
        raise ConfigError(f"model.options.gguf_file: needs gguf; {INSTALL}")
    adapter = find_adapter(location, INSTALL)
    revision = options.revision
    if adapter is not None:
        location, revision = _location(adapter.base, f"{location} is an adapter of "), revision or adapter.revision
    return Source(location, revision, options.gguf_file, options.dtype, options.device, adapter), options


def _location(name: str, before: str = "") -> str:
    """Return a name at the Hub as it is, and a path without `~`; raises ConfigError if there is no folder.

    `before` are the words before the name in the error.
    """
    if not name.startswith((".", "~", "/")):
        return name
    path = Path(name).expanduser()
    if not path.is_dir():
        file = f"; for one file write the folder and `options: {{gguf_file: {path.name}}}`" if path.is_file() else ""
        raise ConfigError(f"model.name: {before}{name}{', which' if before else ''} is not a folder{file}")
    return str(path)


def _options(given: Mapping[str, Any]) -> Options:
    names = [key.name for key in fields(Options)]
    given = {key: value for key, value in given.items() if value is not None}
    for key, value in given.items():
        if key == "trust_remote_code":
            raise ConfigError("model.options.trust_remote_code: code from a model's repository is never run; remove it")
        if key not in names:
            near = did_you_mean(str(key), names)
            raise ConfigError(f"model.options.{key}: the huggingface provider has no option of this name{near}")
        is_right, wanted = _FORMS[key]
        if not is_right(value):
            raise ConfigError(f"model.options.{key}: {value!r} is not {wanted}")
    return Options(**given)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_inside(value: object) -> bool:
    """Return whether a value is the path of a file below a folder."""
    return _is_text(value) and not Path(str(value)).is_absolute() and ".." not in Path(str(value)).parts


_FORMS: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "device": (lambda value: _is_text(value) and bool(_DEVICE.fullmatch(value)), "a device, e.g. cpu, cuda:0 or auto"),
    "dtype": (lambda value: value in _DTYPES, f"one of {', '.join(_DTYPES)}"),
    "batch_size": (lambda value: type(value) is int and value > 0, "a whole number of at least 1"),
    "gguf_file": (_is_inside, "the name of a file in the folder or repository"),
    "revision": (_is_inside, "the name of a branch, tag or commit"),
    "chat_template_kwargs": (lambda value: isinstance(value, Mapping), "a mapping of variables to values"),
}
"""Option -> whether a value is right, and the words for one that is."""
