"""Strategies: each proposes revisions of the constitution after an epoch.

A strategy is `async (RevisionContext) -> list[Candidate]`; no candidate means no change.
"""
