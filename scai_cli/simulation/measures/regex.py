"""`regex`: does the answer match a regular expression?

The pattern has the syntax of Rust's regex crate, which pydantic contains: as in Python, without lookaround and back
references. Its time is linear in the text, so no pattern can hang a run.
"""

from functools import cache
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import SchemaError, SchemaValidator, core_schema

from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.simulation.text_measure import text_measure
from scai_cli.text.characters import one_line


def _compiles(pattern: str) -> str:
    try:
        _matcher(pattern)
    except SchemaError as error:
        why = one_line(str(error).partition("error: ")[2], 200).removesuffix(",")
        raise ValueError(f"cannot be used: {why or 'it is too large'}") from None
    return pattern


@text_measure()
def regex(text: str, persona: Persona, task: Task, *, pattern: Annotated[str, AfterValidator(_compiles)]) -> float:  # noqa: ARG001
    """Answers that match a pattern."""
    return float(_matcher(pattern).isinstance_python(text))


@cache
def _matcher(pattern: str) -> SchemaValidator:
    return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
