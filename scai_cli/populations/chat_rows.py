"""Find what a user asks in a row of a chat dataset: messages, trees, transcripts."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from scai_cli.messages import Message

_USERS: Final = ("user", "human", "prompter", "usr", "customer")
_ASSISTANTS: Final = ("assistant", "gpt", "bot", "chatgpt", "model", "agent")
_OTHERS: Final = (*_ASSISTANTS, "system", "tool", "function")
_ROLES: Final = ("role", "from", "author", "speaker")
TEXTS: Final = ("content", "value", "text", "message", "prompt", "question")
"""The keys of a message's text."""
_HUMAN: Final = re.compile(r"(?:^|\n)[^\S\n]*(?:Human|H|User):\s*")
_SPEAKER: Final = re.compile(r"(?:^|\n)[^\S\n]*(Human|H|User|Assistant|A):[^\S\n]*")
_END: Final = re.compile(r"\n[^\S\n]*(?:(?:Human|H|User|Assistant|A):|\n[^\S\n]*\n)")


def role_of(message: Mapping[str, Any]) -> str | None:
    """Return `user`, `other` or None for a message without a known role."""
    role = _role(message)
    return None if role is None else "user" if role in _USERS else "other"


def _role(message: Mapping[str, Any]) -> str | None:
    roles = (str(message.get(key, "")).strip().lower() for key in _ROLES)
    return next((role for role in roles if role in (*_USERS, *_OTHERS)), None)


def is_messages(value: Any) -> bool:
    """Return whether a value is a list of messages with roles."""
    return isinstance(value, list | tuple) and any(isinstance(one, Mapping) and role_of(one) for one in value)


def first_request(value: Any) -> str | None:
    """Return the first message of the user in a list of messages, an object with a text, or a transcript.

    Plain text is returned as it is; None if there is no text of a user.
    """
    if isinstance(value, str):
        return _of_text(value)
    if isinstance(value, Mapping):
        return next((text for key in (*TEXTS, "messages") if (text := first_request(value.get(key)))), None)
    if not isinstance(value, list | tuple):
        return None
    if is_messages(value):
        users = (one for one in value if isinstance(one, Mapping) and role_of(one) == "user")
        return next((text for one in users if (text := first_request(one))), None)
    if value and all(isinstance(part, str | Mapping) for part in value):  # the parts of one message
        texts = [part if isinstance(part, str) else part.get("text") for part in value]
        return "\n".join(text for text in texts if isinstance(text, str) and text.strip()) or None
    return None


def chat(value: Any) -> list[Message] | None:
    """Return the messages of user and assistant in a list of messages, its JSON, or a transcript, or None.

    Messages without a text, of the system and of tools are not among them.
    """
    if isinstance(value, str):
        value = _messages_in(value) or _transcript(value)
    if not is_messages(value):
        return None
    found = []
    for one in value:
        role = _role(one) if isinstance(one, Mapping) else None
        if role in (*_USERS, *_ASSISTANTS) and (text := _content(one)):
            found.append(Message("user" if role in _USERS else "assistant", text))
    return found


def _content(message: Mapping[str, Any]) -> str | None:
    given = next((message[key] for key in TEXTS if message.get(key)), None)
    return given if isinstance(given, str) else first_request(given)


def _transcript(text: str) -> list[dict[str, str]]:
    """Return the messages of a text in which `Human:` and `Assistant:` begin lines."""
    before, *parts = _SPEAKER.split(text)
    if before.strip():
        return []
    roles = ("user" if name in ("Human", "H", "User") else "assistant" for name in parts[::2])
    return [{"role": role, "content": said.strip()} for role, said in zip(roles, parts[1::2], strict=True)]


def first_human(transcript: str) -> str | None:
    """Return the first human message of a text with `Human:` and `Assistant:`; None if there is none."""
    first = _HUMAN.search(transcript)
    return (_END.split(transcript[first.end() :], maxsplit=1)[0].strip() or None) if first else None


def _of_text(text: str) -> str | None:
    if messages := _messages_in(text):
        return first_request(messages)
    if text.lstrip().startswith("Human:"):
        return first_human(text)
    return text if text.strip() else None


def _messages_in(text: str) -> Any:
    """Return the list of messages that a text has as JSON; None if there is none."""
    if not text.lstrip().startswith(('[{"', '{"messages"')):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    messages = value.get("messages") if isinstance(value, dict) else value
    return messages if is_messages(messages) else None
