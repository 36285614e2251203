"""The proof of a run: what it came to for users and tasks that had no part in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table

from scai_cli.display.terminal.escape import change, estimate, number, one_line, styled
from scai_cli.runs.events import HoldoutCompared
from scai_cli.runs.history.history import History


def proof_lines(history: History, most: int, gap: Sequence[str] = ("",)) -> Iterator[RenderableType]:
    """First against last constitution, for those held out, at most so many of them, the least content; else nothing."""
    proof = history.proof
    if proof is None:
        return
    yield from gap
    yield styled(f"Held out: {len(proof.personas)} personas x {len(proof.tasks)} tasks", "bold")
    yield styled(one_line(_told(proof, history.measured[-1].declared if history.measured else "")))
    if most == 0:
        return
    users = sorted(proof.personas, key=lambda user: _content(proof, user))[:most]
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("Utility (0 to 1)", min_width=30, max_width=30, no_wrap=True)
    for title in (f"version {proof.first_version}", f"version {proof.last_version}", "change"):
        table.add_column(title, justify="right")
    for user in (user for user in proof.personas if user in users):
        first, last = proof.first.get(user), proof.last.get(user)
        moved = None if first is None or last is None else last - first
        table.add_row(styled(one_line(history.names.get(user, user), 30)), number(first), number(last), change(moved))
    yield table
    if len(users) < len(proof.personas):
        yield styled(f"({len(proof.personas) - len(users)} more: --json)", "dim")


def _content(proof: HoldoutCompared, user: str) -> float:
    utility = proof.last.get(user)
    return 2.0 if utility is None else utility


def _told(proof: HoldoutCompared, declared: str) -> str:
    first, last = number(proof.first_values.get(declared), 3), number(proof.last_values.get(declared), 3)
    level = (
        "" if proof.difference is None or proof.difference.low is None else f" ({proof.difference.level:.0%} interval)"
    )
    missing = f"; {proof.missing} ratings are missing" if proof.missing else ""
    return f"{declared} welfare {first} -> {last}: {estimate(proof.difference)}{level}{missing}"
