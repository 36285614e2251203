"""The constitution as it stands, and how much its versions are alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from scai_cli.analysis.text_similarity import Matrix, rules_text, text_similarity
from scai_cli.display.report.figures import Figures
from scai_cli.display.report.html import Html, cut, tag
from scai_cli.display.report.numbers import listed
from scai_cli.display.report.tables import heat_map, shade
from scai_cli.experiment.constitution import Clause, Constitution, Principle

MOST_RULES = 120
MOST_NAMES = 6
MOST_VERSIONS = 16
MOST_CHARACTERS = 1200


def rules(run: Figures, constitution: Constitution, anchor_of: Callable[[int], str | None]) -> Html:
    """The rules with their ids, whom a clause is for, and where the epoch they came in is told (`anchor_of`)."""
    if not constitution.rules:
        return tag("p", "The constitution is empty.")
    items = (_rule(run, rule, anchor_of(rule.since)) for rule in constitution.rules[:MOST_RULES])
    more = len(constitution.rules) - MOST_RULES
    rest = f"and {more} more: scai show {run.history.run_id} --constitution"
    return tag("div", tag("ol", items, class_="rules"), tag("p", rest, class_="note") if more > 0 else None)


def _rule(run: Figures, rule: Principle | Clause, anchor: str | None) -> Html:
    text = tag("span", _whom(run, rule) if isinstance(rule, Clause) else None, cut(rule.text, MOST_CHARACTERS))
    words = f"since epoch {rule.since}" if rule.since else "from the start"
    since = tag("a", words, href=f"#{anchor}", class_="since") if anchor else tag("span", words, class_="since")
    return tag("li", tag("b", rule.id, class_="rule-id"), text, since)


def _whom(run: Figures, clause: Clause) -> Html:
    names = [run.name(user) for user in clause.users]
    return tag("i", f"for {listed(names, MOST_NAMES)}: ", title=", ".join(names) if len(names) > MOST_NAMES else None)


def likeness(run: Figures) -> Iterator[Html]:
    """How much the versions' texts are alike; of many versions the last ones and the first."""
    versions = sorted(run.history.versions().items())
    if len(versions) < 2:
        return
    if len(versions) > MOST_VERSIONS:
        versions = [versions[0], *versions[1 - MOST_VERSIONS :]]
    names = [f"v{number}" for number, _ in versions]
    texts = [rules_text(constitution) for _, (constitution, _) in versions]
    yield tag("h3", "How alike the versions are")
    yield tag("p", "Similarity of the texts from 0 (nothing in common) to 1 (the same words).", class_="note")
    yield likeness_table(names, text_similarity(texts))


def likeness_table(names: Sequence[str], values: Matrix) -> Html:
    """A heat map of how much constitutions are alike."""
    rows = zip(names, values, strict=True)
    return heat_map(names, ((name, [shade(value, 0, 1, 2) for value in row]) for name, row in rows))
