"""A model server in a process of its own, for as long as a test needs it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def served(program: str, *options: str) -> Iterator[str]:
    """Start a program of this folder that prints its base URL when it is ready; yields the URL."""
    command = [sys.executable, str(Path(__file__).with_name(program)), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            if not url:
                pytest.fail(f"the server did not start: {process.communicate()[1][-2000:]}")
            yield url
        finally:
            process.terminate()
            process.communicate(timeout=10)
    assert process.returncode == 0
