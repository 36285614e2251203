"""The source of a persona or a task."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SerializerFunctionWrapHandler, model_serializer

from scai_cli.values import Text, Value


class ItemSource(Value):
    """A data set (or "fictional"), its licence and the row in it; plain text is its name."""

    name: Text = ""
    """The name of the data set."""
    licence: Text = ""
    """The licence of the data set."""
    row: Annotated[int, Field(ge=0)] | None = None
    """The row in the file, counted from 1."""

    @model_serializer(mode="wrap")
    def _short(self, as_mapping: SerializerFunctionWrapHandler) -> Any:
        return as_mapping(self) if self.licence or self.row is not None else self.name


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


SourceField = Annotated[ItemSource, BeforeValidator(_named)]
