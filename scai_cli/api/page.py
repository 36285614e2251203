"""A page that a notebook shows inline and that can be saved."""

from dataclasses import dataclass, field
from pathlib import Path

from scai_cli.display.report.html import tag
from scai_cli.runs.jsonl import check_target, write_whole

_HEIGHT = 800


@dataclass(frozen=True, slots=True)
class Page:
    """A page of `scai report`; a notebook shows it inline, `save` writes it."""

    title: str
    html: str = field(repr=False)
    """The whole page."""

    def save(self, path: str | Path) -> Path:
        """Write the page to a file and return its path; raises ConfigError or OutputError if it cannot be written."""
        target = Path(path)
        check_target(target)
        write_whole(target, self.html)
        return target

    def _repr_html_(self) -> str:
        # The frame has an origin of its own: nothing in it reaches the notebook, its cookies or its kernel.
        frame = tag("iframe", srcdoc=self.html, sandbox="allow-scripts", title=self.title, width="100%", height=_HEIGHT)
        return frame.text
