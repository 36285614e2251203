"""What a population file has, it gives back: every text, character for character, in YAML and in JSONL."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from conftest import scai
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scai_cli.experiment.item_files import items
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.scalars import scalar
from scai_cli.experiment.tasks import Task
from scai_cli.populations.population_file import population_file
from scai_cli.text.characters import hidden

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
WRITTEN = st.sampled_from(
    ["NO", "yes", "12:30", "01234", "1.10", "1e5", "0x1f", "~", "null", "None", "true", "-0", "1_000"]
)
PEOPLE = st.builds(
    Persona,
    id=st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True).filter(
        lambda name: name not in ("con", "aux", "nul", "prn")
    ),
    name=TEXTS.filter(lambda name: not hidden(name)),
    description=TEXTS,
    attributes=st.dictionaries(TEXTS, (TEXTS | WRITTEN).map(scalar), max_size=4),
    stances=st.dictionaries(TEXTS, TEXTS | WRITTEN, max_size=3),
    preferences=st.dictionaries(st.sampled_from(["concise", "warm"]), st.floats(-1, 1), max_size=2),
    weight=st.floats(min_value=1e-6, max_value=1e9),
)
CELLS = (
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp"]), max_size=20)
    .map(lambda text: " ".join(text.split()))
    .filter(lambda text: not hidden(text))  # an import removes hidden characters, unassigned ones too
)


@pytest.mark.parametrize("kind", ["yaml", "jsonl"])
@settings(max_examples=25)
@given(person=PEOPLE)
@example(person=Persona(id="a", attributes={"x": "1.10", "NO": "no", "1": "\u0085", "é": "é", "y": ""}))
def test_a_population_comes_back_as_it_was(kind: str, person: Persona) -> None:
    file = Path(f"people.{kind}")
    with population_file(file, "personas") as write:
        write(person)
    (read,) = items(file, Persona)
    assert read == person
    assert read.portrait() == person.portrait()


@pytest.mark.parametrize("kind", ["yaml", "jsonl"])
@given(prompt=TEXTS, topic=TEXTS | WRITTEN)
def test_a_task_comes_back_as_it_was(kind: str, prompt: str, topic: str) -> None:
    file, task = Path(f"tasks.{kind}"), Task(id="a", prompt=prompt, topic=topic)
    with population_file(file, "tasks") as write:
        write(task)
    assert list(items(file, Task)) == [task]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@settings(max_examples=20)
@given(cells=st.lists(CELLS | WRITTEN, min_size=1, max_size=6))
def test_a_cell_reaches_the_prompt_as_it_is_written(kind: str, cells: list[str]) -> None:
    """All cells as named columns: each is in the portrait, or is in the account as not known."""
    row = {f"c{n}": cell for n, cell in enumerate(cells)}
    names = ", ".join(row)
    Path("map.yaml").write_text(f"description: story\nattributes: [{names}]\n", encoding="utf-8")
    table = {"story": "She waits.", **row}
    if kind == "csv":
        text = io.StringIO(newline="")
        csv.writer(text).writerows([table, table.values()])
        Path("rows.csv").write_bytes(text.getvalue().encode())
    else:
        Path("rows.jsonl").write_text(json.dumps(table) + "\n", encoding="utf-8")
    called = scai("personas", "import", f"rows.{kind}", "--as", "table", "--map", "map.yaml", "-o", "p.jsonl", "--json")
    assert called.code == 0, called.err
    (person,) = items(Path("p.jsonl"), Persona)
    fields = called.json["fields"]
    for name, cell in row.items():
        if "into" in fields[name]:
            assert str(person.attributes[name]) == cell
            assert f"{name}: {cell}" in person.portrait()
        else:
            assert not cell.strip() or cell.strip().lower() in {word.lower() for word in fields[name]["not_known"]}
