"""What the exceptions of other libraries' clients say of a response: its status, body and headers.

Each library has attributes of its own for them, and some raise their own error from that of the client below: the
causes of an exception are read, too. `sdk_errors.yaml` has the names.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from scai_cli.models.no_response import links
from scai_cli.models.refusals import Refusal
from scai_cli.text.data_files import read_data_file

_NAMES: Final = read_data_file(__file__)
_NETWORK: Final = re.compile("|".join(_NAMES["network"]), re.IGNORECASE)
_TIMEOUT: Final = re.compile("|".join(_NAMES["timeout"]), re.IGNORECASE)


def refusal_of(error: BaseException, request: Mapping[str, Any]) -> tuple[Refusal, int] | None:
    """Return the refusal that an exception is about and the HTTP status to show (0 for none); None for any other error.

    `request` are the parameters that were sent.
    """
    for link in links(error):
        if status := _status(link):
            return Refusal(status, _body(link), _headers(link), request), status
    names = " ".join(kind.__name__ for link in links(error) for kind in type(link).__mro__)
    if _TIMEOUT.search(names):  # as if the server had reported it: it is overloaded
        return Refusal(408, str(error) or "no answer in time", {}, request), 0
    if _NETWORK.search(names):  # the reason, a certificate or a name, is often in a cause
        texts = [*dict.fromkeys(text for link in links(error) if (text := str(link)))]
        return Refusal(0, texts or type(error).__name__, {}, request), 0
    return None


def _status(error: BaseException) -> int:
    """Return the HTTP status in an exception, or of its gRPC code or its type; 0 if there is none."""
    response, code = getattr(error, "response", None), getattr(error, "code", None)
    if callable(code):  # of gRPC
        with suppress(TypeError):
            code = code()
    found = [getattr(error, name, None) for name in _NAMES["statuses"]]
    found += [code, getattr(response, "status_code", None), _about(response).get("HTTPStatusCode")]
    found.append(_NAMES["grpc"].get(str(getattr(code, "name", ""))))
    found += [_NAMES["types"].get(kind.__name__) for kind in type(error).__mro__]
    return next((int(value) for value in found if isinstance(value, int) and 400 <= value < 600), 0)


def _body(error: BaseException) -> object:
    """Return the body of the response if the exception has it, else its text."""
    response = getattr(error, "response", None)
    said = response.get("Error") if isinstance(response, Mapping) else None
    body = said or getattr(error, "body", None) or getattr(error, "details", None)
    return body if isinstance(body, Mapping | list | str) and body else str(error)


def _headers(error: BaseException) -> dict[str, str]:
    response = getattr(error, "response", None)
    headers = getattr(response, "headers", None) or _about(response).get("HTTPHeaders") or {}
    return {str(name).lower(): str(value) for name, value in headers.items()} if isinstance(headers, Mapping) else {}


def _about(response: object) -> Mapping[str, Any]:
    """Return what botocore says about a response."""
    about = response.get("ResponseMetadata") if isinstance(response, Mapping) else None
    return about if isinstance(about, Mapping) else {}
