"""`scai explain`: each rule with its evidence and its effects."""

from collections.abc import Iterator, Mapping, Sequence

from rich.padding import Padding
from rich.text import Text

from scai_cli.analysis.leave_one_out import Explanation, RuleEffect
from scai_cli.analysis.measured import utility_words
from scai_cli.analysis.participants import participants
from scai_cli.analysis.representation import representation
from scai_cli.analysis.run_measures import welfare_words
from scai_cli.analysis.verdicts import change_words
from scai_cli.display.numbers import change
from scai_cli.display.representation import representation_words
from scai_cli.display.terminal.consoles import out, plain_table
from scai_cli.display.terminal.constitution import scope, word_diff
from scai_cli.display.terminal.escape import styled
from scai_cli.display.terminal.styles import HEADING, MUTED, style_of
from scai_cli.experiment.constitution import listed
from scai_cli.runs.history.history import History
from scai_cli.text.characters import one_line
from scai_cli.text.counts import counted

SHOWN_QUOTES = 3
SHOWN_PEOPLE = 12


def print_explanation(explanation: Explanation, history: History, users: tuple[str, str] | None) -> None:
    """Print the effects of every rule, then the rules with opposite effects on two users."""
    console, names = out(), history.names
    words = history.config.ratings.measure_words
    played = (
        f"{explanation.played} of {explanation.conversations} conversations, with and without each rule, "
        f"{counted(explanation.rounds, 'time')}"
    )
    budget = "" if explanation.budget is None else f", budget {explanation.budget:,}"
    failed = f", {counted(explanation.failed, 'call')} failed" if explanation.failed else ""
    console.print(styled(f"{explanation.run_id} · constitution version {explanation.version}", HEADING))
    console.print(
        styled(f"Effects on the utility (0 to 1) of {participants(history.config)}: with a rule minus without")
    )
    if made := utility_words(history.config.ratings):
        console.print(styled(f"Utilities are {made}."))
    console.print(styled(f"{played} ({counted(explanation.calls, 'call')}{budget}){failed}"))
    if not explanation.rules:
        console.print("The constitution is empty.")
    for rule in explanation.rules:
        console.print()
        for line in _lines(rule, explanation.function, names):
            console.print(line)
        for name, effect in rule.measured.items():
            console.print(_below(f"measured, {words.get(name) or name}: {change_words(effect, 2)}"))
    if (represented := representation(history)) is not None:
        console.print()
        console.print(styled(representation_words(represented, names)))
    if users is not None:
        console.print()
        _print_apart(explanation, users, names)


def _lines(effect: RuleEffect, function: str, names: Mapping[str, str]) -> Iterator[Text | Padding]:
    rule = effect.rule
    yield Text.assemble((f"{rule.id:<4}", HEADING), (scope(rule, names), "italic"), one_line(rule.text))
    yield _below(f"{effect.wording or 'from the start'} · {welfare_words(function)}: {change_words(effect.welfare, 3)}")
    if effect.wording and effect.wording.before:
        yield Padding(word_diff(one_line(effect.wording.before), one_line(rule.text)), (0, 0, 0, 4))
    for words, effects in (("gains", effect.named("gains")), ("loses", effect.named("loses"))):
        if effects:
            yield Padding(Text.assemble((words, style_of(words)), f": {_listed(effects, names)}"), (0, 0, 0, 4))
    unclear = [person for person, one in effect.people.items() if one.verdict == "cannot tell"]
    if unclear:
        shown = ", ".join(one_line(names.get(person, person), 30) for person in unclear[:SHOWN_PEOPLE])
        more = f" and {len(unclear) - SHOWN_PEOPLE} more" if len(unclear) > SHOWN_PEOPLE else ""
        yield _below(f"cannot tell from luck: {shown}{more}", MUTED)
    if effect.hurt:
        yield _below(f"It hurts people that it is for or who asked for it: {_people(effect.hurt, names)}", HEADING)
    if effect.asked:
        yield _below(f"asked for by {_people(effect.asked, names)}")
    for quote in effect.evidence[:SHOWN_QUOTES]:
        who = names.get(quote.who, quote.who)
        yield _below(f"“{one_line(quote.text, 160)}” ({one_line(who)}, {quote.id})", MUTED)
    if len(effect.evidence) > SHOWN_QUOTES:
        yield _below(f"and {counted(len(effect.evidence) - SHOWN_QUOTES, 'more piece')} of evidence", MUTED)


def _print_apart(explanation: Explanation, users: tuple[str, str], names: Mapping[str, str]) -> None:
    first, second = (names.get(user, user) for user in users)
    console = out()
    apart = explanation.apart(users)
    if not apart:
        console.print(styled(f"No rule has opposite effects on {one_line(first)} and {one_line(second)}.", HEADING))
        return
    console.print(styled(f"Rules with opposite effects on {one_line(first)} and {one_line(second)}", HEADING))
    table = plain_table()
    for title in ("rule", first, second):
        table.add_column(one_line(title, 30), justify="left" if title == "rule" else "right")
    for rule in apart:
        table.add_row(rule.rule.id, *(change(rule.people[user].effect) for user in users))
    console.print(table)


def _listed(effects: Mapping[str, float], names: Mapping[str, str]) -> str:
    return ", ".join(f"{one_line(names.get(user, user), 30)} {change(effect, 3)}" for user, effect in effects.items())


def _people(people: Sequence[str], names: Mapping[str, str]) -> str:
    return listed([one_line(names.get(person, person), 30) for person in people])


def _below(text: str, style: str = "") -> Padding:
    return Padding(styled(text, style), (0, 0, 0, 4))
