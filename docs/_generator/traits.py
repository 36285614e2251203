"""Write the page of the measures: the traits and the others."""

from __future__ import annotations

import inspect
from typing import Final

from _generator.tables import cell, table
from scai_cli import plugins
from scai_cli.measures.catalogue import TRAITS

INTRO: Final = """\
# Traits and other measures

A measure is a property of a text that a program computes, from 0 to 1; a trait is one that the simulated society can
show ([definition](../science.md#traits)). A persona's `preferences` weight measures from -1 (dislikes) to 1 (wants),
and [`ratings.measures`](experiment.md#ratings) declares them for everyone. Traits that exclude each other cannot both
be strong in one text. All except `bullet_list` know English alone: a text that is recognised as another language has no
value.
"""
OTHERS: Final = """\
## Other measures

They know every language. One with an option without a default must be declared in
[`ratings.measures`](experiment.md#a-measure), with its options beside the name:

```yaml
ratings:
  measures:
    - readability
    - {measure: length, target: [20, 60], weight: 0.5}
    - {measure: regex, name: thanks, pattern: "(?i)thank", words: says thanks}
```

An option that has the name of a key of the entry (`name`, `weight`, ...) goes under `options:`. You can
[write your own](../extending.md#a-measure).
"""
KINDS: Final = (("style", "Style"), ("substance", "Substance"))


def page() -> str:
    """Return the whole page."""
    parts = [INTRO]
    for kind, heading in KINDS:
        rows = [
            [f"`{trait.name}`", cell(trait.label), f"`{trait.excludes}`" if trait.excludes else ""]
            for trait in TRAITS.values()
            if trait.kind == kind
        ]
        head = ["name", "meaning", "excludes"]
        if not any(row[2] for row in rows):
            head, rows = head[:2], [row[:2] for row in rows]
        parts.append(f"## {heading}\n\n{table(head, rows)}")
    rows = [[f"`{name}`", *_described(name)] for name in plugins.BUILT_IN["measure"] if name not in TRAITS]
    parts.append(f"{OTHERS}\n{table(['name', 'meaning', 'options'], rows)}")
    return "\n".join(parts)


def _described(name: str) -> tuple[str, str]:
    """Return the docstring of a measure as one text, and its options with their defaults."""
    function = plugins.resolve("measure", name)
    own = list(inspect.signature(function).parameters.values())[3:]
    options = [f"`{p.name}`" if p.default is p.empty else f"`{p.name}: {_value(p.default)}`" for p in own]
    return cell(" ".join((inspect.getdoc(function) or "").split())), ", ".join(options)


def _value(default: object) -> str:
    if isinstance(default, tuple):
        return f"[{', '.join(f'{part:g}' for part in default)}]"
    return "null" if default is None else str(default)
