"""From runs and generated sets to files: samples, filtered and split, made into rows, written with their provenance."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from msgspec import Struct

from scai_cli.datasets.export.folder import finish_folder
from scai_cli.datasets.export.output_files import Outputs, Tracing, outputs, stdout_rows
from scai_cli.datasets.export.provenance import Tracer
from scai_cli.datasets.export.row_writers import FileKind
from scai_cli.datasets.formats.export_record import ExportedFile, ExportRecord, ExportSource
from scai_cli.datasets.formats.format import Format, Layout, Row
from scai_cli.datasets.formats.guide import warnings
from scai_cli.datasets.samples.decontamination import CONTAMINATED, Benchmark
from scai_cli.datasets.samples.duplicates import Dedupe, DuplicateIndex
from scai_cli.datasets.samples.filters import DropCounts, SampleFilter
from scai_cli.datasets.samples.licences import Licences
from scai_cli.datasets.samples.sample import Answer, Pair, RatingSample, Sample, Trace
from scai_cli.datasets.samples.sources import SampleSource, check_epoch, check_names, open_source, stated
from scai_cli.datasets.samples.splits import TRAIN, By, Splitter, fraction, number
from scai_cli.errors import ConfigError

UNFIT: Final = "unfit for the format"
SURPLUS: Final = "beyond --max-rows"
STDOUT: Final = Path("-")


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What keeps rows from saying again what others say, or what a benchmark asks."""

    dedupe: Dedupe | None = None
    decontaminate: Path | None = None
    ngram: int = 13


