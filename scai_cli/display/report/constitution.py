"""The rules of the run's constitution."""

from __future__ import annotations

from collections.abc import Callable

from scai_cli.display.report.figures import Figures
from scai_cli.display.report.html import Html, cut, note, tag
from scai_cli.display.report.numbers import listed
from scai_cli.experiment.constitution import Clause, Constitution, Principle

MOST_RULES = 120
MOST_NAMES = 6
RULE_CHARACTERS = 1200
"""The most characters of a rule or of a reason."""


def rules(run: Figures, constitution: Constitution, anchor_of: Callable[[int], str | None]) -> Html:
    """Return the rules with their ids and users; `anchor_of` gives the anchor of the epoch they came in."""
    if not constitution.rules:
        return tag("p", "The constitution is empty.")
    items = (_rule(run, rule, anchor_of(rule.since)) for rule in constitution.rules[:MOST_RULES])
    more = len(constitution.rules) - MOST_RULES
    rest = f"and {more} more: scai show {run.history.run_id} --constitution"
    return tag("div", tag("ol", items, class_="rules"), note(rest) if more > 0 else None)


def _rule(run: Figures, rule: Principle | Clause, anchor: str | None) -> Html:
    text = tag("span", _whom(run, rule) if isinstance(rule, Clause) else None, cut(rule.text, RULE_CHARACTERS))
    words = f"since epoch {rule.since}" if rule.since else "from the start"
    since = tag("a", words, href=f"#{anchor}", class_="since") if anchor else tag("span", words, class_="since")
    return tag("li", tag("b", rule.id, class_="rule-id"), text, since)


def _whom(run: Figures, clause: Clause) -> Html:
    names = [run.name(user) for user in clause.users]
    return tag("i", f"for {listed(names, MOST_NAMES)}: ", title=", ".join(names) if len(names) > MOST_NAMES else None)
