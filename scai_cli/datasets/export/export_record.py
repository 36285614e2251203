"""The record of an export, for its card and its manifest."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from scai_cli.datasets.export.provenance import Provenance
from scai_cli.datasets.export.summary import ExportSummary
from scai_cli.datasets.formats.format import ExportedFile, Format
from scai_cli.datasets.generate.criterion import Criterion
from scai_cli.experiment.constitution import Constitution


@dataclass(frozen=True, slots=True)
class ExportSource:
    """A run or a generated set that rows came from."""

    run_id: str
    constitution: Constitution
    """The last version."""
    models: Mapping[str, str]
    digest: str
    """SHA-256 of its events or rows."""
    personas: int = 0
    """The number of personas who spoke and rated in it."""
    people: str = ""
    """The same people in words, see `analysis.participants`."""
    has_real_people: bool = False
    health: tuple[str, ...] = ()
    """Reasons not to trust its answers and ratings, in sentences."""
    criteria: tuple[Criterion, ...] = ()
    """What its answers were criticised and compared by, in words of their own."""


@dataclass(frozen=True, slots=True)
class ExportRecord:
    """The record of an export."""

    format_name: str
    format: Format
    files: tuple[ExportedFile, ...]
    sources: tuple[ExportSource, ...]
    licences: Mapping[str, int]
    """Licence -> rows; "" for rows whose personas and tasks state none."""
    left_out: Mapping[str, int]
    """Reason -> number of rows left out (`rating`, `margin`, `duplicate`, `contaminated`, `no difference`, ...)."""
    command: str
    """The exact command, quoted for a shell."""
    settings: Mapping[str, object]
    """The filters, splits and seeds that differ from their defaults."""
    provenance: type[Provenance] = Provenance
    """The type of each row's provenance."""
    summary: ExportSummary = field(default=ExportSummary())
    """The balance, length and variety of the rows."""
    notes: tuple[str, ...] = ()
    """Notes for readers, such as the decontamination report."""
