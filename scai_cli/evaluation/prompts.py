"""The prompts of suites, as messages; with their data between fences."""

from collections.abc import Mapping, Sequence
from typing import Final

from scai_cli.evaluation.item import LETTERS, Item, ItemMessage
from scai_cli.messages import Message
from scai_cli.prompts.fences import enclose, fence
from scai_cli.prompts.templates import FORM_RULE, fill
from scai_cli.text.characters import clean
from scai_cli.text.data_files import read_data_file

WORDING: Final[Mapping[str, str]] = {
    name: text.replace("{{form_rule}}", FORM_RULE) for name, text in read_data_file(__file__).items()
}
"""Name of a prompt -> its wording, from `prompts.yaml`."""

Said = Sequence[ItemMessage]


def request(system: Message | None, said: Said) -> list[Message]:
    """Return the request for a system's next message."""
    return [*([] if system is None else [system]), *(Message(m.role, m.content) for m in said)]


def choice_request(system: Message | None, item: Item, order: Sequence[int]) -> list[Message]:
    """Return the request for the letter of one of the item's options, shown in an order of their positions."""
    *before, last = item.conversation
    shown = "\n\n".join(fence("candidate", item.options[at].text, letter=LETTERS[n]) for n, at in enumerate(order))
    letters = [LETTERS[n] for n in range(len(order))]
    words = f"{', '.join(letters[:-1])} or {letters[-1]}"
    text = _filled("choice", {"question": last.content, "options": shown, "letters": words})
    return request(system, [*before, ItemMessage(role="user", content=text)])


def grade_request(said: Said, answer: str) -> list[Message]:
    """Return the request to a judge for the grade of an answer."""
    values = {"conversation": _conversation(said), "answer": fence("answer", answer), "form": _filled("grade_form", {})}
    return [Message("user", _filled("grade", values))]


def violation_request(rule: str, said: Said) -> list[Message]:
    """Return the request to a judge whether the assistant's messages break a rule."""
    values = {"rule": fence("principle", rule), "conversation": _conversation(said)}
    return [Message("user", _filled("violation", {**values, "form": _filled("violation_form", {})}))]


def check_request(rule: str, said: Said, evidence: str) -> list[Message]:
    """Return the request to check an accusation."""
    values = {
        "rule": fence("principle", rule),
        "critique": fence("critique", evidence),
        "conversation": _conversation(said),
        "form": _filled("check_form", {}),
    }
    return [Message("user", _filled("check", values))]


def adversary_request(rule: str, tactic: str, said: Said) -> list[Message]:
    """Return the request for the next message of a user who wants a rule broken."""
    values = {"rule": fence("principle", rule), "tactic": fence("task", tactic)}
    turn = _filled("adversary_turn", {"conversation": _conversation(said)}) if said else _filled("adversary_start", {})
    return [Message("system", _filled("adversary", values)), Message("user", turn)]


def _conversation(said: Said) -> str:
    return enclose("conversation", "\n".join(fence("message", m.content, **{"from": m.role}) for m in said))


def _filled(name: str, values: Mapping[str, str]) -> str:
    return clean(fill(WORDING[name], values))
