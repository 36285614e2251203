"""`language`: is the answer in the wanted language?"""

from typing import Annotated

from pydantic import AfterValidator

from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.simulation.text_measure import text_measure
from scai_cli.text.languages import LANGUAGES, languages_of


def _known(code: str) -> str:
    if code not in LANGUAGES:
        raise ValueError(f"{code[:40]!r} is not a known language; write its ISO 639-1 code, such as en, de or zh")
    return code


@text_measure()
def language(
    text: str,
    persona: Persona,  # noqa: ARG001
    task: Task,  # noqa: ARG001
    *,
    code: Annotated[str, AfterValidator(_known)] = "en",
) -> float | None:
    """Answers in the wanted language.

    1 if the text may be in it, 0 if it is recognised as another, None if the text is too short to tell. Languages that
    share a script other than Latin (Russian and Ukrainian) cannot be distinguished.
    """
    found = languages_of(text)
    return float(code in found) if found else None
