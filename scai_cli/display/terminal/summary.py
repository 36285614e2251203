"""A run on one screen: its result in a sentence, one question before and after, the constitution, the numbers."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.table import Table

from scai_cli.analysis.before_after import BeforeAfter, before_after
from scai_cli.analysis.config_warnings import seed_dependence
from scai_cli.analysis.headline import Headline, headline
from scai_cli.analysis.health import harmless_marks, health_warnings
from scai_cli.analysis.rating_validity import rating_validity
from scai_cli.analysis.representation import Representation, representation
from scai_cli.analysis.revision_reasons import plain_reason
from scai_cli.analysis.run_measures import SHOWN_WELFARE, run_cost, welfare_words
from scai_cli.analysis.verdicts import between
from scai_cli.display.numbers import change, number
from scai_cli.display.representation import representation_words
from scai_cli.display.terminal.before_after import before_after_lines
from scai_cli.display.terminal.consoles import number_table
from scai_cli.display.terminal.constitution import rule_lines
from scai_cli.display.terminal.escape import styled
from scai_cli.display.terminal.holdout import holdout_lines
from scai_cli.display.terminal.satisfaction import satisfaction_lines, version_titles
from scai_cli.runs.history.history import History
from scai_cli.text.characters import one_line
from scai_cli.text.counts import counted
from scai_cli.text.data_files import read_data_file

_PAPER: Final = 60
"""The assumed height of the screen if stdout is not a terminal."""


@dataclass(frozen=True, slots=True)
class _Detail:
    """A level of detail: the maximal lines of each kind, None for all rules.

    `answers`: lines of each answer, 0 shows no pair; `pairs`: questions with their answers; `full`: more than the
    sentence, the pairs, the rules, the people and the problems; `holdout`: a line for each held-out user.
    """

    users: int
    rules: int | None
    problems: int
    answers: int
    pairs: int = 2
    revisions: int = 1
    full: bool = True
    airy: bool = False
    holdout: bool = False


_DETAILS: Final = tuple(_Detail(**each) for each in read_data_file(__file__)["details"])
"""The levels of detail, highest first; the first that fits the screen is shown."""


def print_summary(console: Console, history: History) -> None:
    """Print a run's results so far, on one screen."""
    found = headline(history)
    pairs, represented = before_after(history, found), representation(history)
    room = console.height - 2 if console.is_terminal else _PAPER
    parts: list[RenderableType] = []
    for detail in _DETAILS:
        parts = list(_parts(history, found, pairs, represented, detail, console.width))
        if sum(len(console.render_lines(part)) for part in parts) <= room:
            break
    console.print(Group(*parts))  # as a group: rich wraps a text that is printed alone, even one with no_wrap


def _parts(
    history: History,
    found: Headline | None,
    pairs: Sequence[BeforeAfter],
    represented: Representation | None,
    detail: _Detail,
    width: int,
) -> Iterator[RenderableType]:
    gap = [""] if detail.airy else []
    yield styled(f"{one_line(history.run_id)}: {_beginning(history)}{found.sentence if found else ''}", "bold")
    if history.started is None:
        yield from _ending(history)
        return
    yield from (styled(f"Warning: {line}") for line in health_warnings(history.answers, history.config))
    if detail.answers and pairs:
        yield from gap
        yield from before_after_lines(history.run_id, pairs[: detail.pairs], detail.answers, width)
    yield from gap
    constitution, _ = history.product
    unplayed = found is None or not found.product.epochs
    yield from rule_lines(constitution, history.names, detail.rules, note=" (not played)" * unplayed)
    if represented is not None and (detail.full or not represented.holds):
        yield styled(representation_words(represented, history.names))
    if found is not None:
        yield from gap
        yield from satisfaction_lines(history, found, detail.users, trend=detail.full)
        yield from gap
        yield from _welfare(found, detail)
        yield from holdout_lines(history, detail.users if detail.holdout else 0, gap)
        if detail.full:
            yield from gap
            yield from _validity(history)
            yield from _revisions(history, detail.revisions)
    yield from (styled(f"Warning: {line}") for line in seed_dependence(history.config))
    yield from _problems(history, detail.problems, gap)
    if harmless := harmless_marks(history.answers):
        yield styled(f"Also counted: {harmless}")
    yield from _ending(history)
    yield styled(_status(history), "dim")


