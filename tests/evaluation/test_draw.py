"""A draw of items: by cluster, in the proportions of the whole, the same for the same seed."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from scai_cli.evaluation.draw import drawn
from scai_cli.evaluation.item import Item
from scai_cli.evaluation.item_files import starter_items


def item(number: int, cluster: str, label: str) -> Item:
    fields = {"id": str(number), "suite": "x", "prompt": "?", "cluster": cluster, "label": label}
    return Item.model_validate(fields | {"source": "x", "licence": "x"})


TEMPLATES = [item(n, f"t{n // 100}", ("ambiguous", "disambiguated")[n % 2]) for n in range(3000)]


def test_contrast_pairs_stay_together() -> None:
    chosen = drawn(starter_items("refusal"), 15, 1)
    assert len(chosen) == 14
    assert set(Counter(item.cluster for item in chosen).values()) == {2}


def test_the_kinds_keep_their_shares() -> None:
    chosen = Counter(item.label for item in drawn(starter_items("choice"), 22, 3))
    assert chosen["bbq ambiguous"] == chosen["bbq disambiguated"]
    assert all(4 <= count <= 9 for count in chosen.values())
    assert sum(chosen.values()) in (21, 22)


def test_large_templates_do_not_fill_the_draw() -> None:
    chosen = drawn(TEMPLATES, 40, "seed")
    assert Counter(item.label for item in chosen) == {"ambiguous": 20, "disambiguated": 20}
    assert set(Counter(item.cluster for item in chosen).values()) == {4}


def test_a_draw_is_the_seed_s_and_keeps_the_order() -> None:
    first, again, other = (drawn(TEMPLATES, 40, seed) for seed in (1, 1, 2))
    assert first == again != other
    assert [int(item.id) for item in first] == sorted(int(item.id) for item in first)
    assert drawn(TEMPLATES, None, 1) == drawn(TEMPLATES, 3000, 1) == tuple(TEMPLATES)


@given(st.lists(st.tuples(st.integers(0, 8), st.sampled_from("ab")), max_size=40), st.integers(0, 45))
def test_a_draw_has_at_most_n_and_nearly_n(kinds: list[tuple[int, str]], n: int) -> None:
    items = [item(number, str(cluster), label) for number, (cluster, label) in enumerate(kinds)]
    chosen = drawn(items, n, 1)
    assert len(set(chosen)) == len(chosen) <= n
    assert len(chosen) == len(items) or len(chosen) > n - 8
