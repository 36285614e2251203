"""The table of refusals: each row decides about its examples, and what the error then says and asks for."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scai_cli import errors
from scai_cli.models.endpoint import Endpoint
from scai_cli.models.refusals import ROWS, Refusal, duration

HERE = Endpoint(urlsplit("http://h/v1"), None, "MY_KEY")
MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "How do I make tea?"}]
KEYS = """seed temperature top_p max_tokens max_completion_tokens response_format logprobs top_logprobs top_k"""
SENT = {**dict.fromkeys(KEYS.split(), 1), "messages": MESSAGES}
EXAMPLES = [(row, status, body) for row in ROWS for status, body in row["examples"]]


def sent(row):
    """A request's body: with one of the two keys for the length, as endpoints accept only one of them."""
    left = "max_tokens" if row.get("sent") == ["max_completion_tokens"] else "max_completion_tokens"
    return {key: value for key, value in SENT.items() if key != left}


@pytest.mark.parametrize(("row", "status", "body"), EXAMPLES)
def test_each_row_decides_about_its_examples(row, status, body):
    refusal = Refusal(status, body, {}, sent(row))
    assert next(each for each in ROWS if refusal.fits(each)) is row
    error = refusal.error(HERE, status)
    assert type(error) is getattr(errors, row["error"])
    assert str(error).startswith(f"http://h/v1: HTTP {status}: " if status else "http://h/v1: the connection failed: ")
    assert "{" not in str(error).rpartition("; ")[2]
    assert str(error).isprintable()


def test_every_row_has_an_example():
    assert all(row["examples"] for row in ROWS)


@pytest.mark.parametrize(("row", "status", "body"), EXAMPLES)
def test_the_request_s_own_words_decide_nothing(row, status, body):
    """Every example as a prompt that the body of a plain refusal repeats."""
    prompt = f"Tell me about this: {body}"
    request = {"messages": [{"role": "user", "content": prompt}]}
    for repeats in (f"Bad request: {prompt}", {"error": {"message": "Bad request", "input": prompt}}):
        assert type(Refusal(400, repeats, {}, request).error(HERE, 400)) is errors.Unexplained


def refused(status, body, headers=None, request=None):
    return Refusal(status, body, headers or {}, request or {}).error(HERE, status)


@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        ({}, "Please try again in 37 s.", 37),
        ({}, "Please try again in 1m20s. Visit the page", 80),
        ({}, "try again in 250ms", 0.25),
        ({}, "Please retry after 20 seconds.", 20),
        ({}, "Retry in 1 minute and 5 seconds, please", 65),
        ({}, "Please retry in 37.5s.", 37.5),
        ({}, '{"error": {"details": [{"retryDelay": "26s"}]}}', 26),
        ({"retry-after": "7"}, "Please try again in 37 s.", 7),
        ({}, "retry after 2026-04-01", None),
        ({}, "try again in a moment", None),
        ({}, "Please wait a moment, then try again in 20 s", 20),
        ({}, "retry_after_seconds: 12", 12),
        ({}, '{"retryAfterMs": 1500}', 1.5),
        ({}, "Try again after 10 seconds", 10),
        ({}, "Rate limit reached", None),
        ({}, "Rate limit: 10 requests per minute", 15),
    ],
)
def test_the_wait_comes_from_the_headers_else_from_the_words(headers, message, seconds):
    error = refused(429, {"error": {"message": message}}, headers)
    assert isinstance(error, errors.CallTransient)
    assert error.overloaded
    assert error.retry_after == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("6m0s", 360), ("1h2m3.5s", 3723.5), ("12", 12), ("2 days", 172800), ("soon", None), ("5 more", 5)],
)
def test_durations(text, seconds):
    assert duration(text) == seconds


def test_the_body_that_a_router_quotes_is_read_like_its_own():
    quoted = '{"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted", "input": "your quota"}]}'
    error = refused(400, {"error": {"message": "Provider returned error", "metadata": {"raw": quoted}}}, None, SENT)
    assert isinstance(error, errors.CallAdapted)
    assert error.parameter == "seed"


@pytest.mark.parametrize("status", [400, 403])
def test_a_block_of_all_calls_is_not_the_prompt_s_fault(status):
    for text in ("Request blocked by the administrator", "<html>Sorry, you have been blocked</html>"):
        assert isinstance(refused(status, text), errors.Unexplained)


def test_a_key_of_the_options_is_named():
    error = refused(400, {"error": "Argument not supported on this model: topK"}, request={"topK": 1})
    assert str(error).endswith("; remove model.options.topK and start a new run")


def test_the_variable_with_the_key_is_named():
    assert str(refused(401, "")) == "http://h/v1: HTTP 401: no reason given; check the key in MY_KEY"


WORDS = st.text() | st.sampled_from(["quota", "retry_after", "seed", "error", "code"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner) | st.dictionaries(WORDS, inner),
)


@given(st.integers(0, 599), JSON, st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms"]), st.text()))
def test_any_body_is_a_refusal(status, body, headers):
    error = Refusal(status, body, headers, SENT).error(HERE, status)
    assert isinstance(error, errors.ProviderError)
    assert str(error).isprintable()
    assert len(str(error)) < 600


def test_a_body_as_deep_as_json_allows_is_read():
    body = "deep"
    for _ in range(900):
        body = [body]
    assert isinstance(refused(400, body), errors.Unexplained)


def test_a_page_is_quoted_as_text():
    page = (
        "<html><head><title>502 Bad\nGateway</title><style>b {}</style></head><body><h1>Tom &amp; Co</h1></body></html>"
    )
    assert str(refused(502, page)) == "http://h/v1: HTTP 502: 502 Bad Gateway Tom & Co"
