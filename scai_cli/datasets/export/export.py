"""Export runs and generated sets: filter and split their samples, turn them into rows, write files with provenance."""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, get_args

from msgspec import Struct

from scai_cli.analysis.audience import for_audience
from scai_cli.analysis.health import health_warnings
from scai_cli.analysis.participants import participants
from scai_cli.datasets.export.draw import Candidates, Draw, length_ratio
from scai_cli.datasets.export.export_record import ExportRecord, ExportSource
from scai_cli.datasets.export.folder import finish_folder
from scai_cli.datasets.export.output_files import STDOUT, Destination, output_files
from scai_cli.datasets.export.provenance import Provenance, WeightedProvenance, provenance_of
from scai_cli.datasets.export.row_weights import RowWeights
from scai_cli.datasets.export.summary import SummaryBuilder
from scai_cli.datasets.formats.format import ExportedFile, Format, Layout, Row
from scai_cli.datasets.samples.decontamination import CONTAMINATED, Benchmark
from scai_cli.datasets.samples.duplicates import ELSEWHERE, Dedupe, DuplicateIndex
from scai_cli.datasets.samples.filters import OWN_CLAUSES, SampleFilter, SampleSelector
from scai_cli.datasets.samples.good_answers import GoodAnswers, labelled
from scai_cli.datasets.samples.licences import Licences
from scai_cli.datasets.samples.row_samples import GeneratedSource
from scai_cli.datasets.samples.row_texts import row_texts
from scai_cli.datasets.samples.sample import RunSample, Sample, rater, task_text, whole
from scai_cli.datasets.samples.shards import shard_notes
from scai_cli.datasets.samples.sources import SampleSource, check_epoch, check_names, label_notes, open_source, stated
from scai_cli.datasets.samples.splits import ACROSS, HELD_OUT, SAME_TASK, TRAIN, By, Splitter, fraction
from scai_cli.errors import ConfigError
from scai_cli.runs.find import log_of
from scai_cli.runs.jsonl import sha256
from scai_cli.text.counts import counted
from scai_cli.text.data_files import read_data_file

_TEXTS: Final = read_data_file(__file__)
UNFIT: Final = "unfit for the format"
SPLITTING: Final = (ACROSS, HELD_OUT, SAME_TASK, ELSEWHERE)
"""The reasons to leave out a row that depend on the splits."""
_UNEVEN: Final = 0.05
"""How far the share of a split may be from the one asked for without a note."""


@dataclass(frozen=True, slots=True)
class Splitting:
    """The splits of an export, and what stays within one split: personas, tasks or both."""

    shares: Mapping[str, float]
    by: By = "both"


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """The options of an export; `command` and `settings` are printed on the card of a folder."""

    format_name: str
    destination: Destination
    layout: Layout = field(default=Layout())
    filter: SampleFilter = field(default=SampleFilter())
    splitting: Splitting | None = None
    dedupe: Dedupe | None = None
    decontaminate: Path | None = None
    mix_licences: bool = False
    max_rows: int | None = None
    balance_length: bool = False
    command: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    say: Callable[[str], None] = lambda _: None
    """Gets what `--split-by` costs in rows, before any file has its final name."""


class _Kept(Struct, frozen=True, gc=False):
    """A sample to export, with its rows and their split; `key` is the sample's number, drawn with the seed."""

    sample: Sample
    split: str
    rows: list[Row]
    key: int


