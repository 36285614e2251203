"""Who gained and who paid, person by person, and who rated whom how."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from scai_cli.history import Epoch
from scai_cli.report import charts, figures
from scai_cli.report.figures import Course, Figures
from scai_cli.report.html import Child, Html, cut, tag
from scai_cli.report.numbers import change, counted, number

MOST_PANELS = 24
MOST_ROWS = 100
MOST_RATERS = 30


def people(run: Figures) -> Iterator[Html]:
    """A panel for each person, and the numbers as a table."""
    shown = _panels(run)
    epochs = [epoch.number for epoch in run.played]
    low, high = run.scale
    left_out = len(run.courses) - len(shown)
    yield tag(
        "p",
        f"{run.metrics['own'].capitalize()} from {low:g} to {high:g} over the epochs. The band reaches from the "
        "person's lowest to the highest task; the dotted line is the mean over everybody.",
        f" Shown are the {len(shown)} who gained or lost most; {left_out} more are in the table." if left_out else None,
        class_="note",
    )
    yield tag("div", (_panel(run, course, epochs) for course in shown), class_="panels")
    yield _table(run)


def _panels(run: Figures) -> Sequence[Course]:
    if len(run.courses) <= MOST_PANELS:
        return run.courses
    ordered = sorted(run.courses, key=lambda course: course.change or 0)
    half = MOST_PANELS // 2
    chosen = {course.person for course in (*ordered[:half], *ordered[-half:])}
    return [course for course in run.courses if course.person in chosen]


def _panel(run: Figures, course: Course, epochs: Sequence[int]) -> Html:
    says = []
    for n, epoch in enumerate(epochs):
        band = course.band[n]
        reach = f", tasks {band[0]:g} to {band[1]:g}" if band else ""
        says.append(
            f"epoch {epoch}: {number(course.values[n], 1)}{reach}; everybody {number(run.everybody.values[n], 1)}"
        )
    lost = (course.change or 0) < 0
    drawn = charts.Course(
        label=f"{course.name}: {run.metrics['own']} from {number(course.first, 1)} to {number(course.last, 1)}",
        scale=run.scale,
        epochs=epochs,
        values=course.values,
        says=says,
        band=course.band,
        beside=run.everybody.values,
        colour=charts.LOSS if lost else charts.ACCENT,
    )
    caption = tag("figcaption", tag("b", cut(course.name, 60)), _arrow(course))
    return tag("figure", caption, charts.draw_course(drawn))


def _arrow(course: Course) -> Html:
    sign = "lost" if (course.change or 0) < 0 else "gained" if (course.change or 0) > 0 else "same"
    return tag(
        "span",
        f"{number(course.first, 1)} → {number(course.last, 1)} ",
        tag("b", change(course.change, 1), class_=sign),
        class_="arrow",
    )


def _table(run: Figures) -> Html:
    drifted = any(measured.drift for measured in run.history.measured)
    heads = [
        "Person",
        "first",
        "last",
        "change",
        *(["less drift"] if drifted else []),
        *(["honesty"] if run.honest else []),
    ]
    rows = []
    for course in (*run.courses[:MOST_ROWS], run.everybody):
        cells: list[Child] = [number(course.first, 1), number(course.last, 1), change(course.change, 1)]
        if drifted:
            cells.append(number(course.corrected, 1))
        if run.honest:
            cells.append(number(run.honest[course.person].overall if course.person in run.honest else None))
        rows.append(tag("tr", tag("th", cut(course.name, 60), scope="row"), (tag("td", cell) for cell in cells)))
    more = len(run.courses) - MOST_ROWS
    notes = [
        f"{counted(more, 'more person', 'more people')}: scai show {run.history.run_id} --json." if more > 0 else "",
        "Less drift: the last number less how much higher the person rates the same old answers by now."
        if drifted
        else "",
        "Honesty: rank correlation of the ratings with what a program measures in the texts; 1 is full, 0 none."
        if run.honest
        else "",
    ]
    return tag(
        "details",
        tag("summary", "The numbers as a table"),
        scrolled(
            tag("table", tag("thead", tag("tr", (tag("th", head, scope="col") for head in heads))), tag("tbody", rows))
        ),
        tag("p", " ".join(note for note in notes if note), class_="note") if any(notes) else None,
        open=len(run.courses) > MOST_PANELS,
    )


def who_rated_whom(run: Figures) -> Iterator[Html]:
    """Mean final ratings, rater by author, of the first and the last epoch that were played."""
    own, cross = run.metrics["own"], run.metrics["cross"]
    yield tag(
        "p",
        f"Rows rate, columns were answered: everyone's {cross} rating of the answers that the others got, and framed "
        f"on the diagonal the {own} with the own one. Mean over tasks, final answers only; stronger colour is higher, "
        "“–” is missing.",
        class_="note",
    )
    epochs = run.played if len(run.played) < 2 else [run.played[0], run.played[-1]]
    yield tag("div", (_matrix(run, epoch) for epoch in epochs), class_="matrices")


def _matrix(run: Figures, epoch: Epoch) -> Html:
    people, left_out = list(epoch.personas)[:MOST_RATERS], len(epoch.personas) - MOST_RATERS
    means, asked = _means(epoch)
    low, high = run.scale
    heads = (tag("th", tag("span", cut(run.name(person), 24)), scope="col") for person in people)
    rows = []
    for rater in people:
        cells = [
            heat(means.get((rater, to)), low, high, 1, own=rater == to, missing=(rater, to) in asked) for to in people
        ]
        rows.append(tag("tr", tag("th", cut(run.name(rater), 24), scope="row"), cells))
    more = (
        f"; the first {MOST_RATERS} of {len(epoch.personas)} people, all by scai show {run.history.run_id} --ratings"
        if left_out > 0
        else ""
    )
    table = tag(
        "table",
        tag("caption", f"Epoch {epoch.number}, version {epoch.constitution.version} of the constitution{more}"),
        tag("thead", tag("tr", tag("td"), heads)),
        tag("tbody", rows),
        class_="heat",
    )
    return scrolled(table)


def _means(epoch: Epoch) -> tuple[Mapping[tuple[str, str], float], set[tuple[str, str]]]:
    given: dict[tuple[str, str], list[float]] = defaultdict(list)
    asked = set()
    for rating in epoch.ratings:
        if rating.final:
            pair = (rating.rater, rating.conversation.split("/")[1])
            asked.add(pair)
            if rating.value is not None:
                given[pair].append(rating.value)
    return {pair: sum(values) / len(values) for pair, values in given.items()}, asked


def heat(value: float | None, low: float, high: float, digits: int, *, own: bool = False, missing: bool = True) -> Html:
    """A cell of a heat map: its number, on one of ten shades."""
    if value is None:
        return tag("td", "–" if missing else "", class_="own" if own else None)
    shade = min(9, max(0, int((value - low) / (high - low) * 10)))
    return tag("td", number(value, digits), class_=f"h{shade}{' own' if own else ''}")


def scrolled(table: Html) -> Html:
    """A table that scrolls by itself where the screen is narrow."""
    return tag("div", table, class_="scroll", tabindex=0, role="region", aria_label="table")


def panels_of(run: Figures) -> Iterator[Html]:
    """The welfare functions over the epochs, a panel each."""
    epochs = [epoch.number for epoch in run.played]
    for name in run.functions:
        values = [measured.values.get(name) for measured in run.history.measured]
        first, last = values[0], values[-1]
        notes = ["declared" if name == run.declared else "", figures.MEANINGS.get(name, "")]
        drawn = charts.Course(
            label=f"{name} from {number(first)} to {number(last)}",
            scale=(0.0, 1.0),
            epochs=epochs,
            values=values,
            says=[f"epoch {e}: {number(v, 3)}" for e, v in zip(epochs, values, strict=True)],
            colour=charts.ACCENT if name == run.declared else charts.INK,
            dashed=name == "gini_coefficient",
        )
        yield tag(
            "figure",
            tag(
                "figcaption",
                tag("b", name.replace("_", " ")),
                tag("span", f"{number(first)} → ", tag("b", number(last)), class_="arrow"),
                tag("small", " · ".join(note for note in notes if note)),
            ),
            charts.draw_course(drawn),
        )
