"""What a run's events come to: the only reader of events; everything that people take away is made from a `History`."""

from scai_cli.history.ending import Spent, Status, outcome_of, spent, status_of
from scai_cli.history.folding import read_epochs, read_history
from scai_cli.history.listing import last_rated, list_entries, list_generated
from scai_cli.history.marks import AnyMark, Cells, Mark, Marks, Pairs
from scai_cli.history.reading import Look, Within, look, read_calls, read_event, read_events, read_mark
from scai_cli.history.run import Epoch, History

__all__ = [
    "AnyMark",
    "Cells",
    "Epoch",
    "History",
    "Look",
    "Mark",
    "Marks",
    "Pairs",
    "Spent",
    "Status",
    "Within",
    "last_rated",
    "list_entries",
    "list_generated",
    "look",
    "outcome_of",
    "read_calls",
    "read_epochs",
    "read_event",
    "read_events",
    "read_history",
    "read_mark",
    "spent",
    "status_of",
]
