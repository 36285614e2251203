"""Numbers and lists as text, the same on screens and pages."""

from scai_cli.analysis.verdicts import rounded, signed


def number(value: float | None, digits: int = 2) -> str:
    """Return a number, `–` if it is missing."""
    return "–" if value is None else f"{rounded(value, digits):.{digits}f}"


def change(value: float | None, digits: int = 2) -> str:
    """Return a difference with its sign, `–` if it is missing."""
    return "–" if value is None else signed(value, digits)


def duration(seconds: float) -> str:
    """Return a time in words, of two digits: `40 seconds`, `12 minutes`, `3.5 hours`."""
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds >= size or size == 1:
            count = f"{seconds / size:.0f}" if seconds >= 10 * size else f"{seconds / size:.2g}"
            return f"{count} {unit}{'s' * (count != '1')}"
    raise AssertionError


def listed(words: list[str], most: int = 3) -> str:
    """Return `A, B and C`, of more than `most` `A, B, C and 4 more`."""
    if len(words) > most:
        words = [*words[:most], f"{len(words) - most} more"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def sentence_case(text: str) -> str:
    """Return the text with a capital first letter."""
    return text[:1].upper() + text[1:]


def cell(value: object) -> str:
    """Return a value of a row as a table shows it: a number with four digits, `–` if it is missing."""
    if value is None:
        return "–"
    return f"{rounded(value, 9):.4g}" if isinstance(value, float) else str(value)
