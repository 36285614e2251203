"""Select the personas and tasks that take part, or say why there are none."""

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from pathlib import Path

from scai_cli.errors import ConfigError
from scai_cli.experiment.config import PersonaSource, TaskSource
from scai_cli.experiment.item_files import LONGEST_ITEM, Item, check_item, items, plural
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.scalars import composed, values_of
from scai_cli.experiment.yaml_source import Key, YamlSource
from scai_cli.text.suggestions import did_you_mean, most_frequent
from scai_cli.values import draw


def select(
    spec: PersonaSource | TaskSource,
    model: type[Item],
    seed: int,
    source: YamlSource,
    folder: Path,
    declared: Collection[str] | None = None,
) -> tuple[Item, ...]:
    """Return the personas or tasks of the experiment: all, or a sample; raises ConfigError if there are too few.

    `declared` are its own measures, which personas may prefer; None for a saved experiment, which is not checked.
    """
    key = plural(model)
    for n, item in enumerate(spec.inline if declared is not None else ()):
        check_item(item, source, _inline(source, key, n), declared or ())  # type: ignore[arg-type]
    parts: list[Iterable[Item]] = [spec.inline]  # type: ignore[list-item]
    for file in (spec.files,) if isinstance(spec.files, str) else spec.files:
        if not os.path.exists(folder / file):
            raise source.error(
                (key, "from"), f"there is no file {str(folder / file)[-400:]}; paths are relative to this file"
            )
        parts.append(items(folder / file, model, declared or ()))
    if spec.sample is None:
        selected = tuple(_wanted(parts, spec, source))
        if not selected:
            raise _none_left(parts, spec, source)
        return _of_sane_length(selected, source)
    # Read twice, first to count and then to take, so that a large file is never in memory as a whole.
    count = sum(1 for _ in _wanted(parts, spec, source))
    if not count:
        raise _none_left(parts, spec, source)
    if spec.sample > count:
        raise source.error((key, "sample"), f"asks for {spec.sample} of {count} {key}; lower it")
    chosen = set(draw(range(count), spec.sample, f"{seed}/{key}"))
    drawn = tuple(item for n, item in enumerate(_wanted(parts, spec, source)) if n in chosen)
    return _of_sane_length(drawn, source)


def _of_sane_length(chosen: tuple[Item, ...], source: YamlSource) -> tuple[Item, ...]:
    for item in chosen:
        if len(item.model_dump_json()) > LONGEST_ITEM:
            problem = f"{item.id!r} is longer than {LONGEST_ITEM:,} characters; shorten it"
            raise source.error((plural(type(item)),), problem)
    return chosen


def _wanted(parts: Iterable[Iterable[Item]], spec: PersonaSource | TaskSource, source: YamlSource) -> Iterator[Item]:
    """Yield the items with the wanted split and attributes; raises ConfigError for a duplicate id."""
    key = "personas" if isinstance(spec, PersonaSource) else "tasks"
    ids: set[str] = set()
    for n, item in enumerate(chain.from_iterable(parts)):
        if item.id in ids:
            path = _inline(source, key, n) if n < len(spec.inline) else (key, "from")
            raise source.error(path, f"the id {item.id!r} occurs twice; change one")
        ids.add(item.id)
        if spec.wants(item):  # type: ignore[arg-type]
            yield item


def _inline(source: YamlSource, key: str, n: int) -> tuple[Key, ...]:
    """Return the path of an item that is written in the experiment file, in its long or short form."""
    return (key, "inline", n) if (key, "inline") in source.lines else (key, n)


def _none_left(parts: Iterable[Iterable[Item]], spec: PersonaSource | TaskSource, source: YamlSource) -> ConfigError:
    key = "personas" if isinstance(spec, PersonaSource) else "tasks"
    splits: Counter[str] = Counter(str(item.split or "none") for item in chain.from_iterable(parts))
    if not splits:
        return source.error((key,), f"there is no {key[:-1]}; give a file with `from:` or write some here")
    if isinstance(spec, TaskSource) or spec.split not in (None, *splits):
        return source.error((key, "split"), f"no {key[:-1]} has it; there are {most_frequent(splits)}")
    people = (item for item in chain.from_iterable(parts) if isinstance(item, Persona))
    return source.error((key, "where"), _no_match(people, spec))


def _no_match(people: Iterable[Persona], spec: PersonaSource) -> str:
    """Say for each key of `where` which values there are."""
    attributes: Counter[str] = Counter()
    values: dict[str, Counter[str]] = {key: Counter() for key in spec.where}
    for persona in people:
        if spec.split in (None, persona.split):
            attributes.update(persona.attributes.keys())
            for key in spec.where.keys() & persona.attributes.keys():
                values[key][composed(persona.attributes[key])] += 1
    problems = []
    for key, there in values.items():
        wanted = values_of(spec.where[key])
        if not there:
            near = did_you_mean(key, attributes)
            problems.append(f"no persona has {key!r}{near or f', the attributes are {most_frequent(attributes)}'}")
        elif not there.keys() & set(wanted):
            near = next((near for value in wanted if "did you" in (near := did_you_mean(value, there))), "")
            problems.append(f"{key!r} is {most_frequent(there)}{near}")
    return f"no persona matches; {'; '.join(problems) or 'each value has personas, but none has all of these values'}"
