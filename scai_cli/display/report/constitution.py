"""The rules of the run's constitution."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal

from scai_cli.analysis.leave_one_out import RuleEffect
from scai_cli.analysis.rule_origins import Wording, rule_wordings
from scai_cli.analysis.verdicts import change_words, is_beyond_chance
from scai_cli.display.numbers import change, listed
from scai_cli.display.report.figures import Figures
from scai_cli.display.report.html import Html, cut, note, tag
from scai_cli.experiment.constitution import Clause, Constitution, Principle
from scai_cli.text.counts import counted
from scai_cli.text.word_changes import word_changes

MOST_RULES = 120
MOST_NAMES = 6
MOST_QUOTES = 2
_VERDICTS: Final[tuple[Literal["gains", "loses"], ...]] = ("gains", "loses")
RULE_CHARACTERS = 1200
"""The maximal characters of a rule or of a reason."""


def rules(run: Figures, constitution: Constitution, anchor_of: Callable[[int], str | None]) -> Html:
    """Return the rules with their ids, users and earlier texts; `anchor_of` gives the anchor of an epoch's revision."""
    if not constitution.rules:
        return tag("p", "The constitution is empty.")
    wordings = rule_wordings(run.history, constitution.version)
    explained = run.explanation
    effects = {rule.rule.id: rule for rule in explained.rules} if explained else {}
    items = (
        _rule(run, rule, wordings.get(rule.id), anchor_of, effects.get(rule.id))
        for rule in constitution.rules[:MOST_RULES]
    )
    more = len(constitution.rules) - MOST_RULES
    rest = f"and {more} more: scai show {run.history.run_id} --constitution"
    return tag("div", tag("ol", items, class_="rules"), note(rest) if more > 0 else None)


def _rule(
    run: Figures,
    rule: Principle | Clause,
    wording: Wording | None,
    anchor_of: Callable[[int], str | None],
    effect: RuleEffect | None,
) -> Html:
    before, words = wording.before if wording else "", str(wording or "from the start")
    anchor = anchor_of(wording.epoch if wording else 0)
    since = tag("a", words, href=f"#{anchor}", class_="since") if anchor else tag("span", words, class_="since")
    old = tag("del", cut(before, RULE_CHARACTERS)) if before else None
    text = tag("span", whom(run, rule), old, " " if old else None, cut(rule.text, RULE_CHARACTERS))
    return tag("li", tag("b", rule.id, class_="rule-id"), text, since, *(_effects(run, effect) if effect else ()))


def _effects(run: Figures, effect: RuleEffect) -> Iterator[Html]:
    """Yield who gains and who loses by a rule beyond luck, and whose words it rests on, as `scai explain` found."""

    def people(effects: Mapping[str, float]) -> str:
        return listed([f"{run.name(person)} {change(value, 3)}" for person, value in effects.items()], MOST_NAMES)

    named = {verdict: effect.named(verdict) for verdict in _VERDICTS}
    parts = [f"{verdict}: {people(some)}" for verdict, some in named.items() if some]
    if unclear := len(effect.people) - sum(map(len, named.values())):
        parts.append(f"cannot tell for {counted(unclear, 'person', 'people')}")
    yield note(f"Effect on {run.people}: {change_words(effect.welfare, 3)}; {'; '.join(parts) or 'nobody is reached'}.")
    yield from _on_measures(run, effect)
    if effect.hurt:
        names = listed([run.name(person) for person in effect.hurt], MOST_NAMES)
        yield tag("p", f"It hurts people that it is for or who asked for it: {names}.", class_="caution")
    if effect.asked:
        said = [f"“{cut(quote.text, 200)}” ({run.name(quote.who)})" for quote in effect.evidence if quote.text]
        asked = listed([run.name(person) for person in effect.asked], MOST_NAMES)
        yield note(f"Asked for by {asked}", ": " if said else ".", listed(said[:MOST_QUOTES]))


def _on_measures(run: Figures, effect: RuleEffect) -> Iterator[Html]:
    """Yield what a rule changes beyond chance in what programs measure in the answers, and how many it does not."""
    if not effect.measured:
        return
    words = run.history.config.ratings.measure_words
    changed = {name: each for name, each in effect.measured.items() if is_beyond_chance(each)}
    parts = [f"{cut(words.get(name) or name, 160)} {change_words(each, 2)}" for name, each in changed.items()]
    if rest := len(effect.measured) - len(changed):
        parts.append(f"no change beyond chance of {counted(rest, 'measure')}")
    yield note(f"Measured in the answers: {'; '.join(parts)}.")


def whom(run: Figures, rule: Principle | Clause) -> Html | None:
    """Return the condition of a clause or its people, or that a principle is locked."""
    names = [run.name(user) for user in rule.users] if isinstance(rule, Clause) else []
    words = whom_words(run, rule)
    return tag("i", words, title=", ".join(names) if len(names) > MOST_NAMES else None) if words else None


def whom_words(run: Figures, rule: Principle | Clause) -> str:
    """Return the words of `whom`, empty for a plain principle."""
    if isinstance(rule, Principle):
        return "locked: " if rule.locked else ""
    if not rule.users:
        return f"{cut(rule.bound, RULE_CHARACTERS)}: "
    return f"for {listed([run.name(user) for user in rule.users], MOST_NAMES)}: "


def word_diff(old: str, new: str) -> Iterator[Html | str]:
    """Yield the words of both texts in order, removed ones in `del`, added ones in `ins`."""
    for same, removed, added in word_changes(old, new):
        yield same
        yield from (tag("del", removed), " ") if removed else ()
        yield from (tag("ins", added), " ") if added else ()