def export(paths: Sequence[Path], form: Format, options: ExportOptions) -> ExportRecord:
    """Export runs and generated sets to files.

    Raises ConfigError and RunError for errors that the user can fix, OutputError for a failed write; after an error
    every file is as it was before. With `max_rows` and `balance_length` the sources are read twice, and the rows are
    chosen by seeded numbers, so their order does not matter. Rows for KTO need one pass more, for their labels.
    """
    destination = options.destination
    destination.check()
    sources = [open_source(path) for path in paths]
    options.filter.check(form.kind)
    check_names(sources, options.filter)
    if form.kind == "runs" and destination.folder:
        name = options.format_name
        raise ConfigError(f"-o {destination.target}/: format {name!r} has no samples for a card; write it to a file")
    if destination.target == STDOUT and options.splitting is not None:
        raise ConfigError("--split writes several files: add -o FILE or -o DIR/")
    if options.balance_length and form.kind not in ("pairs", "traces"):
        raise ConfigError("--balance-length balances pairs of answers, and this format has none; leave it out")
    good = _good_answers(sources, form, options.filter, options.layout)
    run = _pass(sources, form, options, good)
    with output_files(destination, form) as out:
        out.expect(run.splits())
        for kept in run.kept():
            split = run.file_of(kept)
            provenance = run.provenance(kept.sample, split or None)
            for row in kept.rows:
                out.write(split, row, provenance)
            run.summary.add(kept.sample)
        record = run.record(out.finish(), out.notes())
        if destination.folder:
            finish_folder(out.folder, record)
        if run.loses_by_splitting() and (line := _rows_by_split(run, sources, form, options, good)):
            options.say(line)
        out.publish()
    return record


def export_rows(paths: Sequence[Path], form: Format, keep: SampleFilter, layout: Layout) -> Iterator[Row]:
    """Yield the rows of runs and generated sets; raises ConfigError and RunError as `export` does."""
    sources = [open_source(path) for path in paths]
    keep.check(form.kind)
    check_names(sources, keep)
    selector = SampleSelector(keep, layout.keeps_system)
    good = _good_answers(sources, form, keep, layout)
    for samples in (source.samples(form.kind, selector) for source in sources):
        for sample in samples if good is None else labelled(samples, good, selector):
            yield from form(sample, layout)
    check_epoch(sources, keep)


