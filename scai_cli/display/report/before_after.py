"""One question with two answers, under the constitution of the start and under the product."""

from collections.abc import Iterator

from scai_cli.analysis.before_after import Answer, BeforeAfter
from scai_cli.analysis.verdicts import gained_or_lost
from scai_cli.display.numbers import number, sentence_case
from scai_cli.display.report.constitution import RULE_CHARACTERS, whom
from scai_cli.display.report.figures import Figures
from scai_cli.display.report.html import TEXTS, Html, cut, note, tag

MOST_CHARACTERS = 1500
"""The maximal characters of a question or an answer; its transcript has the whole text."""


def before_after(run: Figures) -> Iterator[Html]:
    """Yield the pairs with their ratings and the rule that made the difference, and how they were chosen."""
    yield from (_pair(run, pair) for pair in run.pairs)
    yield note(TEXTS["selection"])


def _pair(run: Figures, pair: BeforeAfter) -> Html:
    real = any(persona.human for persona in run.history.config.personas.inline if persona.id == pair.person)
    asker = f"{sentence_case(run.name(pair.person))} ({'a real person' if real else 'simulated'}) asked:"
    answers = (_answer(run, pair, *side) for side in (("Before", pair.before), ("After", pair.after)))
    return tag(
        "div",
        tag("p", tag("span", asker, class_="title"), tag("q", cut(pair.question, MOST_CHARACTERS)), class_="question"),
        tag("div", answers, class_="answers"),
        _rule(run, pair),
        note(_means(run, pair)),
        class_="pair",
    )


def _answer(run: Figures, pair: BeforeAfter, when: str, answer: Answer) -> Html:
    rated = f"{sentence_case(run.name(pair.person))} rated it {answer.rating:g} of {run.scale[1]:g}."
    return tag(
        "div",
        tag("p", tag("b", when), f": version {answer.version}, {run.play(answer.epoch)}. {rated}", class_="title"),
        tag("p", cut(answer.text, MOST_CHARACTERS), class_="text", dir="auto"),
    )


def _means(run: Figures, pair: BeforeAfter) -> str:
    """Return the person's mean ratings over all tasks."""
    person = run.headline and run.headline.people.get(pair.person)
    if not person:
        return ""
    before, after = (number(mean, 1) for mean in (person.before, person.after))
    sure = {"gained": "a clear gain", "lost": "a clear loss"}.get(gained_or_lost(person.interval), "it may be chance")
    return (
        f"{sentence_case(run.name(pair.person))}'s mean over all tasks: {before} under version {pair.before.version}, "
        f"{after} under version {pair.after.version}; {sure}."
    )


def _rule(run: Figures, pair: BeforeAfter) -> Html:
    if pair.rule is None:
        return tag("p", "No single rule explains the difference.", class_="made")
    return tag(
        "p",
        "The rule that made the difference, by the words of both answers: ",
        tag("b", pair.rule.id, class_="rule-id"),
        " ",
        whom(run, pair.rule),
        cut(pair.rule.text, RULE_CHARACTERS),
        class_="made",
    )
