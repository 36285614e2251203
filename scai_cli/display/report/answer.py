"""The result of a run in sentences: the group's change, how sure it is, and what it does not show."""

from collections.abc import Iterator

from scai_cli.analysis.config_warnings import seed_dependence
from scai_cli.analysis.health import health_warnings
from scai_cli.analysis.holdout import held_out_words, holdout_change
from scai_cli.analysis.paired import Kind, held_out
from scai_cli.analysis.participants import participants
from scai_cli.analysis.run_measures import run_cost, welfare_words
from scai_cli.display.numbers import listed, number, sentence_case
from scai_cli.display.report.figures import Figures
from scai_cli.display.report.html import TEXTS, Html, cut, tag
from scai_cli.text.counts import counted

MOST_REASON = 600


def subtitle(run: Figures) -> str:
    """Return progress, tasks, models, cost and date in a line; before an epoch has ended also the people."""
    return " · ".join(_facts(run))


def _facts(run: Figures) -> Iterator[str]:
    history = run.history
    if history.started is not None:
        started = history.started
        yield f"{history.epochs_done} of {counted(started.epochs, 'epoch')}"
        yield from [] if run.headline else [participants(history.config)]
        yield counted(len(started.tasks), "task")
        yield listed([cut(model, 60) for model in dict.fromkeys(started.models.values())], 4)
    if (cost := run_cost(history)) is not None:
        calls, tokens = counted(cost.calls or 0, "call"), counted(cost.tokens, "token")
        yield from [f"{calls} and {tokens} so far"] if cost.so_far else [calls, tokens]
        yield from [f"${cost.usd:.4f}"] if cost.usd else []
    if history.started_at:
        yield history.started_at[:10]


def answer(run: Figures) -> Html:
    """Return the result of the run in sentences, the most important first."""
    lines = (_method(run), holdout_answer(run), _unknown(run), _end(run))
    unsure = [*health_warnings(run.history.answers, run.history.config), *seed_dependence(run.history.config)]
    cautions = (tag("p", sentence_case(line), class_="caution") for line in unsure)
    sentences = (tag("p", line) for line in lines if line)
    return tag("div", tag("p", _group(run), class_="lead"), sentences, cautions, class_="answer")


def _group(run: Figures) -> str:
    if run.history.started is None:
        return "This run contains no events yet."
    if run.headline is None:
        return "No epoch has ended yet, so nothing is measured."
    return run.headline.sentence.replace(" %", "\u00a0%")


def _method(run: Figures) -> str:
    """Return the method of the run, in words for readers who do not know the program."""
    found = run.headline
    if found is None or run.history.started is None:
        return ""
    low, high = run.scale
    asked = counted(len(run.history.started.tasks), "question")
    done = f"They asked an assistant {asked} and rated its answers from {low:g} to {high:g}."
    versions = f"Version {found.start.version} is its instructions (the constitution) at the start"
    if not found.apart:
        return f"{done} {versions}."
    return f"{done} {versions}, version {found.compared.version} those written from the people's reactions."


def holdout_answer(run: Figures) -> str:
    """Return the result for the held-out people and tasks; empty without a holdout."""
    holdout = run.history.holdout
    if holdout is None:
        return ""
    whom = f"Held out while the rules were written: {held_out_words(run.history)}."
    moved = holdout_change(run.history)
    if moved is None or moved.difference is None:
        return f"{whom} Nothing was measured."
    first, last = (number(values.get(run.declared)) for values in (holdout.first_values, holdout.last_values))
    return (
        f"{whom} Welfare from 0 to 1, {welfare_words(run.declared)}, was {first} under version "
        f"{holdout.first_version} and {last} under version {holdout.last_version}: {moved.words(2)}."
    )


def _unknown(run: Figures) -> str:
    """Return the limits of the result: conclusions that the run does not allow."""
    history = run.history
    if run.headline is None:
        return ""
    real = all(persona.human for persona in history.config.personas.inline)
    unknown = [] if real else ["how real people would rate these answers"]
    known = held_out(history) if history.holdout else frozenset[Kind]()
    others = listed([kind for kind in ("people", "tasks") if kind not in known])
    unknown += [f"whether other {others} give the same result (none were set aside)"] if others else []
    return f"Not known: {listed(unknown)}." if unknown else ""


def _end(run: Figures) -> str:
    history = run.history
    if history.status == "finished":
        return ""
    if history.status == "running":
        return "The run is not finished; this page shows what it has done so far."
    reason = cut(str(history.outcome.get("reason") or ""), MOST_REASON).rstrip(".")
    remedy = "" if "`scai resume " in reason or "new run" in reason else f" Resume it: scai resume {history.run_id}"
    return f"{TEXTS[history.status]}{f': {reason}' if reason else ''}.{remedy}"
