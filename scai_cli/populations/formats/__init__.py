"""The names of the formats that can be imported; the module of each one defines `PERSONAS`, `TASKS` or both, and
`GROUPS` if a persona can be a group of people."""

from typing import Final

PERSONAS: Final = (
    *("lines", "personahub", "synthetic-persona-chat", "nemotron", "prism", "opinionqa", "polis", "tinytroupe"),
    *("edsl", "table"),
)
"""The formats of `scai personas import --as`."""

TASKS: Final = ("lines", "table", "habermas", "anthropic", "polis")
"""The formats of `scai tasks import --as`."""
