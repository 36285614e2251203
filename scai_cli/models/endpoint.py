"""The address of an endpoint and its key: where calls go, and foreign texts as one line without the key."""

import html
import json
import os
import re
import shlex
from base64 import b64encode
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

from scai_cli.errors import ConfigError, KeyUntrusted
from scai_cli.experiment.model_settings import NO_QUERY, ModelSettings
from scai_cli.messages import Completion, ending
from scai_cli.models.key_trust import ADDRESS_VARIABLE, KEY_VARIABLE, address_in_environment, is_trusted, origin_of
from scai_cli.text.characters import one_line, printable, without_hidden

OFFICIAL_URL: Final = "https://api.openai.com/v1"
_QUOTED: Final = 200
_READ: Final = 20_000
"""The characters of a foreign text that are read."""
_INVISIBLE: Final = re.compile(r"(?is)<(script|style|svg)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)|<[^>]*+>?")
_SECRET_LENGTH: Final = 16


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address of the calls, and the key, which must not appear in any message."""

    url: SplitResult
    key: str | None
    key_variable: str

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
        """Return what a model wrote without the key, if it has 16 characters: a shorter one may be a word of it."""
        return text.replace(self.key, "[secret]") if self.key and len(self.key) >= _SECRET_LENGTH else text

    def echoed(self, text: str) -> str:
        """Return any other text of an endpoint without the key, plain or encoded, whatever its length."""
        return _forms(self.key).sub("[key]", text) if self.key else text

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


def address(model: ModelSettings) -> str:
    """Return the base URL of a model; empty for OpenAI's own."""
    url = (model.base_url or address_in_environment()).rstrip("/")
    return "" if url == OFFICIAL_URL else url


def shown_address(model: ModelSettings) -> str:
    """Return where a model's calls go, for messages: its address, or its provider's name."""
    if model.provider == "openai":
        return address(model) or OFFICIAL_URL
    return model.base_url or model.provider


def endpoint_of(model: ModelSettings) -> Endpoint:
    """Return the endpoint of a model.

    Raises ConfigError for an address or a key that cannot be one, and KeyUntrusted for a key that may not go there.
    """
    base_url, url = address(model), url_of(model)
    variable = model.api_key_env or KEY_VARIABLE
    if model.batch == "file":  # nothing is sent
        return Endpoint(url, None, variable)
    key = os.environ.get(variable, "").strip() or None
    if key is None and (model.api_key_env or not base_url):
        raise ConfigError(
            f"model.api_key_env: the environment variable {variable} is not set; set it to the endpoint's key"
            + ("" if base_url else ", or set model.base_url for a server without keys")
        )
    if key is not None and not (key.isascii() and key.isprintable()):
        raise ConfigError(f"model.api_key_env: the key in {variable} contains characters that no key has")
    if error := refusal(model, variable if key else None):
        raise error
    return Endpoint(url, key, variable)


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
    is_own = model.base_url is not None and not model.base_url_from
    base_url, where = address(model) or OFFICIAL_URL, "model.base_url" if is_own else ADDRESS_VARIABLE
    try:
        origin_of(base_url)
        url = urlsplit(base_url)
    except ValueError:
        raise ConfigError(f"{where}: not a valid URL; write it like http://127.0.0.1:8000/v1") from None
    if url.query:
        raise ConfigError(f"{where}: {NO_QUERY}")
    if url.path.rstrip("/").endswith("/chat/completions"):
        raise ConfigError(f"{where}: leave /chat/completions away; scai adds it")
    return url
