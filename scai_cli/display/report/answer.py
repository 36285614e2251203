"""The first screen about a run: the change in a sentence, who gains and who pays, how sure it is, and by what rules."""

from collections.abc import Iterator

from scai_cli.analysis.config_warnings import seed_dependence
from scai_cli.analysis.headline import Headline
from scai_cli.analysis.health import health_warnings
from scai_cli.analysis.holdout import held_out_words, holdout_change
from scai_cli.analysis.paired import Kind, held_out
from scai_cli.analysis.participants import participants
from scai_cli.analysis.revision_reasons import plain_reason
from scai_cli.analysis.run_measures import run_cost, welfare_words
from scai_cli.analysis.verdicts import for_whom, gained_or_lost
from scai_cli.display.numbers import change, listed, number, sentence_case
from scai_cli.display.report.deciding_rules import deciding_rules
from scai_cli.display.report.figures import Figures
from scai_cli.display.report.html import TEXTS, Child, Html, brief, cut, marked, tag
from scai_cli.display.report.plain import function_words, likely, likely_words, term
from scai_cli.display.report.recovery import norm_answer
from scai_cli.text.counts import counted

MOST_REASON = 600
MOST_QUESTION = 160
MOST_NAMES = 4


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


def answer(run: Figures, prefix: str) -> Html:
    """Return the result of the run, the most important first; `prefix` is that of the anchors of its sections."""
    unsure = [*health_warnings(run.history.answers, run.history.config), *seed_dependence(run.history.config)]
    cautions = (tag("p", marked(f"{sentence_case(line)}."), class_="caution") for line in unsure)
    end = tag("p", words) if (words := _end(run)) else None
    facts = [(title, content) for title, content in _brief(run, prefix) if content]
    lead = tag("p", _lead(run), class_="lead")
    return tag("div", lead, end, brief(facts) if facts else None, cautions, class_="answer")


def _lead(run: Figures) -> Child:
    """Return the change of the group in plain words."""
    found = run.headline
    if run.history.started is None:
        return "This run contains no events yet."
    if found is None:
        return "No epoch has ended yet, so nothing is measured."
    own = found.satisfaction
    if found.verdict == "one constitution" and not found.adopted and found.range:
        return _same_rules(run, found, *found.range)
    if own.before is None or own.after is None or not found.apart:
        return found.sentence
    verb = {"higher": "rose", "lower": "fell"}.get(found.verdict)
    before, after = number(own.before, own.digits), number(own.after, own.digits)
    sides = f"{verb} from {before} to {after}" if verb else f"was {before} at the start and {after} at the end"
    low, high = run.scale
    whose = f"{own.name.capitalize()} of {found.participants} {sides} on a scale from {low:g} to {high:g}: "
    name = "The product" if found.finished else "The newest version"
    unplayed = "" if found.product.epochs else f" {name} (version {found.product.version}) was not played."
    interval = None if found.verdict == "cannot tell" else own.interval
    return [whose, likely(interval, own.digits), unplayed]


def _same_rules(run: Figures, found: Headline, low: float, high: float) -> str:
    """Return the ratings under the rules of the start, where no others were adopted."""
    adopted = "No new rule was adopted" if found.finished else "No new rule has been adopted so far"
    least, most = number(low, found.satisfaction.digits), number(high, found.satisfaction.digits)
    between = least if least == most else f"between {least} and {most}"
    varies = ": it varies as much by chance" if least != most else ""
    rounds = f"in {counted(len(found.start.epochs), 'round')} under the same rules{varies}"
    scale = f"on a scale from {run.scale[0]:g} to {run.scale[1]:g}"
    return f"{adopted}. {found.satisfaction.name.capitalize()} of {found.participants} was {between} {scale} {rounds}."


def _brief(run: Figures, prefix: str) -> Iterator[tuple[str, Child]]:
    """Yield the questions of a reader in a hurry with their answers."""
    found = run.headline
    if run.history.started is None:
        return
    yield "What is asked", _asked(run, found)
    if found is None:
        return
    if run.curves:
        yield "The hidden norm", norm_answer(run)
    if found.apart:
        yield from _who(run, found)
        yield "How sure", list(_sure(run, found))
        did_it = found.verdict in ("higher", "lower") or run.explanation is not None
        yield "Which rules did it" if did_it else "Which rules are new", list(deciding_rules(run, prefix))
    else:
        yield "Why no rule is new", list(_not_adopted(run, prefix))
        yield "How sure", tag("p", words) if (words := _set_aside(run)) else None
    yield "Not known", _unknown(run)
    if (used := run.history.config.ratings.calibration) is not None:
        off = f"off by {used.error:.2f} in place of {used.error_without:.2f}, from 0 to 1, on people outside of the fit"
        yield (
            "Calibrated",
            tag("p", f"In welfare, own ratings are calibrated on {used.words}: {off}. Satisfaction is as rated."),
        )


