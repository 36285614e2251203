"""Generate rows at scale under a constitution."""
