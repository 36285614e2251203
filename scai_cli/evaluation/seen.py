"""Find items that the rules were written from, or that are in training data: they test nothing new."""

from collections.abc import Iterable, Iterator

from scai_cli.datasets.samples.decontamination import NGRAM, Benchmark
from scai_cli.evaluation.item import Item
from scai_cli.text.words import length, words


def seen_items(items: Iterable[Item], texts: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return (item id, where) for each item whose user says one of the (where, text), or 13 words in a row of it.

    Case, punctuation and spaces do not matter, and in a script without spaces characters count, as in
    `scai export --decontaminate`.
    """
    whole: dict[tuple[str, ...], str] = {}
    long, places = Benchmark("texts"), list[str]()
    for where, text in texts:
        said = words(text)
        if said:
            whole.setdefault(tuple(said), where)
        if length(said) >= NGRAM:  # a shorter one counts only if it is all that the user says
            long.add([text])
            places.append(where)
    found = []
    for item in items:
        said = [message.content for message in item.conversation if message.role == "user"]
        equal = [whole[key] for key in _whole(said) if key in whole]
        if equal or (rows := long.matches(said)):
            found.append((item.id, equal[0] if equal else places[min(rows) - 1]))
    return found


def _whole(said: list[str]) -> Iterator[tuple[str, ...]]:
    """Yield the words of the last message, then of all messages."""
    yield tuple(words(said[-1]))
    yield tuple(words(" ".join(said)))
