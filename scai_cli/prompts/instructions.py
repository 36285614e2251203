"""Sentences that ask for a critique, a revision or a choice of a response, as opposed to rules for an assistant.

The principles of Constitutional AI (arXiv 2212.08073, appendix C) are of these three kinds. None of them makes sense in
a system message, nor as the principle that a critique is to go by.
"""

import re
from typing import Final, Literal

Kind = Literal["critique", "revision", "choice"]

_PLEASE: Final = r"\s*(?:(?:please|briefly|carefully|now|think carefully about \S.{0,80}? and|could you|can you)\s+)*"
_RESPONSE: Final = r"(?:response|answer|reply|message|output)s?"
_THE: Final = rf"the\s+{_RESPONSE}\b"
_OF_ASSISTANT: Final = (
    rf"(?:the|your|this|these)\s+(?:(?:last|previous|final)\s+)?(?:assistant|model|chatbot|AI)(?:['’]s?)?\s+"
    rf"(?:(?:last|previous|precedings?|final)\s+)?{_RESPONSE}\b"
)
_EARLIER: Final = rf"(?:last|previous|preceding|above)\s+{_RESPONSE}\b"
_SEEN: Final = rf"\b(?:{_OF_ASSISTANT}|{_EARLIER})"
"""A response that is there already, as opposed to the one that a rule is about."""
_CRITIQUE: Final = re.compile(
    rf"""{_PLEASE}(?:
    (?:critique|criticise|criticize|assess|discuss|comment\s+on|did|does|was|is)\s+{_THE}
    |(?:critique|criticise|criticize|assess|discuss|comment|consider|identify|find)\b.{{0,80}}?
        \b(?:where|whether|if|which)\s+(?:or\s+not\s+)?{_THE}
    |(?:critique|criticise|criticize|assess|discuss|comment|identify|point\s+out|find|consider|explain|describe|list
        |outline|name|did|does|was|is|in\s+what|what|how)\b.{{0,200}}?{_SEEN}
    |read\s+(?:the|your)\s+(?:last\s+)?{_RESPONSE}\b.{{0,40}}?\band\b
    )""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_REVISION: Final = re.compile(
    rf"{_PLEASE}(?:rewrite|revise|edit|amend|reword|rephrase|redo|make\s+edits\s+to|write\s+a\s+revision\s+of)\b"
    rf"(?:\s+{_THE}|.{{0,60}}?{_SEEN})",
    re.IGNORECASE | re.DOTALL,
)
_CHOICE: Final = re.compile(
    rf"{_PLEASE}(?:(?:choose|pick|select|prefer)\s+(?P<chosen>the\s+(?:\S+\s+){{0,4}}?{_RESPONSE}\s+(?:that|which|with)\b.+)"
    rf"|(?:choose|pick|select)\s+(?:the|which|between)\s+(?:(?!(?:for|in|of|to|with)\s)\S+\s+){{0,4}}?{_RESPONSE}\b"
    rf"|(?:compare|consider)\b.{{0,200}}?\b(?:response|answer)s\b.{{0,200}}?\bchoose\b"
    rf"|which\s+(?:of\s+)?(?:(?:the|these|two|both|assistant)\s+)*{_RESPONSE}\s+(?:is|are|has|does|\w+s)\b)",
    re.IGNORECASE | re.DOTALL,
)


def instruction_kind(text: str) -> Kind | None:
    """Return what a text asks of one who reads a response; None for a rule, which says how to respond."""
    kinds: tuple[tuple[Kind, re.Pattern[str]], ...] = (
        ("choice", _CHOICE),
        ("revision", _REVISION),
        ("critique", _CRITIQUE),
    )
    return next((kind for kind, pattern in kinds if pattern.match(text)), None)


def as_rule(text: str) -> str:
    """Return "Choose the response that ..." as the rule "Give the response that ..."; another text as it is."""
    choice = _CHOICE.match(text)
    return f"Give {choice['chosen']}" if choice and choice["chosen"] else text
