"""The items of a suite that has no people: the starter items, or those of the user's file, and a draw of them."""

from collections.abc import Sequence

from scai_cli.evaluation.draw import drawn
from scai_cli.evaluation.item import Item
from scai_cli.evaluation.item_files import read_items, starter_items
from scai_cli.evaluation.suite import SuiteSource
from scai_cli.models.notices import Notices


def suite_items(suite: str, source: SuiteSource) -> Sequence[Item]:
    """Return the items, at most `n`; write on stderr what a file has that was not read. Raises ConfigError."""
    if source.file is None:
        return drawn(starter_items(suite), source.n, source.config.seed)
    file = read_items(source.file, suite)
    notice = Notices()
    for line in (*file.not_read, *file.notes):
        notice(line)
    return drawn(file.items, source.n, source.config.seed)
