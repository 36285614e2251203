"""Keys that a command prints: run once, run again when a key has expired, never shown, never from a file."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import TINY, scai
from documents import ROOT
from loopback import FAULTS, Body, Loopback, Reply, error
from waiting import until

from scai_cli.errors import CallTransient, ConfigError, EndpointFailed, KeyUntrusted, ProviderError
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Completion, Message
from scai_cli.models.embeddings import embedder
from scai_cli.models.endpoint import endpoint_of
from scai_cli.models.openai import OpenAIModel, connect

REQUEST = ChatRequest("c1", "user", "rating", "tiny", (Message("user", "Hello"),))


class Vault(Loopback):
    """A server that accepts only the newest key, and changes it after every `lasts` answers."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.lasts = 10**9
        self.file = Path("key").absolute()
        self.accepted: list[str] = []
        self.refused: list[str] = []
        self.number = 0
        self.change()

    def change(self) -> None:
        self.number += 1
        self.file.write_text(f"key-{self.number:04}-abcdefghijkl\n", encoding="utf-8")

    @property
    def key(self) -> str:
        return self.file.read_text(encoding="utf-8").strip()

    def reply(self, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        sent = headers["authorization"].removeprefix("Bearer ")
        if sent != self.key:
            self.refused.append(sent)
            return error(401, f"Incorrect API key provided: {sent}", "invalid_api_key")
        self.accepted.append(sent)
        answer = super().reply(path, headers, body)
        if len(self.accepted) % self.lasts == 0:
            self.change()
        return answer


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_KEY_COMMAND", "SCAI_KEY_COMMAND"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def vault() -> Iterator[Vault]:
    with Vault(answer=lambda asked: "Fine.") as server:
        yield server


def script(text: str = "cat key") -> str:
    """Write a command that counts its runs; return the line that runs it."""
    file = Path("print-key").absolute()
    file.write_text(f"#!/bin/sh\necho run >> {file.with_name('times')}\ncd {file.parent}\n{text}\n", encoding="utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return str(file)


def runs() -> int:
    file = Path("times")
    return len(file.read_text(encoding="utf-8").splitlines()) if file.exists() else 0


def settings(url: str, **keys: Any) -> ModelSettings:
    return ModelSettings(provider="openai", name="tiny", base_url=url, **keys)


def ask(model: ModelSettings, times: int = 1, *, before: Callable[[int], None] = lambda n: None) -> list[Completion]:
    async def main() -> list[Completion]:
        connected = connect(model, seed=0)
        try:
            answers = []
            for n in range(times):
                before(n)
                answers.append(await connected.complete(REQUEST))
            return answers
        finally:
            await connected.aclose()

    return asyncio.run(main())


def token(lasts: float) -> str:
    """A JSON web token that is valid for that many seconds."""
    claims = json.dumps({"exp": time.time() + lasts}).encode()
    return f"e30.{urlsafe_b64encode(claims).decode().rstrip('=')}.c2ln"


def test_a_command_is_run_once_and_again_after_each_refusal(vault, monkeypatch):
    monkeypatch.setenv("SCAI_KEY_COMMAND", script())
    vault.lasts = 3
    answers = ask(settings(vault.base_url), 10)
    assert [answer.text for answer in answers] == ["Fine."] * 10
    assert (runs(), len(vault.refused), len(vault.accepted)) == (4, 3, 10)
    assert len(set(vault.accepted)) == 4


def test_calls_at_once_wait_for_one_run(vault, monkeypatch):
    monkeypatch.setenv("SCAI_KEY_COMMAND", script("sleep 0.2; cat key"))

    async def main() -> tuple[list[Completion], int]:
        model, ticks = connect(settings(vault.base_url), seed=0), 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        vault.change()
        ticking = asyncio.create_task(tick())
        answers = await asyncio.gather(*(model.complete(REQUEST) for _ in range(40)))
        ticking.cancel()
        await model.aclose()
        return answers, ticks

    answers, ticks = asyncio.run(main())
    assert len(answers) == 40
    assert runs() == 2
    assert ticks >= 5  # the loop went on while the command ran


def test_connections_share_a_run(vault, monkeypatch):
    monkeypatch.setenv("SCAI_KEY_COMMAND", script())
    for timeout_s in (10, 20, 30):
        ask(settings(vault.base_url, timeout_s=timeout_s))
    assert runs() == 1


@pytest.mark.parametrize(("lasts", "again"), [(3600, 1), (70, 1), (-10, 1)])
def test_a_token_is_kept_for_its_lifetime(lasts, again, vault, monkeypatch):
    vault.file.write_text(token(lasts), encoding="utf-8")
    monkeypatch.setenv("SCAI_KEY_COMMAND", script())
    ask(settings(vault.base_url), 5)
    assert runs() == again  # one that has expired already is not asked for at every call


def test_an_expired_token_is_replaced_before_a_call(vault, monkeypatch):
    from scai_cli.models import key_command

    now = time.monotonic
    monkeypatch.setenv("SCAI_KEY_COMMAND", script())
    later = [0.0, 200.0, 290.0, 310.0, 320.0]  # seconds since the first run: five minutes are its lifetime

    def forward(n: int) -> None:
        monkeypatch.setattr(key_command.time, "monotonic", lambda: now() + later[n])

    ask(settings(vault.base_url), 5, before=forward)
    assert (runs(), vault.refused) == (2, [])


def test_the_same_key_again_is_an_error_of_the_key(vault, monkeypatch):
    monkeypatch.setenv("SCAI_KEY_COMMAND", script("echo another-key-0123456789"))

    async def main() -> list[object]:
        model = connect(settings(vault.base_url), seed=0)
        calls = (model.complete(REQUEST) for _ in range(20))
        found = await asyncio.gather(*calls, return_exceptions=True)
        await model.aclose()
        return list(found)

    found = asyncio.run(main())
    assert {type(each) for each in found} == {EndpointFailed}
    text = str(found[0])
    assert text.endswith("HTTP 401: Incorrect API key provided: [key]; check the key in SCAI_KEY_COMMAND")
    assert runs() == 2


def test_a_new_key_that_is_refused_too_is_an_error_of_the_key(vault, monkeypatch):
    monkeypatch.setenv("SCAI_KEY_COMMAND", script("wc -l < times"))
    with pytest.raises(EndpointFailed, match="check the key in SCAI_KEY_COMMAND"):
        ask(settings(vault.base_url))
    assert (runs(), vault.refused) == (2, ["1", "2"])


def test_a_command_that_fails_later_is_a_failure_that_passes(vault, monkeypatch):
    monkeypatch.setenv("SCAI_KEY_COMMAND", script("test -e fails && { echo no network >&2; exit 3; }; cat key"))

    def fail(n: int) -> None:
        if n == 1:
            vault.change()
            Path("fails").touch()

    with pytest.raises(CallTransient, match=r"^SCAI_KEY_COMMAND: the command failed with exit status 3: no network$"):
        ask(settings(vault.base_url), 2, before=fail)
    Path("fails").unlink()
    assert ask(settings(vault.base_url))[0].text == "Fine."


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("echo secret-1; echo >&2; echo 'Please log in' >&2; exit 7", "failed with exit status 7: Please log in"),
        ("echo secret-1; exit 1", "failed with exit status 1"),
        ("true", "printed nothing"),
        ("echo; echo nobody is signed in >&2", "printed nothing: nobody is signed in"),
        ("echo secret-1; echo secret-1", "printed more than one word, or characters that no key has"),
        ("echo Please log in", "printed more than one word, or characters that no key has"),
        ("printf 'schl\\303\\274ssel'", "printed more than one word, or characters that no key has"),
        ("printf '\\377secret-1'", "printed more than one word, or characters that no key has"),
    ],
)
def test_a_command_without_a_key_is_an_error_before_any_call(text, problem, vault, monkeypatch):
    monkeypatch.setenv("SCAI_KEY_COMMAND", script(text))
    with pytest.raises(ConfigError) as caught:
        ask(settings(vault.base_url))
    assert str(caught.value) == f"SCAI_KEY_COMMAND: the command {problem}"
    assert vault.accepted == vault.refused == []