@dataclass(frozen=True, slots=True)
class Splitting:
    """Into which splits rows go, and whether whole personas do, whole tasks, or both."""

    shares: Mapping[str, float]
    by: By = "both"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where rows go: a file, a folder (`folder`), or `-` for stdout."""

    target: Path
    kind: FileKind = "jsonl"
    folder: bool = False


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """An export in full; `command` and `settings` are for the card of a folder."""

    format: str
    destination: Destination
    layout: Layout = field(default=Layout())
    choice: SampleFilter = field(default=SampleFilter())
    splitting: Splitting | None = None
    cleaning: Cleaning = field(default=Cleaning())
    mix_licences: bool = False
    max_rows: int | None = None
    command: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)


class _Kept(Struct, frozen=True, gc=False):
    """A sample that is exported, with its rows and the split they go to; `key` is its own number, drawn by the seed."""

    sample: Sample
    split: str
    rows: list[Row]
    key: int


def export(paths: Sequence[Path], form: Format, order: ExportOptions) -> ExportRecord:
    """Export what runs and generated sets hold; what was made.

    Raises ConfigError and RunError for what the user can fix, OutputError when a file cannot be written; then nothing
    stands under a final name that did not stand there before. With `max_rows` the sources are read twice: those rows
    are written whose seeded number is lowest, whatever order they come in.
    """
    sources = [open_source(path) for path in paths]
    order.choice.check(form.kind)
    check_names(sources, order.choice)
    bound = None if order.max_rows is None else _bound(_Pass(sources, form, order), order.max_rows)
    run = _Pass(sources, form, order, bound)
    to = order.destination
    if to.target == STDOUT:
        if order.splitting is not None:
            raise ConfigError("--split makes several files; name one with -o FILE or a folder with -o DIR/")
        return run.made((_to_stdout(run, form.columns),))
    tracing: Tracing = "column" if form.columns or to.kind != "jsonl" else "beside"
    with outputs(to.target, to.kind, tracing, folder=to.folder) as out:
        out.expect(run.splits())
        _write(run, out)
        made = run.made(out.finish())
        if out.folder is not None:
            finish_folder(out.folder, made)
        out.publish()
    return made


class _Pass:
    """One way through all sources; `left_out` tells afterwards what was left out, and why."""

    def __init__(
        self, sources: Sequence[SampleSource], form: Format, order: ExportOptions, bound: int | None = None
    ) -> None:
        self._sources, self._form, self._order, self._bound = sources, form, order, bound
        self._tally = DropCounts()
        self._licences = Licences(order.mix_licences)
        self._repeats = DuplicateIndex(order.cleaning.dedupe)
        benchmark = order.cleaning.decontaminate
        self._benchmark = None if benchmark is None else Benchmark.read(benchmark, order.cleaning.ngram)
        self._splitter = _splitter(sources, order)

    @property
    def left_out(self) -> Counter[str]:
        """Why samples were left out -> how many."""
        return self._tally.left_out

    def splits(self) -> Iterator[str]:
        """The names of all splits, in their order; "" alone where rows are not split."""
        names = [*self._splitter.shares] if self._splitter is not None else [""]
        if self._order.destination.folder or self._form.parts:
            names = [name or TRAIN for name in names]
        for name in names:
            for part in self._form.parts or (self._form.splits,):
                yield f"{name}{part}" if name else ""

    def kept(self) -> Iterator[_Kept]:
        """The samples that are exported, in the order of the sources."""
        form, order, bound = self._form, self._order, self._bound
        is_plain = self._splitter is None and self._benchmark is None and order.cleaning.dedupe is None
        for source in self._sources:
            for sample in source.samples(form.kind, order.choice, self._tally):
                split = "" if is_plain else self._split(sample)
                if split is None:
                    continue
                rows = list(form.make(sample, order.layout))
                if not rows:
                    self.left_out[UNFIT] += 1
                    continue
                key = 0 if order.max_rows is None else number(f"{order.choice.seed}/row/{_identity(sample)}")
                if bound is not None and key > bound:
                    self.left_out[SURPLUS] += 1
                    continue
                self._licences.note(_told(sample).origin.licences)
                yield _Kept(sample, split, rows, key)
        check_epoch(self._sources, order.choice)

    def file_of(self, kept: _Kept) -> str:
        """The split, and where a format deals its splits into parts the part, that rows go to: by their prompt."""
        parts = self._form.parts or (self._form.splits,)
        name = kept.split
        if self._order.destination.folder or self._form.parts:
            name = name or TRAIN
        if not name:
            return ""
        if len(parts) == 1:
            return name + parts[0]
        at = fraction(f"{self._order.choice.seed}/part/{_prompt(kept.sample)}")
        return name + parts[int(at * len(parts))]

    def made(self, files: tuple[ExportedFile, ...]) -> ExportRecord:
        """What this way through the sources has made."""
        order = self._order
        return ExportRecord(
            format=order.format,
            files=files,
            sources=tuple(_made_from(source) for source in self._sources) if order.destination.folder else (),
            licences=self._licences.counts(),
            left_out=dict(sorted(self.left_out.items())),
            command=order.command,
            settings=order.settings,
            notes=(*self._notes(), *warnings(order.format, files)),
        )

    def _split(self, sample: Sample) -> str | None:
        """Which split a sample goes to; None, counted, if it is to go nowhere."""
        what, texts = _told(sample), _texts(sample)
        split, reason = "", ""
        if self._splitter is not None:
            rater = (
                what.rater if isinstance(what, Pair) else what.score.rater if isinstance(what, RatingSample) else None
            )
            found, reason = self._splitter.split(what.origin, _prompt(sample), rater)
            split = found or ""
        if not reason and self._benchmark is not None and self._benchmark.meets(texts):
            reason = CONTAMINATED
        if not reason:
            reason = self._repeats.reason_against(texts, split) or ""
        if reason:
            self.left_out[reason] += 1
        return None if reason else split

    def _notes(self) -> Iterator[str]:
        if self._order.destination.target == STDOUT and not self._form.columns:
            yield "Rows of this format have no room to say where they came from: -o FILE writes it beside them."
        if self._benchmark is not None:
            yield self._benchmark.report()
        if self._splitter is None:
            if any(split not in (None, TRAIN) for source in self._sources for split in source.personas.values()):
                yield "Some personas are marked dev or test; without --split their rows stand among the others."
            return
        yield f"Splits are by {self._splitter.by}: {_BY[self._splitter.by]}."
        if self._order.cleaning.dedupe != "near":
            yield "Rows that are the same stand in one split only; near-duplicates were not looked for (--dedupe near)."


def _splitter(sources: Sequence[SampleSource], order: ExportOptions) -> Splitter | None:
    splitting = order.splitting
    if splitting is None:
        return None
    near = order.cleaning.dedupe == "near"
    return Splitter(splitting.shares, splitting.by, order.choice.seed, *stated(sources), near=near)


_BY: Final[Mapping[str, str]] = {
    "persona": "no persona of one split is met in another; tasks are",
    "task": "no task of one split is met in another; personas are",
    "both": "neither a persona nor a task of one split is met in another",
}


def _write(run: _Pass, out: Outputs) -> None:
    tracer = Tracer()
    for kept in run.kept():
        split = run.file_of(kept)
        provenance = tracer.provenance(kept.sample, split or None)
        for row in kept.rows:
            out.write(split, row, provenance)


def _to_stdout(run: _Pass, columns: bool) -> ExportedFile:
    rows, tracer, count = stdout_rows(), Tracer(), 0
    for kept in run.kept():
        provenance = tracer.provenance(kept.sample, kept.split or None) if columns else None
        for row in kept.rows:
            rows.write(row, provenance)
            count += 1
    rows.close()
    return ExportedFile("-", TRAIN, count, "", rows.columns, rows.longest)


def _bound(run: _Pass, most: int) -> int:
    """The highest number of a sample that is written, so that there are at most so many rows."""
    lowest: list[tuple[int, int]] = []
    total = 0
    for kept in run.kept():
        heapq.heappush(lowest, (-kept.key, len(kept.rows)))
        total += len(kept.rows)
        while total > most:
            total -= heapq.heappop(lowest)[1]
    return -lowest[0][0] if lowest else -1


def _told(sample: Sample) -> Answer | Pair | RatingSample:
    return sample.pair if isinstance(sample, Trace) else sample


def _prompt(sample: Sample) -> str:
    """The words with which the conversation was opened."""
    what = _told(sample)
    return what.prompt if isinstance(what, RatingSample) else what.prompt[0].content


def _texts(sample: Sample) -> tuple[str, ...]:
    """All that is said in a sample."""
    what = _told(sample)
    if isinstance(what, RatingSample):
        return what.prompt, what.answer, what.score.rater, what.score.kind
    said = tuple(turn.content for turn in what.prompt)
    return (*said, what.text) if isinstance(what, Answer) else (*said, what.chosen, what.rejected)


def _identity(sample: Sample) -> str:
    """What no other sample of an export has."""
    what = _told(sample)
    rater = what.rater if isinstance(what, Pair) else what.score.rater if isinstance(what, RatingSample) else ""
    return f"{what.origin.run}/{'/'.join(what.origin.messages)}/{rater}"


def _made_from(source: SampleSource) -> ExportSource:
    constitution, models = source.about()
    with source.file.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ExportSource(source.id, constitution, models, digest, len(source.personas))
