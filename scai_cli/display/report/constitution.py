"""The rules of the run's constitution."""

from collections.abc import Callable

from scai_cli.analysis.rule_origins import Wording, rule_wordings
from scai_cli.display.report.figures import Figures
from scai_cli.display.report.html import Html, cut, note, tag
from scai_cli.display.report.numbers import listed
from scai_cli.experiment.constitution import Clause, Constitution, Principle

MOST_RULES = 120
MOST_NAMES = 6
RULE_CHARACTERS = 1200
"""The maximal characters of a rule or of a reason."""


def rules(run: Figures, constitution: Constitution, anchor_of: Callable[[int], str | None]) -> Html:
    """Return the rules with their ids, users and earlier texts; `anchor_of` gives the anchor of an epoch's revision."""
    if not constitution.rules:
        return tag("p", "The constitution is empty.")
    wordings = rule_wordings(run.history, constitution.version)
    items = (_rule(run, rule, wordings.get(rule.id), anchor_of) for rule in constitution.rules[:MOST_RULES])
    more = len(constitution.rules) - MOST_RULES
    rest = f"and {more} more: scai show {run.history.run_id} --constitution"
    return tag("div", tag("ol", items, class_="rules"), note(rest) if more > 0 else None)


def _rule(
    run: Figures, rule: Principle | Clause, wording: Wording | None, anchor_of: Callable[[int], str | None]
) -> Html:
    before, words = wording.before if wording else "", str(wording or "from the start")
    anchor = anchor_of(wording.epoch if wording else 0)
    since = tag("a", words, href=f"#{anchor}", class_="since") if anchor else tag("span", words, class_="since")
    old = tag("del", cut(before, RULE_CHARACTERS)) if before else None
    text = tag("span", whom(run, rule), old, " " if old else None, cut(rule.text, RULE_CHARACTERS))
    return tag("li", tag("b", rule.id, class_="rule-id"), text, since)


def whom(run: Figures, rule: Principle | Clause) -> Html | None:
    """Return the people that a clause is for, or that a principle is locked."""
    if isinstance(rule, Principle):
        return tag("i", "locked: ") if rule.locked else None
    names = [run.name(user) for user in rule.users]
    return tag("i", f"for {listed(names, MOST_NAMES)}: ", title=", ".join(names) if len(names) > MOST_NAMES else None)