def _asked(run: Figures, found: Headline | None) -> Html:
    """Return the method of the run, in words for readers who do not know the program."""
    low, high = run.scale
    tasks = run.history.config.tasks.inline
    first = f"“{cut(' '.join(tasks[0].prompt.split()), MOST_QUESTION)}”" if tasks else ""
    asked = f"{len(tasks)} questions, for example {first}" if len(tasks) > 1 else first or "questions"
    who = participants(run.history.config, (found.people if found else None) or None, brief=True)
    rated = f"{sentence_case(who)} ask an assistant {asked} They rate its answers from {low:g} to {high:g}"
    start = f"instructions at the start (the constitution, version {found.start.version if found else 0})"
    if found is None or not found.apart:
        return tag("p", f"{rated}, under its {start}.")
    end = f"those written from their reactions (version {found.compared.version})"
    return tag("p", f"{rated}: at first under its {start}, at the end under {end}.")


def _who(run: Figures, found: Headline) -> Iterator[tuple[str, Child]]:
    """Yield who gained and who lost beyond chance, the most first, and whose change may be chance."""
    people = sorted(found.people.items(), key=lambda item: -abs(item[1].change))
    by_verdict: dict[str, list[str]] = {"gained": [], "lost": [], "cannot tell": []}
    for user, person in people:
        by_verdict[gained_or_lost(person.interval)].append(f"{run.name(user)} {change(person.change, 1)}")
    gained, lost, unclear = by_verdict.values()
    if not people:
        return
    if not gained and not lost:
        largest = f"The change of each single person may be chance; the largest: {listed(unclear, MOST_NAMES)}."
        yield "Who gains, who pays", [tag("p", largest)]
        return

    of = f"of {len(people)}"
    clear = f"{len(gained)} {of}, clearly: {listed(gained, MOST_NAMES)}." if gained else "Nobody clearly."
    yield "Who gains", [tag("p", clear, " ", term("clearly"))]
    clear = f"{len(lost)} {of}, clearly: {listed(lost, MOST_NAMES)}." if lost else "Nobody clearly."
    chance = f"For {len(unclear)} {of} the change may be chance: {listed(unclear, MOST_NAMES)}."
    yield "Who pays", [tag("p", clear), tag("p", chance) if unclear else None]


def _not_adopted(run: Figures, prefix: str) -> Iterator[Html]:
    """Yield the reasons against the revisions, each with its epochs, and a link to their words."""
    epochs: dict[str, list[str]] = {}
    for epoch in run.history.epochs:
        if epoch.revision is not None:
            reason = cut(plain_reason(epoch.revision.reason, brief=True), MOST_REASON)
            epochs.setdefault(reason, []).append(str(epoch.revision.epoch))
    for reason, numbers in list(epochs.items())[:MOST_NAMES]:
        when = f"{'Epoch' if len(numbers) == 1 else 'Epochs'} {listed(numbers, 6)}"
        yield tag("p", f"{when}: {reason}.")
    if epochs:
        yield tag("p", tag("a", "What was proposed, and who objected", href=f"#{prefix}revisions"))


def _sure(run: Figures, found: Headline) -> Iterator[Html]:
    """Yield for whom the change is valid, and the result for people or tasks that were set aside."""
    interval = found.satisfaction.interval
    if interval is not None and interval.low is not None and (whom := for_whom(interval)):
        yield tag("p", f"The range above is for {whom}; others may react otherwise.")
    if words := _set_aside(run):
        yield tag("p", words)


def _set_aside(run: Figures) -> Child:
    """Return the result for the people or tasks that were set aside, in plain words; empty without any."""
    moved, holdout = holdout_change(run.history), run.history.holdout
    if holdout is None:
        return None
    whom = f"Set aside while the rules were written: {held_out_words(run.history, brief=True)}."
    if moved is None or moved.difference is None:
        return f"{whom} Nothing was measured."
    first, last = (number(values.get(run.declared)) for values in (holdout.first_values, holdout.last_values))
    interval = moved.difference.interval
    known = f", for {for_whom(interval, '')}" if interval.low is not None else ""
    change_words = moved.same_rules or f"{likely_words(interval, 2)}{known}"
    sides = f"{function_words(run.declared)} was {first} at first and {last} at the end: {change_words}."
    return [f"{whom} How well they are served, from 0 to 1: {sides}\u00a0", term("welfare")]


def holdout_answer(run: Figures) -> str:
    """Return the exact result for the people and tasks that were set aside; empty without a holdout."""
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


def _unknown(run: Figures) -> Html | None:
    """Return the limits of the result: conclusions that the run does not allow."""
    history = run.history
    real = all(persona.human for persona in history.config.personas.inline)
    unknown = [] if real else ["how real people would rate these answers"]
    known = held_out(history) if history.holdout else frozenset[Kind]()
    others = listed([kind for kind in ("people", "tasks") if kind not in known])
    unknown += [f"whether other {others} give the same result (none were set aside)"] if others else []
    return tag("p", f"{sentence_case(listed(unknown))}.") if unknown else None


def _end(run: Figures) -> str:
    history = run.history
    if history.status == "finished":
        return ""
    if history.status == "running":
        return "The run is not finished; this page shows what it has done so far."
    reason = cut(str(history.outcome.get("reason") or ""), MOST_REASON).rstrip(".")
    remedy = "" if "`scai resume " in reason or "new run" in reason else f" Resume it: scai resume {history.run_id}"
    return f"{TEXTS[history.status]}{f': {reason}' if reason else ''}.{remedy}"
