"""How alike texts are, by the words they share."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from scai_cli.experiment.constitution import Constitution

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Matrix = list[list[float]]
"""Row and column n are the n-th text."""

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")
"""A word, or a single character of a script that is written without spaces."""
_BLOCK = 4096
"""So many terms are compared at a time, which bounds the memory."""


def text_similarity(texts: Sequence[str]) -> Matrix:
    """Return the similarity of each text with each, in [0, 1]; 1 for the same words, 0 where none is shared.

    It is the cosine of the texts' vectors of terms. A term is a word or two words in a row within a line, whatever the
    case; its weight is (1 + ln tf) (1 + ln((1 + N) / (1 + df))): how often it stands in the text, times how few of the
    N different texts hold it (tf-idf, Salton and Buckley 1988, with a smoothed idf that never takes a term out). The
    order of lines does not count, so that rules may change places. As idf is over the texts that are given, the value
    for two of them changes a little with the others. Texts without a word are alike among each other and unlike all
    else.
    """
    different = list(dict.fromkeys(texts))
    place = {text: at for at, text in enumerate(different)}
    alike = _cosines([Counter(_terms(text)) for text in different])
    return [[1.0 if one == other else alike[place[one]][place[other]] for other in texts] for one in texts]


def vector_similarity(vectors: Sequence[Sequence[float]]) -> Matrix:
    """Return the cosine of each vector with each, in [-1, 1]; vectors are of one length; one of nothing has 0."""
    import numpy as np

    table = np.asarray(vectors, dtype=np.float64)
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    table = np.divide(table, lengths, out=np.zeros_like(table), where=lengths > 0)
    found = np.clip(table @ table.T, -1.0, 1.0)
    np.fill_diagonal(found, 1.0)
    rows: Matrix = found.tolist()
    return rows


def rules_text(constitution: Constitution) -> str:
    """A constitution as a text to compare: a line for each rule."""
    return "\n".join(" ".join(rule.text.split()) for rule in constitution.rules)


def _terms(text: str) -> Iterator[str]:
    for line in text.casefold().splitlines():
        words = _WORD.findall(line)
        yield from words
        yield from (f"{one} {other}" for one, other in pairwise(words))


def _cosines(counted: Sequence[Counter[str]]) -> Matrix:
    import numpy as np

    held = Counter(term for counts in counted for term in counts)
    terms = list(held)
    products = np.zeros((len(counted), len(counted)))
    for start in range(0, len(terms), _BLOCK):
        weights = _weights(counted, terms[start : start + _BLOCK], held)
        products += weights @ weights.T
    lengths = np.sqrt(np.diag(products))
    wordless = lengths == 0
    spread = np.outer(lengths, lengths)
    found = np.divide(products, spread, out=np.zeros_like(products), where=spread > 0)
    found[np.outer(wordless, wordless)] = 1.0
    np.fill_diagonal(found, 1.0)
    rows: Matrix = np.clip(found, 0.0, 1.0).tolist()
    return rows


def _weights(counted: Sequence[Counter[str]], terms: Sequence[str], held: Counter[str]) -> NDArray[np.float64]:
    """A row for each text, a column for each term."""
    import numpy as np

    rarity = {term: 1 + math.log((1 + len(counted)) / (1 + held[term])) for term in terms}
    place = {term: at for at, term in enumerate(terms)}
    table = np.zeros((len(counted), len(terms)))
    for row, counts in enumerate(counted):
        for term in counts.keys() & place.keys():
            table[row, place[term]] = (1 + math.log(counts[term])) * rarity[term]
    return table