def test_a_command_that_does_not_end_is_killed_with_all_its_processes(vault, monkeypatch):
    from scai_cli.models import key_command

    monkeypatch.setattr(key_command, "_TIMEOUT_S", 0.3)
    monkeypatch.setenv("SCAI_KEY_COMMAND", script("sleep 1000 & echo $! > child; wait"))
    with pytest.raises(ConfigError, match=r"^SCAI_KEY_COMMAND: the command did not end within 0 s$"):
        ask(settings(vault.base_url))
    until(lambda: not is_running(Path("child")))


def test_a_command_ends_with_the_work_that_needs_its_key(vault, monkeypatch):
    monkeypatch.setenv(
        "SCAI_KEY_COMMAND", script("test -e first && { sleep 1000 & echo $! > child; wait; }; touch first; cat key")
    )

    async def main() -> None:
        model = connect(settings(vault.base_url), seed=0)
        vault.change()
        calls = [asyncio.create_task(model.complete(REQUEST)) for _ in range(3)]
        await asyncio.to_thread(until, lambda: has_text("child"))
        for call in calls:
            call.cancel()
        await model.aclose()

    asyncio.run(main())
    until(lambda: not is_running(Path("child")))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=str)
def test_a_signal_ends_the_first_command_and_the_run(number, vault, monkeypatch):
    monkeypatch.setenv("SCAI_KEY_COMMAND", script("sleep 1000 & echo $! > child; wait"))
    arguments = [sys.executable, "-m", "scai_cli", "run", experiment(vault.base_url), "--run-id", "it"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(arguments, env=environment, stderr=subprocess.PIPE, text=True) as running:
        until(lambda: has_text("child"))
        running.send_signal(number)
        _, err = running.communicate(timeout=30)  # the command has twice the time
    assert running.returncode == 130
    assert "SCAI_KEY_COMMAND" not in err
    assert "Traceback" not in err
    until(lambda: not is_running(Path("child")))
    assert not Path("runs/it").exists()


def has_text(file: str) -> bool:
    return Path(file).exists() and bool(Path(file).read_text(encoding="utf-8"))


def is_running(file: Path) -> bool:
    """Return whether the process with the number in a file runs; one that has ended and is not waited for does not."""
    process = int(file.read_text(encoding="utf-8"))
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")
    return not (status.exists() and ") Z " in status.read_text(encoding="utf-8"))


def test_old_and_new_keys_are_in_no_text(vault, monkeypatch):
    monkeypatch.setenv("SCAI_KEY_COMMAND", script())
    old, vault.lasts = vault.key, 1
    vault.answer = lambda asked: f"It was {old}, it is {vault.key}."
    texts = [answer.text for answer in ask(settings(vault.base_url), 2)]
    assert texts == ["It was [secret], it is [secret]."] * 2
    monkeypatch.setitem(FAULTS, "echo", lambda asked, good: error(400, f"Odd: {old} and {vault.key}"))
    vault._script.append("echo")
    with pytest.raises(ProviderError, match=r"Odd: \[key\] and \[key\]"):
        ask(settings(vault.base_url))


def test_the_last_line_of_stderr_never_shows_a_key(vault, monkeypatch):
    monkeypatch.setenv("SCAI_KEY_COMMAND", script("cat key; test -s old && { echo bad $(cat old) >&2; exit 1; }; true"))

    def fail(n: int) -> None:
        if n == 1:
            Path("old").write_text(vault.key, encoding="utf-8")
            vault.change()

    with pytest.raises(CallTransient, match=r"exit status 1: bad \[key\]$"):
        ask(settings(vault.base_url), 2, before=fail)


def test_the_variable_of_api_key_env_has_its_own_command_which_counts_before_the_key(vault, monkeypatch):
    monkeypatch.setenv("MY_KEY", "a-stale-key")
    monkeypatch.setenv("MY_KEY_COMMAND", script())
    monkeypatch.setenv("SCAI_KEY_COMMAND", "exit 9")
    ask(settings(vault.base_url, api_key_env="MY_KEY"))
    assert (vault.accepted, vault.refused, runs()) == ([vault.key], [], 1)


@pytest.mark.parametrize("variable", ["SUDO", "PROMPT", "GIT_SSH"])
def test_a_command_that_is_not_that_of_a_key_is_never_run(variable, vault, monkeypatch):
    monkeypatch.setenv(f"{variable}_COMMAND", script())
    with pytest.raises(ConfigError, match=f"{variable}_COMMAND has no effect: only names with KEY, TOKEN or SECRET"):
        ask(settings(vault.base_url, api_key_env=variable))
    assert runs() == 0


def test_a_key_that_may_not_go_there_is_not_asked_for(monkeypatch):
    monkeypatch.setenv("SCAI_KEY_COMMAND", script("echo k"))
    with pytest.raises(KeyUntrusted, match="scai trust OPENAI_API_KEY https://stranger"):
        endpoint_of(settings("https://stranger.example/v1"))
    assert runs() == 0


def test_embeddings_use_the_command(vault, monkeypatch):
    def embed(path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        texts = json.loads(body)["input"]
        data = [{"index": n, "embedding": [1.0, n]} for n in range(len(texts))]
        return Reply(body=json.dumps({"data": data}).encode())

    monkeypatch.setattr(Loopback, "reply", lambda self, *sent: embed(*sent))
    monkeypatch.setenv("OPENAI_BASE_URL", vault.base_url)
    monkeypatch.setenv("SCAI_KEY_COMMAND", script())
    assert embedder("openai:e")(["a", "b"]) == [[1.0, 0], [1.0, 1]]
    assert vault.accepted == [vault.key]


def test_a_file_is_sent_again_with_the_new_key(vault, monkeypatch):
    received: list[bytes] = []

    def keep(self: Loopback, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        received.append(body)
        return Reply(body=b'{"id": "file-1"}')

    monkeypatch.setattr(Loopback, "reply", keep)
    monkeypatch.setenv("SCAI_KEY_COMMAND", script())
    Path("requests.jsonl").write_text("{}\n" * 9999, encoding="utf-8")

    async def main() -> bytes:
        model = connect(settings(vault.base_url), seed=0)
        assert isinstance(model, OpenAIModel)
        vault.change()
        answer = await model.connection.upload("files", {"purpose": "batch"}, Path("requests.jsonl"))
        await model.aclose()
        return answer

    assert asyncio.run(main()) == b'{"id": "file-1"}'
    assert len(vault.refused) == len(received) == 1
    assert b"{}\n" * 9999 in received[0]


def experiment(url: str) -> Path:
    model = {"provider": "openai", "name": "m", "base_url": url}
    tiny = yaml.safe_load(TINY.replace("?", "."))
    Path("e.yaml").write_text(yaml.safe_dump({**tiny, "model": model, "epochs": 1, "force": "all"}), encoding="utf-8")
    return Path("e.yaml")


def test_a_run_goes_on_while_keys_expire_and_a_check_runs_no_command(vault, monkeypatch, caplog):
    def answer(asked: Body) -> str:
        return '{"feedback": "Fine.", "reason": "Fine.", "rating": 5}'

    monkeypatch.setenv("SCAI_KEY_COMMAND", script())
    vault.answer, vault.lasts = answer, 7
    checked = scai("check", experiment(vault.base_url), "--json")
    assert (checked.code, runs()) == (0, 0)
    assert [host["key"] for host in checked.json["hosts"]] == ["OPENAI_API_KEY"]
    done = scai("run", "e.yaml", "--run-id", "r")
    assert done.code == 0, done.err
    assert runs() == 1 + len(vault.refused) > 3
    assert f"the key in SCAI_KEY_COMMAND goes to http://127.0.0.1:{vault.port}" in caplog.text
    written = "".join(file.read_text(encoding="utf-8") for file in Path("runs/r").rglob("*") if file.is_file())
    assert "abcdefghijkl" not in written + done.out + done.err
