"""Sort `model.options` into the HTTP transport, the headers and the keys of every body."""

import re
from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from scai_cli.errors import ConfigError

HEADER: Final = re.compile(r"(?!(?i:content-length|transfer-encoding|host):)[\w!#$%&'*+.^`|~-]+: [\t -~]*", re.ASCII)
"""A header that can be sent; its length and host are the client's."""


class RequestOptions(NamedTuple):
    """The transport (None: aiohttp if installed), and the headers and body keys of every request."""

    transport: str | None
    headers: Mapping[str, str]
    body: Mapping[str, Any]


def request_options(options: Mapping[str, Any], taken: Collection[str]) -> RequestOptions:
    """Sort `model.options`; raises ConfigError for an odd one, and for the body keys in `taken`, which each call sets.

    `transport: aiohttp | plain` chooses the HTTP transport, `extra_headers` are sent with every request, `extra_body`
    and all others in its body.
    """
    body = dict(options)
    transport, headers, extra = (body.pop(key, None) for key in ("transport", "extra_headers", "extra_body"))
    if transport not in (None, "aiohttp", "plain"):
        raise ConfigError(f"model.options.transport: {transport!r} is not one of aiohttp, plain")
    for name, value in (("extra_headers", headers), ("extra_body", extra)):
        if not isinstance(value, Mapping | None):
            raise ConfigError(f"model.options.{name}: not a mapping of names to values")
    body.update(extra or {})
    if set_by_calls := set(taken) & body.keys():
        raise ConfigError(f"model.options.{min(set_by_calls)}: cannot be set, as each call sets it; remove it")
    sent = {str(name): str(value) for name, value in (headers or {}).items()}
    if odd := [name for name, value in sent.items() if not HEADER.fullmatch(f"{name}: {value}")]:
        raise ConfigError(
            f"model.options.extra_headers.{odd[0]}: cannot be sent (write printable ASCII; host and length are scai's)"
        )
    return RequestOptions(transport, sent, body)
