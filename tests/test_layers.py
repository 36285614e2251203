"""Every import follows the layers of CONTRIBUTING.md, including those inside functions and under TYPE_CHECKING."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import scai_cli

PACKAGE = Path(scai_cli.__file__).parent
CONTRIBUTING = PACKAGE.parent / "CONTRIBUTING.md"
ROWS = (
    "errors messages concurrency text prompts measures stats social_choice",
    "values plugins",
    "experiment",
    "runs models",
    "simulation populations",
    "analysis",
    "datasets evaluation",
    "jobs",
    "display",
    "api cli",
)
"""A name imports names of lower rows (further up here) and, in its own row, those to its left."""
PLACE = {name: (row, column) for row, names in enumerate(ROWS) for column, name in enumerate(names.split())}
DATASETS = ["generate", "samples", "formats", "export", "describe"]
ONLY_IN = {
    "typer": ("cli",),
    "click": (),
    "rich": ("display.terminal", "cli"),
    "openai": ("models.openai", "models.connection"),
    "peft": ("models.huggingface",),
    "torch": ("models.huggingface",),
    "transformers": ("models.huggingface",),
    "aiohttp": ("models", "jobs", "display.web"),
    "altair": ("display.report",),
    "vl_convert": ("display.report",),
    "filelock": ("runs", "models.cache"),
    "langchain": ("models.langchain",),
    "langchain_core": ("models.langchain",),
}
"""A package -> the layers that may import it."""
WINGS = {"terminal": None, "report": None, "web": "report"}
"""A wing of the display -> another one that it may import."""


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Every statement, also inside functions and branches; expressions, most of a tree, are not visited."""
    for node in body:
        yield node
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            yield from statements(getattr(node, part, []))


@cache
def imports(file: Path) -> list[str]:
    """Every module that a file imports, dotted; of `from a import b` both `a` and `a.b`."""
    found: list[str] = []
    for node in statements(ast.parse(file.read_text(encoding="utf-8")).body):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def dotted(file: Path) -> str:
    """`scai_cli/runs/events.py` as `runs.events`, a package by its own name."""
    return ".".join(file.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").removesuffix(".")


MODULES = {dotted(file): file for file in sorted(PACKAGE.rglob("*.py"))}


def inside(name: str) -> str:
    """The module of this package that an import names; empty for another package and for the package itself."""
    top, _, rest = name.partition(".")
    if top != PACKAGE.name:
        return ""
    while rest and rest not in MODULES:
        rest = rest.rpartition(".")[0]
    return rest


GRAPH = {module: {inside(name) for name in imports(file)} - {"", module} for module, file in MODULES.items()}


def is_in(module: str, room: str) -> bool:
    return f"{module}.".startswith(f"{room}.")


def test_a_module_imports_only_lower_rows_and_what_is_to_its_left() -> None:
    for module in MODULES.keys() - {"", "__main__"}:
        here = module.partition(".")[0]
        for imported in GRAPH[module]:
            there = imported.partition(".")[0]
            row, column = PLACE[there]
            own_row, own_column = PLACE[here]
            assert here == there or row < own_row or (row == own_row and column < own_column), f"{module}: {imported}"


def test_a_package_is_imported_only_in_its_room() -> None:
    for module, file in MODULES.items():
        for name in imports(file):
            rooms = ONLY_IN.get(name.partition(".")[0])
            assert rooms is None or any(is_in(module, room) for room in rooms), f"{module}: {name}"


def test_no_modules_import_each_other_in_a_ring() -> None:
    try:
        TopologicalSorter(GRAPH).prepare()
    except CycleError as error:
        pytest.fail(f"imports in a ring: {error.args[1]}")


def test_the_data_set_product_is_built_in_one_direction() -> None:
    for module in (name for name in MODULES if is_in(name, "datasets") and name != "datasets"):
        own = DATASETS.index(module.split(".")[1])
        for imported in (name for name in GRAPH[module] if is_in(name, "datasets") and name != "datasets"):
            assert DATASETS.index(imported.split(".")[1]) <= own, f"{module}: {imported}"


def test_no_wing_of_the_display_imports_another() -> None:
    for wing, may in WINGS.items():
        others = [f"display.{other}" for other in WINGS if other not in (wing, may)]
        for module in (name for name in MODULES if is_in(name, f"display.{wing}")):
            assert not [name for name in GRAPH[module] if any(is_in(name, other) for other in others)], module


def test_the_loop_knows_of_runs_only_their_events_and_records() -> None:
    for module in (name for name in MODULES if is_in(name, "simulation")):
        assert {name for name in GRAPH[module] if is_in(name, "runs")} <= {"runs.events", "runs.records"}, module


def test_models_and_pure_rooms_know_no_run() -> None:
    pure = ["text", "prompts", "measures", "stats", "social_choice"]
    for module, imported in GRAPH.items():
        if module.partition(".")[0] in ("models", *pure):
            assert not [name for name in imported if name in ("runs.events", "runs.records")], module


def test_only_runs_decodes_events() -> None:
    for module, file in MODULES.items():
        text = file.read_text(encoding="utf-8")
        # To parse all modules takes a second.
        if not is_in(module, "runs") and any(word in text for word in ("events.jsonl", "ANY_EVENT", "EVENTS")):
            assert "events.jsonl" not in _code(file), f"{module} names the event log"
            assert not {"ANY_EVENT", "EVENTS"} & _names(file), f"{module} reads events itself"


@pytest.mark.parametrize("module", ONLY_IN["openai"])
def test_the_openai_client_is_imported_only_when_it_connects(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    at_the_top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not [node for node in at_the_top if "openai" in ast.dump(node).split("'")]


def test_contributing_prints_this_table() -> None:
    rows = [line.split("|")[1:3] for line in CONTRIBUTING.read_text(encoding="utf-8").splitlines() if "| `" in line]
    printed = {int(number): names for number, names in rows if number.strip().isdecimal()}
    assert printed.keys() == set(range(len(ROWS)))
    for number, names in printed.items():
        assert [name.strip("/") for name in names.replace("`", "").split()] == ROWS[number].split()


def test_every_module_has_a_row() -> None:
    assert {name.partition(".")[0] for name in MODULES} - {"", "__main__"} <= PLACE.keys()


def _names(file: Path) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Name)}


def _code(file: Path) -> str:
    """The texts of a module but for its docstrings."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docs)
    return " ".join(node.value for node in texts if isinstance(node.value, str))
