"""The system message for endpoints without that role."""

from collections.abc import Mapping, Sequence


def with_role(messages: Sequence[Mapping[str, str]], role: str) -> list[dict[str, str]]:
    """Return the messages with the system text in the role `developer`, or (`merge`) before the first user's text."""
    if role == "system":
        return [dict(message) for message in messages]
    if role == "developer":
        return [{**message, "role": role} if message["role"] == "system" else dict(message) for message in messages]
    system = [message["content"] for message in messages if message["role"] == "system"]
    others = [dict(message) for message in messages if message["role"] != "system"]
    first = next((message for message in others if message["role"] == "user"), None)
    if first is None:
        first = {"role": "user", "content": ""}
        others.insert(0, first)
    first["content"] = "\n\n".join(text for text in (*system, first["content"]) if text)
    return others
