"""Redirects: followed at the same host, refused to any other, so that neither prompts nor the key travel on."""

from __future__ import annotations

import asyncio

import pytest
from loopback import FAULTS, Loopback, Reply

from scai_cli.errors import EndpointFailed, ProviderError
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Completion, Message
from scai_cli.models.openai import OpenAIModel

REQUEST = ChatRequest("c1", "user", "rating", "tiny", (Message("user", "a private matter"),))
both_transports = pytest.mark.parametrize("transport", ["aiohttp", "plain"])


def ask(base_url: str, transport: str) -> Completion | ProviderError:
    async def main() -> Completion | ProviderError:
        settings = ModelSettings(provider="openai", name="tiny", base_url=base_url, options={"transport": transport})
        model = OpenAIModel(settings)
        try:
            return await model.complete(REQUEST)
        except ProviderError as error:
            return error
        finally:
            await model.aclose()

    return asyncio.run(main())


def redirected(monkeypatch: pytest.MonkeyPatch, status: int, location: str) -> None:
    monkeypatch.setitem(FAULTS, "redirect", lambda asked, good: Reply(status, headers={"location": location}))


@both_transports
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_port_is_refused(transport: str, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-a-key-that-nobody-else-may-see")
    with Loopback(script=["redirect"]) as first, Loopback() as second:
        redirected(monkeypatch, status, f"{second.base_url}/chat/completions")
        error = ask(first.base_url, transport)
    assert type(error) is EndpointFailed
    assert str(error).startswith(f"{first.base_url}: redirects to http://127.0.0.1:{second.port}; ")
    assert str(error).isprintable()
    assert (len(first.requests), second.requests) == (1, [])


@both_transports
@pytest.mark.parametrize(
    ("location", "there"),
    [
        ("http://localhost:PORT/v1/chat/completions", "http://localhost:PORT"),
        ("http://127.0.0.1.evil.example/", "http://127.0.0.1.evil.example"),
        ("//evil.example/", "http://evil.example"),
        ("https://127.0.0.1/", "https://127.0.0.1"),
        ("http://127.0.0.1:PORT@evil.example/", "http://evil.example"),
        ("http://b\u00fccher.example/", "http://xn--bcher-kva.example"),
        ("mailto:/me", "mailto://127.0.0.1"),
    ],
)
def test_look_alikes_are_other_hosts(
    transport: str, location: str, there: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Loopback(script=["redirect"]) as server:
        redirected(monkeypatch, 307, location.replace("PORT", str(server.port)))
        error = ask(server.base_url, transport)
    assert type(error) is EndpointFailed
    assert f"redirects to {there.replace('PORT', str(server.port))};" in str(error)
    assert len(server.requests) == 1


@both_transports
@pytest.mark.parametrize("location", ["/v2/chat/completions", "http://127.0.0.1:PORT/v2/chat/completions"])
def test_a_redirect_at_the_same_host_is_followed(
    transport: str, location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Loopback(script=["redirect"]) as server:
        redirected(monkeypatch, 308, location.replace("PORT", str(server.port)))
        answer = ask(server.base_url, transport)
    assert isinstance(answer, Completion)
    assert [request.path for request in server.requests] == ["/v1/chat/completions", "/v2/chat/completions"]


@both_transports
def test_the_second_redirect_is_refused_like_the_first(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback() as stranger, Loopback(script=["redirect", "away"]) as server:
        redirected(monkeypatch, 307, "/v2/chat/completions")
        away = {"location": f"{stranger.base_url}/chat/completions"}
        monkeypatch.setitem(FAULTS, "away", lambda asked, good: Reply(307, headers=away))
        error = ask(server.base_url, transport)
    assert type(error) is EndpointFailed
    assert (len(server.requests), stranger.requests) == (2, [])


@both_transports
def test_an_upgrade_from_http_to_https_is_no_other_host(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(script=["redirect"]) as server:

        def upgrade(asked: object, good: bytes) -> Reply:
            assert server._server is not None
            server._server.close()  # as this server does not speak TLS, the next connection is to be refused
            return Reply(308, headers={"location": f"https://127.0.0.1:{server.port}/v1/chat/completions"})

        monkeypatch.setitem(FAULTS, "redirect", upgrade)
        error = ask(server.base_url, transport)
    assert "redirects to" not in str(error)
    assert "the connection failed" in str(error)
