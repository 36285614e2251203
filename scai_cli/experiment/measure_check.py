"""Check the measures of an experiment once its people are known: their code, their options and their words."""

from collections.abc import Iterable, Iterator
from typing import Final

from scai_cli import plugins
from scai_cli.errors import ConfigError
from scai_cli.experiment.config import NO_GAMES, ExperimentConfig
from scai_cli.experiment.measure_settings import OptionError, loaded, words_of
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.rating_settings import Ratings
from scai_cli.experiment.yaml_source import Key, YamlSource

_PLACE: Final = ("ratings", "measures")


def preferred(ratings: Ratings, people: Iterable[Persona]) -> list[str]:
    """Return the measures that only the preferences of people name, each once."""
    declared = {each.name for each in ratings.measures}
    names = dict.fromkeys(name for persona in people for name in persona.preferences)
    return [name for name in names if name not in declared]


def without_foreign_measures(config: ExperimentConfig) -> ExperimentConfig:
    """Return the experiment without the measures of third parties, for work that measures nothing with them."""
    measures = [each for each in config.ratings.measures if not plugins.is_foreign("measure", each.measure)]
    kept = {*plugins.BUILT_IN["measure"], *(each.name for each in measures)}
    people = [
        persona.model_copy(update={"preferences": {n: w for n, w in persona.preferences.items() if n in kept}})
        for persona in config.personas.inline
    ]
    changes = {
        "ratings": config.ratings.model_copy(update={"measures": tuple(measures)}),
        "personas": config.personas.model_copy(update={"inline": tuple(people)}),
    }
    return config.model_copy(update=changes)


def check_measures(config: ExperimentConfig, people: Iterable[Persona], source: YamlSource) -> Ratings:
    """Return the ratings with the words of every measure; raises ConfigError for code or an option that is wrong.

    Loads the code that the experiment and the preferences of its people name.
    """
    ratings, people = config.ratings, list(people)
    described = []
    for n, each in enumerate(ratings.measures):
        try:
            function, _ = loaded(each.measure, each.options)
        except OptionError as error:
            raise source.error(_option_place(source, n, error.key), error.problem) from None
        except ConfigError as error:
            raise source.error((*_PLACE, n), str(error)) from None
        described.append(each.model_copy(update={"words": each.words or words_of(function, each.name)}))
    for name in preferred(ratings, people):
        try:
            loaded(name, {})
        except OptionError as error:
            raise source.error(("personas",), f"preferences: {error.problem}; declare it in ratings.measures") from None
        except ConfigError as error:
            raise source.error(("personas",), f"preferences: {error}") from None
    bare = next(_unmeasured(ratings, people), None) if config.dialogue in NO_GAMES else None
    if ratings.measured_weight and bare is not None:
        problem = f"nothing is measured for {bare.id!r}: add ratings.measures, or give everyone preferences"
        raise source.error(("ratings", "measured_weight"), problem)
    return ratings.model_copy(update={"measures": tuple(described)})


def _unmeasured(ratings: Ratings, people: Iterable[Persona]) -> Iterator[Persona]:
    declared = {each.name: each.weight for each in ratings.measures}
    return (persona for persona in people if not any({**declared, **persona.preferences}.values()))


def _option_place(source: YamlSource, n: int, key: str | None) -> tuple[Key, ...]:
    """Return the path of an option, which is in `options` or beside the measure's name."""
    if key is None:
        return (*_PLACE, n)
    nested = (*_PLACE, n, "options", key)
    return nested if nested in source.lines else (*_PLACE, n, key)
