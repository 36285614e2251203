"""The engines that play the cells of a sweep; `scai_cli.jobs.sweep.Engine` is what each one does."""

from collections.abc import Mapping
from typing import Final, Literal

EngineName = Literal["local", "ray"]
ENGINES: Final[Mapping[EngineName, str]] = {
    "local": "scai_cli.jobs.sweep_engines.local:LocalEngine",
    "ray": "scai_cli.jobs.sweep_engines.ray:RayEngine",
}
"""Name -> the engine, made from the number of cells at the same time."""
