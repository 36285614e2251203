"""The page of a folder of any kind; those of evaluations, sweeps and generated sets are here."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from scai_cli.datasets.generate.manifest import GenerateManifest, export_options, read_generation
from scai_cli.datasets.generate.row import Answered, GeneratedRow, Judgement, rows
from scai_cli.display.numbers import number
from scai_cli.display.report.evaluation import evaluation_body, evaluation_facts
from scai_cli.display.report.frame import badge
from scai_cli.display.report.html import Html, cut, note, scai_command, tag, together
from scai_cli.display.report.sweep import MOST_CELLS, sweep_body, sweep_facts
from scai_cli.display.report.transcripts import choice, field
from scai_cli.display.web.calls import OTHER_PAGES
from scai_cli.display.web.frame import Part, View, compare_box, compare_form, form, heading, of, pace, tabs
from scai_cli.display.web.library import Asked, Library
from scai_cli.display.web.runs import run_page
from scai_cli.evaluation.results import read_results
from scai_cli.runs.find import is_evaluation, is_run, is_sweep
from scai_cli.runs.history.status import outcome_of, status_of
from scai_cli.runs.sweep_directory import CellRecord, Sweep, read_sweep_directory
from scai_cli.text.counts import counted

SIZE: Final = 50
"""The rows of a page of a generated set."""
MOST_CHARACTERS: Final = 20_000
"""The maximal characters of a question or an answer; rows.jsonl has the rest."""
_ANSWERS: Final = {"initial": "first answer", "final": "final answer"}
_JUDGED: Final = {"better": "second answer better", "worse": "first answer better", "problem": "with a problem"}


def folder_page(library: Library, asked: Asked) -> View:
    """Return the page of a run, an evaluation, a sweep or a generated set; raises RunError if it is damaged."""
    path = library.folder(asked.name)
    if is_run(path):
        return run_page(library, asked)
    if is_evaluation(path):
        return _evaluation(path)
    return _sweep(library, path) if is_sweep(path) else _set(path, asked)


def _evaluation(path: Path) -> View:
    evaluation = read_results(path)
    facts = evaluation_facts(evaluation).removeprefix(f"{evaluation.status} · ")
    head = together(heading(path.name, evaluation.status, facts), tabs(path.name, "", OTHER_PAGES))
    return View(path.name, head, evaluation_body(evaluation), every=pace(evaluation.status == "running"))


def _sweep(library: Library, path: Path) -> View:
    sweep = read_sweep_directory(path)
    made = [cell for cell in sweep.cells if sweep.folder_of(cell).is_dir()]
    library.folders([cell.run_id for cell in made])  # the page reads them, too
    status = sweep.status
    links = (
        tag("li", _box(sweep, cell), tag("a", cell.run_id, href=of(cell.run_id)), " ", badge(cell.status))
        for cell in made[:MOST_CELLS]
    )
    more = note(f"and {counted(len(made) - MOST_CELLS, 'more cell')}") if len(made) > MOST_CELLS else None
    opened = tag("summary", f"Open one of {counted(len(made), 'cell')}")
    listed = together(tag("ul", links, class_="cells"), more)
    runs = tag("details", opened, compare_form(listed) if sweep.command == "run" else listed)
    head = together(heading(path.name, status, sweep_facts(sweep)), runs if made else None)
    return View(path.name, head, sweep_body(sweep), every=pace(status == "running"))


def _box(sweep: Sweep, cell: CellRecord) -> Html | None:
    return compare_box(cell.run_id) if sweep.command == "run" else None


def _set(path: Path, asked: Asked) -> View:
    """Return rows of a generated set: question, both answers, and how they were judged."""
    manifest, outcome = read_generation(path), outcome_of(path)
    part, shown = Part(asked.number("page") or 1, SIZE, 0), []
    total = written = 0
    for row in rows(path):
        written += 1
        if _selected(row, asked):
            if part.span.start <= total < part.span.stop:
                shown.append(row)
            total += 1
    part = Part(part.number, SIZE, total)
    status = status_of(path, written == len(manifest.orders.numbers), outcome)
    head = heading(path.name, status, _facts(manifest, written))
    links = part.links(path.name, **{key: asked.text(key) for key in ("persona", "judged", "text")})
    content = together(
        (tag("p", f"Warning: {line}.", class_="caution") for line in map(str, outcome.get("health") or ())),
        _next_step(manifest, path.name, status),
        _form(manifest, asked),
        note(f"{part.words('row')}."),
        links,
        (_row(manifest, path.name, row) for row in shown),
        None if total else tag("p", "No row matches. ", tag("a", "Show all", href=of(path.name))),
        links if shown else None,
    )
    return View(path.name, together(head, tabs(path.name, "", OTHER_PAGES)), content, every=pace(status == "running"))


def _next_step(manifest: GenerateManifest, name: str, status: str) -> Html | None:
    if status == "running":
        return None
    if status != "finished":
        return tag("p", "Continue it: ", scai_command("resume", name))
    return tag("p", "Export it for a trainer: ", scai_command("export", name, *export_options(manifest, name)))


def _facts(manifest: GenerateManifest, written: int) -> str:
    orders, learned = manifest.orders, manifest.learned
    return " · ".join(
        [
            f"{written:,} of {counted(len(orders.numbers), 'row')}",
            counted(manifest.tasks.count, "task"),
            f"version {learned.version} of {cut(manifest.source, 200)} ({counted(len(learned.rules), 'rule')})",
            cut(manifest.config.model_for("assistant").label, 100),
            f"scai {manifest.scai}",
        ]
    )


def _form(manifest: GenerateManifest, asked: Asked) -> Html:
    people = choice("persona", "Person", list(manifest.names.items()), asked.text("persona"))
    return form(
        of(manifest.run_id),
        people if manifest.by_turns else None,
        choice("judged", "Judged", list(_JUDGED.items()), asked.text("judged")),
        field("text", "Text", asked.text("text"), "words in it"),
        label="Filter the rows",
    )


def _selected(row: GeneratedRow, asked: Asked) -> bool:
    judged, text = asked.text("judged"), asked.text("text").strip().lower()
    if asked.text("persona") not in ("", row.persona or ""):
        return False
    known = [each.p for each in row.judgements if each.p is not None and _is_of_both(each, row)]
    better = sum(known) / len(known) if known else 0.5
    tests = {"": True, "problem": row.problem is not None, "better": better > 0.5, "worse": better < 0.5}
    texts = (row.prompt, *(said.text for said in (*row.firsts, *row.revisions, row.final) if said))
    return tests.get(judged, False) and (not text or any(text in each.lower() for each in texts))


def _other(row: GeneratedRow) -> tuple[str, Answered | None]:
    """Return the answer that a row shows beside its first one, with its name; None where it has none."""
    if row.final is None and row.steps:
        return "Last revision", row.revisions[-1]
    if row.final is None and row.samples:
        return "Another first answer", row.samples[0]
    return "Final answer", row.final


def _row(manifest: GenerateManifest, name: str, row: GeneratedRow) -> Html:
    asker = [cut(manifest.names.get(row.persona, row.persona), 400), " asked: "] if row.persona else None
    other = _other(row)
    sides = [("First answer", row.initial), *[other] * (other[1] is not None or row.problem is not None)]
    return tag(
        "div",
        tag(
            "p", tag("span", asker, cut(row.task, 400), class_="title"), tag("q", _text(row.prompt)), class_="question"
        ),
        tag("div", (_answer(row, words, said) for words, said in sides), class_="answers"),
        _judged(manifest, row),
        _steps(row),
        tag("p", f"Problem: {cut(row.problem, 400)}", class_="caution") if row.problem else None,
        note(tag("a", f"calls of {row.id}", href=of(name, "calls", id=f"{row.id}/"))),
        class_="pair",
        id=row.id,
    )


def _answer(row: GeneratedRow, words: str, said: Answered | None) -> Html:
    text = _text(said.text) if said else "There is none."
    given = [rating.value for rating in row.ratings if said and rating.answer == said.id and rating.value is not None]
    mean = f", rated {number(sum(given) / len(given), 1)} ({counted(len(given), 'rating')})" if given else None
    return tag("div", tag("p", tag("b", words), mean, class_="title"), tag("p", text, class_="text", dir="auto"))


def _judged(manifest: GenerateManifest, row: GeneratedRow) -> Html | None:
    """Return how likely the second answer shown is the better one, and the judgements of the row's other pairs."""
    if not row.judgements:
        return None
    found = [each for each in row.judgements if _is_of_both(each, row)]
    others = [each for each in row.judgements if not _is_of_both(each, row)]
    words = "; ".join(f"{number(each.p)}, by {_rule(manifest, each)}" for each in found[:8]) or "not judged"
    between = "; ".join(f"{_pair(each)} {number(each.p)}, by {_rule(manifest, each)}" for each in others[:8])
    more = note(f"Other answers of the row: {between}") if between else None
    return tag("div", tag("p", f"Probability that the second of these is better: {words}"), more, class_="made")


