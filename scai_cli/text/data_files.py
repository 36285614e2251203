"""Read data files: word lists, sentences and prompts as YAML beside the module that uses them."""

from pathlib import Path
from typing import Any

import yaml


def read_data_file(module: str) -> dict[str, Any]:
    """Return the content of the YAML file beside a module, lists as tuples; `module` is the module's `__file__`."""
    return read_lists(Path(module).with_suffix(".yaml"))


def read_lists(file: Path) -> dict[str, Any]:
    """Return the content of a YAML file, lists as tuples."""
    return {key: _frozen(value) for key, value in yaml.load(file.read_text("utf-8"), _LOADER).items()}  # noqa: S506


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The C parser needs a tenth of the time; it is missing if PyYAML was built without libyaml."""


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _frozen(inner) for key, inner in value.items()}
    return tuple(value) if isinstance(value, list) else value
