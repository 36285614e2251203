"""Write tables of measured numbers between the marks of `docs/benchmarks.md`."""

from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def write_between(name: str, text: str) -> None:
    """Replace the text between `<!-- NAME:begin -->` and `<!-- NAME:end -->`."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    document = DOCS.read_text(encoding="utf-8")
    head, begins, rest = document.partition(begin)
    _, ends, tail = rest.partition(end)
    if not begins or not ends:
        raise SystemExit(f"{DOCS.name} has no {begin} ... {end}")
    DOCS.write_text(f"{head}{begin}\n{text}\n{end}{tail}", encoding="utf-8")


def line(*cells: str) -> str:
    """Return a line of a Markdown table."""
    return f"| {' | '.join(cells)} |"