def _beginning(history: History) -> str:
    """Return the progress of an unfinished run, which precedes the result."""
    if history.started is None:
        return "It has no events yet."
    done = f"{history.epochs_done} of {history.started.epochs} epochs"
    if not history.measured:
        return f"No epoch has ended yet ({history.status})."
    return "" if history.status == "finished" else f"{history.status}, {done}. "


def _status(history: History) -> str:
    parts = [history.run_id, history.status]
    if history.started:
        parts.append(f"{history.epochs_done} of {history.started.epochs} epochs")
        parts.append(", ".join(dict.fromkeys(history.started.models.values())))
    if (cost := run_cost(history)) is not None:
        calls, tokens = f"{cost.calls or 0:,} calls", f"{cost.tokens:,} tokens"
        parts += [f"{calls}, {tokens} so far"] if cost.so_far else [calls, tokens]
        parts += [f"${cost.usd:.4f}"] if cost.usd else []
    return " · ".join(one_line(part) for part in parts)


def _welfare(found: Headline, detail: _Detail) -> Iterator[RenderableType]:
    """Yield the welfare by several functions under each version, then the change of the declared one."""
    if detail.full:
        yield _welfare_table(found)
    if found.welfare.difference is not None:
        yield styled(f"Declared welfare, {welfare_words(found.welfare.name)}: {found.welfare.words}")


def _welfare_table(found: Headline) -> Table:
    titles = ["change", "95 % interval"] * found.apart
    table = number_table("Welfare (0 to 1)", *version_titles(found), *titles, max_width=34)
    for name in dict.fromkeys((found.welfare.name, *SHOWN_WELFARE)):
        before, after, interval = found.welfare_by(name)
        moved = None if before is None or after is None else after - before
        cells = [number(before), number(after), change(moved), between(interval, 2)]
        table.add_row(welfare_words(name), *(cells if found.apart else cells[:1]))
    return table


def _validity(history: History) -> Iterator[RenderableType]:
    """Yield the agreement of ratings and answers, if people have stated preferences: own ones, and apart the others."""
    validity = rating_validity(history)
    parts = []
    for words, values in (
        ("own ratings", [one.own for one in validity.values()]),
        ("ratings of others' answers, by themes", [one.cross for one in validity.values()]),
    ):
        if known := [value for value in values if value is not None]:
            spread = f"{counted(len(known), 'person', 'people')}: {min(known):.2f} to {max(known):.2f}"
            parts.append(f"{words} {sum(known) / len(known):.2f} ({spread})")
    if parts:
        yield styled(f"Do the ratings follow the answers? Rank correlation, 1 is fully: {'; '.join(parts)}")


def _revisions(history: History, most: int) -> Iterator[RenderableType]:
    """Yield the reason for or against each of the last revisions."""
    revisions = [epoch.revision for epoch in history.epochs if epoch.revision is not None]
    shown = revisions[max(0, len(revisions) - most) :]
    adopted = sum(revision.accepted for revision in revisions)
    earlier = "" if len(shown) == len(revisions) else "; all of them: --constitution"
    yield styled(f"Revisions: {adopted} adopted, {len(revisions) - adopted} not{earlier}")
    for revision in shown:
        became = f", version {revision.constitution.version}" if revision.accepted else ""
        yield styled(one_line(f"epoch {revision.epoch}{became}: {plain_reason(revision.reason)}"))


def _problems(history: History, most: int, gap: Sequence[str]) -> Iterator[RenderableType]:
    problems = [problem for epoch in history.epochs for problem in epoch.problems]
    missing = sum(measured.missing for measured in history.measured)
    if not problems and not missing:
        return
    yield from gap
    ratings = f"{counted(missing, 'rating')} {'is' if missing == 1 else 'are'} missing"
    yield styled(f"Problems: {counted(len(problems), 'call')} failed, {ratings}", "bold")
    kinds = Counter(problem.problem for problem in problems).most_common()
    for text, count in kinds[:most]:
        first = next(problem.id for problem in problems if problem.problem == text)
        yield styled(one_line(f"{first}: {text}" if count == 1 else f"{count} times, first at {first}: {text}"))
    if len(kinds) > most:
        yield styled(f"({len(kinds) - most} other kinds: --json)", "dim")


def _ending(history: History) -> Iterator[RenderableType]:
    """Yield the reason why the run is not finished."""
    if history.status in ("finished", "running"):
        return
    reason = history.outcome.get("reason")
    remedy = f"continue with `scai resume {history.run_id}`"
    yield styled(one_line(str(reason) if reason else f"It was stopped from outside before its end; {remedy}."))
