"""Counts in words."""


def counted(count: int, one: str, many: str | None = None) -> str:
    """Return `1 person`, `5 people`, `1,200 calls`."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
