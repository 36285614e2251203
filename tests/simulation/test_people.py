"""Cross raters are drawn, and namesakes found, as by a list of all others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scai_cli.experiment.personas import Persona
from scai_cli.simulation.people import People, spoken_names
from scai_cli.values import draw

NAMES = st.sampled_from(["", "Ann", "Ann Smith", "Bob", "Bob Jones"])


@given(st.integers(1, 30), st.none() | st.integers(0, 30), st.none() | st.integers(0, 31), st.text(max_size=5))
def test_the_drawn_raters_are_those_from_a_list_of_all_others(
    size: int, place: int | None, count: int | None, seed: str
) -> None:
    personas = [Persona(id=f"p{n}") for n in range(size)]
    persona = (
        None if place is None else Persona(id=f"p{place}")
    )  # with `place` from `size` on, one who is not among them
    expected = draw([other for other in personas if other != persona], count, seed)
    assert tuple(People(personas).others(persona, count, seed)) == expected


@given(st.lists(NAMES, min_size=1, max_size=6), st.sets(st.sampled_from(["ann", "ann smith", "bob", "bob jones"])))
def test_another_with_the_name_is_found_as_by_a_look_at_all(names: list[str], spoken_to: set[str]) -> None:
    personas = [Persona(id=f"p{n}", name=name) for n, name in enumerate(names)]
    others = {name for persona in personas[1:] for name in spoken_names(persona)}
    assert People(personas).has_other(spoken_to, personas[0]) is not spoken_to.isdisjoint(others)
