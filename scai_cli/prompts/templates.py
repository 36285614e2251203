"""The wording of every prompt; `prompts:` in the experiment can change it.

`{{name}}` marks a place for a value. A value is data: a template is filled in one pass, and a `{{...}}` in a value
stays.
"""

import re
from collections.abc import Mapping
from typing import Final

from scai_cli.text.data_files import read_data_file

_PLACE: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")

FORM: Final = "Answer with one JSON object of this form and nothing else"
"""The beginning of every form, by which the simulated model finds it."""

_WORDING = read_data_file(__file__)
FORM_RULE: Final[str] = _WORDING.pop("form_rule")
BY_BALLOT: Final[str] = _WORDING.pop("by_ballot")
NOT_APPROVED: Final[str] = _WORDING.pop("not_approved")
CLAUSES: Final[Mapping[str, Mapping[str, str]]] = {
    bound: {"clauses": _WORDING.pop(f"clauses_for_{bound}"), "clause": _WORDING.pop(f"clause_for_{bound}")}
    for bound in ("conditions", "people")
}
"""`revision.clauses` -> what fills `{{clauses}}` in prompts and `{{clause}}` in forms."""
_OF_DIALOGUES: Final = {name: _WORDING.pop(name) for name in ("talk", "ultimatum")}
_OF_DIALOGUES["talk_as_user"] = _OF_DIALOGUES["talk"]


def _whole(wording: Mapping[str, str]) -> dict[str, str]:
    return {name: text.replace("{{form_rule}}", FORM_RULE) for name, text in wording.items()}


TEMPLATES: Final[Mapping[str, str]] = _whole(_WORDING)
"""Name of a prompt -> its wording, from `templates.yaml`, of those that every dialogue may need."""
OF_DIALOGUES: Final[Mapping[str, Mapping[str, str]]] = {name: _whole(own) for name, own in _OF_DIALOGUES.items()}
"""Name of a dialogue -> its own prompts."""
EVERY: Final[Mapping[str, str]] = {
    name: text for wording in (TEMPLATES, *OF_DIALOGUES.values()) for name, text in wording.items()
}
"""All prompts, including those of each dialogue."""


def places(template: str) -> set[str]:
    """Return the names of a template's places."""
    return set(_PLACE.findall(template))


def fill(template: str, values: Mapping[str, str]) -> str:
    """Fill the places with values in one pass; raises KeyError for a place without a value."""
    return _PLACE.sub(lambda place: values[place[1]], template).rstrip()
