"""The layer table of the design, held against every import of the package, those inside functions too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import scai_cli

PACKAGE = Path(scai_cli.__file__).parent
LAYERS = (
    "__init__ errors chat fences",
    "values traits templates social selection",
    "endpoints provenance",
    "plugins personas tasks constitution",
    "config events yaml_source",
    "items",
    "loading models store",
    "simulation populations",
    "generation",
    "history planning",
    "explanation fidelity front honesty ledger similarity",
    "dataset compare",
    "exporters report",
    "display",
    "crew interruption",
    "session",
    "experiment starter peopling",
    "explaining frontier generating chatting",
    "cli",
    "__main__",
)
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names.split()}
ONLY_IN = {"typer": "cli", "rich": "display cli", "openai": "models", "click": ""}


def imports(file: Path) -> Iterator[str]:
    """Every module that a file imports, dotted; of `from a import b` both `a` and `a.b`."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_module_imports_only_from_lower_layers(file: Path) -> None:
    here = part(file)
    for name in imports(file):
        top, _, rest = name.partition(".")
        if top == "scai_cli":
            there = rest.partition(".")[0]
            there = there if there in LAYER else "__init__"
            assert here == there or LAYER[here] > LAYER[there], f"{file.name} imports {name}"
        elif top in ONLY_IN:
            assert here in ONLY_IN[top].split(), f"{top} is imported in {file.name}"


def test_only_one_module_knows_the_openai_client_and_only_when_it_connects() -> None:
    users = {file.name for file in FILES if any(name.split(".")[0] == "openai" for name in imports(file))}
    at_the_top = [
        node
        for node in ast.parse((PACKAGE / "models" / "openai.py").read_text(encoding="utf-8")).body
        if isinstance(node, ast.Import | ast.ImportFrom) and "openai" in ast.dump(node).split("'")
    ]
    assert users == {"openai.py"}
    assert not at_the_top


def test_every_module_has_a_layer() -> None:
    assert {part(file) for file in FILES} <= LAYER.keys()
