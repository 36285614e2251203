"""Write YAML that reads back as the same texts, multi-line ones as blocks."""

from typing import Any

import yaml

from scai_cli.text.characters import OTHER_LINE_ENDS, clean


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """A YAML dumper that writes multi-line texts as blocks."""


def _text(dumper: Any, text: str) -> Any:
    # Without libyaml, other line ends are read back changed, unless they are escaped in double quotes.
    style = '"' if any(end in text for end in OTHER_LINE_ENDS) else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def yaml_text(data: object) -> str:
    """Return the YAML of mappings, lists, texts and numbers, with keys in their order."""
    return clean(yaml.dump(data, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=110))
