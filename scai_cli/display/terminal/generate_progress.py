"""The progress of a generated set."""

from dataclasses import dataclass, field

from scai_cli.datasets.generate.manifest import GenerateManifest
from scai_cli.datasets.generate.row import JudgedWins
from scai_cli.display.terminal.progress_view import complaint
from scai_cli.jobs.generate import GenerateEvent, GenerateStarted
from scai_cli.jobs.session import SessionStart
from scai_cli.text.counts import counted


@dataclass(slots=True)
class GenerateProgress:
    """Counts rows; returns lines for the first problems, and for every tenth of the rows without a live view."""

    run_id: str = ""
    wanted: int = 0
    written: int = 0
    problems: int = 0
    wins: JudgedWins = field(default_factory=JudgedWins)
    tenths: int = 0
    """The tenths of the rows reported so far."""

    def begin(self, session: SessionStart) -> None:
        """Set the name of the set; GenerateStarted has the number of rows."""
        self.run_id = session.run_id

    def note(self, item: GenerateEvent) -> str | None:
        """Count a row; return a line about the set at its start, and about the first problems."""
        if isinstance(item, GenerateStarted):
            self.wanted, self.written = len(item.manifest.orders.numbers), item.written
            self.tenths, self.wins = self.written * 10 // self.wanted, item.wins
            return _beginning(item.manifest, item.written)
        self.written += 1
        self.problems += item.problem is not None
        self.wins.add(item)
        return complaint(item.problem, self.problems)

    def milestone(self) -> str | None:
        """Return the progress after each tenth of the rows."""
        tenths = self.written * 10 // self.wanted if self.wanted else 0
        if tenths == self.tenths:
            return None
        self.tenths = tenths
        return self._counts()

    def line(self, phase: str) -> str:  # noqa: ARG002 - the rows say it
        """Return the state of the set in one line."""
        return f"{self.run_id} · {self._counts()}"

    def _counts(self) -> str:
        wins = self.wins
        parts = (
            f"{self.written:,} of {self.wanted:,} rows",
            f"{self.problems:,} with problems" if self.problems else "",
            f"later answer wins {100 * wins.later / wins.of_later:.0f} %" if wins.of_later else "",
            f"shown first wins {100 * wins.shown_first / wins.of_both_orders:.0f} %" if wins.of_both_orders else "",
        )
        return " · ".join(filter(None, parts))


def _beginning(manifest: GenerateManifest, written: int) -> str:
    orders, learned = manifest.orders, manifest.learned
    rules = {rule.id for rule in (*learned.rules, *(manifest.criteria or ()))}
    users = f", {len(manifest.names)} users in turn" if manifest.by_turns else ""
    there = f", {written:,} written before" if written else ""
    numbers = orders.numbers
    shard = f" (r{numbers.start} to r{numbers.stop - 1} of {orders.n:,})" if orders.rows else ""
    return (
        f"set {manifest.run_id}: {len(numbers):,} rows{shard} from {manifest.tasks.count:,} tasks{users}, "
        f"version {learned.version} of {manifest.source} ({counted(len(rules), 'rule')}){there}"
    )
