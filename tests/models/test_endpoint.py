"""Addresses: joined as the official client does, refused with their own remedy, and what opening a client can raise."""

import ssl
from pathlib import Path

import pytest
from conftest import scai
from openai import AsyncOpenAI

from scai_cli.errors import ConfigError
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.models.endpoint import address, text_of_page
from scai_cli.models.openai import connect

EXPERIMENT = """
epochs: 1
turns: 1
personas: [{id: a, name: A, description: D.}]
tasks: [{id: t, prompt: P?}]
model: {provider: openai, name: m, base_url: "http://127.0.0.1:1/v1", options: {transport: %s}}
"""


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def opened(base_url=None, **keys):
    return connect(ModelSettings(provider="openai", name="m", base_url=base_url, **keys), seed=0)


@pytest.mark.parametrize(
    "base_url",
    [
        "https://api.deepseek.com",
        "https://api.deepseek.com/",
        "http://localhost:1234",
        "http://localhost:1234/v1",
        "http://localhost:1234/v1/",
        "http://[::1]:8000/a%20b/v1",
        "https://x.openai.azure.com/openai/v1",
    ],
)
def test_an_address_is_joined_as_the_official_client_does(base_url, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    expected = AsyncOpenAI(api_key="k", base_url=base_url)._prepare_url("/chat/completions")
    assert opened(base_url).connection.url("chat/completions") == expected


def test_an_address_comes_from_the_settings_else_from_the_environment(monkeypatch):
    assert address(ModelSettings()) == address(ModelSettings(base_url="https://api.openai.com/v1/")) == ""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://e/v1/ ")
    assert address(ModelSettings()) == "http://e/v1"
    assert address(ModelSettings(base_url="http://h/v1")) == "http://h/v1"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (
            "https://r.example/openai/deployments/m?api-version=2024-10-21",
            "https://RESOURCE.openai.azure.com/openai/v1",
        ),
        ("http://h/v1/chat/completions", "leave /chat/completions away"),
        ("h:8000/v1", "write it like http://127.0.0.1:8000/v1"),
        ("http://h/v 1", "write it like http://127.0.0.1:8000/v1"),
    ],
)
def test_an_address_in_the_environment_is_refused_with_its_remedy(url, words, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    with pytest.raises(ConfigError) as caught:
        opened()
    assert str(caught.value).startswith("OPENAI_BASE_URL: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "transport"),
    [
        ("ALL_PROXY", "socks://127.0.0.1:1/", "aiohttp"),
        ("all_proxy", "socks5://127.0.0.1:1/", "plain"),
        ("HTTPS_PROXY", ":::", "plain"),
        ("SSL_CERT_FILE", "/nowhere/ca.pem", "aiohttp"),
        ("SSL_CERT_FILE", ".", "plain"),
        ("OPENAI_ORG_ID", "örg", "aiohttp"),
        ("OPENAI_PROJECT_ID", "a\r\nX-Title: b", "aiohttp"),
    ],
)
def test_a_variable_that_prevents_a_client_is_one_line_that_names_it(name, value, transport, monkeypatch):
    monkeypatch.setenv(name, value)
    Path("x.yaml").write_text(EXPERIMENT % transport, encoding="utf-8")
    called = scai("run", "x.yaml", "-q")
    assert (called.code, len(called.lines)) == (2, 1)
    assert called.err.startswith(f"scai: {name}: ")
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<!doctype html><title>Sign in</title><script>x < 1</script><body>Tom &amp; Co", "Sign in Tom & Co"),
        ("<html></html>", "an HTML page without text"),
        ("a < b", "a < b"),
        ('{"error": "<html>"}', '{"error": "<html>"}'),
    ],
)
def test_the_visible_text_of_a_page(page, text):
    assert " ".join(text_of_page(page).split()) == text


def test_a_certificate_that_is_not_trusted_names_the_variable_at_once(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    from scai_cli.models.refusals import Refusal

    error = Refusal(0, str(ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed certificate")))
    where = opened("https://h/v1").connection.endpoint
    assert "set SSL_CERT_FILE" in str(error.error(where, 0))
    assert error.error(where, 0).exit_code == 2
