"""The entries of `ratings.measures`: what programs measure in answers, and what a measure is called with."""

import inspect
import operator
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Annotated, Any, Final, Self, get_type_hints

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, field_validator, model_validator
from pydantic.errors import PydanticUserError
from pydantic_core import ErrorDetails

from scai_cli import plugins
from scai_cli.errors import ConfigError, ScaiError
from scai_cli.experiment.model_settings import without_secrets
from scai_cli.text.characters import one_line
from scai_cli.text.suggestions import did_you_mean
from scai_cli.values import SafeId, Text, Value, safe_id

_GIVEN: Final = ("text", "persona", "task")
"""The arguments of every measure; its options follow them."""
_LONGEST_WORDS: Final = 120
"""The characters of a measure's words that are shown."""

Weight = Annotated[float, Field(ge=-1, le=1)]


_PATH: Final = re.compile(r"[\w.]{1,200}:[\w.]{1,200}")


def _name_or_path(name: str) -> str:
    if ":" in name and not _PATH.fullmatch(name):
        raise ValueError("is neither the name of a measure nor `module:attribute`")
    return name if ":" in name else safe_id(name)


MeasureName = Annotated[str, AfterValidator(_name_or_path)]
"""The name of a measure, or `module:attribute`."""


def plain_name(name: str) -> str:
    """Return the name of a measure without its module."""
    return name.rpartition(":")[2].rpartition(".")[2] if ":" in name else name


def check_preferences(preferences: Iterable[str], declared: Collection[str] = (), remedy: str = "") -> None:
    """Raise ValueError for a name in preferences that is neither declared nor a built-in or installed measure.

    `module:attribute` passes here: code is loaded only where an experiment is. `remedy` is added.
    """
    for name in preferences:
        if name not in declared and ":" not in name and not plugins.is_known("measure", name):
            near = did_you_mean(name, (*declared, *plugins.BUILT_IN["measure"]))
            rest = f"{near} Else {remedy}" if near and remedy else near or (remedy and f"; {remedy}")
            raise ValueError(f"unknown measure {name!r}{rest}")


class MeasureSettings(Value):
    """A measure of the answers: a name, or `{measure: NAME, name, weight, words}` with the measure's own options."""

    measure: MeasureName
    """A built-in measure, one of an installed package, or `module:attribute`."""
    name: SafeId
    """The name in results and in personas' preferences; by default the measure's, without the module."""
    weight: Weight = 1.0
    """The weight in a persona's measured utility, from -1 to 1; a persona's own preference for the name replaces it."""
    words: Annotated[Text, Field(max_length=200)] = ""
    """What it measures, in words, for results; by default the first line of its docstring."""
    options: Mapping[str, Any] = Field(default={}, exclude_if=operator.not_)
    """The measure's own options; keys beside `measure` are options, too."""

    @model_validator(mode="after")
    def _no_other_built_in(self) -> Self:
        if self.name in plugins.BUILT_IN["measure"] and self.name != self.measure:
            raise ValueError(f"the name {self.name!r} is that of a built-in measure; choose another `name`")
        return self

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
            data.setdefault("name", plain_name(measure))
        if own:
            options = data.get("options", {})
            data["options"] = {**options, **own} if isinstance(options, dict) else options
        return data


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
    try:
        function = plugins.resolve("measure", name)
    except Exception as error:
        if isinstance(error, ScaiError) or not plugins.is_foreign("measure", name):
            raise
        problem = one_line(f"{type(error).__name__}: {error}", 300)
        raise ConfigError(f"measure {name!r} cannot be loaded: {problem}") from None
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


def _problem(detail: ErrorDetails) -> str:
    if detail["type"] == "tuple_type":
        return "must be a list"
    return re.sub("^(Value error, |Input |String )", "", detail["msg"]).replace("should", "must", 1)


def words_of(function: object, name: str) -> str:
    """Return what a measure measures, in words: the first line of its docstring, else its name."""
    text = inspect.getdoc(function) or ""
    return one_line(text.strip().partition("\n")[0], _LONGEST_WORDS).rstrip(".") or name.replace("_", " ")


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
            raise OptionError(_problem(error.errors()[0]), key) from None
        except PydanticUserError:  # a type of the third party's, which the function itself can check
            yield key, value
