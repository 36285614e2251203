"""The formats of personas and tasks that can be imported, by name; one module per format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from scai_cli.populations.drafts import PopulationFormat
from scai_cli.populations.formats import (
    anthropic,
    edsl,
    habermas,
    lines,
    nemotron,
    opinionqa,
    personahub,
    polis,
    prism,
    synthetic_persona_chat,
    table,
    tinytroupe,
)

PERSONAS: Final[Mapping[str, PopulationFormat]] = {
    "lines": lines.PERSONAS,
    "personahub": personahub.FORMAT,
    "synthetic-persona-chat": synthetic_persona_chat.FORMAT,
    "nemotron": nemotron.FORMAT,
    "prism": prism.FORMAT,
    "opinionqa": opinionqa.FORMAT,
    "polis": polis.FORMAT,
    "tinytroupe": tinytroupe.FORMAT,
    "edsl": edsl.FORMAT,
    "table": table.PERSONAS,
}
"""The formats of `scai personas import --as`."""

TASKS: Final[Mapping[str, PopulationFormat]] = {
    "lines": lines.TASKS,
    "table": table.TASKS,
    "habermas": habermas.FORMAT,
    "anthropic": anthropic.FORMAT,
}
"""The formats of `scai tasks import --as`."""
