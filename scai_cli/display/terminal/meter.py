"""What a session takes while it goes on, in one line."""

from __future__ import annotations

from collections.abc import Sequence

from scai_cli.models.gate import Meter


def metered(meters: Sequence[Meter]) -> str:
    """Calls, those in flight, tokens, and where prices are known money, over all endpoints."""
    usage = sum(meter.usage.total for meter in meters)
    calls, in_flight = sum(m.calls for m in meters), sum(m.in_flight for m in meters)
    costs = [meter.usd for meter in meters]
    money = "" if None in costs or not any(costs) else f" · ${sum(cost or 0 for cost in costs):.4f}"
    retries = sum(meter.retries for meter in meters)
    again = f" · {retries} retries" if retries else ""
    return f"{calls:,} calls, {in_flight} in flight · {usage:,} tokens{money}{again}"
