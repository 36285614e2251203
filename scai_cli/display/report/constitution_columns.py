"""Constitutions of several runs side by side: each rule against the rule of the first run that it is most like."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scai_cli.display.numbers import listed
from scai_cli.display.report.constitution import RULE_CHARACTERS, whom_words, word_diff
from scai_cli.display.report.figures import Figures
from scai_cli.display.report.html import TEXTS, Attribute, Child, Html, cut, note, tag
from scai_cli.experiment.constitution import Clause, Principle
from scai_cli.text.counts import counted
from scai_cli.text.words import words

MOST_RULES = 40
_ALIKE: Final = 0.4
"""The share of common words from which two rules are the same rule, reworded."""


@dataclass(frozen=True, slots=True)
class Column:
    """A run whose product is in a column, by its name and the address of its report."""

    name: str
    run: Figures
    link: Attribute

    @property
    def rules(self) -> Mapping[str, str]:
        """Id -> the rule with its condition or its people, at most `MOST_RULES`."""
        return {rule.id: self._line(rule) for rule in self.run.history.product[0].rules[:MOST_RULES]}

    def _line(self, rule: Principle | Clause) -> str:
        return cut(" ".join(f"{whom_words(self.run, rule)}{rule.text}".split()), RULE_CHARACTERS)

    def head(self, below: str) -> Html:
        """Return the head of the column with a line in small print."""
        product = self.run.history.product[0]
        name = tag("a", self.name, href=self.link) if self.link else self.name
        count = counted(len(product.rules), "rule")
        return tag("header", tag("h3", name), note(f"Version {product.version}, {count}{below}"))


def constitution_columns(columns: Sequence[Column]) -> Iterator[Html]:
    """Yield the products in columns: the first as it is, and the others with their differences from it."""
    if not columns:
        yield tag("p", "No run has a constitution yet.")
        return
    first, *others = columns
    items = (_rule(name, text) for name, text in first.rules.items())
    alone = tag("div", first.head(""), tag("ol", items, class_="rules"))
    if others:
        yield note(TEXTS["columns"].format(first=first.name))
    yield tag("div", alone, (_against(first, other) for other in others), class_="columns")


def _against(first: Column, other: Column) -> Html:
    """Return a column with each rule against its pair in the first, and the rules that only the first one has."""
    before, after = first.rules, other.rules
    pairs = _pairs(before, after)
    items: list[Html] = []
    counts = {"the same": 0, "reworded": 0, "new": 0}
    for name, text in after.items():
        old = before.get(pairs.get(name, ""))
        kind = "new" if old is None else "the same" if old == text else "reworded"
        counts[kind] += 1
        items.append(_rule(name, tag("ins", text) if old is None else word_diff(old, text)))
    gone = [text for name, text in before.items() if name not in pairs.values()]
    items += [_rule("–", tag("del", text)) for text in gone]
    parts = [f"{count} {kind}" for kind, count in {**counts, "missing": len(gone)}.items() if count]
    return tag("div", other.head(f": {listed(parts, 4)}" if parts else ""), tag("ol", items, class_="rules"))


def _rule(name: str, text: Child) -> Html:
    return tag("li", tag("b", name, class_="rule-id"), tag("span", text))


def _pairs(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """Return id -> the id of the rule before with the most common words, each in one pair, the most alike first."""
    bags = [{name: set(words(text)) for name, text in rules.items()} for rules in (after, before)]
    alike = [
        (len(new & old) / len(new | old), name, other)
        for name, new in bags[0].items()
        for other, old in bags[1].items()
        if new | old
    ]
    pairs: dict[str, str] = {}
    for share, name, other in sorted(alike, key=lambda each: -each[0]):
        if share >= _ALIKE and name not in pairs and other not in pairs.values():
            pairs[name] = other
    return pairs
