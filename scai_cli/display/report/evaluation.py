"""The page about an evaluation: verdicts, a picture of the intervals, numbers, and the items that decide."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from scai_cli.analysis.participants import PROGRAM
from scai_cli.analysis.verdicts import signed
from scai_cli.display.numbers import listed, number, sentence_case
from scai_cli.display.report.frame import header, nav, page
from scai_cli.display.report.html import Html, brief, cut, note, tag, together
from scai_cli.display.report.plain import function_words, term
from scai_cli.display.report.tables import table
from scai_cli.evaluation.deciding_items import DecidingItem, deciding_items
from scai_cli.evaluation.results import Evaluation, read_results
from scai_cli.evaluation.row import SystemAnswer
from scai_cli.evaluation.suite import ResultTable, SuiteResult
from scai_cli.evaluation.verdict import NOT_COMPARED, Finding, difference_words, ends_words
from scai_cli.text.counts import counted

_MOST_TEXT: Final = 1200
_MOST_SAID: Final = 8
_MOST_ROWS: Final = 200
_ROW, _LEFT, _WIDTH, _RIGHT = 34, 300, 700, 20
"""The sizes of the picture in pixels: a row, the room for names, the whole, the margin."""


def make_evaluation_page(path: Path, *, trust: bool = False) -> str:
    """Return the page about an evaluation, the same bytes for the same one; raises RunError for a damaged line."""
    evaluation = read_results(path, trust=trust)
    heading = header(tag("h1", evaluation.manifest.run_id), evaluation_facts(evaluation), "top")
    return page(evaluation.manifest.run_id, together(heading, evaluation_body(evaluation)))


def evaluation_body(evaluation: Evaluation) -> Html:
    """Return all of the page below its header."""
    others = evaluation.systems[1:]
    links = [(f"against-{n}", f"{other}: verdicts") for n, other in enumerate(others, 1)]
    links += [(f"suite-{result.suite}", result.suite) for result in evaluation.results]
    return together(
        tag("div", list(_lead(evaluation)), _cautions(evaluation), class_="answer"),
        nav(links),
        _systems(evaluation),
        (_verdicts(evaluation, other, f"against-{n}") for n, other in enumerate(others, 1)),
        (_suite(evaluation, result) for result in evaluation.results),
    )


def evaluation_facts(evaluation: Evaluation) -> str:
    """Return the status, the systems and the suites in a line."""
    manifest = evaluation.manifest
    suites = ", ".join(suite.name for suite in manifest.suites)
    return f"{evaluation.status} · {counted(len(manifest.systems), 'system')} · {suites} · scai {manifest.scai}"


def _lead(evaluation: Evaluation) -> Iterator[Html]:
    """Yield the verdicts on each system in a sentence, then the measures with each verdict, and the models."""
    reference, *others = evaluation.systems
    verdicts = [result.verdict for result in evaluation.results if result.verdict]
    yield from (tag("p", verdict, class_="lead") for verdict in verdicts)
    if not others and not verdicts:
        yield tag("p", "One system alone: nothing is compared.", class_="lead")
    for other in others:
        by_verdict: dict[str, list[Finding]] = {}
        for finding in (f for f in evaluation.findings if f.system == other):
            by_verdict.setdefault(finding.verdict, []).append(finding)
        counts = [f"{verdict} on {counted(len(found), 'measure')}" for verdict, found in by_verdict.items()]
        yield tag("p", f"{other} against {reference}: {listed(counts, 6) or 'nothing was compared'}.", class_="lead")
        yield brief((sentence_case(verdict), map(_said, found[:_MOST_SAID])) for verdict, found in by_verdict.items())
    of_users = {result.suite for result in evaluation.results if result.verdict}
    items = Counter(suite in of_users for (suite, _), item in evaluation.items.items() if item.scores is None)
    if items[True]:
        config = evaluation.manifest.config
        users, rater = _models([config.model_for("user").label]), _models([config.model_for("rater").label])
        rates = f", with ratings by {rater}," if config.has_rater else ","
        yield tag("p", f"The users' model, {users}{rates} was asked about {counted(items[True], 'item')}.")
    if items[False]:
        models = _models([system.model.label for system in evaluation.manifest.systems])
        whose = "All systems answered the same" if others else f"{reference} answered"
        yield tag("p", f"{whose} {counted(items[False], 'item')}; the answers are by {models}.")


def _models(labels: Sequence[str]) -> str:
    return listed([f"{label} ({PROGRAM})" if label == "simulated" else label for label in dict.fromkeys(labels)])


def _said(finding: Finding) -> Html:
    """Return a finding in plain words."""
    found, measure = finding.difference, finding.measure
    function = measure.words.removesuffix(" welfare") if measure else ""
    is_welfare = function_words(function) != function
    name = f"{finding.suite}, {function_words(function)}" if is_welfare else finding.title
    if finding.reason or found is None or found.low is None or found.high is None:
        return tag("p", f"{name}{f' – {finding.reason}' if finding.reason else ''}")
    ends = ends_words(found.low, found.high).replace(" to ", " and ")
    return tag("p", f"{name}: {signed(found.estimate, 2)}, likely between {ends}\u00a0", term("likely"))


def _cautions(evaluation: Evaluation) -> Html:
    return together(tag("p", f"Warning: {warning}.", class_="caution") for warning in evaluation.warnings)


def _systems(evaluation: Evaluation) -> Html:
    blocks = []
    for n, system in enumerate(evaluation.manifest.systems):
        role = " · the reference" if n == 0 else ""
        summary = tag("summary", f"{system.name}: {system.source}, answered by {system.model.label}{role}")
        blocks.append(tag("details", summary, tag("pre", system.message or "(no system message)")))
    return tag("section", tag("h2", "What was compared"), blocks, id="systems")


def _verdicts(evaluation: Evaluation, other: str, anchor: str) -> Html:
    found = [finding for finding in evaluation.findings if finding.system == other]
    rows = [(finding.title, [finding.words, number(finding.detectable)]) for finding in found]
    heads = ("Measure", "Verdict", "Smallest difference that these items can show")
    return tag(
        "section",
        tag("h2", f"{other} against {evaluation.systems[0]}"),
        _picture(found, _farthest(evaluation.findings)),
        table(heads, rows, words=True) if rows else note(NOT_COMPARED),
        (_deciding(evaluation, finding) for finding in found),
        id=anchor,
    )


def _farthest(findings: Sequence[Finding]) -> float:
    """Return the end of an interval that is farthest from 0, on which the scale of all pictures rests."""
    ends = (end for f in findings if f.difference for end in (f.difference.low, f.difference.high))
    return max((abs(end) for end in ends if end is not None), default=0.0) or 1.0


def _picture(found: Sequence[Finding], most: float) -> Html | None:
    """Draw each difference with its interval around 0, to the right for a better system, from -most to most."""
    known = [(f, f.difference) for f in found if f.difference is not None and f.difference.low is not None]
    if not known:
        return None
    middle, room = _LEFT + (_WIDTH - _LEFT - _RIGHT) / 2, (_WIDTH - _LEFT - _RIGHT) / 2
    height = _ROW * len(known) + 30

    def x(value: float) -> str:
        return f"{middle + room * value / most:.1f}"

    marks: list[Html] = [
        tag("line", x1=x(0), x2=x(0), y1="4", y2=str(height - 22), stroke="var(--line)", stroke_width="2"),
        tag("text", f"worse by {most:.2f}", x=str(_LEFT), y=str(height - 6), font_size="12", fill="var(--muted)"),
        tag(
            "text",
            f"better by {most:.2f}",
            x=str(_WIDTH - _RIGHT),
            y=str(height - 6),
            font_size="12",
            fill="var(--muted)",
            text_anchor="end",
        ),
    ]
    for n, (finding, difference) in enumerate(known):
        y = str(_ROW * n + 20)
        sign = -1.0 if finding.measure is not None and finding.measure.better == "lower" else 1.0
        ends = sorted(sign * end for end in (difference.low or 0.0, difference.high or 0.0))
        colour = {"better": "var(--accent)", "worse": "var(--loss)"}.get(finding.verdict, "var(--muted)")
        marks += [
            _label(cut(finding.title, 44), 0, _ROW * n + 24, 13, fill="var(--ink)"),
            tag("line", x1=x(ends[0]), x2=x(ends[1]), y1=y, y2=y, stroke=colour, stroke_width="3"),
            tag("circle", cx=x(sign * difference.estimate), cy=y, r="5", fill=colour),
        ]
    label = "Differences with their 95 % intervals: " + "; ".join(f"{f.title}: {f.words}" for f, _ in known)
    picture = tag("svg", marks, viewBox=f"0 0 {_WIDTH} {height}", role="img", aria_label=label, class_="chart")
    return tag("figure", picture, class_="plane scroll", tabindex=0, role="group", aria_label="The intervals")


def _label(words: str, x: int, y: int, size: int, **more: str) -> Html:
    return tag("text", words, x=str(x), y=str(y), font_size=str(size), **{"fill": "var(--muted)", **more})


def _deciding(evaluation: Evaluation, finding: Finding) -> Html | None:
    items = deciding_items(evaluation, finding)
    if not items:
        return None
    pairs = [_pair(evaluation, finding, item) for item in items]
    return tag("details", tag("summary", f"{_what(finding)}: {finding.title}"), pairs)


def _what(finding: Finding) -> str:
    return "The items that decide" if finding.verdict in ("better", "worse") else "Items with the largest differences"


def _pair(evaluation: Evaluation, finding: Finding, item: DecidingItem) -> Html:
    """Return an item with the answers of the reference and the system side by side."""
    question = evaluation.items[finding.suite, item.row.item]
    said = question.conversation[-1].content
    sides = [
        tag(
            "div",
            tag("p", tag("b", system), f" · {number(score, 2)}", class_="title"),
            tag("p", _text(answer), class_="text"),
            note(cut(answer.notes, 300)) if answer.notes else None,
        )
        for system, score in ((finding.reference, item.before), (finding.system, item.after))
        if (answer := item.row.answers.get(system)) is not None
    ]
    against = " (against the difference)" if item.against else ""
    return tag(
        "div",
        tag("p", tag("q", cut(said, 400)), class_="question"),
        note(f"{question.id}{f' · {cut(question.label, 200)}' if question.label else ''}{against}"),
        tag("div", sides, class_="answers"),
        class_="pair",
    )


def _text(answer: SystemAnswer) -> str:
    """Return what a system said, and in conversations of several turns what the user said between."""
    messages = answer.messages
    answers = [text for role, text in messages if role == "assistant"]
    if len(answers) < 2:
        return cut(answers[0] if answers else "(no answer)", _MOST_TEXT)
    return cut("\n\n".join(f"{role}: {text}" for role, text in messages), _MOST_TEXT)


def _suite(evaluation: Evaluation, result: SuiteResult) -> Html:
    settings = next(suite for suite in evaluation.manifest.suites if suite.name == result.suite)
    where = f"{evaluation.asked(result.suite)} from {settings.source}; licence: {', '.join(settings.licences)}"
    return tag(
        "section", tag("h2", result.suite), note(where), list(_content(evaluation, result)), id=f"suite-{result.suite}"
    )


def _content(evaluation: Evaluation, result: SuiteResult) -> Iterator[Html]:
    if result.problem is not None:
        yield tag("p", f"Cannot judge: {result.problem}.", class_="caution")
    systems, others = evaluation.systems, evaluation.systems[1:]
    heads = ("Measure", *systems, *(f"{other} minus {systems[0]}" for other in others))
    rows = [
        (
            m.measure.described,
            [*(number(m.values.get(s), 2) for s in systems), *(difference_words(m.differences.get(o)) for o in others)],
        )
        for m in result.measures
    ]
    if rows:
        yield table(heads, rows)
    yield from (tag("p", sentence) for sentence in result.notes)
    yield from (_table(each) for each in result.tables)


def _table(result: ResultTable) -> Html:
    rows = [(row[0], list(row[1:])) for row in result.rows[:_MOST_ROWS]]
    left = len(result.rows) - _MOST_ROWS
    more = note(f"and {left:,} more: scai show --json") if left > 0 else None
    return together(tag("h3", result.title), table(result.columns, rows, words=True), more)
