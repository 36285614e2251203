"""The address of an endpoint and its key: where calls go, and foreign texts as one line without the key."""

import html
import json
import os
import re
import shlex
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

from scai_cli.errors import ConfigError, KeyUntrusted
from scai_cli.experiment.model_settings import NO_QUERY, WITHOUT_ENDPOINT, ModelSettings
from scai_cli.messages import Completion, ending
from scai_cli.models.key_command import KeyCommand, command_variable, key_command, unused_command
from scai_cli.models.key_trust import ADDRESS_VARIABLE, KEY_VARIABLE, address_in_environment, is_trusted, origin_of
from scai_cli.text.characters import one_line, printable, without_hidden

OFFICIAL_URL: Final = "https://api.openai.com/v1"
ANTHROPIC_URL: Final = "https://api.anthropic.com"
_QUOTED: Final = 200
_READ: Final = 20_000
"""The characters of a foreign text that are read."""
_INVISIBLE: Final = re.compile(r"(?is)<(script|style|svg)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)|<[^>]*+>?")
_SECRET_LENGTH: Final = 16


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address of the calls, and the key, which must not appear in any message.

    `key_variable` is where the key comes from. If that is a `command`, `key` is the first one that it printed.
    """

    url: SplitResult
    key: str | None
    key_variable: str
    command: KeyCommand | None = None

    def __str__(self) -> str:
        return one_line(self.in_answer(self.url.geturl().rstrip("/")), _QUOTED)

    @property
    def origin(self) -> str:
        """Its scheme, host and port: where the key goes."""
        return origin_of(self.url.geturl())

    @property
    def is_openai(self) -> bool:
        """Whether the endpoint is OpenAI or Azure, which require `max_completion_tokens`."""
        return (self.url.hostname or "").endswith(("api.openai.com", ".openai.azure.com"))

    def in_answer(self, text: str) -> str:
        """Return what a model wrote without the keys of at least 16 characters: shorter ones may be words of it."""
        for key in self._keys:
            text = text.replace(key, "[secret]") if len(key) >= _SECRET_LENGTH else text
        return text

    def echoed(self, text: str) -> str:
        """Return any other text of an endpoint without the keys, plain or encoded, whatever their length."""
        for key in self._keys:
            text = _forms(key).sub("[key]", text)
        return text

    @property
    def _keys(self) -> Sequence[str]:
        """All keys so far."""
        return self.command.keys if self.command else (self.key,) if self.key else ()

    def end_word(self, word: str) -> str:
        """Return the word for the end of an answer without the key, unless the key is itself a known word (`stop`)."""
        hidden = self.echoed(word)
        return hidden if ending(hidden) == ending(word) else word

    def in_completion(self, completion: Completion, asked: str) -> Completion:
        """Return an answer without the key, as answers are written to disk; `asked` is the name of the model."""
        if self.key is None:
            return completion
        model = completion.model
        return replace(
            completion,
            text=self.in_answer(completion.text),
            thoughts=self.in_answer(completion.thoughts),
            finish_reason=self.end_word(completion.finish_reason),
            model=self.echoed(model) if model and model != asked else model,
            logprobs=completion.logprobs and tuple((self.in_answer(text), p) for text, p in completion.logprobs),
        )

    def quote(self, text: str) -> str:
        """Return a foreign text as one line of at most 200 characters, without tags, control characters and the key."""
        text = without_hidden(printable(text_of_page(text)))
        text = " ".join("".join(c if c.isprintable() else " " for c in self.echoed(text)[:_READ]).split())
        text = self.echoed(text)
        return text if len(text) <= _QUOTED else text[: _QUOTED - 1] + "…"


@lru_cache
def _forms(key: str) -> re.Pattern[str]:
    """Return a pattern of a key and its usual encodings; up to three characters count only as a word."""
    encoded = [b64encode(text.encode()).decode().rstrip("=") for text in (key, f"Bearer {key}")]
    forms = {key, " ".join(key.split()), quote(key, safe=""), html.escape(key), json.dumps(key)[1:-1], *encoded}
    pattern = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
    return re.compile(rf"(?<![^\W_])(?:{pattern})(?![^\W_])" if len(key) < 4 else pattern, re.IGNORECASE)


def text_of_page(text: str) -> str:
    """Return the visible text of an HTML page, and any other text unchanged."""
    start = text[:200].lstrip().lower()
    if not start.startswith(("<!doctype html", "<html", "<head", "<body", "<h1", "<center", "<?xml")):
        return text
    return html.unescape(_INVISIBLE.sub(" ", text[:_READ])).strip() or "an HTML page without text"


@dataclass(frozen=True, slots=True)
class Service:
    """What a provider uses unless a model says otherwise: an address, and the variable with the key.

    `path` is what scai adds to an address. Only OpenAI's address can come from the environment.
    """

    url: str
    key_variable: str
    path: str


SERVICES: Final[Mapping[str, Service]] = {
    "openai": Service(OFFICIAL_URL, KEY_VARIABLE, "/chat/completions"),
    "anthropic": Service(ANTHROPIC_URL, "ANTHROPIC_API_KEY", "/v1/messages"),
}
"""The providers that speak HTTP; a provider of a third party that uses this module has the defaults of `openai`."""


def service_of(model: ModelSettings) -> Service:
    """Return the defaults of a model's provider."""
    return SERVICES.get(model.provider, SERVICES["openai"])


