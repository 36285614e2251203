"""Acceptance rules: each chooses the candidate, if any, that becomes the constitution of the next epoch.

A rule is `async (RevisionContext, candidates) -> AcceptanceResult`; it gets only valid candidates that change a rule.
"""