class _Pass:
    """One pass through all sources."""

    def __init__(
        self,
        sources: Sequence[SampleSource],
        form: Format,
        options: ExportOptions,
        good: GoodAnswers | None,
        chosen: Draw | None = None,
    ) -> None:
        self._sources, self._form, self._options, self._good, self._chosen = sources, form, options, good, chosen
        self.summary = SummaryBuilder(options.filter.seed, options.layout.keeps_system)
        self._selector = SampleSelector(options.filter, options.layout.keeps_system)
        self._licences = Licences(options.mix_licences)
        self._duplicates = DuplicateIndex(options.dedupe)
        self._benchmark = None if options.decontaminate is None else Benchmark.read(options.decontaminate)
        self._splitter = _splitter(sources, options)
        self._provenance = options.destination.provenance(form)
        self._weights = RowWeights.of(sources)
        self._parts = () if options.destination.target == STDOUT else form.parts
        self._is_named = options.destination.folder or bool(self._parts)
        self._rows: Counter[str] = Counter()
        self._for_single_people = 0
        self._unfinished: list[str] = []

    def splits(self) -> Iterator[str]:
        """Yield the names of all splits in order; only "" if rows are not split."""
        for name in self._splitter.shares if self._splitter is not None else ("",):
            for part in self._parts or ("",):
                yield f"{name or TRAIN}{part}" if self._is_named else name

    def kept(self) -> Iterator[_Kept]:
        """Yield the samples to export, in the order of the sources."""
        form, options, chosen = self._form, self._options, self._chosen
        is_drawn = options.max_rows is not None or options.balance_length
        is_plain = self._splitter is None and self._benchmark is None and options.dedupe is None
        for source in self._sources:
            samples = source.samples(form.kind, self._selector)
            for sample in samples if self._good is None else labelled(samples, self._good, self._selector):
                split = "" if is_plain else self._split(sample)
                if split is None:
                    continue
                rows = list(form.make(sample, options.layout))
                if not rows:
                    self._selector.drop(UNFIT)
                    continue
                key = self._weights.key(sample, options.filter.seed) if is_drawn else 0
                if chosen is not None and (reason := chosen.reason_against(key)):
                    self._selector.drop(reason)
                    continue
                if not isinstance(sample, RunSample):
                    self._licences.note(whole(sample).origin.licences)
                elif "for" in form.options:
                    if options.layout.audience is None:
                        self._for_single_people += for_audience(sample.history, epoch=sample.epoch).left_out
                    if sample.epoch is None and sample.history.status != "finished":
                        self._unfinished.append(sample.history.run_id)
                self._rows[split] += len(rows)
                yield _Kept(sample, split, rows, key)
        check_epoch(self._sources, options.filter)

    def file_of(self, kept: _Kept) -> str:
        """Return the name of a sample's file: its split, plus a part drawn by the task if the format has parts."""
        name = kept.split or TRAIN if self._is_named else kept.split
        if not self._parts:
            return name
        at = fraction(f"{self._options.filter.seed}/part/{task_text(kept.sample)}")
        return name + self._parts[int(at * len(self._parts))]

    def loses_by_splitting(self) -> bool:
        """Return whether rows were left out to keep the splits apart, or a split has none; call it after the pass."""
        if self._splitter is None:
            return False
        return any(self._selector.left_out[reason] for reason in SPLITTING) or not all(self.rows().values())

    def rows(self) -> Mapping[str, int]:
        """Return the number of rows of each split; call it after the pass."""
        return {name: self._rows[name] for name in ([""] if self._splitter is None else self._splitter.shares)}

    def provenance(self, sample: Sample, split: str | None) -> Provenance | None:
        """Return the provenance of a sample's rows; None for whole runs and for files without provenance."""
        return None if self._provenance == "none" else provenance_of(sample, split, self._weights.weight(sample))

    def record(self, files: tuple[ExportedFile, ...], notes: tuple[str, ...]) -> ExportRecord:
        """Return the result of this pass; `notes` are those on the files."""
        options = self._options
        return ExportRecord(
            format_name=options.format_name,
            format=self._form,
            files=files,
            sources=tuple(_source(source) for source in self._sources if options.destination.folder),
            licences=self._licences.counts(),
            left_out=dict(sorted(self._selector.left_out.items())),
            command=options.command,
            settings=options.settings,
            provenance=WeightedProvenance if self._weights.people else Provenance,
            notes=(
                *self._notes(any(file.rows for file in files)),
                *notes,
                *(warning for file in files for warning in self._form.warnings(file)),
            ),
            summary=self.summary.summary(self._selector.left_out, {source.ratings.scale for source in self._sources}),
        )

    def _split(self, sample: Sample) -> str | None:
        """Return the split of a sample; None if the sample is left out, which is counted."""
        split, reason = "", ""
        if self._splitter is not None:
            name, reason = self._splitter.split(whole(sample).origin, task_text(sample), rater(sample))
            split = name or ""
        if not reason:
            texts = row_texts(sample)
            said = (task_text(sample), texts.prompt, texts.answer, texts.rejected or "")
            is_known = self._benchmark is not None and self._benchmark.meets(said)
            reason = CONTAMINATED if is_known else self._duplicates.reason_against(texts, split) or ""
        if reason:
            self._selector.drop(reason)
        return None if reason else split

    def _notes(self, has_rows: bool) -> Iterator[str]:
        if self._selector.left_out[OWN_CLAUSES]:
            yield _TEXTS["own_clauses" if has_rows else "only_own_clauses"]
        if count := self._for_single_people:
            clauses = counted(count, "clause for single people is", "clauses for single people are")
            yield _TEXTS["for_everyone"].format(clauses=clauses)
        for run_id in self._unfinished:
            yield _TEXTS["unfinished"].format(run=run_id)
        if self._form.kind == "runs":
            return
        generated = [source for source in self._sources if isinstance(source, GeneratedSource)]
        for source in generated:
            if source.written < (wanted := len(source.manifest.orders.numbers)):
                yield _TEXTS["unfinished_rows"].format(name=source.id, rows=source.written, wanted=wanted)
        shards = shard_notes([source.manifest for source in generated])
        yield from (*shards, *label_notes(self._sources, self._form.kind))
        if self._provenance == "none":
            yield _TEXTS["no_provenance"]
        if self._benchmark is not None:
            yield self._benchmark.report()
        if self._splitter is None:
            if any(split not in (None, TRAIN) for source in self._sources for split in source.personas.values()):
                yield _TEXTS["mixed_splits"]
            return
        yield _TEXTS["split_by"][self._splitter.by]
        rows, shares = self.rows(), self._splitter.shares
        total = sum(rows.values())
        if all(rows.values()) and any(abs(rows[name] / total - share) > _UNEVEN for name, share in shares.items()):
            found = ", ".join(f"{name} {100 * rows[name] / total:.0f} % ({100 * shares[name]:.0f} %)" for name in rows)
            yield _TEXTS["uneven"].format(shares=found)
        if self._options.dedupe != "near":
            yield _TEXTS["exact_only"]


