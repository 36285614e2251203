"""Read a system message from a file: a text as it is, or the rules of a data file in the words of the prompts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scai_cli.analysis.audience import for_everyone
from scai_cli.errors import ConfigError
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.constitution_file import read_constitution
from scai_cli.experiment.input_files import read_text
from scai_cli.simulation.prompts import Prompts

_TEXTS: Final = (".md", ".txt")
_LARGEST: Final = 2**20


@dataclass(frozen=True, slots=True)
class SystemFile:
    """A system message with the rules that are in it, as everyone gets them."""

    constitution: Constitution
    message: str
    left_out: int = 0
    """The number of clauses for single people that are not in the message."""
    not_read: tuple[str, ...] = ()
    """The parts of a data file that are not rules, in sentences."""


def read_system_file(path: Path, prompts: Prompts) -> SystemFile:
    """Read a file; raises ConfigError if it is empty or cannot be read."""
    is_text = path.suffix in _TEXTS
    try:
        constitution, not_read = read_constitution(path, (), strict=False)
    except ConfigError:
        if not is_text:
            raise
        constitution, not_read = Constitution(), ()  # a text need not have rules that scai can read
    kept = for_everyone(constitution)
    if is_text:
        text = read_text(path, _LARGEST).strip()
        if not text:
            raise ConfigError(f"{path}: is empty; write a system message into it")
        return SystemFile(kept, text)
    left_out = len(constitution.contract) - len(kept.contract)
    return SystemFile(kept, prompts.system_message(kept), left_out, tuple(not_read))
