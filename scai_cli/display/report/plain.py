"""Results in plain words, with the technical terms on tap: a button opens their explanation, without a script."""

from collections.abc import Mapping
from typing import Final

from scai_cli.analysis.verdicts import between, enough_digits, signed
from scai_cli.display.report.html import TEXTS, Child, Html, tag, together
from scai_cli.runs.records import Estimate
from scai_cli.stats.intervals import Interval

_TERMS: Final[Mapping[str, Mapping[str, str]]] = TEXTS["terms"]
_FUNCTIONS: Final[Mapping[str, str]] = TEXTS["functions"]


def likely(interval: Interval | Estimate | None, digits: int, noun: str = "change") -> list[Child]:
    """Return `likely_words` as the end of a sentence, with the meaning of "likely" on tap."""
    is_known = interval is not None and interval.low is not None
    return [f"{likely_words(interval, digits, noun)}.\u00a0", term("likely" if is_known else "unsure")]


def likely_words(interval: Interval | Estimate | None, digits: int, noun: str = "change") -> str:
    """Return a change in plain words: `+2.5, likely between +1.9 and +3.0`.

    If the interval contains 0: `no change beyond chance, likely between -0.2 and +0.5`, with another noun if given.
    """
    if interval is None:
        return f"too little was measured to tell a {noun} from chance"
    if interval.low is None or interval.high is None:
        return f"{signed(interval.estimate, digits)}, and too little was measured to say how sure that is"
    if not interval.low and not interval.high:
        return f"no {noun} at all"
    digits = enough_digits(interval, digits)
    is_chance = interval.low <= 0 <= interval.high
    estimate = f"no {noun} beyond chance" if is_chance else signed(interval.estimate, digits)
    return f"{estimate}, likely between {between(interval, digits).replace(' to ', ' and ')}"


def function_words(name: str) -> str:
    """Return a welfare function in plain words, or its own name."""
    return _FUNCTIONS.get(name, name)


def term(name: str) -> Html | None:
    """Return a button that opens the explanation of a term, which `glossary` puts on the page; None for others."""
    if name not in _TERMS:
        return None
    label = f"What does “{_TERMS[name]['says']}” mean?"
    return tag("button", "?", type="button", class_="term", popovertarget=f"term-{name}", aria_label=label)


def glossary(body: Html) -> Html:
    """Return the explanations of the terms in a part of a page: closed on the screen, a list on paper."""
    used = [name for name in _TERMS if f'popovertarget="term-{name}"' in body.text]
    if not used:
        return together()
    return tag("div", tag("h2", "Words on this page", class_="paper"), map(_entry, used), class_="glossary")


def _entry(name: str) -> Html:
    title, text = (_TERMS[name][part] for part in ("title", "text"))
    return tag("div", tag("p", tag("b", title)), tag("p", text), id=f"term-{name}", popover=True)
