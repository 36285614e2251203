"""The file of a sweep: its cells, their ids, and what is wrong in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from scai_cli.errors import ConfigError
from scai_cli.experiment.load import load_experiment
from scai_cli.experiment.sweep_file import MOST_CELLS, read_sweep
from scai_cli.experiment.yaml_text import yaml_text
from scai_cli.values import is_safe_id


def write(folder: Path, text: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def ids(folder: Path, text: str) -> list[str]:
    return [cell.run_id for cell in read_sweep(write(folder, f"experiment: a.yaml\n{text}")).cells]


def problem(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as error:
        read_sweep(write(folder, text))
    return str(error.value).replace(f"{folder}/", "")


def test_a_grid_has_all_combinations_in_the_order_of_the_file(tmp_path: Path) -> None:
    grid = "grid: {revision: {strategy: [rewrite, grounded]}, seed: [1, 2]}"
    sweep = read_sweep(write(tmp_path, f"experiment: a.yaml\neach: {{epochs: 2}}\n{grid}"))
    assert sweep.axes == ("revision.strategy", "seed")
    assert [cell.run_id for cell in sweep.cells] == [
        "study-strategy-rewrite-seed-1",
        "study-strategy-rewrite-seed-2",
        "study-strategy-grounded-seed-1",
        "study-strategy-grounded-seed-2",
    ]
    assert sweep.cells[1].values == {"revision.strategy": "rewrite", "seed": 2}
    assert sweep.cells[1].settings == {"epochs": 2, "revision.strategy": "rewrite", "seed": 2}
    assert sweep.experiment == tmp_path / "a.yaml"


def test_a_longer_grid_keeps_the_ids(tmp_path: Path) -> None:
    short, long = ids(tmp_path, "grid: {seed: [2, 1]}"), ids(tmp_path, "grid: {seed: [0, 1, 2, 3]}")
    assert set(short) < set(long)


def test_a_list_names_each_cell(tmp_path: Path) -> None:
    sweep = read_sweep(write(tmp_path, "experiment: a\nlist: [{model: {name: x}, seed: 1}, {turns: 3}]"))
    assert [cell.run_id for cell in sweep.cells] == ["study-name-x-seed-1", "study-turns-3"]
    assert sweep.axes == ("model.name", "seed", "turns")
    assert sweep.cells[0].settings == {"model": {"name": "x"}, "seed": 1}


def test_values_that_are_not_short_and_safe_get_a_digest(tmp_path: Path) -> None:
    found = ids(tmp_path, 'grid: {model: [simulated, "openai:a/b", "openai:a b", "1", 1, "", "日本", {a: b}, [1, 2]]}')
    assert found[0] == "study-model-simulated"
    assert found[1].startswith("study-model-openai-a-b-")
    assert found[3].startswith("study-model-1-")
    assert found[4] == "study-model-1"
    assert len(set(found)) == 9


def test_axes_with_equal_last_parts_have_whole_names(tmp_path: Path) -> None:
    assert ids(tmp_path, "grid: {roles.user.name: [a], roles.meta.name: [b]}") == [
        "study-roles-user-name-a-roles-meta-name-b"
    ]


def test_a_cell_adds_to_the_mappings_of_each(tmp_path: Path) -> None:
    text = "each: {turns: 1, revision: {quorum: 0.5, memory: 2}}\nlist: [{turns: 2, revision: {memory: 3}}]"
    [cell] = read_sweep(write(tmp_path, f"experiment: a.yaml\n{text}")).cells
    assert cell.settings == {"turns": 2, "revision": {"quorum": 0.5, "memory": 3}}


def test_shards_divide_the_rows(tmp_path: Path) -> None:
    sweep = read_sweep(write(tmp_path, "command: generate\neach: {source: none, n: 10}\nshards: 3"))
    assert [cell.settings["rows"] for cell in sweep.cells] == ["0:3", "3:6", "6:10"]
    assert [cell.run_id for cell in sweep.cells] == ["study-rows-0-3", "study-rows-3-6", "study-rows-6-10"]


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    SCALARS | st.text("aZ0.-/: \u202eé", max_size=40),
    lambda each: st.lists(each, max_size=2) | st.dictionaries(st.text("ab.", min_size=1, max_size=3), each, max_size=2),
    max_leaves=4,
)


@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=4))
@example([(1e16, -6.20950970552252e16), (-1.5, 5e-324)])
def test_every_id_is_safe_and_the_written_file_has_the_same_cells(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[object, object]]
) -> None:
    folder = tmp_path_factory.mktemp("sweep")
    path = write(folder, yaml_text({"experiment": "a.yaml", "list": [{"seed": a, "model.name": b} for a, b in rows]}))
    try:
        sweep = read_sweep(path)
    except ConfigError:
        assume(False)
    assert all(is_safe_id(cell.run_id) for cell in sweep.cells)
    copy = folder / "elsewhere.yaml"
    copy.write_text(sweep.dump(), encoding="utf-8")
    assert read_sweep(copy).cells == sweep.cells
    assert read_sweep(copy).experiment == folder.resolve() / "a.yaml"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", "study.yaml:1: a sweep must be a mapping of keys"),
        ("grid: {seed: [1]}", "study.yaml:1: experiment: is missing; name the experiment file"),
        (
            "personas: [{id: ann}]",
            "study.yaml:1: is an experiment; name it in a sweep file, `experiment: study.yaml`, or use `scai run`",
        ),
        ("experiment: a\nlist: []", "study.yaml:1: name the values of its cells with `grid:"),
        ("experiment: a\ngrid: {seed: [1]}\nlist: [{seed: 2}]", "study.yaml:3: list: use one of grid and list"),
        ("experiment: a\ngrid:\n  seed: 3", "study.yaml:3: grid.seed: must be a list with at least one value"),
        ("experiment: a\ngrid:\n  seed: []", "study.yaml:3: grid.seed: must be a list with at least one value"),
        ("experiment: a\nlist:\n  - {}\n", "study.yaml:3: list.0: is empty; give at least one key"),
        ("experiment: a\nlist: [{seed: 1}, {seed: 1}]", "study.yaml:2: list: gives the cell 'study-seed-1' twice"),
        (
            "experiment: a\ngrid:\n  revision: {memory: [1]}\n  revision.memory: [2]",
            "study.yaml:4: grid.revision.memory: is given twice, also by 'revision.memory'; remove one of them",
        ),
        (
            "experiment: a\neach: {revision.memory: 1, revision: {memory: 2}}\ngrid: {seed: [1]}",
            "study.yaml:2: each.revision.memory: is given twice",
        ),
        ("experiment: a\nlist: [{revision.memory: 1, revision: 2}]", "study.yaml:2: list.0.revision: is given twice"),
        ("experiment: a\ngrid: {model: [Aa, aA]}", "study.yaml:2: grid: gives two cells almost equal ids"),
        ("experiment: a\ngrids: {seed: [1]}", "study.yaml:2: grids: unknown key; did you mean 'grid'?"),
        ("experiment: a\ngrid: {seed: [1]}\nlimits: {dollars: 2}", "study.yaml:3: limits.dollars: unknown key"),
        ("experiment: a\ngrid: {seed: [1]}\nlimits: {usd: 0}", "study.yaml:3: limits.usd: must be greater than 0"),
        ("experiment: a\nname: a b\ngrid: {seed: [1]}", "study.yaml:2: name: 'a b' is not a safe id"),
        (f"experiment: a\nname: {'a' * 41}\ngrid: {{seed: [1]}}", "study.yaml:2: name: must have at most 40"),
        ("experiment: a\nshards: 2", "study.yaml:2: shards: divides the rows of a generated set"),
        ("command: generate\nshards: 2", "study.yaml:2: shards: needs at least 2 rows"),
        (
            f"experiment: a\ngrid: {{seed: {list(range(101))}, turns: {list(range(100))}}}",
            f"study.yaml:2: grid: has 10,100 cells; use at most {MOST_CELLS:,}",
        ),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path: Path, text: str, expected: str) -> None:
    assert problem(tmp_path, text).startswith(expected)


def test_a_sweep_file_is_no_experiment(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("experiment: a.yaml\ngrid: {seed: [1]}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"study.yaml:1: is a sweep file, for `scai sweep .*study.yaml`$"):
        load_experiment(path)
