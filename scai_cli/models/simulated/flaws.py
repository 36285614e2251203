"""What the simulated meta gets wrong, as real models do, and how often."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flaws:
    """The chance, in [0, 1], that a revision has each flaw; drawn independently, once per revision.

    The defaults are chosen to be plausible (a few percent each) and not tuned to any result.
    """

    forgets: float = 0.03
    """Leaves out a rule that it had no reason to drop."""
    invents: float = 0.03
    """Adds a principle that nobody asked for."""
    obeys_one: float = 0.03
    """Makes a single user's demand a principle for everyone."""
    over_generalises: float = 0.03
    """Turns a contract clause into a principle."""
    truncates: float = 0.02
    """Is cut off in the middle of its answer, with finish_reason `length`."""
