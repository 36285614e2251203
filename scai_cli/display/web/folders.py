"""The page of a folder of any kind; those of evaluations, sweeps and generated sets are here."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Final

from scai_cli.datasets.generate.manifest import GenerateManifest, read_generation
from scai_cli.datasets.generate.row import Answered, GeneratedRow, Judgement, rows
from scai_cli.display.numbers import number
from scai_cli.display.report.evaluation import evaluation_body, evaluation_facts
from scai_cli.display.report.html import Html, cut, note, tag, together
from scai_cli.display.report.sweep import MOST_CELLS, sweep_body, sweep_facts, sweep_status
from scai_cli.display.report.transcripts import choice
from scai_cli.display.web.calls import OTHER_PAGES
from scai_cli.display.web.frame import (
    Part,
    View,
    badge,
    compare_box,
    compare_form,
    field,
    form,
    heading,
    of,
    pace,
    tabs,
)
from scai_cli.display.web.library import Asked, Library
from scai_cli.display.web.runs import run_page
from scai_cli.evaluation.results import read_results
from scai_cli.runs.find import is_evaluation, is_run
from scai_cli.runs.history.status import outcome_of, status_of
from scai_cli.runs.sweep_directory import CellRecord, Sweep, is_sweep, read_sweep_directory
from scai_cli.text.counts import counted

SIZE: Final = 50
"""The rows of a page of a generated set."""
MOST_CHARACTERS: Final = 20_000
"""The maximal characters of a question or an answer; rows.jsonl has the rest."""
_ANSWERS: Final = {"initial": "first answer", "final": "later answer"}
_JUDGED: Final = {"better": "later answer better", "worse": "first answer better", "problem": "with a problem"}


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
    for cell in made:  # its page reads them, too
        library.folder(cell.run_id)
    status = sweep_status(sweep)
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
    part, shown = Part(max(1, asked.number("page") or 1), SIZE, 0), []
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
        tag("p", "Export it for a trainer: ", tag("code", f"scai export {path.name} --format preference")),
        _form(manifest, asked),
        note(f"{part.words('row')}. A later answer follows the constitution, critique by critique."),
        links,
        (_row(manifest, path.name, row) for row in shown),
        None if total else tag("p", "No row matches. ", tag("a", "Show all", href=of(path.name))),
        links if shown else None,
    )
    return View(path.name, together(head, tabs(path.name, "", OTHER_PAGES)), content, every=pace(status == "running"))


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
    later = row.final.id if row.final else None
    known = [judgement.p for judgement in row.judgements if judgement.p is not None and judgement.first == later]
    better = sum(known) / len(known) if known else 0.5
    tests = {"": True, "problem": row.problem is not None, "better": better > 0.5, "worse": better < 0.5}
    texts = (row.prompt, *(said.text for said in (*row.firsts, *row.revisions, row.final) if said))
    return tests.get(judged, False) and (not text or any(text in each.lower() for each in texts))


def _row(manifest: GenerateManifest, name: str, row: GeneratedRow) -> Html:
    asker = [cut(manifest.names.get(row.persona, row.persona), 400), " asked: "] if row.persona else None
    sides = (("First answer", row.initial), ("Later answer", row.final))
    return tag(
        "div",
        tag(
            "p", tag("span", asker, cut(row.task, 400), class_="title"), tag("q", _text(row.prompt)), class_="question"
        ),
        tag("div", (_answer(row, words, said) for words, said in sides), class_="answers"),
        _judged(row),
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


def _judged(row: GeneratedRow) -> Html | None:
    """Return how likely the later answer is the better one, and the judgements of the answers between them."""
    later = row.final.id if row.final else None
    found = [each for each in row.judgements if each.first == later]
    others = [each for each in row.judgements if each.first != later]
    if not row.judgements:
        return None
    words = "; ".join(f"{number(each.p)}, by {cut(each.principle, 80)}" for each in found[:8]) or "not judged"
    between = "; ".join(f"{_pair(each)} {number(each.p)}, by {cut(each.principle, 80)}" for each in others[:8])
    more = note(f"Between: {between}") if between else None
    return tag("div", tag("p", f"Probability that the later answer is better: {words}."), more, class_="made")


def _pair(judgement: Judgement) -> str:
    """Return `answer s1 over first answer`."""
    steps = (answer.rpartition("/")[2] for answer in (judgement.first, judgement.second))
    return " over ".join(_ANSWERS.get(step, f"answer {cut(step, 40)}") for step in steps)


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
        for step in islice(row.steps, 20)
    )
    return tag("details", tag("summary", counted(len(row.steps), "critique")), tag("ol", steps))


def _text(text: str) -> str:
    return cut(text, MOST_CHARACTERS)
