"""Strategies: how a new constitution is proposed from what happened; one short file each.

A strategy is `async (RevisionContext) -> list[Candidate]`; no candidate means no change.
"""
