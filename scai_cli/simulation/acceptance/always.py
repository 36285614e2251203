"""`always`: adopt the first candidate, as the original SCAI did."""

from collections.abc import Sequence

from scai_cli.runs.records import Candidate
from scai_cli.simulation.revision_context import AcceptanceResult, RevisionContext


async def always(context: RevisionContext, candidates: Sequence[Candidate]) -> AcceptanceResult:  # noqa: ARG001 - one of many rules
    """Adopt the first candidate."""
    return AcceptanceResult(candidates[0], "the rule `always` adopts every sound revision", {})
