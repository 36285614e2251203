"""The holdout: the first and the last constitution on users and tasks that had no part in the run."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType

from scai_cli.analysis.holdout import held_out_words, holdout_change
from scai_cli.analysis.run_measures import welfare_words
from scai_cli.analysis.verdicts import between, for_single_people, gained_or_lost
from scai_cli.display.numbers import change, number
from scai_cli.display.terminal.consoles import number_table
from scai_cli.display.terminal.escape import styled
from scai_cli.display.terminal.styles import HEADING, MUTED, style_of
from scai_cli.runs.events import HoldoutCompared
from scai_cli.runs.history.history import History
from scai_cli.text.characters import one_line


def holdout_lines(history: History, most: int, gap: Sequence[str]) -> Iterator[RenderableType]:
    """Yield the comparison with a line for the `most` least satisfied users; nothing without a holdout."""
    holdout, moved = history.holdout, holdout_change(history)
    if holdout is None or moved is None:
        return
    yield from gap
    yield styled(f"Held out, without a part in the rules: {held_out_words(history, brief=True)}", HEADING)
    declared = history.measured[-1].declared if history.measured else ""
    yield styled(one_line(f"Welfare from 0 to 1, {_welfare(holdout, declared)}: {moved.words(2)}{_missing(holdout)}"))
    if most == 0 or moved.same_rules:
        return
    known = {user: utility for user, utility in holdout.last.items() if utility is not None}
    lowest = sorted(holdout.personas, key=lambda user: known.get(user, 2.0))[:most]
    versions = (f"version {holdout.first_version}", f"version {holdout.last_version}")
    table = number_table("Utility (0 to 1)", *versions, "change", "95 % interval", "", min_width=20, max_width=20)
    for user in (user for user in holdout.personas if user in lowest):
        first, last, person = holdout.first.get(user), holdout.last.get(user), moved.people.get(user)
        moves, verdict = (change(person.estimate), gained_or_lost(person)) if person else ("–", "")
        sure = (styled(moves, style_of(verdict)), between(person, 2), styled(verdict, style_of(verdict)))
        table.add_row(styled(one_line(history.names.get(user, user), 30)), number(first), number(last), *sure)
    yield table
    if whom := for_single_people(moved.people.values()):
        yield styled(f"95 % intervals of single people: {whom}", MUTED)
    if len(lowest) < len(holdout.personas):
        yield styled(f"({len(holdout.personas) - len(lowest)} more: --json)", MUTED)


def _welfare(holdout: HoldoutCompared, declared: str) -> str:
    first, last = number(holdout.first_values.get(declared)), number(holdout.last_values.get(declared))
    return (
        f"{welfare_words(declared)}: {first} (version {holdout.first_version}), {last} (version {holdout.last_version})"
    )


def _missing(holdout: HoldoutCompared) -> str:
    return f"; {holdout.missing} ratings are missing" if holdout.missing else ""
