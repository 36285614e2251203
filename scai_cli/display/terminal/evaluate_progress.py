"""The progress of an evaluation."""

from dataclasses import dataclass, field

from scai_cli.display.terminal.progress_view import complaint
from scai_cli.jobs.evaluate import EvaluationEvent, EvaluationStarted
from scai_cli.jobs.session import SessionStart
from scai_cli.text.counts import counted


@dataclass(slots=True)
class EvaluateProgress:
    """Counts rows; returns lines for the first problems, and for the end of each suite without a live view."""

    run_id: str = ""
    wanted: dict[str, int] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=dict)
    problems: int = 0
    suite: str = ""

    def begin(self, session: SessionStart) -> None:
        """Set the name of the evaluation."""
        self.run_id = session.run_id

    def note(self, item: EvaluationEvent) -> str | None:
        """Count a row; return a line about the evaluation at its start, and about the first problems."""
        if isinstance(item, EvaluationStarted):
            manifest = item.manifest
            self.wanted = {suite.name: suite.items for suite in manifest.suites}
            systems = ", ".join(system.name for system in manifest.systems)
            there = f", {counted(item.written, 'row')} written before" if item.written else ""
            return f"evaluation {self.run_id}: {systems} (the first is the reference){there}"
        if item.kind != "item":
            return None
        self.suite = item.suite
        self.done[item.suite] = self.done.get(item.suite, 0) + 1
        self.problems += item.problem is not None
        return complaint(item.problem, self.problems)

    def milestone(self) -> str | None:
        """Return the progress after the last item of a suite."""
        done, wanted = self.done.get(self.suite, 0), self.wanted.get(self.suite)
        return f"{self.suite}: {counted(done, 'item')} answered" if done == wanted else None

    def line(self, phase: str) -> str:
        """Return the state of the evaluation in one line."""
        parts = [f"{name} {self.done.get(name, 0):,} of {wanted:,}" for name, wanted in self.wanted.items()]
        problems = f", {self.problems:,} with problems" if self.problems else ""
        return f"{self.run_id} · {phase} · items: {', '.join(parts)}{problems}"
