"""An endpoint behind another library, which alone knows the address and the key."""

import os
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from scai_cli.models.endpoint import Endpoint

_SECRET: Final = re.compile(r"key|token|secret|passw|credential", re.IGNORECASE)
_LENGTH: Final = 16


@dataclass(frozen=True, slots=True)
class UnknownEndpoint(Endpoint):
    """An endpoint whose key may be any secret of the environment: none of them must appear in a message or answer."""

    secrets: tuple[Endpoint, ...] = ()

    @classmethod
    def behind(cls, name: str) -> "UnknownEndpoint":
        """Return the endpoint behind a model, under whose name messages show it."""
        url, place = urlsplit(name), "the environment"
        values = {value for key, value in os.environ.items() if _SECRET.search(key) and len(value) >= _LENGTH}
        known = (Endpoint(url=url, key=key, key_variable=place) for key in sorted(values, key=len, reverse=True))
        return cls(url=url, key=None, key_variable=place, secrets=tuple(known))

    def in_answer(self, text: str) -> str:
        """Return what a model wrote without the secrets."""
        for secret in self.secrets:
            text = secret.in_answer(text)
        return text

    def echoed(self, text: str) -> str:
        """Return any other text without the secrets, plain or encoded."""
        for secret in self.secrets:
            text = secret.echoed(text)
        return text
