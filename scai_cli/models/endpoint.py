"""The address of an endpoint and its key: where calls go, and foreign texts as one line without the key."""

from __future__ import annotations

import html
import os
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from scai_cli.errors import ConfigError
from scai_cli.experiment.model_settings import NO_QUERY, ModelSettings

OFFICIAL_URL: Final = "https://api.openai.com/v1"
ADDRESS_VARIABLE: Final = "OPENAI_BASE_URL"
_QUOTED: Final = 200
_READ: Final = 20_000
"""The characters of a foreign text that are read."""
_INVISIBLE: Final = re.compile(r"(?is)<(script|style|svg)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)|<[^>]*+>?")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address of the calls, and the key, which must not appear in any message."""

    url: SplitResult
    key: str | None
    key_variable: str

    def __str__(self) -> str:
        return self.quote(self.url.geturl().rstrip("/"))

    @property
    def is_openai(self) -> bool:
        """Whether the endpoint is OpenAI or Azure, which require `max_completion_tokens`."""
        return (self.url.hostname or "").endswith(("api.openai.com", ".openai.azure.com"))

    @property
    def secret(self) -> str | None:
        """The key if it is a secret: a word such as `ollama`, for a server without keys, may occur in any answer."""
        return self.key if self.key and (len(self.key) >= 16 or re.search(r"[A-Za-z][\d_-]", self.key)) else None

    def quote(self, text: str) -> str:
        """Return a foreign text as one line of at most 200 characters, without tags, control characters and the key."""
        text = text_of_page(text)
        if self.secret:
            text = text.replace(self.secret, "[key]")
        text = " ".join("".join(c if c.isprintable() else " " for c in text[:_READ]).split())
        return text if len(text) <= _QUOTED else text[: _QUOTED - 1] + "…"


def text_of_page(text: str) -> str:
    """Return the visible text of an HTML page, and any other text unchanged."""
    start = text[:200].lstrip().lower()
    if not start.startswith(("<!doctype html", "<html", "<head", "<body", "<h1", "<center", "<?xml")):
        return text
    return html.unescape(_INVISIBLE.sub(" ", text[:_READ])).strip() or "an HTML page without text"


def address_in_environment() -> str:
    """Return the address in OPENAI_BASE_URL; empty if there is none."""
    return os.environ.get(ADDRESS_VARIABLE, "").strip()


def address(model: ModelSettings) -> str:
    """Return the base URL of a model; empty for OpenAI's own."""
    url = (model.base_url or address_in_environment()).rstrip("/")
    return "" if url == OFFICIAL_URL else url


def endpoint_of(model: ModelSettings) -> Endpoint:
    """Return the endpoint of a model; raises ConfigError for an address or a key that cannot be one."""
    base_url = address(model)
    variable = model.api_key_env or "OPENAI_API_KEY"
    key = os.environ.get(variable, "").strip() or None
    if key is None and (model.api_key_env or not base_url):
        raise ConfigError(
            f"model.api_key_env: the environment variable {variable} is not set; set it to the endpoint's key"
            + ("" if base_url else ", or set model.base_url for a server without keys")
        )
    if key is not None and not (key.isascii() and key.isprintable()):
        raise ConfigError(f"model.api_key_env: the key in {variable} contains characters that no key has")
    return Endpoint(url_of(model), key, variable)


def url_of(model: ModelSettings) -> SplitResult:
    """Return the parts of a model's address; raises ConfigError for one that cannot be used."""
    is_own = model.base_url is not None and not model.base_url_from
    base_url, where = address(model) or OFFICIAL_URL, "model.base_url" if is_own else ADDRESS_VARIABLE
    try:
        url = urlsplit(base_url)
        plain = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError:
        plain = False
    if not plain or url.fragment or "@" in url.netloc or not base_url.isprintable() or " " in base_url:
        raise ConfigError(f"{where}: not a valid URL; write it like http://127.0.0.1:8000/v1")
    if url.query:
        raise ConfigError(f"{where}: {NO_QUERY}")
    if url.path.rstrip("/").endswith("/chat/completions"):
        raise ConfigError(f"{where}: leave /chat/completions away; scai adds it")
    return url
