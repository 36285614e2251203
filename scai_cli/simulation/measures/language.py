"""`language`: is the answer in the wanted language?"""

from typing import Annotated

from pydantic import AfterValidator

from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.simulation.text_measure import text_measure
from scai_cli.text.languages import LANGUAGES, languages_of
from scai_cli.text.suggestions import did_you_mean


def _known(code: str) -> str:
    if code not in LANGUAGES:
        near = did_you_mean(code, LANGUAGES) or f"; known are {', '.join(sorted(LANGUAGES))}"
        raise ValueError(f"{code[:40]!r} is not recognised by its words or script{near}")
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
    share a script other than Latin (Russian and Ukrainian) are not told apart.
    """
    found = languages_of(text)
    return float(code in found) if found else None