def _is_of_both(judgement: Judgement, row: GeneratedRow) -> bool:
    """Return whether the judge compared the two answers that a row shows."""
    other = _other(row)[1]
    sides = (other, row.initial)
    return (judgement.first, judgement.second) == tuple(side.id if side else None for side in sides)


def _rule(manifest: GenerateManifest, judgement: Judgement) -> str:
    rule = manifest.learned.rule(judgement.principle)
    return cut(judgement.principle if rule is None else f"{judgement.principle} ({rule.text})", 200)


def _pair(judgement: Judgement) -> str:
    """Return `revision 1 over first answer`."""
    return " over ".join(_name(answer.rpartition("/")[2]) for answer in (judgement.first, judgement.second))


def _name(step: str) -> str:
    """Return the name of an answer from the end of its id."""
    kind = {"s": "revision", "i": "first answer"}.get(step[:1]) if step[1:].isdecimal() else None
    return _ANSWERS.get(step) or (f"{kind} {step[1:]}" if kind else cut(step, 40))


def _steps(row: GeneratedRow) -> Html | None:
    if not row.steps:
        return None
    steps = (
        tag(
            "li",
            tag("b", cut(step.principle, 80), class_="rule-id"),
            " ",
            tag("span", _text(step.critique), dir="auto"),
        )
        for step in row.steps[:20]
    )
    return tag("details", tag("summary", counted(len(row.steps), "critique")), tag("ol", steps))


def _text(text: str) -> str:
    return cut(text, MOST_CHARACTERS)
