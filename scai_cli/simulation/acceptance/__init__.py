"""Acceptance: which candidate, if any, becomes the constitution of the next epoch; one short file each.

A rule is `async (RevisionContext, candidates) -> AcceptanceResult`; it sees only sound candidates that change a rule.
"""
