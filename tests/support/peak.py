"""Run the command line and write the peak of its resident memory to a file: `peak.py FILE ARGUMENT...`.

`ru_maxrss` of a child would start with the memory of its parent.
"""

from __future__ import annotations

import atexit
import resource
import sys
from pathlib import Path

from scai_cli.cli import main


def write_peak(file: Path) -> None:
    """Write the peak in megabytes."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text().splitlines()
        kb = next(float(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    else:  # macOS counts bytes
        kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    file.write_text(f"{kb / 1024:.1f}")


if __name__ == "__main__":
    atexit.register(write_peak, Path(sys.argv[1]))
    sys.argv[1:] = sys.argv[2:]
    main()
