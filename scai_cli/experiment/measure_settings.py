"""The entries of `ratings.measures`: what programs measure in answers, and what a measure is called with."""

import inspect
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Final, get_type_hints

from pydantic import Field, TypeAdapter, ValidationError, field_validator, model_validator
from pydantic.errors import PydanticUserError

from scai_cli import plugins
from scai_cli.errors import ConfigError
from scai_cli.experiment.model_settings import without_secrets
from scai_cli.text.characters import one_line
from scai_cli.text.suggestions import did_you_mean
from scai_cli.values import SafeId, Text, Value

_GIVEN: Final = ("text", "persona", "task")
"""The arguments of every measure; its options follow them."""
_LONGEST_WORDS: Final = 120
"""The characters of a measure's words that are shown."""

Weight = Annotated[float, Field(ge=-1, le=1)]


class MeasureSettings(Value):
    """A measure of the answers: a name, or `{measure: NAME, name, weight, words}` with the measure's own options."""

    measure: str
    """A built-in measure, one of an installed package, or `module:attribute`."""
    name: SafeId
    """The name in results and in personas' preferences; by default the measure's, without the module."""
    weight: Weight = 1.0
    """The weight in a persona's measured utility, from -1 to 1; a persona's own preference for the name replaces it."""
    words: Text = ""
    """What it measures, in words, for results; by default the first line of its docstring."""
    options: Mapping[str, Any] = Field(default={}, exclude_if=operator.not_)
    """The measure's own options; they may also stand beside `measure`."""

    _no_secrets = field_validator("options")(without_secrets)

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, data: Any) -> Any:
        if isinstance(data, str):
            data = {"measure": data}
        if not isinstance(data, dict):
            return data
        own = {key: value for key, value in data.items() if key not in cls.model_fields}
        data = {key: value for key, value in data.items() if key not in own}
        if isinstance(measure := data.get("measure"), str):
            data.setdefault("name", measure.rpartition(":")[2].rpartition(".")[2])
        if own:
            options = data.get("options", {})
            data["options"] = {**options, **own} if isinstance(options, dict) else options
        return data

    def described(self) -> "MeasureSettings":
        """Return the settings with their words, from the measure's docstring; raises ConfigError and OptionError."""
        function, _ = loaded(self.measure, self.options)
        return self if self.words else self.model_copy(update={"words": words_of(function, self.name)})


class OptionError(ConfigError):
    """An option of a measure is wrong; `key` is its name, or None for a missing one."""

    def __init__(self, problem: str, key: str | None = None) -> None:
        super().__init__(f"{key}: {problem}" if key else problem)
        self.key = key
        self.problem = problem


def loaded(name: str, options: Mapping[str, Any]) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Return the function of a measure, and its options in the types of its signature.

    Raises ConfigError if it cannot be loaded, OptionError for an unknown, missing or invalid option.
    """
    function = plugins.resolve("measure", name)
    if inspect.iscoroutinefunction(function):
        raise ConfigError(f"measure {name!r} is a coroutine; write it as a plain function (`def`)")
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # of a function in C
        return function, dict(options)
    own = {p.name: p for p in parameters[len(_GIVEN) :] if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    if not any(p.kind == p.VAR_KEYWORD for p in parameters):
        for key in options:
            if key not in own:
                near = did_you_mean(key, own) if own else "; it has no options"
                raise OptionError(f"unknown option of the measure {name!r}{near}", key)
    for key, parameter in own.items():
        if parameter.default is parameter.empty and key not in options:
            raise OptionError(f"the measure {name!r} needs the option {key!r}")
    return function, dict(_converted(function, options))


def words_of(function: object, name: str) -> str:
    """Return what a measure measures, in words: the first line of its docstring, else its name."""
    text = inspect.getdoc(function) or ""
    return one_line(text.strip().partition("\n")[0], _LONGEST_WORDS) or name.replace("_", " ")


def _converted(function: object, options: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the options in the types of the signature's annotations; those without one as they are."""
    try:
        hints = get_type_hints(function, include_extras=True)
    except (NameError, TypeError, AttributeError):  # annotations that name nothing here, or an object without them
        hints = {}
    for key, value in options.items():
        try:
            yield key, TypeAdapter(hints[key]).validate_python(value) if key in hints else value
        except ValidationError as error:
            problem = error.errors()[0]
            raise OptionError(problem["msg"].removeprefix("Value error, "), key) from None
        except PydanticUserError:  # a type of the third party's, which the function itself can check
            yield key, value
