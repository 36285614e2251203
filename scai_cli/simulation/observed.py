"""What programs measure in answers, and the utility that they have by it, beside the one that their users state."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import isfinite
from typing import Any, Final

from scai_cli import plugins
from scai_cli.errors import ConfigError, ScaiError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.measure_check import preferred
from scai_cli.experiment.measure_settings import MeasureSettings, OptionError, loaded
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.observed import utility
from scai_cli.text.characters import one_line
from scai_cli.text.languages import may_be_in

_REMEMBERED: Final = 1024
"""The results that are kept: the final answer of a conversation is measured for its rating and for its outcome."""


@dataclass(frozen=True, slots=True)
class _Call:
    """The arguments of a measure, equal for the same people, tasks and texts."""

    text: str
    persona_id: str
    task_id: str
    persona: Persona = field(compare=False)
    task: Task = field(compare=False)


class Measuring:
    """A measure as an experiment uses it: with its options, on texts in its languages alone."""

    def __init__(self, settings: MeasureSettings) -> None:
        """Load the measure; raises ConfigError if it cannot be loaded or an option is wrong."""
        self.name, self.words = settings.name, settings.words
        self._code = settings.measure
        self.is_foreign = plugins.is_foreign("measure", self._code)
        try:
            self._function, self._options = loaded(settings.measure, settings.options)
        except OptionError as error:
            raise ConfigError(f"ratings.measures: {settings.name}: {error}") from None
        self._languages = frozenset(getattr(self._function, "languages", ()))
        self.of_others = bool(getattr(self._function, "of_others", False))
        self._remembered: Callable[[_Call], float | None] = lru_cache(_REMEMBERED)(self._value)

    def __call__(self, text: str, persona: Persona, task: Task) -> float | None:
        """Return the value in [0, 1]; None where the measure cannot tell, as in a language that it does not know.

        Raises ConfigError for an exception of a third party's measure, and for a value that is none.
        """
        if self._languages and not may_be_in(text, self._languages):
            return None
        if self._code in TRAITS:
            return self._function(text, persona, task)  # type: ignore[no-any-return]
        return self._remembered(_Call(text, persona.id, task.id, persona, task))

    def _value(self, call: _Call) -> float | None:
        try:
            value: Any = self._function(call.text, call.persona, call.task, **self._options)
        except (Exception, SystemExit) as error:
            if isinstance(error, ScaiError) or not self.is_foreign:
                raise
            logging.getLogger("scai_cli").debug("a measure's exception", exc_info=error)
            raise self._broken(call, f"it raised {type(error).__name__}: {error}") from None
        if value is None:
            return None
        try:
            number = float(value)  # of numpy and torch as well
        except (TypeError, ValueError):
            raise self._broken(call, f"it returned {type(value).__name__} {value!r}") from None
        if not (isfinite(number) and 0 <= number <= 1) or isinstance(value, str | bytes):
            raise self._broken(call, f"it returned {value!r}")
        return number

    def _broken(self, call: _Call, what: str) -> ConfigError:
        where = f"for {call.persona_id} on {call.task_id}"
        remedy = "a measure returns a number in [0, 1] or None"
        return ConfigError(f"measure {self._code!r}, {where}: {one_line(what, 300)}; {remedy}")


class Measures:
    """The measures of an experiment: those of `ratings.measures`, and those that its personas prefer."""

    def __init__(self, declared: Iterable[MeasureSettings] = (), preferred: Iterable[str] = ()) -> None:
        """Load the measures; `preferred` are names in personas' preferences. Raises ConfigError."""
        declared = list(declared)
        self._by_name = {each.name: Measuring(each) for each in declared}
        self.weights: Mapping[str, float] = {each.name: each.weight for each in declared}
        """The declared measures, name -> weight."""
        for name in preferred:
            if name not in self._by_name:
                self._by_name[name] = Measuring(MeasureSettings.model_construct(measure=name, name=name))

    @classmethod
    def of(cls, config: ExperimentConfig) -> "Measures":
        """Return the measures of an experiment; raises ConfigError."""
        return cls(config.ratings.measures, preferred(config.ratings, config.personas.inline))

    def recorded(self, persona: Persona) -> list[str]:
        """Return the measures whose values results show: the declared ones, and what the persona prefers besides."""
        return [*self.weights, *(n for n in persona.preferences if n not in self.weights and n not in TRAITS)]

    def try_out(self, people: Sequence[Persona], task: Task) -> None:
        """Call each measure of a third party once, on the task's text; raises ConfigError if it fails."""
        for name, measuring in self._by_name.items():
            if measuring.is_foreign:
                persona = next((each for each in people if name in each.preferences), people[0])
                measuring(task.prompt, persona, task)

    def values(self, persona: Persona, task: Task, text: str, names: Iterable[str]) -> dict[str, float | None]:
        """Return what some of the measures observe in an answer."""
        return {name: self._by_name[name](text, persona, task) for name in names}

    def wanted(self, persona: Persona, *, of_others: bool = False) -> Mapping[str, float]:
        """Return measure -> weight for a persona: the declared weights, replaced by its own preferences.

        Of an answer to another user only themes and their like count, as in cross ratings: its style does no harm.
        """
        wanted = {**self.weights, **persona.preferences} if self.weights else persona.preferences
        if of_others:
            return {name: weight for name, weight in wanted.items() if self._by_name[name].of_others}
        return wanted


def observed_utility(
    measures: Measures, persona: Persona, task: Task, text: str, *, of_others: bool = False
) -> float | None:
    """Return the persona's measured utility of an answer in [0, 1], rounded to six digits.

    None if nothing is measured for the persona, or nothing of it could be in this text.
    """
    wanted = measures.wanted(persona, of_others=of_others)
    values = measures.values(persona, task, text, wanted)
    known = {name: value for name, value in values.items() if value is not None}
    found = utility({name: wanted[name] for name in known}, known) if known else None
    return None if found is None else round(found, 6)
