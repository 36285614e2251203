"""The results of an evaluation, computed from its rows: what every suite says, and the verdicts."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from scai_cli import plugins
from scai_cli.errors import ConfigError, RunError
from scai_cli.evaluation.item import Item
from scai_cli.evaluation.manifest import EvaluationManifest, read_evaluation
from scai_cli.evaluation.row import EvaluationRow, evaluation_rows
from scai_cli.evaluation.suite import ResultSource, SuiteResult
from scai_cli.evaluation.verdict import Finding, findings
from scai_cli.experiment.personas import Persona
from scai_cli.runs.history.status import Status, outcome_of, status_of
from scai_cli.runs.jsonl import decoded, sha256
from scai_cli.runs.row_directory import ITEMS, PEOPLE
from scai_cli.text.characters import clean
from scai_cli.text.counts import counted

_NO_VERDICT: Final = "No verdict before the evaluation is finished."


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An evaluation, finished or not: its manifest, rows, items by suite and id, results and findings."""

    path: Path
    manifest: EvaluationManifest
    status: Status
    rows: Sequence[EvaluationRow]
    items: Mapping[tuple[str, str], Item]
    results: Sequence[SuiteResult]
    findings: Sequence[Finding]
    warnings: Sequence[str]

    @property
    def systems(self) -> list[str]:
        """The names of the systems, the reference first."""
        return [system.name for system in self.manifest.systems]

    def asked(self, suite: str) -> str:
        """Return the number of items of a suite that are asked, and of real people beside them, in words."""
        found = Counter(item.scores is None for (of, _), item in self.items.items() if of == suite)
        beside = f" and {counted(found[False], 'real person', 'real people')}" if found[False] else ""
        return f"{counted(found[True], 'item')}{beside}"

    def as_object(self) -> dict[str, Any]:
        """Return the object of `scai show EVALUATION --json`."""
        return {
            "run_id": self.manifest.run_id,
            "status": self.status,
            "systems": [
                s.model_dump(mode="json", include={"name", "source", "message"}) for s in self.manifest.systems
            ],
            "suites": [suite.model_dump(mode="json") for suite in self.manifest.suites],
            "rows": len(self.rows),
            "warnings": list(self.warnings),
            "findings": [finding.as_object() for finding in self.findings],
            "results": [_without_scores(asdict(result)) for result in self.results],
        }


def read_results(path: Path, *, trust: bool = False) -> Evaluation:
    """Read an evaluation and compute its results; raises ConfigError and RunError for damaged files.

    A suite of a third party is loaded only with `trust`; without it, its rows are counted alone.
    """
    manifest = read_evaluation(path)
    if sha256(path / ITEMS) != manifest.items_sha256:
        raise RunError(f"{path / ITEMS}: is missing, or changed since the start; restore it from a copy")
    rows = list(evaluation_rows(path))
    items, people = _items_of(path), people_of(path, manifest)
    results = [_result(manifest, suite.name, rows, items, people, trust=trust) for suite in manifest.suites]
    outcome = outcome_of(path)
    status = status_of(path, outcome.get("status") == "finished", outcome)
    if status != "finished":
        results = [replace(result, verdict=_NO_VERDICT) if result.verdict else result for result in results]
    systems = [system.name for system in manifest.systems]
    return Evaluation(
        path,
        manifest,
        status,
        rows,
        items,
        results,
        findings(results, systems, finished=status == "finished"),
        list(_warnings(manifest, rows, items.values(), status)),
    )


def _items_of(path: Path) -> dict[tuple[str, str], Item]:
    return {(item.suite, item.id): item for item in decoded(path / ITEMS, Item.model_validate_json)}


def people_of(path: Path, manifest: EvaluationManifest) -> dict[str, Persona]:
    """Return the people of real data in an evaluation by id; raises RunError if their file has changed."""
    if manifest.people_sha256 is None:
        return {}
    if sha256(path / PEOPLE) != manifest.people_sha256:
        raise RunError(f"{path / PEOPLE}: is missing, or changed since the start; restore it from a copy")
    return {person.id: person for person in decoded(path / PEOPLE, Persona.model_validate_json)}


def _result(
    manifest: EvaluationManifest,
    name: str,
    rows: Sequence[EvaluationRow],
    items: Mapping[tuple[str, str], Item],
    people: Mapping[str, Persona],
    *,
    trust: bool,
) -> SuiteResult:
    own = [row for row in rows if row.suite == name]
    problem = next((row.problem for row in own if row.kind == "probe"), None)
    if problem is not None:
        return SuiteResult(name, problem=problem)
    if plugins.is_foreign("suite", name) and not trust:
        return SuiteResult(name, problem="its code is third-party; add --trust to load it")
    source = _source(manifest, name, rows, items, people)
    if not source.rows:
        failed = next((row.problem for row in own if row.kind == "item"), None)
        return SuiteResult(name, problem=failed, notes=() if failed else ("No item has been answered yet.",))
    try:
        return _checked(plugins.resolve("suite", name)().results(source))
    except ConfigError as error:
        return SuiteResult(name, problem=str(error))
    except Exception as error:  # noqa: BLE001 - of a third party or a damaged row; the other suites have results
        return SuiteResult(name, problem=clean(f"its results failed: {type(error).__name__}: {error}"))


