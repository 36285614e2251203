"""A key in the environment appears nowhere: not in the run directory, in `--json` or in what is said of errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import Called, calls, scai
from loopback import FAULTS, Loopback, Reply, error

KEY = "sk-live-0123456789abcdef"
OPENAI = (
    "--model",
    "openai:some-model",
    "--set",
    "force=all",
    "--set",
    "limits.max_retries=0",
    "--set",
    "format_retries=0",
)


def nothing_of_it(called: Called) -> None:
    assert KEY not in called.out + called.err
    for path in Path().rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.mark.usefixtures("keyed")
def test_a_run_sends_the_key_and_writes_it_nowhere(tiny: Path) -> None:
    with Loopback() as server:
        options = (*OPENAI, "--set", f"model.base_url={server.base_url}", "--set", "epochs=1", "--set", "turns=1")
        called = scai("run", tiny, *options, "--json", "--set", "max_failures=1")
        assert called.code == 0
        assert all(request.headers["authorization"] == f"Bearer {KEY}" for request in server.requests)
    nothing_of_it(called)
    for view in (("--json",), (), ("--prompts", "e1"), ("--epoch", "1")):
        nothing_of_it(scai("show", "tiny", *view))
    for form in ("system", "sft", "dpo"):
        nothing_of_it(scai("export", "tiny", "--format", form, "-o", f"{form}.out"))
    nothing_of_it(scai("check", tiny, *options, "--json"))
    nothing_of_it(scai("plan", tiny, *options, "--prompts"))


def echoing(status: int) -> Any:
    def reply(asked: Any, good: bytes) -> Reply:
        return error(status, f"Incorrect API key provided: {KEY}. Bearer {KEY} was refused", "invalid_api_key")

    return reply


@pytest.mark.usefixtures("keyed")
@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_an_endpoint_that_echoes_the_key_in_errors_does_not_get_it_told(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setitem(FAULTS, "echo", echoing(status))
    with Loopback(script=["echo"] * 500) as server:
        options = (*OPENAI, "--set", f"model.base_url={server.base_url}", "--set", "epochs=1")
        called = scai("run", tiny, *options)
    assert called.code == 4
    nothing_of_it(called)
    nothing_of_it(scai("show", "tiny"))
    nothing_of_it(scai("show", "tiny", "--json"))


@pytest.mark.usefixtures("keyed")
def test_an_endpoint_that_echoes_the_key_in_answers_does_not_get_it_recorded(tiny: Path) -> None:
    with Loopback(answer=lambda asked: f"Your key is {KEY}.") as server:
        options = (*OPENAI, "--set", f"model.base_url={server.base_url}", "--set", "epochs=1")
        called = scai("run", tiny, *options, "--json")
    assert called.code == 0
    assert calls(Path("runs/tiny"))
    nothing_of_it(called)
    nothing_of_it(scai("show", "tiny", "--json"))


def test_a_key_of_another_name_is_found_and_kept(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    with Loopback() as server:
        options = (*OPENAI, "--set", f"model.base_url={server.base_url}", "--set", "model.api_key_env=MY_KEY")
        called = scai("run", tiny, *options, "--set", "epochs=1")
        assert called.code == 0
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert "MY_KEY" in (Path("runs/tiny") / "config.yaml").read_text(encoding="utf-8")
    nothing_of_it(called)


def test_a_key_that_is_not_there_is_one_line(tiny: Path) -> None:
    called = scai("run", tiny, "--model", "openai:some-model", "--quiet")
    assert (called.code, called.out, called.err.count("\n")) == (2, "", 1)
    assert "OPENAI_API_KEY is not set" in called.err
    assert not Path("runs").exists()