def _source(source: SampleSource) -> ExportSource:
    constitution, models, config, answers = source.about()
    people, real = participants(config), any(persona.human for persona in config.personas.inline)
    log, health = sha256(log_of(source.path)), tuple(health_warnings(answers, config))
    worded = source.worded if isinstance(source, GeneratedSource) else ()
    return ExportSource(source.id, constitution, models, log, len(source.personas), people, real, health, worded)


def _splitter(sources: Sequence[SampleSource], options: ExportOptions) -> Splitter | None:
    splitting = options.splitting
    if splitting is None:
        return None
    near = options.dedupe == "near"
    return Splitter(splitting.shares, splitting.by, options.filter.seed, *stated(sources), near=near)


def _pass(sources: Sequence[SampleSource], form: Format, options: ExportOptions, good: GoodAnswers | None) -> _Pass:
    """Return a pass through all sources, after another one if only some of the rows are drawn."""
    chosen = None
    if options.max_rows is not None or options.balance_length:
        chosen = _drawn(_Pass(sources, form, options, good), options)
    return _Pass(sources, form, options, good, chosen)


def _rows_by_split(
    done: _Pass, sources: Sequence[SampleSource], form: Format, options: ExportOptions, good: GoodAnswers | None
) -> str | None:
    """Return a sentence about the rows that each `--split-by` keeps, the one that is `done` and the two others.

    None if all keep the same.
    """
    assert options.splitting is not None
    kept = {}
    for by in get_args(By):
        with suppress(ConfigError):  # no persona to split by, or licences that only these rows would mix
            run = done
            if by != options.splitting.by:
                run = _pass(sources, form, replace(options, splitting=replace(options.splitting, by=by)), good)
                deque(run.kept(), maxlen=0)
            kept[by] = run.rows()
    if all(rows == done.rows() for rows in kept.values()):
        return None
    parts = {by: ", ".join(f"{name} {count:,}" for name, count in rows.items()) for by, rows in kept.items()}
    counts = "; ".join(f"{by} {sum(kept[by].values()):,} ({parts[by]})" for by in kept)
    text: str = _TEXTS["rows_by_split"].format(counts=counts, by=options.splitting.by)
    return text


def _good_answers(
    sources: Sequence[SampleSource], form: Format, filters: SampleFilter, layout: Layout
) -> GoodAnswers | None:
    """Return the labels of rated answers; None for a format without labels."""
    return GoodAnswers.of(sources, filters, layout.keeps_system) if form.kind == "rated" else None


def _drawn(run: _Pass, options: ExportOptions) -> Draw:
    """Return the choice of rows, after one pass over the sources."""
    candidates = Candidates()
    for kept in run.kept():
        candidates.add(kept.key, len(kept.rows), run.file_of(kept), length_ratio(kept.sample))
    return candidates.draw(options.max_rows, options.balance_length)
