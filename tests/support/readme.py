"""What README and docs show of real runs: `python tests/support/readme.py` records it again, and a test compares.

A page shows a record between `<!-- recorded: NAME -->` and `<!-- /recorded -->`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from documents import blocks  # noqa: E402

from scai_cli.analysis.before_after import Answer, BeforeAfter, before_after  # noqa: E402
from scai_cli.analysis.headline import headline  # noqa: E402
from scai_cli.analysis.holdout import holdout_change  # noqa: E402
from scai_cli.analysis.participants import participants  # noqa: E402
from scai_cli.api import load  # noqa: E402
from scai_cli.experiment.constitution import Principle  # noqa: E402
from scai_cli.runs.history.history import History  # noqa: E402

README: Final = ROOT / "README.md"
END: Final = "<!-- /recorded -->\n"


@dataclass(frozen=True, slots=True)
class Runs:
    """A folder with a run of the quickstart and one of the help desk."""

    folder: Path

    def scai(self, *words: str) -> str:
        """Return what a command prints to stdout on a terminal of 80 columns."""
        return self._called(*words).stdout

    def _called(self, *words: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "SCAI_RUNS_DIR": str(self.folder), "COLUMNS": "80", "NO_COLOR": "1"}
        command = [sys.executable, "-m", "scai_cli", *words]
        return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True)

    def screen(self, *words: str) -> str:
        """Return what a command prints to stdout, then the next commands on stderr."""
        shown = self._called(*words)
        return shown.stdout + shown.stderr


@contextmanager
def made() -> Iterator[Runs]:
    """Run both experiments in a folder that is removed at the end."""
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(Path(folder))
        for name in ("quickstart", "help-desk"):
            runs.scai("run", f"configs/{name}.yaml", "--quiet")
        yield runs


def code_block(text: str) -> str:
    """Return a text as a code block, without blanks at the ends of its lines."""
    return "```text\n" + "\n".join(line.rstrip() for line in text.splitlines()) + "\n```\n"


def pair(runs: Runs) -> str:
    """Return one question of the quickstart with its two answers, as a table."""
    run = load(runs.folder / "quickstart").history
    pairs = before_after(run, headline(run))
    one = next((pair for pair in pairs if pair.rule is not None), pairs[0])
    return (
        f"{one.name}, one of {participants(run.config)}, asks: *{one.question}*\n\n"
        f"| {_heading('Before', one.before)} | {_heading('After', one.after)} |\n|---|---|\n"
        f"| {_cell(one.before.text)} | {_cell(one.after.text)} |\n\n{_rule(one)}\n\n"
        f"{_both_groups(run)}\n\n"
        f"Chosen by rule: the person whose mean rating rose most; [the one who gained least](docs/start.md).\n"
    )


def _both_groups(run: History) -> str:
    """Return the change for the people who made the rules, and for those who had no part in them."""
    found, moved, holdout = headline(run), holdout_change(run), run.holdout
    assert found is not None
    assert moved is not None
    assert holdout is not None
    group, sides = found.welfare, (side["utilitarian"] for side in (holdout.first_values, holdout.last_values))
    interval = moved.difference.interval if moved.difference else None
    assert interval is not None
    return (
        f"Welfare, from 0 to 1: {_from_to(group.before, group.after)} for the {len(found.people)} people who made the "
        f"rules, {_from_to(*sides)} for {len(holdout.personas)} who had no part in them (95 % interval of that change: "
        f"{interval.low:+.2f} to {interval.high:+.2f})."
    )


def _from_to(before: float | None, after: float | None) -> str:
    assert before is not None
    assert after is not None
    return f"{before:.2f} to {after:.2f}"


def _heading(when: str, answer: Answer) -> str:
    rules = f"version {answer.version} of the rules" if answer.version else "the rules of the start"
    return f"{when}, under {rules}; rated {answer.rating:g} of 10"


def _cell(text: str) -> str:
    """Return the first paragraph of an answer as a cell."""
    first, _, rest = text.replace("|", "\\|").partition("\n\n")
    return "<br>".join(line for line in first.splitlines() if line) + (" …" if rest else "")


def _rule(one: BeforeAfter) -> str:
    if one.rule is None:
        return "No single rule made the difference."
    whom = "everyone" if isinstance(one.rule, Principle) else "some of them"
    return f"The rule that made the difference, for {whom}: **{one.rule.text}**"


def screen(runs: Runs) -> str:
    """Return what `make quickstart` shows after the run."""
    shown, message = runs.scai("show", "quickstart"), runs.scai("export", "quickstart", "--format", "system")
    return code_block(f"{shown}\nThe system message, to paste into any chatbot:\n\n{message}")


def summary(runs: Runs) -> str:
    """Return the first screen of the quickstart, with the next commands."""
    return code_block(runs.screen("show", "quickstart"))


def ratings(runs: Runs) -> str:
    """Return the ratings of the quickstart."""
    return code_block(runs.scai("show", "quickstart", "--ratings"))


def comparison(runs: Runs) -> str:
    """Return the result of the comparison of two welfare functions in the courtyard, without the tables."""
    for name, welfare in (("mean", "utilitarian"), ("worst-off", "rawlsian")):
        runs.scai("run", "configs/courtyard.yaml", "--run-id", name, "--set", f"welfare={welfare}", "--quiet")
    return code_block(runs.scai("compare", "mean", "worst-off").partition("\n\n")[0])


def message(runs: Runs) -> str:
    """Return the help desk's system message."""
    return code_block(runs.scai("export", "help-desk", "--format", "system", "--for", "members"))


