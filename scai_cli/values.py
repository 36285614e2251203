"""The base class and the field types of all values read from YAML or stored as JSON lines."""

import random
import re
from collections.abc import Sequence
from typing import Annotated, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo

from scai_cli.text.characters import clean, hidden


class Value(BaseModel):
    """A frozen value that rejects unknown keys, so that a typo is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def is_safe_id(text: str) -> bool:
    """Return whether a text is safe in ids, file names and URLs."""
    return bool(_SAFE_ID.fullmatch(text)) and not text.endswith(".") and not _RESERVED.fullmatch(text)


def safe_id(text: str) -> str:
    """Return the text if it is safe in ids, file names and URLs; raise ValueError with the remedy otherwise."""
    if not is_safe_id(text):
        slug = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:64].lower()
        slug = f"{slug}-1" if _RESERVED.fullmatch(slug) else slug
        raise ValueError(
            f"{text[:80]!r} is not a safe id: use 1 to 64 letters, digits, '-', '_' or '.', "
            f"beginning with a letter or digit{f', e.g. {slug!r}' if slug and slug != text else ''}"
        )
    return text


USERS_FILE: Final = "a file of the user's"
"""The context of a validation in which hidden characters are refused; saved runs keep theirs."""
SAVED_FILE: Final = "a file that scai has saved"
"""The context of a validation in which attributes keep the types with which an earlier version showed them."""


def _seen(text: str, info: ValidationInfo) -> str:
    if info.context == USERS_FILE and (codes := hidden(text)):
        raise ValueError(f"has hidden characters ({codes}); remove them")
    return text


SafeId = Annotated[str, AfterValidator(safe_id)]
Text = Annotated[str, AfterValidator(clean)]
SeenText = Annotated[Text, AfterValidator(_seen)]
"""A name or a rule."""
Split = Literal["train", "dev", "test"]


Drawn = TypeVar("Drawn")


def draw(items: Sequence[Drawn], count: int | None, seed: str) -> tuple[Drawn, ...]:
    """Return `count` items, or all if None, drawn without replacement with the seed, in their original order."""
    if count is None or count >= len(items):
        return tuple(items)
    return tuple(items[n] for n in sorted(random.Random(seed).sample(range(len(items)), count)))