def address(model: ModelSettings) -> str:
    """Return the base URL of a model; empty for its provider's own, and for one that calls no endpoint itself."""
    if model.provider in WITHOUT_ENDPOINT:
        return ""
    if model.provider == "anthropic":
        url = (model.own_base_url or "").rstrip("/").removesuffix("/v1")
    else:
        url = (model.base_url or address_in_environment()).rstrip("/")
    return "" if url == service_of(model).url else url


def shown_address(model: ModelSettings) -> str:
    """Return where a model's calls go, for messages: its address, or its provider's name."""
    if model.provider in SERVICES:
        return address(model) or SERVICES[model.provider].url
    return model.own_base_url or model.provider


def endpoint_of(model: ModelSettings) -> Endpoint:
    """Return the endpoint of a model.

    A command for the key has precedence over the key itself. Raises ConfigError for an address or a key that cannot be
    one, or a command that fails, and KeyUntrusted for a key that may not go there.
    """
    base_url, url = address(model), url_of(model)
    variable = key_variable(model)
    if model.batch == "file":  # nothing is sent
        return Endpoint(url, None, variable)
    key, command = os.environ.get(variable, "").strip() or None, key_command(variable)
    if not has_key(variable) and (model.api_key_env or not base_url):
        raise ConfigError(
            f"model.api_key_env: the environment variable {variable} is not set; set it to the endpoint's key"
            + unused_command(variable)
            + ("" if base_url else ", or set model.base_url for a server without keys")
        )
    if command is None and key is not None and not (key.isascii() and key.isprintable()):
        raise ConfigError(f"model.api_key_env: the key in {variable} contains characters that no key has")
    if error := refusal(model, variable if has_key(variable) else None):
        raise error
    if command is not None:  # last: it may take seconds, and only a key that may go there is needed
        return Endpoint(url, command.first(), command.variable, command)
    return Endpoint(url, key, variable)


def key_variable(model: ModelSettings) -> str:
    """Return the variable with the key of a model."""
    return model.api_key_env or service_of(model).key_variable


def has_key(variable: str) -> bool:
    """Return whether a variable is set to a key, or has a command that prints it; runs no command."""
    return bool(os.environ.get(variable, "").strip() or command_variable(variable))


def refusal(model: ModelSettings, variable: str | None) -> KeyUntrusted | None:
    """Return the error for a key that may not go to the address of a model; None if it may."""
    origin = origin_of(url_of(model).geturl())
    if variable is None or is_trusted(variable, origin):
        return None
    remedy = f"run `scai trust {variable} {shlex.quote(origin)}` to allow it"
    if model.base_url_from and variable == KEY_VARIABLE:
        remedy = f"set {ADDRESS_VARIABLE}={shlex.quote(model.base_url or '')} as when this was started, or {remedy}"
    error = KeyUntrusted(f"the key in {variable} would go to {origin}, which you have not allowed; {remedy}")
    error.pair = variable, origin
    return error


def url_of(model: ModelSettings) -> SplitResult:
    """Return the parts of a model's address; raises ConfigError for one that cannot be used."""
    base_url = address(model) or service_of(model).url
    where = ADDRESS_VARIABLE if model.own_base_url is None else "model.base_url"
    try:
        origin_of(base_url)
        url = urlsplit(base_url)
    except ValueError:
        raise ConfigError(f"{where}: not a valid URL; write it like http://127.0.0.1:8000/v1") from None
    if url.query:
        raise ConfigError(f"{where}: {NO_QUERY}")
    if url.path.rstrip("/").endswith(path := service_of(model).path):
        raise ConfigError(f"{where}: leave {path} away; scai adds it")
    return url
