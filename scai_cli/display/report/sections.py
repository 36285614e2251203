"""One run on the page, section by section."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from scai_cli.analysis.representation import representation
from scai_cli.display.numbers import sentence_case
from scai_cli.display.report import headline
from scai_cli.display.report.answer import answer
from scai_cli.display.report.before_after import before_after
from scai_cli.display.report.constitution import rules
from scai_cli.display.report.figures import Figures
from scai_cli.display.report.frame import nav
from scai_cli.display.report.html import TEXTS, Child, Html, cut, note, scai_command, tag, together
from scai_cli.display.report.people import people, who_rated_whom
from scai_cli.display.report.problems import problems, reproduce
from scai_cli.display.report.recovery import recovery
from scai_cli.display.report.time_line import MessageLinks, revision_anchor, time_line
from scai_cli.display.report.trade_off import plane
from scai_cli.display.report.transcripts import transcripts
from scai_cli.display.representation import representation_words
from scai_cli.runs.history.excerpts import Excerpts, read_excerpts
from scai_cli.runs.history.fold import read_history


@dataclass(frozen=True, slots=True)
class Detail:
    """How much is shown of a run: bytes of transcripts; `brief` leaves out charts and transcripts."""

    room: int
    brief: bool = False


BRIEF: Final = Detail(0, brief=True)


@dataclass(frozen=True, slots=True)
class Section:
    """A section with its heading."""

    anchor: str
    title: str
    content: Html


@dataclass
class Run:
    """One run on the page; `prefix` keeps its anchors apart from the others'. Each section is drawn once."""

    figures: Figures
    prefix: str

    @cached_property
    def excerpts(self) -> Excerpts:
        """The conversations that fit on a page."""
        return read_excerpts(self.figures.history)

    @cached_property
    def answer(self) -> Html:
        """The result in words."""
        return answer(self.figures, self.prefix)

    def opening(self, detail: Detail) -> Iterator[Section]:
        """Yield the sections of the first screen: the answers before and after, the constitution, the numbers."""
        run = self.figures
        if run.history.started is None:
            return
        if run.pairs and not detail.brief:
            yield _section("answers", "One question, two answers", before_after(run))
        yield self._constitution(detail)
        if run.headline is not None:
            yield _section("numbers", "The numbers", headline.numbers_table(run))
            if run.history.measured[-1].measured:
                yield _section("measured", "Measured in the answers", headline.measured_table(run))

    def sections(self, detail: Detail) -> Iterator[Section]:
        """Yield the other sections that have content."""
        if not detail.brief:
            texts = transcripts(self.figures, self.excerpts, self.prefix, detail.room)
            yield from self.whole(texts, _section("transcripts", "Transcripts", texts.html))
            return
        yield from self._message()
        rest = scai_command("report", self.figures.history.run_id)
        yield _section("more", "The rest", tag("p", "Too long for a page about several runs; see ", rest))

    def whole(self, links: MessageLinks, *texts: Section) -> Iterator[Section]:
        """Yield the sections after the first screen's; `links` lead to messages, `texts` are the transcripts."""
        yield from self._message()
        yield from self._measured
        if self.figures.history.started is not None:
            yield _section("revisions", "How the constitution was made", time_line(self.figures, links))
            yield from texts
        yield from self._ending

    def _message(self) -> Iterator[Section]:
        if self.figures.history.started is not None:
            yield _section("message", "The system message to paste", headline.message(self.figures))

    def _constitution(self, detail: Detail) -> Section:
        def anchor_of(epoch: int) -> str | None:
            return None if detail.brief else revision_anchor(self.figures, self.prefix, epoch)

        run = self.figures
        found, (constitution, _) = run.headline, run.history.product
        played = found.product if found else f"Version {constitution.version}, not played"
        listed = rules(run, constitution, anchor_of)
        start = run.history.config.constitution
        source = [f" Started from {start.label}."] if start.source is not None else []
        dropped = [f" Dropped at the start: {rule.id} {cut(rule.text, 200)}" for rule in start.dropped]
        verdict = representation(run.history)
        represented = None if verdict is None else tag("p", representation_words(verdict, run.history.names))
        about = note(sentence_case(f"{played}."), source, dropped)
        return _section("constitution", "The constitution", about, listed, represented)

    @cached_property
    def _measured(self) -> list[Section]:
        run = self.figures
        if not run.history.measured:
            return []
        versions = [f"v{point.version}" for point in run.points.points]
        groups = {(frozenset(epoch.personas), frozenset(epoch.tasks)) for epoch in run.played}
        care = tag("p", TEXTS["different_plays"], class_="caution") if len(groups) > 1 else None
        holdout = _section("holdout", "Set aside while the rules were written", headline.holdout(run))
        norm = _section("recovery", TEXTS["recovery"]["title"], recovery(run))
        return [
            *([norm] if run.curves else []),
            _section("people", "Person by person", people(run)),
            *([holdout] if run.history.holdout is not None else []),
            _section("trade-off", TEXTS["plane"]["title"], care, plane(run.points, versions)),
            _section("ratings", "Who rated whom", who_rated_whom(run)),
        ]

    @cached_property
    def _ending(self) -> list[Section]:
        return [
            _section("problems", "Problems", problems(self.figures)),
            _section("again", "How to reproduce", reproduce(self.figures)),
        ]


def contents(sections: Sequence[Section], prefix: str = "") -> Html:
    """Return sections with links to them above; `prefix` is that of their anchors."""
    return together(nav([(prefix + each.anchor, each.title) for each in sections]), drawn(sections, prefix))


def drawn(sections: Iterable[Section], prefix: str = "", heading: str = "h2") -> Html:
    """Return sections with their headings; `prefix` is that of their anchors."""
    return together(
        tag("section", tag(heading, each.title), each.content, id=prefix + each.anchor) for each in sections
    )


def read_run(path: Path, prefix: str) -> Run:
    """Read a run for the page; raises RunError for a damaged line."""
    history = read_history(path, messages=False, ratings=False, finals=True)
    return Run(Figures(history), prefix)


def _section(anchor: str, title: str, *content: Child) -> Section:
    return Section(anchor, title, together(*content))
