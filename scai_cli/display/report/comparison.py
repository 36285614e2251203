"""Several runs side by side: the result in words, then numbers, constitutions, ratings and settings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from scai_cli.analysis.comparison import Comparison, by_verdict, compare_histories
from scai_cli.analysis.config_differences import split_members
from scai_cli.analysis.holdout import holdout_change
from scai_cli.analysis.pareto import ParetoFront
from scai_cli.analysis.participants import participants
from scai_cli.analysis.verdicts import change_words
from scai_cli.display.numbers import listed, number
from scai_cli.display.report.constitution_columns import Column, constitution_columns
from scai_cli.display.report.figures import Figures
from scai_cli.display.report.html import TEXTS, Attribute, Child, Html, cut, note, tag, together
from scai_cli.display.report.plain import function_words, likely, term
from scai_cli.display.report.recovery import NamedCurve, recoveries
from scai_cli.display.report.sections import Section
from scai_cli.display.report.tables import MOST_ROWS, heat_rows, table
from scai_cli.display.report.trade_off import plane
from scai_cli.stats.intervals import Interval
from scai_cli.text.counts import counted

MOST_RUNS = 60
MOST_COLUMNS = 12
"""The maximal number of constitutions side by side."""
MOST_DIFFERENCES = 40


@dataclass
class SideBySide:
    """Two or more runs, compared with the first; `links` has the address of each run's own part, None for none."""

    every: Sequence[Figures]
    links: Sequence[Attribute]

    @property
    def runs(self) -> Sequence[Figures]:
        """The runs that are compared."""
        return self.every[:MOST_RUNS]

    @cached_property
    def compared(self) -> Comparison:
        """The comparison that `scai compare` prints."""
        return compare_histories([(run.history, run.headline) for run in self.runs])

    @property
    def names(self) -> list[str]:
        """The names of the runs, all different."""
        return list(self.compared.runs)

    @cached_property
    def answer(self) -> Html:
        """The result in words, with the people who rated and what makes the runs hard to compare."""
        people = dict.fromkeys(run.headline.participants for run in self.runs if run.headline)
        who = f"Ratings by {listed(list(people), 10)}." if people else "No run has ratings yet."
        measured = {_measured_on(run) for run in self.runs if run.point is not None}
        care = tag("p", TEXTS["different_people"], class_="caution") if len(measured) > 1 else None
        raters = tag("p", self.compared.care, class_="caution") if self.compared.care else None
        return tag("div", self._lead, tag("p", who), raters, care, class_="answer")

    @cached_property
    def sections(self) -> list[Section]:
        """The sections below the answer."""
        points = {name: run.point for name, run in zip(self.names, self.runs, strict=True) if run.point is not None}
        front = ParetoFront(list(points.values()))
        return [
            *(
                [Section("recovery", TEXTS["recovery"]["title"], together(recoveries(self._curves)))]
                * bool(self._curves)
            ),
            Section("numbers", "The numbers", together(self._numbers)),
            Section("constitutions", "Their constitutions", together(self._constitutions)),
            Section("people", "Person by person", together(self._ratings)),
            Section("trade-off", TEXTS["plane"]["title"], together(plane(front, list(points)))),
            Section("settings", "Different settings", self._settings),
        ]

    @cached_property
    def _curves(self) -> list[NamedCurve]:
        """The recovery of each run that is a game."""
        return [(cut(name, 48), run.curves[0]) for name, run in zip(self.names, self.runs, strict=True) if run.curves]

    @property
    def _lead(self) -> Iterator[Html]:
        """Yield the first run's declared welfare in the others against that in the first, and how it was measured."""
        first, found = self.compared.first, {run: each for run, each in self.compared.paired.items() if each}
        if not found:
            yield tag("p", self.compared.sentence, class_="lead")
            return
        function, some = next(iter(next(iter(found.values())).items()))
        who = participants(self.compared.runs[first].config, some.people)
        run, verdicts = next(iter(found)), by_verdict({name: each[function] for name, each in found.items()})
        if len(found) > 1:
            parts = "; ".join(f"{verdict}: {listed(names, 6)}" for verdict, names in verdicts.items())
            yield tag(
                "p", f"{len(found)} runs against {first}, for {who} – {parts}.\u00a0", term("likely"), class_="lead"
            )
        else:
            better = next(iter(verdicts))
            serves = f"{run} serves {who} {better} than {first}: "
            sides = serves if better in ("better", "worse") else f"{run} against {first}, for {who}: "
            yield tag("p", sides, likely(some.interval, 2, "difference"), class_="lead")
        where = (
            f"{run} with {some.where}; {first} with {some.against}" if some.where != "holdout" else TEXTS["set_aside"]
        )
        words = function_words(function)
        yield tag("p", f"Measured from 0 to 1 as {words}: {where}.\u00a0", term(function))

    @property
    def _numbers(self) -> Iterator[Html]:
        rows = (self._row(*row) for row in zip(self.names, self.runs, self.links, strict=False))
        yield tag("div", table(TEXTS["comparison"], rows, words=True, label="The runs"), class_="numbers")
        yield note(TEXTS["differences"].format(first=self.names[0]))

    def _row(self, name: str, run: Figures, link: Attribute) -> tuple[Child, list[Child]]:
        title = tag("a", name, href=link) if link else name
        history, found = run.history, run.headline
        if found is None:
            return title, [history.status, *["–"] * (len(TEXTS["comparison"]) - 2)]
        own, at = found.satisfaction, f"version\u00a0{found.compared.version}"
        return title, [
            history.status,
            f"{number(own.before, own.digits)} (version\u00a0{found.start.version})",
            f"{number(own.after, own.digits)} ({at})" if found.apart else f"the same ({at})",
            _words(own.interval, own.digits) if found.apart else own.words,
            f"{number(found.welfare_by(run.declared)[1])} {run.declared}",
            self._against(name),
            number(found.welfare_by("rawlsian")[1]),
            number(found.welfare_by("gini_coefficient")[1]),
            _held_out(run),
        ]

    def _against(self, name: str) -> str:
        """Return the first run's declared welfare in a run, minus that in the first."""
        if name == self.names[0]:
            return ""
        found = next(iter(self.compared.paired[name].values()), None)
        return "nobody in common" if found is None else _words(found.interval, 2)

    @property
    def _constitutions(self) -> Iterator[Html]:
        named = zip(self.names, self.runs, self.links, strict=False)
        columns = [Column(name, run, link) for name, run, link in named if run.history.started is not None]
        yield from constitution_columns(columns[:MOST_COLUMNS])
        if (more := len(columns) - MOST_COLUMNS) > 0:
            yield note(f"and {counted(more, 'more run')}: ", tag("code", "scai show RUN --constitution"))

    @property
    def _ratings(self) -> Iterator[Html]:
        """Yield the mean own rating of everyone, and of each person, under the last version of each run."""
        rated = [(name, run, run.headline) for name, run in zip(self.names, self.runs, strict=True) if run.headline]
        if not rated or len({run.scale for _, run, _ in rated}) > 1:
            yield tag("p", "The runs have different scales of ratings." if rated else "No run has ratings yet.")
            return
        everyone = [own.after if found.apart else own.before for _, _, found in rated for own in [found.satisfaction]]
        rows: list[tuple[str, list[float | None]]] = [("Everyone", everyone)]
        people = dict.fromkeys((user, run.name(user)) for _, run, found in rated for user in found.people)
        for user, name in list(people)[:MOST_ROWS]:
            changes = [found.people.get(user) if run.name(user) == name else None for _, run, found in rated]
            rows.append((cut(name, 40), [each.after if each else None for each in changes]))
        yield note(TEXTS["across"].format(own=rated[0][1].metrics["own"]))
        yield from heat_rows([name for name, _, _ in rated], rows, rated[0][1].scale, "Mean own ratings")
        if (more := len(people) - MOST_ROWS) > 0:
            yield note(f"and {counted(more, 'more person', 'more people')}: ", tag("code", "scai compare --json"))

    @property
    def _settings(self) -> Html:
        """Return the settings that differ, and in a row each the personas and tasks that not all runs have."""
        settings, members = split_members(self.compared.differences)
        names = {user: name for run in self.runs for user, name in run.history.names.items()}
        rows = [(key, [_text(values[run]) for run in self.names]) for key, values in settings.items()]
        for kind, runs_of in members.items():
            having = [[names.get(m, m) for m, runs in runs_of.items() if run in runs] for run in self.names]
            rows.append((kind, [", ".join(each) or "–" for each in having]))
        if not rows:
            return tag("p", "None: the experiments are the same.")
        cells = [(key, [cut(text, 120) for text in texts]) for key, texts in rows[:MOST_DIFFERENCES]]
        more = len(rows) - MOST_DIFFERENCES
        return tag(
            "div",
            note("Personas and tasks: those that not all runs have.") if members else None,
            table(("Key", *self.names), cells, words=True),
            note(f"and {more} more keys: ", tag("code", "scai compare")) if more > 0 else None,
        )


def _words(interval: Interval | None, digits: int) -> str:
    return change_words(interval, digits, "difference", over="")


def _held_out(run: Figures) -> str:
    moved = holdout_change(run.history)
    if moved is None:
        return "–"
    return moved.same_rules or _words(moved.difference.interval if moved.difference else None, 2)


def _measured_on(run: Figures) -> tuple[object, ...]:
    """Return the people and tasks that the run's point was measured on."""
    history = run.history
    if history.finished is not None and history.holdout is not None:
        return frozenset(history.holdout.personas), frozenset(history.holdout.tasks), True
    last = run.played[-1]
    return frozenset(last.personas), frozenset(last.tasks), False


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "–" if value is None else str(value)
