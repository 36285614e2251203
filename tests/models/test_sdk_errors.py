"""What the exceptions of other libraries' clients say of a response, in each form that they are known to have."""

from __future__ import annotations

import enum
import socket
import ssl
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import pytest

from scai_cli import errors
from scai_cli.models.langchain.sdk_errors import refusal_of
from scai_cli.models.langchain.unknown_endpoint import UnknownEndpoint

WHERE = UnknownEndpoint.behind("langchain:openai:m")


class Anthropic(Exception):
    def __init__(self, status: int, **headers: str) -> None:
        super().__init__(f"Error code: {status}")
        self.status_code = status
        self.body = {"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down, please"}}
        self.response = SimpleNamespace(status_code=status, headers=headers)


class Botocore(Exception):
    """`botocore.exceptions.ClientError`."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"An error occurred ({code}) when calling the Converse operation: {message}")
        self.response = {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {"retry-after": "7"}},
        }


class GoogleCore(Exception):
    """`google.api_core.exceptions.ResourceExhausted`."""

    code = HTTPStatus.TOO_MANY_REQUESTS


class Grpc(Exception):
    Code = enum.Enum("Code", "UNAVAILABLE")

    def code(self) -> Any:
        return self.Code.UNAVAILABLE


class Requests(Exception):
    def __init__(self) -> None:
        super().__init__("403 Client Error: Forbidden")
        self.response = SimpleNamespace(status_code=403, headers={})


class ModelRateLimitError(Exception):
    """The one of `langchain_core.exceptions`, without a response."""


class ContextOverflowError(Exception):
    """The one of `langchain_core.exceptions`."""


class ReadTimeoutError(Exception):
    """The one of botocore."""


class EndpointConnectionError(Exception):
    """The one of botocore."""


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


CASES = {
    "anthropic": (Anthropic(429, **{"Retry-After": "3"}), "CallTransient", "HTTP 429: Slow down, please", 3.0),
    "overloaded": (Anthropic(529), "CallTransient", "HTTP 529", None),
    "bedrock, throttled": (Botocore(429, "ThrottlingException", "Too many"), "CallTransient", "Too many", 7.0),
    "bedrock, no model": (
        Botocore(400, "ValidationException", "The provided model identifier is invalid."),
        "EndpointFailed",
        "identifier is invalid",
        None,
    ),
    "google": (GoogleCore("429 Quota exceeded, retry in 20s"), "CallTransient", "HTTP 429", 20.0),
    "gRPC": (Grpc("no connection"), "CallTransient", "HTTP 503: no connection", None),
    "requests": (Requests(), "Unexplained", "HTTP 403", None),
    "wrapped": (caused(RuntimeError("failed"), Anthropic(529)), "CallTransient", "HTTP 529", None),
    "a type alone": (ModelRateLimitError("busy"), "CallTransient", "HTTP 429: busy", None),
    "too long": (ContextOverflowError("no room"), "PromptTooLong", "no room", None),
    "timeout": (ReadTimeoutError("nothing came"), "CallTransient", "the connection failed: nothing came", None),
    "connection": (EndpointConnectionError("refused"), "CallTransient", "check that the server is up", None),
    "name": (
        caused(RuntimeError("failed"), socket.gaierror("Name or service not known")),
        "CallTransient",
        "name",
        None,
    ),
    "certificate": (
        caused(RuntimeError("failed"), ssl.SSLError("certificate verify failed")),
        "MachineFailed",
        "SSL_CERT_FILE",
        None,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_error_fits_what_the_exception_says(case: str) -> None:
    raised, kind, words, wait = CASES[case]
    found = refusal_of(raised, {})
    assert found is not None
    refusal, status = found
    error = refusal.error(WHERE, status)
    assert type(error) is getattr(errors, kind)
    assert words in str(error)
    assert getattr(error, "retry_after", None) == wait


def test_timeouts_slow_down_all_calls() -> None:
    for case in ("timeout", "overloaded", "anthropic"):
        refusal, status = refusal_of(CASES[case][0], {}) or pytest.fail(case)
        assert getattr(refusal.error(WHERE, status), "overloaded", False), case


@pytest.mark.parametrize("error", [ValueError("no"), KeyError("choices"), FileNotFoundError(2, "no file")])
def test_other_exceptions_are_about_no_response(error: BaseException) -> None:
    assert refusal_of(error, {}) is None


def test_a_ring_of_causes_ends() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert refusal_of(first, {}) is None


def test_a_secret_of_the_environment_is_in_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOMEONES_TOKEN", "t0ken-t0ken-t0ken-t0ken")
    where = UnknownEndpoint.behind("langchain:openai:m")
    error = Anthropic(500)
    error.body["error"] = {"message": "bad key t0ken-t0ken-t0ken-t0ken given"}  # type: ignore[index]
    refusal, status = refusal_of(error, {}) or pytest.fail("none")
    assert str(refusal.error(where, status)) == "langchain:openai:m: HTTP 500: bad key [key] given"
    assert where.in_answer("it is t0ken-t0ken-t0ken-t0ken.") == "it is [secret]."
