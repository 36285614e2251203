"""Keys go where their owner sent them: no file sends one to a host that the user has not allowed.

The strangers' hosts are names that a recording proxy answers for, so that everything sent to them is seen.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import TINY, Called, calls, scai, scai_process
from hypothesis import given
from hypothesis import strategies as st
from loopback import FAULTS, Body, Loopback, Reply
from terminal import Terminal, piped

from scai_cli import api
from scai_cli.errors import KeyUntrusted
from scai_cli.models.key_trust import is_trusted, origin_of

BASE = yaml.safe_load(TINY.replace("?", "."))
STRANGER = "http://stranger.example/v1"
SECRETS = (
    *("OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "ANTHROPIC_API_KEY", "GITHUB_TOKEN", "HF_TOKEN", "DATABASE_URL"),
    *("OPENROUTER_API_KEY", "SSH_AUTH_SOCK", "MY_KEY", "K", "openai_api_key", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID"),
)
AMBIENT = ("OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_WEBHOOK_SECRET")


def secret(name: str) -> str:
    return f"the-secret-of-{name}-0123456789"


class Recorder(Loopback):
    """A proxy that answers for every host and keeps all that it is sent."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.heard: list[str] = []

    def reply(self, path: str, headers: Any, body: bytes) -> Reply:
        self.heard.append(f"{path} {dict(headers)} {body!r}")
        return super().reply(path, headers, body)

    @property
    def leaked(self) -> list[str]:
        return [heard for heard in self.heard if "the-secret-of" in heard]


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """All hosts of the world, and a user with many secrets in the environment."""
    for name in {*SECRETS, *AMBIENT}:
        monkeypatch.setenv(name, secret(name))
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"X-Corp: {secret('CUSTOM')}\nAuthorization: Bearer {secret('HEADER')}")
    Path("netrc").write_text(f"machine stranger.example login me password {secret('NETRC')}\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(Path("netrc").absolute()))
    with Recorder(answer=lambda asked: "Fine.") as recorder:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{recorder.port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        yield recorder


def model(base_url: str | None = STRANGER, variable: str | None = None, **more: object) -> dict[str, object]:
    keys = {"base_url": base_url, "api_key_env": variable, **more}
    return {"provider": "openai", "name": "m"} | {key: value for key, value in keys.items() if value is not None}


def experiment(name: str = "e.yaml", **keys: Any) -> Path:
    """Write the tiny experiment with other keys."""
    Path(name).write_text(yaml.safe_dump({**BASE, "name": "e", **keys}), encoding="utf-8")
    return Path(name)


def with_person(own: dict[str, object], **keys: Any) -> Path:
    people = BASE["personas"]
    return experiment(personas=[{**people[0], "model": own}, *people[1:]], **keys)


def person_in_file(name: str) -> Path:
    people = [{"id": "eve", "name": "Eve", "description": "Eve waits.", "model": model(variable="K")}]
    text = "\n".join(map(json.dumps, people)) if name.endswith("l") else yaml.safe_dump({"personas": people})
    Path(name).write_text(text + "\n", encoding="utf-8")
    return experiment(personas={"from": name})


def saved(change: Callable[[dict[str, Any]], object], run: str = "old", *, finished: bool = False) -> str:
    """Leave a run behind, as somebody else would have sent it."""
    limit = () if finished else ("--set", "limits.calls=3")
    assert scai("run", experiment(), "--run-id", run, "-q", *limit).code == (0 if finished else 3)
    file = Path("runs") / run / "config.yaml"
    config = yaml.safe_load(file.read_text(encoding="utf-8"))
    change(config)
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    return run


def on(**keys: object) -> Callable[[dict[str, Any]], object]:
    return lambda config: config["model"].update(model(**keys))  # type: ignore[arg-type]


def imported() -> Path:
    row = {"bio": "He waits.", "model": model(), "base_url": STRANGER, "api_key_env": "K", "provider": "openai"}
    Path("p.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    assert scai("personas", "import", "p.jsonl", "--as", "table", "-o", "people.yaml", "-q").code == 0
    return experiment(personas={"from": "people.yaml"}, model=model(), epochs=1)


def rows_of_a_stranger() -> str:
    saved(lambda config: None, finished=True)
    plain = ("--set", "generate.k=0", "--set", "generate.judge=users", "--set", "limits.calls=2")
    assert scai("generate", "old", "--n", 3, "--run-id", "rows", "-q", *plain).code == 3
    file = Path("runs/rows/experiment.yaml")
    config = yaml.safe_load(file.read_text(encoding="utf-8"))
    config["model"].update(model(variable="K", base_url_from="environment"))
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    return "rows"


FILE_SETS: dict[str, Callable[[], tuple[object, ...]]] = {
    # experiments
    "model": lambda: ("run", experiment(model=model(variable="AWS_SECRET_ACCESS_KEY"))),
    "model, the usual variable": lambda: ("run", experiment(model=model())),
    "assistant": lambda: ("run", experiment(roles={"assistant": model(variable="K")})),
    "user": lambda: ("run", experiment(roles={"user": model()})),
    "meta, only an address": lambda: ("run", experiment(model=model(None), roles={"meta": {"base_url": STRANGER}})),
    "meta, only a variable": lambda: ("run", experiment(model=model(None), roles={"meta": {"api_key_env": "K"}})),
    "judge": lambda: ("run", experiment(generate={"judge": "model"}, roles={"meta": model()})),
    "judge, a model of its own": lambda: ("generate", rules(), "--config", judged(model(variable="K")), "--n", 2),
    "the provider as code": lambda: ("run", experiment(model=model(provider="scai_cli.models.openai:connect"))),
    "two strangers": lambda: ("run", experiment(model=model(), roles={"meta": model("http://other.example", "K")})),
    "official, over http": lambda: ("run", experiment(model=model("http://api.openai.com/v1"))),
    "official, another port": lambda: ("run", experiment(model=model("https://api.openai.com:8443/v1"))),
    "official, with a dot": lambda: ("run", experiment(model=model("https://api.openai.com./v1"))),
    "official, another variable": lambda: ("run", experiment(model=model("https://api.openai.com/v1", "K"))),
    "official, others' key": lambda: ("run", experiment(model=model("https://openrouter.ai/api/v1"))),
    "official as a subdomain": lambda: ("run", experiment(model=model("http://api.openai.com.stranger.example/v1"))),
    "official as a user": lambda: ("run", experiment(model=model("http://api.openai.com:443@stranger.example/v1"))),
    "this machine as a subdomain": lambda: ("run", experiment(model=model("http://127.0.0.1.stranger.example/v1"))),
    "localhost as a subdomain": lambda: ("run", experiment(model=model("http://localhost.stranger.example/v1"))),
    "a subdomain of localhost": lambda: ("run", experiment(model=model("http://stranger.localhost/v1"))),
    "this machine as a user": lambda: ("run", experiment(model=model("http://127.0.0.1@stranger.example/v1"))),
    "this machine in a fragment": lambda: ("run", experiment(model=model("http://stranger.example#@127.0.0.1/v1"))),
    "this machine after a backslash": lambda: ("run", experiment(model=model("http://stranger.example\\@127.0.0.1/"))),
    "a backslash in the host": lambda: ("run", experiment(model=model("http://127.0.0.1\\.stranger.example/"))),
    "a decimal address": lambda: ("run", experiment(model=model("http://3405803781/v1"))),
    "a short address": lambda: ("run", experiment(model=model("http://127.1/v1"))),
    "an octal address": lambda: ("run", experiment(model=model("http://0177.0.0.1/v1"))),
    "no address": lambda: ("run", experiment(model=model("http://0.0.0.0/v1"))),
    "an IPv6 address": lambda: ("run", experiment(model=model("http://[2001:db8::1]/v1"))),
    "a port without a colon": lambda: ("run", experiment(model=model("http://[::1]8000/v1"))),
    "a zone": lambda: ("run", experiment(model=model("http://[::1%stranger.example]/v1"))),
    "a mapped address": lambda: ("run", experiment(model=model("http://[::ffff:203.0.113.5]/v1"))),
    "letters of another script": lambda: ("run", experiment(model=model("http://\u0430pi.openai.com/v1"))),
    "full-width letters": lambda: ("run", experiment(model=model("http://127\uff0e0\uff0e0\uff0e1/v1"))),
    "a percent in the host": lambda: ("run", experiment(model=model("http://%73tranger.example/v1"))),
    "a tab in the host": lambda: ("run", experiment(model=model("http://127.0.0.1\t.stranger.example/v1"))),
    "capitals": lambda: ("run", experiment(model=model("HTTP://STRANGER.EXAMPLE/v1"))),
    "as if from the environment": lambda: ("run", experiment(model=model(base_url_from="environment"))),
    "probe": lambda: ("check", experiment(model=model(variable="K")), "--probe", "--json"),
    # personas and tasks
    "persona": lambda: ("run", with_person(model(variable="AWS_SECRET_ACCESS_KEY"))),
    "persona, only an address": lambda: ("run", with_person({"base_url": STRANGER}, model=model(None))),
    "persona, the usual variable": lambda: ("run", with_person(model())),
    "persona, the probe": lambda: ("check", with_person(model()), "--probe", "--json"),
    "YAML file of personas": lambda: ("run", person_in_file("p.yaml")),
    "JSONL file of personas": lambda: ("run", person_in_file("p.jsonl")),
    "JSON file of personas": lambda: ("run", person_in_file("p.json")),
    "task with a model": lambda: ("run", experiment(tasks=[{"id": "t", "prompt": "P?", "model": model(variable="K")}])),
    "import": lambda: ("run", imported()),
    # saved work
    "saved run": lambda: ("resume", saved(on(variable="K"))),
    "saved run, as if from the environment": lambda: ("resume", saved(on(base_url_from="environment"))),
    "saved run, a role": lambda: ("resume", saved(lambda config: config.update(roles={"meta": model(variable="K")}))),
    "explain": lambda: ("explain", saved(on(variable="K"), finished=True)),
    "chat": lambda: ("chat", saved(on(variable="K"), finished=True)),
    "generate": lambda: ("generate", saved(on(variable="K"), finished=True), "--n", 2),
    "generate with an experiment": lambda: ("generate", rules(), "--config", experiment(model=model()), "--n", 2),
    "generated set": lambda: ("resume", rows_of_a_stranger()),
    # a command that somebody gave the user to type
    "personas generate": lambda: (*MAKE, "--model", "openai:m", "--set", f"model.base_url={STRANGER}"),
    "personas generate, a variable": lambda: (*MAKE, "--set", f"model={json.dumps(model(variable='K'))}"),
}
"""Files that a stranger has written -> the command that a user runs on them."""
MAKE = ("personas", "generate", "--n", 2, "-o", "people.yaml", "-q")


def judged(judge: dict[str, Any]) -> Path:
    return experiment(roles={"judge": judge})


def rules() -> str:
    Path("rules.txt").write_text("Be brief.\n", encoding="utf-8")
    return "rules.txt"


def files() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file() and path.name != ".lock"}


@pytest.mark.parametrize("name", FILE_SETS)
def test_no_file_of_a_stranger_sends_a_key(stranger: Recorder, name: str) -> None:
    command = FILE_SETS[name]()
    before = files()
    called = scai(*command)
    assert stranger.heard == []
    assert (called.code, len(called.errors), called.out) == (2, 1, ""), called
    assert "the-secret-of" not in called.err
    assert files() == before


@pytest.mark.parametrize("variable", SECRETS)
def test_every_variable_is_safe_in_every_place(stranger: Recorder, variable: str) -> None:
    own = model(variable=variable)
    places = {"model": {"model": own}, "roles.user": {"roles": {"user": own}}, "personas.ann.model": None}
    for place, keys in places.items():
        called = scai("run", with_person(own) if keys is None else experiment(**keys), "-q")
        assert (called.code, stranger.heard) == (2, [])
        assert called.err.startswith(f"scai: {place}: the key in {variable} would go to http://stranger.example, ")
        assert called.err.endswith(f"run `scai trust {variable} http://stranger.example` to allow it\n")
    assert not Path("runs").exists()


@pytest.mark.parametrize("name", ["rules.txt", "rules.md", "rules.yaml"])
def test_the_environment_is_not_read_as_a_file(tmp_path: Path, name: str) -> None:
    Path(name).symlink_to("/proc/self/environ")
    called = scai("run", experiment(constitution={"from": name}), "-q")
    assert (called.code, len(called.lines), called.out) == (2, 1, "")
    assert not Path("runs").exists()


@pytest.mark.parametrize("transport", ["aiohttp", "plain"])
def test_a_host_without_a_key_gets_nothing_else_of_the_environment(
    stranger: Recorder, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    own = model(options={"transport": transport})
    assert scai("run", experiment(model=own, epochs=1, force="all"), "-q").code == 0
    assert stranger.heard
    assert stranger.leaked == []


def test_the_user_s_word_is_enough_and_can_be_taken_back(stranger: Recorder) -> None:
    config = experiment(model=model(variable="MY_KEY"), epochs=1, force="all")
    pair = ("MY_KEY", "http://stranger.example")
    assert scai("trust", "MY_KEY", "HTTP://Stranger.example:80/v1/chat").err.endswith(f"may go to {pair[1]}\n")
    assert scai("trust") == Called(0, f"{' '.join(pair)}\n", "")
    assert scai("trust", "--json").json == [{"variable": pair[0], "origin": pair[1]}]
    assert scai("run", config, "-q").code == 0
    assert len(stranger.leaked) == len(stranger.heard) > 0
    assert all(f"Bearer {secret('MY_KEY')}" in heard and secret("CUSTOM") not in heard for heard in stranger.heard)
    for other in ("http://stranger.example:81/v1", "https://stranger.example/v1", "http://www.stranger.example/v1"):
        assert scai("run", config, "-q", "--set", f"model.base_url={other}").code == 2
    assert scai("run", config, "-q", "--set", "model.api_key_env=K").code == 2
    assert scai("trust", "--remove", *pair).code == 0
    assert scai("trust") == Called(0, "", "")
    assert scai("run", config, "-q").code == 2
    assert scai("trust", "--remove", *pair).code == 2


@pytest.mark.slow
def test_the_list_is_the_user_s_alone_and_survives_what_is_wrong_with_it(stranger: Recorder) -> None:
    config = experiment(model=model(variable="MY_KEY"))
    file = Path("config/scai/trusted_keys")
    for origin in ("http://a.example", "http://b.example", "http://a.example"):
        assert scai("trust", "K", origin).code == 0
    assert file.read_text(encoding="utf-8") == "K http://b.example\nK http://a.example\n"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    for damage in (b"K\n", b"K http://a.example more\n", b"\xff\xfe\n", b"K ftp://a.example\n", b"K http://u@a\n"):
        file.write_bytes(damage)
        for command in (("trust",), ("trust", "K", "http://c.example"), ("run", config, "-q")):
            called = scai(*command)
            assert (called.code, len(called.lines)) == (2, 1)
            assert "trusted_keys" in called.err
        assert file.read_bytes() == damage
    file.unlink()
    file.mkdir()
    assert [scai(*command).code for command in (("trust",), ("run", config, "-q"))] == [2, 2]
    assert stranger.heard == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("K",),
        ("--remove",),
        ("--remove", "K"),
        ("sk-0123", "http://a.example"),
        ("K", "a.example"),
        ("K", "ftp://a.example"),
        ("K", f"http://me:{secret('URL')}@a.example"),
        ("K", "http://\u0430.example"),
        ("", "http://a.example"),
    ],
)
def test_a_pair_that_cannot_be_one_is_refused(arguments: tuple[str, ...]) -> None:
    called = scai("trust", *arguments)
    assert (called.code, len(called.lines), called.out) == (2, 1, "")
    assert "the-secret-of" not in called.err
    assert not Path("config").exists()


def test_the_address_of_the_environment_gets_the_usual_key_and_no_other(
    stranger: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", STRANGER)
    config = experiment(model=model(None), epochs=1, force="all")
    assert scai("run", config, "-q", "--set", "limits.calls=2").code == 3
    assert len(stranger.leaked) == 2
    assert scai("run", config, "-q", "--set", "model.api_key_env=K").code == 2

    # The saved address is no reason to send the key there again.
    monkeypatch.delenv("OPENAI_BASE_URL")
    refused = scai("resume", "e", "-q")
    assert (refused.code, len(refused.lines), len(stranger.heard)) == (2, 1, 2)
    assert f"set OPENAI_BASE_URL={STRANGER} " in refused.err
    assert "`scai trust OPENAI_API_KEY http://stranger.example`" in refused.err
    monkeypatch.setenv("OPENAI_BASE_URL", STRANGER)
    assert scai("resume", "e", "-q", "--set", "limits.calls=4").code == 3
    monkeypatch.delenv("OPENAI_BASE_URL")
    assert scai("trust", "OPENAI_API_KEY", STRANGER).code == 0
    assert scai("resume", "e", "-q", "--set", "limits.calls=6").code == 3
    assert len(stranger.heard) == 6


def test_check_lists_each_host_with_its_variable(stranger: Recorder) -> None:
    config = experiment(model=model("http://127.0.0.1:9/v1", "K"), roles={"meta": model(variable="MY_KEY")})
    hosts = {host["host"]: host for host in scai("check", config, "--json").json["hosts"]}
    assert (hosts["127.0.0.1:9"]["key"], hosts["127.0.0.1:9"]["refusal"]) == ("K", None)
    assert "`scai trust MY_KEY http://stranger.example`" in hosts["stranger.example"]["refusal"]
    shown = scai("check", config)
    assert shown.code == 0
    assert "calls stranger.example with the key in MY_KEY: m\nthe key in MY_KEY would go to" in shown.out
    assert stranger.heard == []


def test_the_api_raises_what_the_command_line_prints(stranger: Recorder) -> None:
    with pytest.raises(KeyUntrusted) as caught:
        asyncio.run(api.run(api.load_experiment(experiment(model=model(variable="K")))))
    assert caught.value.pair == ("K", "http://stranger.example")
    assert stranger.heard == []


@pytest.mark.slow
def test_embeddings_go_where_the_key_may_go(stranger: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    for run in ("one", "two"):
        saved(lambda config: None, run, finished=True)
    monkeypatch.setenv("OPENAI_BASE_URL", STRANGER)
    assert scai("compare", "one", "two", "--embedding-model", "openai:m").code == 4  # it has no such path
    assert len(stranger.leaked) == 1


@pytest.mark.slow
def test_stderr_names_each_host_once_and_quiet_hides_it(tiny: Path) -> None:
    with Loopback(answer=lambda asked: "Fine.") as server:
        where = ("--set", f"model.base_url={server.base_url}", "--set", "roles.meta.temperature=1")
        command = ("run", tiny, "--model", "openai:m", *where, "--set", "force=all", "--set", "epochs=1")
        called = scai_process(*command, OPENAI_API_KEY="7")
        quiet = scai_process(*command, "--quiet", OPENAI_API_KEY="7")
        without = scai_process(*command)
    line = f"scai: the key in OPENAI_API_KEY goes to http://127.0.0.1:{server.port}"
    assert [text.count("the key in") for text in (called.err, quiet.err, without.err)] == [1, 0, 0]
    assert line in called.lines


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["aiohttp", "plain"])
def test_a_terminal_is_asked_once(stranger: Recorder, transport: str) -> None:
    own = model(variable="MY_KEY", options={"transport": transport})
    config = experiment(model=own, epochs=1, force="all")
    for answer in ("n\n", "\n", "\x04"):
        with Terminal("run", config) as terminal:
            terminal.sees("[y/N] ")
            terminal.types(answer)
            assert terminal.ends() == 2
        assert "scai trust MY_KEY http://stranger.example" in terminal.shown
    with Terminal("run", config) as terminal:
        terminal.sees("[y/N] ")
        terminal.types("\x03")
        assert terminal.ends() == 130
    assert (stranger.heard, Path("runs").exists()) == ([], False)
    with Terminal("run", config) as terminal:
        terminal.sees("the key in MY_KEY would go to http://stranger.example, which you have not allowed")
        terminal.types("y\n")
        assert terminal.ends() == 0
    heard = len(stranger.heard)
    assert heard == len(stranger.leaked) > 0
    with Terminal("run", config) as terminal:
        assert terminal.ends() == 0
    assert "[y/N]" not in terminal.shown
    assert len(stranger.heard) == 2 * heard


def test_a_pipe_is_not_asked(stranger: Recorder) -> None:
    code, _, err = piped("y\n", "run", experiment(model=model(variable="K")), "-q")
    assert (code, err.count("\n"), stranger.heard) == (2, 1, [])


@given(
    st.sampled_from(["http", "https", "HTTP", "ftp"]),
    st.text("localhst127.0:[]@\\/?#%_-\u0430\uff0e \tAxn", max_size=24)
    | st.sampled_from(["127.0.0.1", "[::1]", "[::1]:80", "localhost:443", "a.b:8000", "[fe80::1%25eth0]", "[::1]8000"]),
)
def test_the_client_reads_an_origin_as_it_was_checked(scheme: str, host: str) -> None:
    from httpx2 import URL

    address = f"{scheme}://{host}/v1"
    try:
        origin = origin_of(address)
    except ValueError:
        return
    url = URL(address)
    default = {"http": 80, "https": 443}[url.scheme]
    port = "" if url.port in (None, default) else f":{url.port}"
    assert origin in (f"{url.scheme}://{url.host}{port}", f"{url.scheme}://[{url.host}]{port}")
    assert origin_of(origin) == origin


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:1", "127.8.9.10", "[::1]", "[0:0:0:0:0:0:0:1]:8000", "LocalHost"]
)
def test_this_machine_gets_any_key(host: str) -> None:
    assert is_trusted("ANY_KEY", origin_of(f"http://{host}/v1"))


def test_an_answer_from_this_machine_may_not_lead_elsewhere(
    stranger: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(asked: Body, good: bytes) -> Reply:
        return Reply(307, headers={"location": f"{STRANGER}/chat/completions"})

    monkeypatch.setitem(FAULTS, "away", away)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Loopback(script=["away"] * 50) as server:
        called = scai("run", experiment(model=model(server.base_url, "K")), "-q")
    assert (called.code, len(called.lines), stranger.heard) == (4, 1, [])
    assert "stranger.example" in called.err
    assert {call.get("error", "")[:4] for call in calls(Path("runs/e"))} <= {"", "http"}
