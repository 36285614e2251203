"""How Sphinx builds the documentation; nothing is fetched, and a warning is an error (`make docs`)."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # as found in a clone, installed or not

from scai_cli import __version__  # noqa: E402

project = "scai"
author = "the scai developers"
copyright = "the scai developers, MIT licence"
release = version = __version__

extensions = ["myst_parser"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4
exclude_patterns = ["_build", "_generator"]
highlight_language = "none"
nitpicky = True
smartquotes_action = "qe"  # `--set` in a sentence is no dash

html_theme = "furo"
html_title = "scai"
html_static_path = ["_static"]
html_css_files = ["scai.css"]
html_copy_source = False
html_use_index = False
html_show_search_summary = False  # it needs a server; the list of pages does not
html_show_sphinx = False
pygments_style = "friendly"
pygments_dark_style = "github-dark"

_LIGHT = {
    "color-brand-primary": "#0b6b62",
    "color-brand-content": "#0b6b62",
    "color-brand-visited": "#0b6b62",
    "color-background-primary": "#fdfcfa",
    "color-background-secondary": "#f5f3ee",
    "color-background-hover": "#ece9e1",
    "color-foreground-primary": "#1d2024",
    "color-foreground-secondary": "#565c66",
    "color-background-border": "#dedcd4",
    "color-inline-code-background": "#eef3f1",
}
_DARK = {
    "color-brand-primary": "#5cc9bb",
    "color-brand-content": "#5cc9bb",
    "color-brand-visited": "#5cc9bb",
    "color-background-primary": "#14171b",
    "color-background-secondary": "#1a1e23",
    "color-background-hover": "#242a31",
    "color-foreground-primary": "#e9e7e1",
    "color-foreground-secondary": "#a6abb5",
    "color-background-border": "#343a43",
    "color-inline-code-background": "#1d2b2b",
}
html_theme_options = {"light_css_variables": _LIGHT, "dark_css_variables": _DARK, "navigation_with_keys": True}


def _report_of_the_quickstart(app: Any, error: Exception | None) -> None:
    """Put the report of a run of today's quickstart into the site, so that a reader can look at one."""
    if error is not None or app.builder.format != "html":
        return
    with tempfile.TemporaryDirectory() as runs:
        env = {**os.environ, "SCAI_RUNS_DIR": runs, "PYTHONPATH": str(ROOT)}
        for words in (
            ["run", "configs/quickstart.yaml", "--quiet"],
            ["report", "quickstart", "-o", str(Path(app.outdir) / "quickstart-report.html")],
        ):
            subprocess.run(
                [sys.executable, "-m", "scai_cli", *words], cwd=ROOT, env=env, check=True, capture_output=True
            )


def setup(app: Any) -> None:
    app.connect("build-finished", _report_of_the_quickstart)
