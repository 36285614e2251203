"""`json_field`: a value in an answer that is a JSON object, or contains one."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.simulation.text_measure import text_measure
from scai_cli.text.loose_json import find_objects

_UNIT: Final = (0.0, 1.0)


def _rising(scale: tuple[float, float]) -> tuple[float, float]:
    if scale[0] >= scale[1]:
        raise ValueError("must rise: [lowest, highest]")
    return scale


@text_measure()
def json_field(
    text: str,
    persona: Persona,  # noqa: ARG001
    task: Task,  # noqa: ARG001
    *,
    field: Annotated[str, Field(min_length=1)],
    equals: str | bool | float | None = None,
    scale: Annotated[tuple[float, float], AfterValidator(_rising)] = _UNIT,
) -> float:
    """Values of a field of JSON answers.

    `field` is a path such as `plan.steps.0`, in the first object of the text. With `equals`: 1 for that value, else 0.
    Without: a number on its scale, 1 for true. 0 for anything else, for a missing field and for a text without JSON.
    """
    value = next((_at(found.data, field) for found in find_objects(text) if found.data is not None), None)
    if equals is not None:
        return float(value == equals and isinstance(value, bool) == isinstance(equals, bool))
    if isinstance(value, bool):
        return float(value)
    if not isinstance(value, int | float) or value != value:
        return 0.0
    low, high = scale
    return (min(high, max(low, value)) - low) / (high - low)


def _at(value: Any, path: str) -> Any:
    for part in path.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value
