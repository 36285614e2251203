"""The two consoles: stdout carries data, stderr carries progress and messages; neither reads markup."""

from __future__ import annotations

from rich.console import Console


def out() -> Console:
    """Where results go."""
    return Console(markup=False, highlight=False, emoji=False)


def err() -> Console:
    """Where progress and messages go."""
    return Console(stderr=True, markup=False, highlight=False, emoji=False)
