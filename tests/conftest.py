"""What the tests share: a tiny experiment in a folder of its own, and `scai` as a user would call it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from scai_cli.cli import main

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU)
"""The signals that end a command in good order."""

KNOWN_PEOPLE = "revision: {strategy: rewrite, acceptance: always, clauses: people}\n"
"""The revision of the tiny experiment: of three people who want different things, few rules would be approved."""
TINY = f"""\
name: tiny
seed: 3
epochs: 2
turns: 1
personas:
  - {{id: ann, name: Ann Smith, description: Ann wants it short., preferences: {{concise: 1.0, warm: 0.5}}}}
  - {{id: bob, name: Bob Jones, description: Bob wants it long., preferences: {{detailed: 1.0, formal: 0.5}}}}
  - {{id: cid, name: Cid Brown, description: Cid wants sources., preferences: {{names_source: 1.0}}}}
tasks:
  - {{id: tea, prompt: How do I make a pot of tea?}}
  - {{id: sleep, prompt: What helps against bad sleep?}}
limits: {{concurrency: 1}}
{KNOWN_PEOPLE}"""

PART = os.environ.setdefault("TEST_PART", str(date.today().toordinal() % 3))  # the workers of xdist inherit it
"""The third of the `rotating` tests that runs today; `all` runs each of them."""

settings.register_profile("scai", deadline=None, max_examples=100 if PART == "all" else 25, print_blob=True)
settings.load_profile("scai")


@dataclass(frozen=True)
class Called:
    """What a command left behind: its exit code, stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.err.splitlines()

    @property
    def errors(self) -> list[str]:
        """The lines of stderr without warnings, e.g. about a society whose ratings have few values."""
        return [line for line in self.lines if not line.startswith("warning: ")]


def scai(*arguments: object) -> Called:
    """Run the command line in this process, from the arguments to the exit code."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    argv, sys.argv = sys.argv, ["scai", *map(str, arguments)]
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    code: Any = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as end:
        code = end.code or 0
    finally:
        sys.argv = argv
        for number, handler in handlers.items():  # a process does not need them back
            signal.signal(number, handler)
    return Called(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))  # type: ignore[attr-defined]


def scai_process(*arguments: object, cwd: Path | None = None, **env: str) -> Called:
    """Run the command line in a process of its own, with these environment variables over the present ones."""
    found = subprocess.run(
        [sys.executable, "-m", "scai_cli", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Called(found.returncode, found.stdout.decode(), found.stderr.decode())


def events(run: Path) -> list[dict[str, Any]]:
    """The events of a run directory, read as anybody would."""
    with (run / "events.jsonl").open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def calls(run: Path) -> list[dict[str, Any]]:
    """The call log of a run directory."""
    with (run / "calls.jsonl").open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def pytest_report_header() -> str:
    return f"rotating tests: {'all' if PART == 'all' else f'third {PART}'} (TEST_PART=0, 1, 2 or all)"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    rotating = [item for item in items if item.get_closest_marker("rotating")]
    if PART != "all" and len(rotating) > 9:  # fewer were named on the command line
        rested = {item for n, item in enumerate(rotating) if n % 3 != int(PART)}
        config.hook.pytest_deselected(items=list(rested))
        items[:] = [item for item in items if item not in rested]


@pytest.fixture(autouse=True, scope="session")
def _no_signal_is_ignored() -> None:
    """Under `nohup`, for one, tests and the commands that they start would ignore SIGHUP."""
    for number in SIGNALS:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test stands in an empty folder, and no setting of the developer's reaches it."""
    monkeypatch.chdir(tmp_path)
    for name in ("SCAI_RUNS_DIR", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A small experiment: 3 personas x 2 tasks x 1 turn x 2 epochs, one call at a time."""
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the tiny experiment, for tests that only read."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "tiny.yaml").write_text(TINY, encoding="utf-8")
    called = scai("run", folder / "tiny.yaml", "--runs-dir", folder / "runs", "--quiet")
    assert called == Called(0, "tiny\n", "")
    return folder / "runs" / "tiny"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium, driven by Playwright."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert chromium, "no Chromium: apt-get install chromium"
    with pytest.importorskip("playwright.sync_api").sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()
