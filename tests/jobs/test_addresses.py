"""The address in use is saved with a run; work on it continues there, or where `--set model.base_url` says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from conftest import scai
from loopback import Loopback

OPENAI = ("--model", "openai:m", "--quiet", "--force")
PLAIN = ("--set", "generate.k=0", "--set", "generate.judge=users")


def saved(run: str) -> dict[str, object]:
    return yaml.safe_load((Path("runs") / run / "config.yaml").read_text(encoding="utf-8"))["model"]


@pytest.fixture
def stopped(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """The server of a run that OPENAI_BASE_URL started and a limit stopped."""
    with Loopback() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.base_url}/")
        assert scai("run", tiny, *OPENAI, "--set", "limits.calls=3").code == 3
        yield server


def test_the_address_of_the_environment_is_saved(stopped: Loopback) -> None:
    assert str(saved("tiny")["base_url"]).rstrip("/") == stopped.base_url


def test_a_resume_at_another_address_is_refused_and_set_allows_it(
    stopped: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Loopback() as other:
        monkeypatch.setenv("OPENAI_BASE_URL", other.base_url)
        refused = scai("resume", "tiny", "--quiet")
        assert (refused.code, len(refused.lines), len(other.requests)) == (2, 1, 0)
        option = f"model.base_url={other.base_url}"
        assert all(words in refused.err for words in (stopped.base_url, other.base_url, f"--set {option}"))
        assert scai("resume", "tiny", "--quiet", "--set", option, "--set", "limits.calls=6").code == 3
        assert len(other.requests) > 0
    assert saved("tiny")["base_url"] == other.base_url


def test_a_run_continues_at_its_address_without_the_variable(
    stopped: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL")
    before = len(stopped.requests)
    assert scai("resume", "tiny", "-q", "--set", "limits.calls=6").code == 3
    assert len(stopped.requests) > before


def test_the_variable_means_nothing_to_a_run_with_an_address_of_its_own(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Loopback() as server:
        option = f"model.base_url={server.base_url}"
        assert scai("run", tiny, *OPENAI, "--set", option, "--set", "limits.calls=3").code == 3
        assert saved("tiny")["base_url"] == server.base_url
        monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
        assert scai("resume", "tiny", "--quiet", "--set", "limits.calls=6").code == 3


@pytest.mark.parametrize("secret", ["u:hush@", "?key=hush"])
def test_a_password_in_the_variable_is_not_quoted(
    stopped: Loopback, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    query = "?" in secret
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://h/v1{secret}" if query else f"http://{secret}h/v1")
    called = scai("resume", "tiny", "--quiet")
    assert "hush" not in called.err
    assert called.code == 2


def test_a_simulated_run_has_no_address(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    assert scai("run", tiny, "--quiet", "--set", "limits.calls=3").code == 3
    assert saved("tiny")["base_url"] is None


def test_new_work_on_a_run_uses_the_variable_and_saves_it(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert scai("run", tiny, "--quiet").code == 0
    with Loopback() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        called = scai("generate", "tiny", "--model", "openai:m", "--n", 2, "--quiet", "--run-id", "rows", *PLAIN)
        assert len(server.requests) > 0, called.err
    rows = Path("runs") / "rows"
    experiment = yaml.safe_load((rows / "experiment.yaml").read_text(encoding="utf-8"))
    assert experiment["model"]["base_url"] == server.base_url


@pytest.mark.parametrize("model", ["--model=openai:m", "--model=simulated"])
def test_an_evaluation_continues_at_its_address_or_where_set_says(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also its systems with models of their own, and its judge."""
    more = ("--suite", "choice,pairs", "--n", "2", "--quiet", "--run-id", "it", "--judge", "openai:j", model)
    with Loopback(answer=lambda _: "A") as server, Loopback(answer=lambda _: "A") as other:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        assert scai("evaluate", "none", "own=bare,openai:o", *more, "--set", "limits.calls=2").code == 3
        monkeypatch.setenv("OPENAI_BASE_URL", other.base_url)
        assert (scai("resume", "it", "--quiet").code, len(other.requests)) == (2, 0)
        monkeypatch.delenv("OPENAI_BASE_URL")
        before = len(server.requests)
        assert scai("resume", "it", "--quiet", "--set", "limits.calls=6").code == 3
        assert len(server.requests) > before
        at = len(server.requests)
        limit = ("--set", f"model.base_url={other.base_url}", "--set", "limits.calls=10")
        assert scai("resume", "it", "--quiet", *limit).code == 3
        moved = len(other.requests)
        assert scai("resume", "it", "--quiet", "--set", "limits.calls=14").code == 3
        assert len(server.requests) == at
        assert 0 < moved < len(other.requests)


def test_the_judge_of_an_evaluation_moves_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(answer=lambda _: "A") as server, Loopback(answer=lambda _: "A") as other:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        more = ("--suite", "pairs", "--n", "2", "--quiet", "--run-id", "it", "--model=openai:m")
        assert scai("evaluate", "none", "bare", *more, "--set", "limits.calls=1").code == 3
        monkeypatch.delenv("OPENAI_BASE_URL")
        move = ("--set", f"roles.judge.base_url={other.base_url}", "--set", "roles.judge.timeout_s=77")
        scai("resume", "it", "--quiet", *move, "--set", "limits.calls=3")
    saved = yaml.safe_load(Path("runs/it/evaluation.yaml").read_text(encoding="utf-8"))
    assert {system["model"]["base_url"] for system in saved["systems"]} == {server.base_url}
    assert {system["model"]["timeout_s"] for system in saved["systems"]} == {120.0}
    assert [(judge["base_url"], judge["timeout_s"]) for judge in saved["judges"]] == [(other.base_url, 77.0)]
