"""Make `examples/real/`: the folder of `examples/small-model.yaml`, run and resumed with `--force` on the small model.

    python tests/support/make_example_real.py      # or `make example-real`

Do so when prompts, forms or events have changed on purpose. It serves the model itself, on the experiment's port.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import yaml
from model_server import served

ROOT: Final = Path(__file__).parents[2]
EXPERIMENT: Final = ROOT / "examples" / "small-model.yaml"
FOLDER: Final = ROOT / "examples" / "real"


def make() -> None:
    """Run the experiment in an empty folder, and keep the run's folder without its lock."""
    address = yaml.safe_load(EXPERIMENT.read_text(encoding="utf-8"))["model"]["base_url"]
    port = str(urlsplit(address).port)
    with tempfile.TemporaryDirectory() as folder, served("real_model.py", "--port", port) as url:
        assert url == address, url
        command = [sys.executable, "-m", "scai_cli"]
        # `run --force` is for the rater check alone; `resume --force` is for revisions that cannot be read, too.
        if subprocess.run([*command, "run", str(EXPERIMENT), "--force"], cwd=folder).returncode:
            subprocess.run([*command, "resume", FOLDER.name, "--force"], check=True, cwd=folder)
        shutil.rmtree(FOLDER, ignore_errors=True)
        shutil.copytree(Path(folder, "runs", FOLDER.name), FOLDER, ignore=shutil.ignore_patterns(".lock"))


if __name__ == "__main__":
    make()
