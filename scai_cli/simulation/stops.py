"""When a run stops because its results cannot be trusted, and the keys that the message names."""

from __future__ import annotations

from collections.abc import Iterable

from scai_cli.errors import RunUnhealthy
from scai_cli.runs.events import RaterCheck
from scai_cli.simulation.epoch_context import Agents
from scai_cli.simulation.rater_check import verdict


def stop_if_a_rater_failed(checks: Iterable[RaterCheck], agents: Agents) -> None:
    """Raise RunUnhealthy for the first model of the users that failed the rater check."""
    for check in checks:
        if check.passed is False and not agents.force:
            raise RunUnhealthy(
                f"this rater ({check.model}) cannot tell answers apart: {verdict(check)}; choose a larger model for "
                "roles.user and start a new run, or continue with `scai resume --force`"
            )
