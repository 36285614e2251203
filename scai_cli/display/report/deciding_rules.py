"""The rules that a run's change rests on, for the first screen: as `scai explain` measured, or else the new ones."""

from collections.abc import Iterator
from typing import Final

from scai_cli.analysis.leave_one_out import Explanation, RuleEffect
from scai_cli.analysis.rule_origins import rule_wordings
from scai_cli.analysis.verdicts import is_beyond_chance, signed
from scai_cli.display.numbers import listed
from scai_cli.display.report.constitution import RULE_CHARACTERS, whom
from scai_cli.display.report.figures import Figures
from scai_cli.display.report.html import Child, Html, cut, note, scai_command, tag
from scai_cli.display.report.plain import function_words, term
from scai_cli.experiment.constitution import Clause, Principle
from scai_cli.text.counts import counted

MOST_RULES: Final = 4
_MOST_NAMES: Final = 3


def deciding_rules(run: Figures, prefix: str) -> Iterator[Child]:
    """Yield the rules with their measured effects, or those that changed and that none was measured; then a link."""
    product = run.history.product[0]
    changed = rule_wordings(run.history, product.version)
    if run.explanation is not None:
        yield from _measured(run, run.explanation)
    elif changed:
        named = [pair.rule.id for pair in run.pairs if pair.rule is not None]
        rules = sorted((rule for rule in product.rules if rule.id in changed), key=lambda rule: rule.id not in named)
        yield tag("p", f"{counted(len(rules), 'rule is', 'rules are')} new or reworded since the start.")
        yield _listed(_rule(run, rule) for rule in rules[:MOST_RULES])
        command = scai_command("explain", run.history.run_id)
        yield note("The effect of each rule is not measured: ", command, " measures it.")
    else:
        yield tag("p", "No rule changed.")
    if product.rules:
        words = f"All {counted(len(product.rules), 'rule')}" if len(product.rules) > 1 else "The constitution"
        yield tag("p", tag("a", words, href=f"#{prefix}constitution"))


def _measured(run: Figures, explanation: Explanation) -> Iterator[Child]:
    found = [
        rule
        for rule in explanation.rules
        if is_beyond_chance(rule.welfare) or rule.named("gains") or rule.named("loses")
    ]
    found.sort(key=lambda rule: -abs(rule.welfare.estimate if rule.welfare else 0.0))
    if not found:
        yield tag("p", "No rule by itself: played again with and without each, none has an effect beyond chance.")
        return
    yield tag(
        "p",
        "Played again with and without each rule, these have an effect beyond chance ",
        term(explanation.function),
        ":",
    )
    yield _listed(_rule(run, each.rule, _effect(run, explanation, each)) for each in found[:MOST_RULES])
    if (more := len(found) - MOST_RULES) > 0:
        yield note(f"and {counted(more, 'more rule')} with a smaller effect")


def _effect(run: Figures, explanation: Explanation, rule: RuleEffect) -> str:
    """Return the people who gain and lose by a rule, and its effect on the whole group beyond chance."""

    def people(verb: str, effects: dict[str, float]) -> str:
        return f"{verb} {listed([run.name(person) for person in effects], _MOST_NAMES)}"

    gains, loses = rule.named("gains"), rule.named("loses")
    parts = [people(verb, effects) for verb, effects in (("helps", gains), ("hurts", loses)) if effects]
    if rule.welfare is not None and is_beyond_chance(rule.welfare):
        parts.append(f"{signed(rule.welfare.estimate, 2)} for {function_words(explanation.function)}")
    return "; ".join(parts)


def _rule(run: Figures, rule: Principle | Clause, effect: str = "") -> Html:
    below = tag("span", effect, class_="note") if effect else None
    return tag("li", tag("span", whom(run, rule), cut(rule.text, RULE_CHARACTERS)), below)


def _listed(items: Iterator[Html]) -> Html:
    return tag("ul", items, class_="deciding")
