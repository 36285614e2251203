"""Acceptance: which candidate, if any, becomes the constitution of the next epoch; one short file each.

A rule is `async (Occasion, candidates) -> Verdict`; it sees only candidates with edits and without an objection.
"""