def price(runs: Runs) -> str:
    """Return the table of calls and tokens that `scai check` prints; prices change with the price list."""
    lines = runs.scai("check", "configs/help-desk.yaml", "--model", "openai:gpt-4o-mini").splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("role"))
    return code_block("\n".join(lines[first : first + 5]))


def warning(runs: Runs) -> str:
    """Return the warning about people without preferences, for the page's own people and experiment."""
    folder = runs.folder / "warned"
    shutil.copytree(ROOT / "configs", folder / "configs")
    commands, experiment = (block.text for block in blocks("docs/help-desk.md")[:2])
    (folder / "desk.yaml").write_text(experiment, encoding="utf-8")
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    script = f"{commands}\nscai check desk.yaml 2> warning > /dev/null"
    subprocess.run(["bash", "-ec", script], cwd=folder, env=env, check=True, capture_output=True)
    lines = (folder / "warning").read_text(encoding="utf-8").splitlines()
    return code_block("\n".join(line for line in lines if line.startswith("warning: ")))


def verdict(runs: Runs) -> str:
    """Return the verdicts on the quickstart's product, as `scai show` prints them first."""
    runs.scai("evaluate", "none", "quickstart", "--suite", "society,choice,refusal", "--run-id", "verdict", "--quiet")
    return code_block(runs.scai("show", "verdict").partition("\n\n")[0])


RECORDS: Final[Mapping[tuple[str, str], Callable[[Runs], str]]] = {
    ("README.md", "before and after"): pair,
    ("docs/start.md", "quickstart"): screen,
    ("docs/reading.md", "summary"): summary,
    ("docs/reading.md", "ratings"): ratings,
    ("docs/reading.md", "comparison"): comparison,
    ("docs/help-desk.md", "warning"): warning,
    ("docs/help-desk.md", "message"): message,
    ("docs/help-desk.md", "price"): price,
    ("docs/evaluate.md", "verdict"): verdict,
}
"""Page and name of each record -> what makes it."""


def shown(page: str, name: str) -> str:
    """Return a record as its page shows it."""
    return (ROOT / page).read_text(encoding="utf-8").partition(_begin(name))[2].partition(END)[0]


def _begin(name: str) -> str:
    return f"<!-- recorded: {name} -->\n"


def main() -> None:
    """Write each record into its page."""
    with made() as runs:
        for (page, name), record in RECORDS.items():
            before, begin, rest = (ROOT / page).read_text(encoding="utf-8").partition(_begin(name))
            if not begin:
                sys.exit(f"{page}: lacks {_begin(name).strip()}")
            (ROOT / page).write_text(before + begin + record(runs) + END + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