def _source(
    manifest: EvaluationManifest,
    name: str,
    rows: Sequence[EvaluationRow],
    items: Mapping[tuple[str, str], Item],
    people: Mapping[str, Persona],
) -> ResultSource:
    """Return what a suite computes its results from: its own of the rows and items."""
    own = [row for row in rows if row.suite == name]
    return ResultSource(
        config=manifest.config,
        systems=[system.name for system in manifest.systems],
        items={item_id: item for (suite, item_id), item in items.items() if suite == name},
        rows=[row for row in own if row.kind == "item" and row.answers],
        gold=[row for row in own if row.kind == "gold"],
        rules=manifest.rules,
        new=frozenset(manifest.new),
        principle=manifest.principle,
        people=people,
    )


def kept_files(path: Path, manifest: EvaluationManifest) -> dict[str, str]:
    """Return name -> text of the files that the built-in suites of a finished evaluation keep in its folder."""
    names = [suite.name for suite in manifest.suites if not plugins.is_foreign("suite", suite.name)]
    makers = {name: make for name in names if (make := getattr(plugins.resolve("suite", name)(), "files", None))}
    if not makers:
        return {}
    rows, items, people = list(evaluation_rows(path)), _items_of(path), people_of(path, manifest)
    files: dict[str, str] = {}
    for name, make in makers.items():
        files |= make(_source(manifest, name, rows, items, people))
    return files


def _checked(result: Any) -> SuiteResult:
    """Return what a suite found as it can be shown; raises TypeError or ValueError for what cannot be."""
    if not isinstance(result, SuiteResult):
        raise TypeError(f"{type(result).__name__} is not a SuiteResult")
    measures = tuple(result.measures)
    for measured in measures:
        differences = [each for each in measured.differences.values() if each is not None]
        found = [value for d in differences for value in (d.estimate, d.low, d.high, d.p, d.error, d.freedom)]
        if not all(value is None or math.isfinite(value) for value in (*found, *measured.values.values())):
            raise ValueError(f"{measured.measure.name}: a number is not finite")
        if any(d.n < 1 or not 0 <= (d.p or 0) <= 1 or (d.freedom or 1) <= 0 or (d.error or 0) < 0 for d in differences):
            raise ValueError(f"{measured.measure.name}: n, p, error or freedom is out of its range")
    tables = tuple(
        replace(
            table, columns=[str(head) for head in table.columns], rows=[[str(c) for c in row] for row in table.rows]
        )
        for table in result.tables
    )
    return replace(
        result, measures=measures, tables=tables, notes=[*map(str, result.notes)], verdict=str(result.verdict)
    )


def _warnings(
    manifest: EvaluationManifest, rows: Sequence[EvaluationRow], items: Iterable[Item], status: Status
) -> Iterator[str]:
    if status != "finished":
        yield f"the evaluation is not finished ({status}): the numbers are of {counted(len(rows), 'row')} so far"
    judged = [s.name for s in manifest.suites if not plugins.is_foreign("suite", s.name) and _is_judged(s.name)]
    if manifest.is_judge_subject and judged:
        yield f"the judge is one of the models that it judges ({', '.join(judged)}); name another with --judge"
    yield from manifest.notes
    if manifest.seen:
        yield f"{counted(len(manifest.seen), 'item')} had a part in writing the rules (--allow-seen)"
    written = [s.name for s in manifest.systems if s.is_file]
    if written and manifest.new and any(i.persona and not i.human for i in items):
        yield (
            f"a file does not say who wrote it ({', '.join(written)}): if these people and tasks had a part in it, the "
            "intervals are for members only"
        )
    if failed := sum(row.problem is not None for row in rows if row.kind == "item"):
        yield f"{counted(failed, 'row')} of {len(rows):,} have a problem; their missing scores count nowhere"


def _without_scores(result: dict[str, Any]) -> dict[str, Any]:
    """Leave out the scores of single items, which are in `rows.jsonl`."""
    return {**result, "measures": [{k: v for k, v in m.items() if k != "scores"} for m in result["measures"]]}


def _is_judged(name: str) -> bool:
    return bool(plugins.resolve("suite", name).judged)
