"""The provider for chat models of LangChain: those of its own providers, or a chat model in Python code.

A name whose part before the colon is a provider of LangChain is for `init_chat_model`. Any other is `module:attribute`:
a chat model, or a class or function that makes one and is called without arguments. With arguments, a file could make
it run any program (`subprocess:run`) or use any address (`langchain_openai:ChatOpenAI`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

from scai_cli import plugins
from scai_cli.concurrency import in_thread
from scai_cli.errors import (
    CallAdapted,
    CallFailed,
    ConfigError,
    EndpointFailed,
    ParameterRefused,
    PromptRefused,
    ProviderError,
    ScaiError,
)
from scai_cli.experiment.model_code import is_module
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Completion
from scai_cli.models.base import ChatModel
from scai_cli.models.langchain.message import as_completion
from scai_cli.models.langchain.sdk_errors import refusal_of
from scai_cli.models.langchain.settings import check_settings
from scai_cli.models.langchain.unknown_endpoint import UnknownEndpoint
from scai_cli.models.refusals import Refusal
from scai_cli.models.system_role import with_role
from scai_cli.models.wire import BodyError, FilterError, read_completion, unused_response

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage

_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "temperature": ("temperature",),
    "top_p": ("top_p",),
    "max_tokens": ("max_tokens", "max_output_tokens", "max_completion_tokens", "max_new_tokens", "num_predict"),
    "seed": ("seed", "random_seed"),
}
"""Parameter of a call -> the fields of a chat model for it; the first that its class has."""
_VARIANTS: Final = 64
"""The copies of a chat model with different sampling that are kept: callers of `scai serve` choose theirs."""
_UNEXPECTED: Final = re.compile(r"unexpected keyword argument '(\w+)'")


def connect(model: ModelSettings, *, seed: int) -> ChatModel:  # noqa: ARG001 - requests carry their seeds
    """Make the chat model that `model.name` names; raises ConfigError for errors that show without a call."""
    check_settings(model)
    name = model.name or ""
    where = UnknownEndpoint.behind(f"langchain:{name}")
    try:
        chat = _from_code(name) if is_module(name) else _from_langchain(name, model)
    except ScaiError:
        raise
    except ImportError as error:  # of an integration: LangChain names the package to install
        raise ConfigError(f"model.name: {name}: {where.quote(str(error))}") from error
    except Exception as error:
        problem = where.quote(f"{type(error).__name__}: {error}")
        raise ConfigError(f"model.name: {name} cannot be connected: {problem}") from error
    return LangChainModel(model, chat, where)


def _from_langchain(name: str, model: ModelSettings) -> BaseChatModel:
    """Make a chat model of a provider of LangChain, if it can with the timeout and without retries of its own."""
    try:
        from langchain.chat_models import init_chat_model
    except ImportError as error:
        raise _missing(error) from None
    provider, _, after = name.partition(":")
    make = partial(init_chat_model, after, model_provider=provider, **model.options)
    chat = make()
    fields, limits = _fields(chat), {"max_retries": 0, "timeout": math.ceil(model.timeout_s)}  # some take whole seconds
    own = {key: value for key, value in limits.items() if key in fields}
    return make(**own) if own else chat  # one that has neither may have loaded weights


def _from_code(name: str) -> BaseChatModel:
    try:
        from langchain_core.language_models import BaseChatModel
    except ImportError as error:
        raise _missing(error) from None
    found = plugins.resolve("chat model", name)
    chat = found() if callable(found) and not isinstance(found, BaseChatModel) else found
    if not isinstance(chat, BaseChatModel):
        raise ConfigError(f"model.name: {name} gives a {type(chat).__name__}, not a BaseChatModel of LangChain")
    return chat


def _missing(error: ImportError) -> ConfigError:
    return ConfigError(f"model.provider: LangChain is not installed ({error}); `pip install langchain`")


def _fields(chat: BaseChatModel) -> dict[str, str]:
    """Return the name of each field of a chat model, under its name and its alias."""
    fields = type(chat).model_fields.items()
    return {name: name for name, _ in fields} | {info.alias: name for name, info in fields if info.alias}


class LangChainModel:
    """A ChatModel that asks a chat model of LangChain; it never retries."""

    def __init__(self, model: ModelSettings, chat: BaseChatModel, where: UnknownEndpoint) -> None:
        from langchain_core.language_models import BaseChatModel
        from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

        self._model = model
        self._where = where
        self._blocks = type(chat)._agenerate is BaseChatModel._agenerate
        fields = _fields(chat)
        self._names = {key: next((fields[n] for n in names if n in fields), None) for key, names in _FIELDS.items()}
        # Sampling -> the chat model with it, kept as some open their client with the first call.
        self._variant = lru_cache(_VARIANTS)(lambda fields: chat.model_copy(update=dict(fields)) if fields else chat)
        self._message: Mapping[str, Callable[[str], BaseMessage]] = {
            "system": SystemMessage,
            "user": HumanMessage,
            "assistant": AIMessage,
            "developer": partial(SystemMessage, additional_kwargs={"__openai_role__": "developer"}),
        }
        self._refuses_seed = False

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer one request; a chat model without a coroutine of its own runs in a thread."""
        if request.logprobs:
            raise ParameterRefused(f"{self._where}: scai reads no log-probabilities from LangChain", "logprobs")
        body = request.body()
        adapted = "seed" in body and self._refuses_seed
        if adapted or not self._model.send_seed:
            body.pop("seed", None)
        messages = with_role(body["messages"], self._model.system_role)
        asked = [self._message[message["role"]](message["content"]) for message in messages]
        chat, more = self._with({key: body[key] for key in self._names if key in body})
        try:
            if self._blocks:
                message = await in_thread(partial(chat.invoke, asked, **more))
            else:
                message = await chat.ainvoke(asked, **more)
        except Exception as error:
            raise self._failure(error, {**self._model.options, **body}) from error
        completion = self._read(message, request)
        return replace(completion, adapted=("seed: left out",)) if adapted else completion

    async def aclose(self) -> None:
        """Close nothing: LangChain's chat models have no method for it."""

    def _with(self, sampling: Mapping[str, Any]) -> tuple[BaseChatModel, dict[str, Any]]:
        """Return the chat model with the sampling in its fields, and as arguments of the call those without a field.

        Fields come first: integrations have them under LangChain's own names, and few take all as arguments.
        """
        more = {key: value for key, value in sampling.items() if self._names[key] is None}
        fields = {name: sampling[key] for key, name in self._names.items() if name is not None and key in sampling}
        seed = {name: fields.pop(name) for name in (self._names["seed"],) if name in fields}
        chat: BaseChatModel = self._variant(tuple(fields.items()))  # without the seed, which each call has
        return chat.model_copy(update=seed) if seed else chat, more

    def _read(self, message: BaseMessage, request: ChatRequest) -> Completion:
        where, data = self._where, self._where.in_answer(as_completion(message)).encode()
        try:
            return read_completion(data, request)
        except FilterError as error:
            finish = where.quote(error.finish or "")
            failed: ProviderError = PromptRefused(f"{where}: a content filter withheld the answer ({finish})")
        except BodyError as error:
            failed = Refusal(error.status, error.body).error(where, 200)
        failed.response = unused_response(data, where)
        raise failed

    def _failure(self, error: Exception, sent: Mapping[str, Any]) -> ProviderError:
        """Return the error for an exception of a call."""
        where = self._where
        if isinstance(error, TypeError) and (named := _UNEXPECTED.search(str(error))) and named[1] in sent:
            return self._refused(named[1], f"{where}: LangChain's integration does not take `{named[1]}`")
        found = refusal_of(error, sent)
        if found is None:
            return CallFailed(f"{where}: {where.quote(f'{type(error).__name__}: {error}')}")
        refusal, status = found
        failed = refusal.error(where, status)
        # Another name for a parameter is the integration's to know.
        return self._refused(failed.parameter, str(failed)) if isinstance(failed, CallAdapted) else failed

    def _refused(self, key: str, problem: str) -> ProviderError:
        """Return the error for a parameter that is refused; a seed is left out from now on."""
        problem = problem.rpartition(";")[0] or problem
        if key == "seed":
            self._refuses_seed = True
            return CallAdapted(f"{problem}; seed is left out from now on, as with model.send_seed: false", key, None)
        if key in self._model.options:
            return EndpointFailed(f"{problem}; remove model.options.{key} and start a new run")
        return EndpointFailed(f"{problem}; start a new run with --set model.{key}=null, which leaves it out")
