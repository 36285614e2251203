"""The kept result of `scai explain`, in the run's folder."""

from pathlib import Path
from typing import Final

from pydantic import ValidationError

from scai_cli.analysis.leave_one_out import Explanation

FOLDER: Final = "explain"
RESULT: Final = "result.json"
_LARGEST: Final = 2**26
"""The largest file in bytes that is read."""


def read_explanation(run: Path) -> Explanation | None:
    """Return the kept explanation of a run; None without one, or for a file of another form."""
    file = run / FOLDER / RESULT
    try:
        if not file.is_file() or file.stat().st_size > _LARGEST:
            return None
        return Explanation.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None
