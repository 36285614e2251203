"""Where a persona or a task came from."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SerializerFunctionWrapHandler, model_serializer

from scai_cli.values import Text, Value


class ItemSource(Value):
    """A data set (or "fictional"), its licence and the row in it; a name alone may be written as plain text."""

    name: Text = ""
    """What it is called."""
    licence: Text = ""
    """Under which terms it may be used."""
    row: Annotated[int, Field(ge=0)] | None = None
    """Which row of the file it was, counted from 1."""

    @model_serializer(mode="wrap")
    def _short(self, as_mapping: SerializerFunctionWrapHandler) -> Any:
        return as_mapping(self) if self.licence or self.row is not None else self.name


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


SourceField = Annotated[ItemSource, BeforeValidator(_named)]
