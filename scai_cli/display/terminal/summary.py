"""A run on one screen: its result in a sentence, one question before and after, the constitution, the numbers."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.text import Text

from scai_cli.analysis.before_after import BeforeAfter, before_after
from scai_cli.analysis.config_warnings import seed_dependence
from scai_cli.analysis.headline import Headline, headline
from scai_cli.analysis.health import harmless_marks, health_warnings
from scai_cli.analysis.representation import Representation, representation
from scai_cli.analysis.revision_reasons import plain_reason
from scai_cli.analysis.run_measures import run_cost, welfare_words
from scai_cli.analysis.verdicts import gained_or_lost
from scai_cli.display.numbers import listed, number
from scai_cli.display.representation import representation_words
from scai_cli.display.terminal.before_after import before_after_lines
from scai_cli.display.terminal.constitution import rule_lines
from scai_cli.display.terminal.escape import styled
from scai_cli.display.terminal.holdout import holdout_lines
from scai_cli.display.terminal.next_steps import after_summary, command, height, print_steps_below
from scai_cli.display.terminal.ratings import measured_table, utility_lines
from scai_cli.display.terminal.recovery import recovery_lines
from scai_cli.display.terminal.satisfaction import satisfaction_lines
from scai_cli.display.terminal.styles import DOUBTFUL, HEADING, MUTED, style_of
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
    steps = after_summary(history.path, history.status)
    rows = console.height - 2 if console.is_terminal else _PAPER
    parts: list[RenderableType] = []
    for detail in _DETAILS:
        parts = list(_parts(history, found, pairs, represented, detail, console.width))
        taken = sum(len(console.render_lines(part)) for part in parts)
        if taken + height(steps, console.width) <= rows:
            break
    console.print(Group(*parts))  # as a group: rich wraps a text that is printed alone, even one with no_wrap
    print_steps_below(steps[: max(1, rows - taken)])


def _parts(
    history: History,
    found: Headline | None,
    pairs: Sequence[BeforeAfter],
    represented: Representation | None,
    detail: _Detail,
    width: int,
) -> Iterator[RenderableType]:
    gap = [""] if detail.airy else []
    yield styled(f"{one_line(history.run_id)}: {_beginning(history)}{found.sentence if found else ''}", HEADING)
    if history.started is None:
        yield from _ending(history)
        return
    if found is not None and (gains := _gains(found)) is not None:
        yield gains
    yield from (styled(f"Warning: {line}", DOUBTFUL) for line in health_warnings(history.answers, history.config))
    if detail.answers and pairs:
        yield from gap
        yield from before_after_lines(history.path, pairs[: detail.pairs], detail.answers, width)
    yield from gap
    constitution, _ = history.product
    unplayed = found is None or not found.product.epochs
    note = " (not played)" * unplayed
    yield from rule_lines(constitution, history.names, detail.rules, note=note, start=history.started.constitution)
    yield from _locked(history) if detail.full else ()
    if represented is not None and (detail.full or not represented.holds):
        yield styled(representation_words(represented, history.names))
    if found is not None:
        yield from gap
        yield from satisfaction_lines(history, found, detail.users, trend=detail.full)
        if measured := [*_measured(history, found, width, full=detail.full)]:
            yield from (*gap, *measured)
        yield from recovery_lines(history, gap, full=detail.full)
        yield from holdout_lines(history, detail.users if detail.holdout else 0, gap)
        if detail.full:
            yield from gap
            yield from _revisions(history, detail.revisions)
    yield from (styled(f"Warning: {line}", DOUBTFUL) for line in seed_dependence(history.config))
    yield from _problems(history, detail.problems, gap)
    if harmless := harmless_marks(history.answers):
        yield styled(f"Also counted: {harmless}")
    yield from _ending(history)
    yield _status(history)


def _beginning(history: History) -> str:
    """Return the progress of an unfinished run, which precedes the result."""
    if history.started is None:
        return "It has no events yet."
    done = f"{history.epochs_done} of {history.started.epochs} epochs"
    if not history.measured:
        return f"No epoch has ended yet ({history.status})."
    return "" if history.status == "finished" else f"{history.status}, {done}. "


def _status(history: History) -> Text:
    parts = []
    if history.started:
        parts.append(f"{history.epochs_done} of {history.started.epochs} epochs")
        parts.append(", ".join(dict.fromkeys(history.started.models.values())))
    if (cost := run_cost(history)) is not None:
        calls, tokens = f"{cost.calls or 0:,} calls", f"{cost.tokens:,} tokens"
        parts += [f"{calls}, {tokens} so far"] if cost.so_far else [calls, tokens]
        parts += [f"${cost.usd:.4f}"] if cost.usd else []
    rest = "".join(f" · {one_line(part)}" for part in parts)
    status = (history.status, style_of(history.status))
    return Text.assemble((f"{one_line(history.run_id)} · ", MUTED), status, (rest, MUTED))


def _gains(found: Headline) -> Text | None:
    """Return how many people gained, lost, and neither beyond chance; None where two versions are not compared."""
    if not found.apart or not found.people:
        return None
    counts = Counter(gained_or_lost(person.interval) for person in found.people.values())
    sure = [
        Text.assemble(f"{counts[verdict]} ", (verdict, style_of(verdict)))
        for verdict in ("gained", "lost")
        if counts[verdict]
    ]
    unclear = counts["cannot tell"]
    if not sure:
        return Text("For each of them alone it may be chance.")
    text = Text.assemble("Of them, ", Text(" and ").join(sure))
    return text.append(f"; for {unclear} it may be chance." if unclear else ".")


def _welfare(history: History, found: Headline) -> Iterator[RenderableType]:
    """Yield the change of the declared welfare, and of the worst-off person."""
    if found.welfare.difference is not None:
        yield styled(f"Declared welfare (0 to 1), {welfare_words(found.welfare.name)}: {found.welfare.words}")
    before, after, _ = found.welfare_by("rawlsian")
    if found.apart and before is not None and after is not None and found.welfare.name != "rawlsian":
        yield styled(f"The {welfare_words('rawlsian')}: {number(before)} before, {number(after)} after")
    if (used := history.config.ratings.calibration) is not None:
        yield styled(f"In welfare, own ratings are calibrated on {one_line(used.words)}; satisfaction is as rated.")


def _measured(history: History, found: Headline, width: int, *, full: bool) -> Iterator[RenderableType]:
    """Yield welfare and what programs measure, or in brief what utilities consist of and where the rest is."""
    if full:
        yield from _welfare(history, found)
        yield from measured_table(history, found, width)
        return
    if found.measured:
        yield styled(f"{counted(len(found.measured), 'measure')} of the answers: --ratings", MUTED)
    yield from utility_lines(history)


def _locked(history: History) -> Iterator[RenderableType]:
    """Yield whether the locked rules are word for word the same in all versions."""
    assert history.started is not None
    locked = {rule.id: rule.text for rule in history.started.constitution.locked}
    versions = [constitution for constitution, _ in history.versions().values()]
    changed = [
        rule
        for rule, text in locked.items()
        if any((now := version.rule(rule)) is None or now.text != text for version in versions)
    ]
    if changed:  # only in a run that was changed by hand
        yield styled(f"Warning: locked, but not the same in all versions: {listed(changed)}", DOUBTFUL)
    elif locked and len(versions) > 1:
        yield styled(f"Locked, and word for word the same in all {len(versions)} versions: {listed([*locked])}", MUTED)


def _revisions(history: History, most: int) -> Iterator[RenderableType]:
    """Yield the reason for or against each of the last revisions."""
    revisions = [epoch.revision for epoch in history.epochs if epoch.revision is not None]
    shown = revisions[max(0, len(revisions) - most) :]
    adopted = sum(revision.accepted for revision in revisions)
    earlier = "" if len(shown) == len(revisions) else "; all of them: --constitution"
    yield styled(f"Revisions: {adopted} adopted, {len(revisions) - adopted} not{earlier}")
    for revision in shown:
        became = f", version {revision.constitution.version}" if revision.accepted else ""
        yield styled(one_line(f"epoch {revision.epoch}{became}: {plain_reason(revision.reason, brief=True)}"))


def _problems(history: History, most: int, gap: Sequence[str]) -> Iterator[RenderableType]:
    problems = [problem for epoch in history.epochs for problem in epoch.problems]
    missing = sum(measured.missing for measured in history.measured)
    if not problems and not missing:
        return
    yield from gap
    ratings = f"{counted(missing, 'rating')} {'is' if missing == 1 else 'are'} missing"
    yield styled(f"Problems: {counted(len(problems), 'call')} failed, {ratings}", HEADING)
    kinds = Counter(problem.problem for problem in problems).most_common()
    for text, count in kinds[:most]:
        first = next(problem.id for problem in problems if problem.problem == text)
        yield styled(one_line(f"{first}: {text}" if count == 1 else f"{count} times, first at {first}: {text}"))
    if len(kinds) > most:
        yield styled(f"({len(kinds) - most} other kinds: --json)", MUTED)


def _ending(history: History) -> Iterator[RenderableType]:
    """Yield the reason why the run is not finished."""
    if history.status in ("finished", "running"):
        return
    reason = history.outcome.get("reason")
    remedy = f"continue with `{command('resume', history.run_id)}`"
    yield styled(one_line(str(reason) if reason else f"It was stopped from outside before its end; {remedy}."))
