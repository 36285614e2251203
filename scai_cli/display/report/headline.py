"""The group's numbers, the system message to paste, and the comparison for people who were set aside."""

from collections.abc import Iterator

from scai_cli.analysis.audience import for_audience
from scai_cli.analysis.headline import GroupChange
from scai_cli.analysis.holdout import holdout_change
from scai_cli.analysis.measured import for_measures, utility_words
from scai_cli.analysis.run_measures import welfare_words
from scai_cli.analysis.verdicts import between, change_words, for_single_people, for_whom, gained_or_lost
from scai_cli.display.numbers import change, listed, number, sentence_case
from scai_cli.display.report.answer import holdout_answer
from scai_cli.display.report.figures import Figures
from scai_cli.display.report.html import TEXTS, Html, cut, note, scai_command, tag, together
from scai_cli.display.report.plain import term
from scai_cli.display.report.tables import MOST_ROWS, table
from scai_cli.stats.intervals import Interval
from scai_cli.text.counts import counted

MOST_CHARACTERS = 40_000
MOST_HELD_OUT = 60


def numbers_table(run: Figures) -> Iterator[Html]:
    """Yield the group's numbers under both versions, with intervals; nothing without an epoch."""
    found = run.headline
    if found is None:
        return
    low, high = run.scale
    own, declared = found.satisfaction, found.welfare
    rows = [(f"{run.metrics['own'].capitalize()}, {low:g} to {high:g}", own.before, own.after, own.digits, _words(own))]
    for name in run.functions:
        first, last, interval = found.welfare_by(name)
        words = _words(declared) if name == run.declared else change_words(interval, declared.digits, over="")
        if interval is None and first is not None and last is not None:  # inequality, which has none
            words = f"{change(last - first, declared.digits)} (cannot tell how sure)"
        title = f"{sentence_case(welfare_words(name))}{', declared' if name == run.declared else ''}"
        rows.append((title, first, last, declared.digits, words))
    plays = [found.start, *([found.compared] if found.apart else [])]
    heads = ("", *(cut(str(play), 60) for play in plays), *(["difference"] if len(plays) > 1 else []))
    cells = (
        (name, [number(first, digits), *([number(last, digits), words] if len(plays) > 1 else [])])
        for name, first, last, digits, words in rows
    )
    yield tag("p", found.sentence)
    words = utility_words(run.history.config.ratings)
    yield note(TEXTS["numbers"], f" Welfare here is {words}." if words else None)
    yield tag("div", table(heads, cells), class_="numbers")
    if len(plays) > 1:
        whom = for_whom(own.interval) if own.interval else ""
        yield note(TEXTS["intervals"].format(whom=whom or "these people and tasks"), "\u00a0", term("likely"))
    by_epoch = [
        (run.at(m.epoch), [number(m.values.get(name), 3) for name in run.functions])
        for m in run.history.measured[-MOST_ROWS:]
    ]
    functions = map(welfare_words, run.functions)
    yield tag("details", tag("summary", "Welfare in each epoch"), table(("", *functions), by_epoch))


def measured_table(run: Figures) -> Iterator[Html]:
    """Yield the means of what programs measured in the final answers, under both versions."""
    found = run.headline
    if found is None or not (rows := found.measured):
        return
    plays = [found.start, found.compared][: 1 + found.apart]
    heads = ("", *(cut(str(play), 60) for play in plays), *["difference"] * found.apart)
    cells = (
        [*(number(value, 2) for value in each.values), *[change_words(each.interval, 2, over="")] * found.apart]
        for each in rows
    )
    yield note(TEXTS["measured"])
    yield tag("div", table(heads, zip((cut(each.title, 160) for each in rows), cells, strict=True)), class_="numbers")
    if whom := for_measures(rows):
        yield note(TEXTS["measured_intervals"].format(whom=whom))


def _words(change: GroupChange) -> str:
    return change_words(change.interval, change.digits, over="") if change.interval else change.verdict


def message(run: Figures) -> Iterator[Html]:
    """Yield the system message for everyone, to be copied, and the command for that with the clauses for people."""
    constitution, text, left_out = for_audience(run.history)
    counts = {"principle": len(constitution.principles), "clause": len(constitution.contract)}
    parts = [counted(count, name) for name, count in counts.items() if count]
    yield note(f"Version {constitution.version}: {listed(parts) or 'no rules'}, {len(text):,} characters.")
    yield _copyable(run, text)
    if left_out:
        clauses = counted(left_out, "clause for single people is", "clauses for single people are")
        command = scai_command("export", run.history.run_id, "--format", "system", "--for", "members")
        yield note(f"{clauses} left out; with them: ", command)


def _copyable(run: Figures, text: str) -> Html:
    """Return a text with a button that copies it, or the beginning of a long one with the command for all of it."""
    pre = tag("pre", cut(text, MOST_CHARACTERS), tabindex=0)
    if len(text) > MOST_CHARACTERS:
        rest = scai_command("export", run.history.run_id, "--format", "system")
        return tag("div", pre, note("It is longer than this: ", rest))
    return tag("div", tag("button", "Copy", type="button", class_="copy", data_copied="Copied"), pre, class_="copyable")


def person_cells(interval: Interval | None, digits: int) -> list[str]:
    """Return the cells of a person's change: the difference, its interval, and whether the person gained or lost."""
    estimate = interval.estimate if interval else None
    return [change(estimate, digits), between(interval, digits), gained_or_lost(interval)]


def holdout(run: Figures) -> Iterator[Html]:
    """Yield the utilities of the people who were set aside under the first and the last constitution."""
    compared, moved = run.history.holdout, holdout_change(run.history)
    if compared is None or moved is None:
        return
    missing = f" {counted(compared.missing, 'rating is', 'ratings are')} missing." if compared.missing else ""
    left_out = 0 if moved.same_rules else len(compared.personas) - MOST_HELD_OUT
    command = scai_command("show", run.history.run_id, "--json")
    rest = together(f" {left_out} more people: ", command, ".") if left_out > 0 else None
    yield tag("p", holdout_answer(run), missing, rest)
    if moved.same_rules:
        return
    heads = ("Person", f"version {compared.first_version}", f"version {compared.last_version}", *TEXTS["person"])
    rows = []
    for person in compared.personas[:MOST_HELD_OUT]:
        sides = (number(side.get(person)) for side in (compared.first, compared.last))
        rows.append((run.name(person), [*sides, *person_cells(moved.people.get(person), 2)]))
    tasks, whom = counted(len(compared.tasks), "task"), for_single_people(moved.people.values())
    jointly = TEXTS["single"].format(whom=whom) if whom else None
    yield note(f"Welfare of each of these {run.people} from 0 to 1 (utility), mean over {tasks}. ", jointly)
    yield table(heads, rows)
