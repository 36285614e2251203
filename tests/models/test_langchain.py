"""LangChain's real classes: its fake chat models, chat models of one's own, and langchain-openai against a loopback."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY, calls, scai, scai_process
from documents import ROOT
from loopback import Loopback

from scai_cli import plugins
from scai_cli.errors import (
    CallAdapted,
    CallFailed,
    CallTransient,
    ConfigError,
    EndpointFailed,
    ParameterRefused,
    PromptRefused,
    PromptTooLong,
)
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Completion, Message, Sampling, Usage
from scai_cli.models.langchain import LangChainModel, connect
from scai_cli.models.langchain.unknown_endpoint import UnknownEndpoint

pytestmark = pytest.mark.integration

KEY = "a-key-that-opens-nothing"
MODELS = '''\
"""Chat models of one's own, on LangChain's base class and on its fakes."""

from threading import Barrier, Event

from langchain_core.language_models import BaseChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult


class Parrot(BaseChatModel):
    """Repeats the last message; without a coroutine, so that it runs in a thread."""

    @property
    def _llm_type(self):
        return "parrot"

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        text = f"{type(messages[-1]).__name__}: {messages[-1].content[:60]}"
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])


class Keen(Parrot):
    """Has fields for the sampling, under other names than scai, and says what is in them."""

    temperature: float | None = 0.1
    max_output_tokens: int | None = None
    random_seed: int | None = None

    async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs):
        said = f"{self.temperature} {self.max_output_tokens} {self.random_seed} {sorted(kwargs.items())}"
        return ChatResult(generations=[ChatGeneration(message=AIMessage(said))])


class Meeting(Parrot):
    """Answers when forty calls are there."""

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        forty.wait(30)
        return super()._generate(messages)


class Hung(Parrot):
    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        Event().wait()


class Strict(Parrot):
    def _generate(self, messages, stop=None, run_manager=None, *, max_tokens=None):
        return super()._generate(messages)


def generic():
    return GenericFakeChatModel(messages=iter(["one", AIMessage("two")]))


forty = Barrier(40)
parrot = Parrot()
text = "no chat model"
'''


@pytest.fixture(autouse=True)
def _models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_models.py").write_text(MODELS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("LANGSMITH_TRACING", "false")


def request(*, logprobs: int | None = None, **sampling: Any) -> ChatRequest:
    messages = (Message("system", "Be kind."), Message("user", "Hello"))
    return ChatRequest("1", "assistant", "answer", "openai:m", messages, Sampling(**sampling), logprobs=logprobs)


def settings(name: str, **more: Any) -> ModelSettings:
    return ModelSettings(provider="langchain", name=name, **more)


def asked(model: ModelSettings, *requests: ChatRequest) -> list[Completion]:
    """The answers of one model, one after another."""

    async def ask() -> list[Completion]:
        connected = connect(model, seed=1)
        try:
            return [await connected.complete(one) for one in requests or (request(),)]
        finally:
            await connected.aclose()

    return asyncio.run(ask())


def read(message: Any) -> Completion:
    """The answer in a message, as any chat model may return it."""
    from langchain_core.language_models import GenericFakeChatModel

    chat = GenericFakeChatModel(messages=iter([message]))
    model = LangChainModel(settings("my_models:x"), chat, UnknownEndpoint.behind("langchain:my_models:x"))
    return asyncio.run(model.complete(request()))


def test_every_provider_of_langchain_is_known() -> None:
    from langchain.chat_models.base import _BUILTIN_PROVIDERS

    assert set(_BUILTIN_PROVIDERS) <= plugins.LANGCHAIN


# --- chat models in code -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["parrot", "Parrot"])
def test_an_instance_and_a_class(name: str) -> None:
    [answer] = asked(settings(f"my_models:{name}"))
    assert answer == Completion("HumanMessage: Hello", usage=Usage(4, 5))


def test_a_function() -> None:
    assert [answer.text for answer in asked(settings("my_models:generic"), request(), request())] == ["one", "two"]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("my_models:text", "gives a str, not a BaseChatModel"),
        ("my_models:none", "has no attribute 'none'"),
        ("pathlib:Path", "gives a PosixPath, not a BaseChatModel"),
        ("subprocess:run", "cannot be connected: TypeError: "),
    ],
)
def test_anything_else_is_refused(name: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        connect(settings(name), seed=1)


def test_the_sampling_is_in_the_fields_of_a_copy() -> None:
    sampling = {"temperature": 0.5, "max_tokens": 9, "top_p": 0.9}
    model = settings("my_models:Keen")
    first, second, plain = asked(model, request(**sampling, seed=1), request(**sampling, seed=2), request())
    assert (first.text, second.text) == ("0.5 9 1 [('top_p', 0.9)]", "0.5 9 2 [('top_p', 0.9)]")
    assert plain.text == "0.1 None None []"


def test_send_seed_false_omits_the_seed() -> None:
    [answer] = asked(settings("my_models:Keen", send_seed=False), request(seed=3))
    assert (answer.text, answer.adapted) == ("0.1 None None []", ())


def test_a_seed_that_the_class_refuses_is_left_out() -> None:
    async def ask() -> Completion:
        model = connect(settings("my_models:Strict"), seed=1)
        with pytest.raises(CallAdapted, match="does not take `seed`; seed is left out from now on"):
            await model.complete(request(seed=3, max_tokens=5))
        return await model.complete(request(seed=3, max_tokens=5))

    assert asyncio.run(ask()).adapted == ("seed: left out",)


def test_another_refused_parameter_names_its_key() -> None:
    with pytest.raises(EndpointFailed, match=r"does not take `temperature`; start a new run with --set model\.temp"):
        asked(settings("my_models:Strict"), request(temperature=0.5))


def test_merge_puts_the_system_message_before_the_first_message() -> None:
    [answer] = asked(settings("my_models:parrot", system_role="merge"))
    assert answer.text == "HumanMessage: Be kind.\n\nHello"


def test_log_probabilities_are_refused_as_a_parameter() -> None:
    with pytest.raises(ParameterRefused) as caught:
        asked(settings("my_models:parrot"), request(logprobs=5))
    assert caught.value.parameter == "logprobs"


def test_blocking_models_answer_at_once() -> None:
    async def ask() -> list[Completion]:
        model = connect(settings("my_models:Meeting"), seed=1)
        return await asyncio.gather(*(model.complete(request()) for _ in range(40)))

    assert {answer.text for answer in asyncio.run(ask())} == {"HumanMessage: Hello"}


# --- what a message contains ---------------------------------------------------------------------------------------


def ai(content: Any = "Hi.", **more: Any) -> Any:
    from langchain_core.messages import AIMessage

    return AIMessage(content=content, **more)


@pytest.mark.parametrize(
    ("content", "text", "thoughts"),
    [
        (["Hi", " there."], "Hi there.", ""),
        ([{"type": "text", "text": "Hi"}, {"type": "text", "text": " there."}], "Hi there.", ""),
        ([{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Hi."}], "Hi.", "Hm."),
        ([{"type": "reasoning", "reasoning": "Hm."}, {"type": "text", "text": "Hi."}], "Hi.", "Hm."),
        ([{"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}, {"text": "Hi."}], "Hi.", "Hm."),
        (
            [{"type": "reasoning_content", "reasoning_content": {"text": "Hm.", "signature": "x"}}, {"text": "Hi."}],
            "Hi.",
            "Hm.",
        ),
        ([{"type": "tool_use", "id": "1", "name": "f", "input": {"text": "x"}}], "", ""),
        ("<think>Hm.</think>Hi.", "Hi.", "Hm."),
        ("", "", ""),
        ([], "", ""),
    ],
)
def test_the_text_and_the_thoughts_of_a_content(content: Any, text: str, thoughts: str) -> None:
    answer = read(ai(content))
    assert (answer.text, answer.thoughts) == (text, thoughts)


def test_thoughts_beside_the_content() -> None:
    assert read(ai(additional_kwargs={"reasoning_content": "Hm."})).thoughts == "Hm."


@pytest.mark.parametrize(
    ("about", "ended"),
    [
        ({"finish_reason": "stop"}, "whole"),
        ({"stop_reason": "end_turn"}, "whole"),
        ({"stop_reason": "max_tokens"}, "cut"),
        ({"stopReason": "max_tokens"}, "cut"),
        ({"stopReason": "guardrail_intervened"}, "withheld"),
        ({"finish_reason": "MAX_TOKENS"}, "cut"),
        ({"finishReason": "SAFETY"}, "withheld"),
        ({"done_reason": "length"}, "cut"),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "cut"),
        ({"finish_reason": "STOP", "prompt_feedback": {"block_reason": 0}}, "whole"),
        ({}, "whole"),
    ],
)
def test_the_end_of_an_answer(about: dict[str, Any], ended: str) -> None:
    assert read(ai(response_metadata=about)).ended == ended


@pytest.mark.parametrize(
    "about", [{"stop_reason": "refusal"}, {"finish_reason": "SAFETY"}, {"prompt_feedback": {"block_reason": "SAFETY"}}]
)
def test_a_withheld_answer_is_a_refused_prompt_with_its_cost(about: dict[str, Any]) -> None:
    usage = {"input_tokens": 7, "output_tokens": 1, "total_tokens": 8}
    with pytest.raises(PromptRefused) as caught:
        read(ai("", response_metadata=about, usage_metadata=usage))
    assert caught.value.response is not None
    assert Usage.of(caught.value.response) == Usage(7, 1)


def test_the_usage_and_the_name_of_the_model() -> None:
    counts = {
        "input_tokens": 350,
        "output_tokens": 240,
        "total_tokens": 590,
        "input_token_details": {"cache_read": 100},
    }
    answer = read(ai(usage_metadata=counts, response_metadata={"model_name": "m-2026"}))
    assert (answer.usage, answer.model) == (Usage(350, 240, 100), "m-2026")


def test_a_usage_that_is_missing_is_estimated() -> None:
    assert read(ai("12345678")).usage == Usage(4, 2)


def test_the_text_of_a_refusal_is_the_answer() -> None:
    answer = read(ai([{"type": "refusal", "refusal": "I will not."}]))
    assert (answer.text, answer.ended) == ("I will not.", "withheld")


# --- langchain-openai ----------------------------------------------------------------------------------------------


@pytest.fixture
def _openai(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def served(monkeypatch: pytest.MonkeyPatch, fault: str = "ok", **more: Any) -> tuple[Loopback, Completion]:
    with Loopback(script=[fault]) as server:
        monkeypatch.setenv("OPENAI_API_BASE", server.base_url)  # the user's own variable
        sampling = {"temperature": 0.5, "top_p": 0.9, "max_tokens": 20, "seed": 7}
        [answer] = asked(settings("openai:m", **more), request(**sampling))
    return server, answer


@pytest.mark.usefixtures("_openai")
def test_a_call_through_langchain_openai(monkeypatch: pytest.MonkeyPatch) -> None:
    server, answer = served(monkeypatch, system_role="developer", options={"frequency_penalty": 0.5})
    assert (answer.text, answer.model, answer.usage) == ("You said: Hello", "m", Usage(3, 3))
    [received] = server.requests
    assert received.body == {
        "model": "m",
        "messages": [{"role": "developer", "content": "Be kind."}, {"role": "user", "content": "Hello"}],
        "temperature": 0.5,
        "top_p": 0.9,
        "max_completion_tokens": 20,
        "seed": 7,
        "frequency_penalty": 0.5,
        "stream": False,
    }


FAULTS = {
    "429-after": (CallTransient, "langchain:openai:m: HTTP 429: Rate limit reached"),
    "529": (CallTransient, "HTTP 529: Overloaded"),
    "500": (CallTransient, "HTTP 500: Internal error"),
    "drop-before": (CallTransient, "the connection failed: Connection error"),
    "hang": (CallTransient, "Request timed out"),
    "400": (PromptTooLong, "maximum context length"),
    "401": (EndpointFailed, "Incorrect API key provided; check the key in the environment"),
    "404": (EndpointFailed, "The model m does not exist"),
    "quota": (EndpointFailed, "You exceeded your current quota"),
    "filtered": (PromptRefused, "a content filter withheld the answer"),
    "malformed": (CallFailed, "JSONDecodeError"),
}


@pytest.mark.usefixtures("_openai")
@pytest.mark.parametrize("fault", FAULTS)
def test_its_failures_are_those_of_other_providers(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, words = FAULTS[fault]
    with pytest.raises(kind, match=words) as caught:
        served(monkeypatch, fault, timeout_s=1)
    assert type(caught.value) is kind
    assert getattr(caught.value, "retry_after", None) == (1.0 if fault == "429-after" else None)
    assert KEY not in str(caught.value)


@pytest.mark.usefixtures("_openai")
@pytest.mark.parametrize(("fault", "ended"), [("length", "cut"), ("refusal", "withheld"), ("no-usage", "whole")])
def test_its_answers_end_as_those_of_other_providers(fault: str, ended: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert served(monkeypatch, fault)[1].ended == ended


@pytest.mark.usefixtures("_openai")
def test_an_answer_with_the_key_is_kept_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(answer=lambda asked: f"The key is {KEY}.") as server:
        monkeypatch.setenv("OPENAI_API_BASE", server.base_url)
        [answer] = asked(settings("openai:m"))
    assert answer.text == "The key is [secret]."


def test_a_missing_key_is_an_error_of_the_settings() -> None:
    with pytest.raises(ConfigError, match=r"model\.name: openai:m cannot be connected: .*OPENAI_API_KEY"):
        connect(settings("openai:m"), seed=1)


def test_a_chat_model_without_limits_of_its_own_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from langchain_core.language_models.fake_chat_models import FakeListChatModel

    made: list[str] = []

    def make(name: str, **_: Any) -> FakeListChatModel:
        made.append(name)
        return FakeListChatModel(responses=["Hi."])

    monkeypatch.setattr("langchain.chat_models.init_chat_model", make)
    [answer] = asked(settings("ollama:m"), request())
    assert (answer.text, made) == ("Hi.", ["m"])


def test_copies_for_the_sampling_of_callers_are_limited() -> None:
    model = settings("my_models:Keen")
    connected = connect(model, seed=1)
    answers = asyncio.run(_all(connected, [request(temperature=n / 100) for n in range(100)]))
    assert [float(answer.text.split()[0]) for answer in answers] == [n / 100 for n in range(100)]
    assert connected._variant.cache_info().currsize == 64  # type: ignore[attr-defined]


async def _all(model: Any, requests: list[ChatRequest]) -> list[Completion]:
    return [await model.complete(each) for each in requests]


def test_a_missing_integration_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langchain_aws", None)
    with pytest.raises(ConfigError, match=r"model\.name: bedrock_converse:m: .* `pip install langchain-aws`"):
        connect(settings("bedrock_converse:m"), seed=1)


# --- whole runs ----------------------------------------------------------------------------------------------------


def test_a_run_and_its_resume_with_a_chat_model_in_code(tmp_path: Path) -> None:
    Path("own.yaml").write_text(TINY + "model: {provider: langchain, name: 'my_models:parrot'}\nforce: all\n")
    first = scai("run", "own.yaml", "--quiet", "--set", "limits.calls=10")
    assert (first.code, Path("runs/tiny/calls.jsonl").exists()) == (3, True)
    refused = scai("resume", "tiny", "--quiet", "--set", "limits.calls=null")
    assert refused.code == 2
    assert "names third-party code, chat model 'my_models:parrot'; add --trust to load it" in refused.err
    assert scai("resume", "tiny", "--quiet", "--trust", "--set", "limits.calls=null").code == 0
    answers = [call for call in calls(Path("runs/tiny")) if call["purpose"] == "answer"]
    assert {call["request"]["model"] for call in answers} == {"my_models:parrot"}
    assert {call["response"] for call in answers} >= {"HumanMessage: How do I make a pot of tea?"}


def test_a_probe_asks_for_forms_in_words_alone() -> None:
    Path("own.yaml").write_text(TINY)
    called = scai("check", "own.yaml", "--probe", "--json", "--model", "langchain:my_models:parrot")
    [found] = called.json["probe"]["models"]
    assert (found["findings"]["prompt"]["works"], "json_schema" in found["findings"]) == (False, False)


def test_a_call_that_hangs_in_its_thread_ends_with_the_timeout() -> None:
    Path("own.yaml").write_text(TINY + "model: {provider: langchain, name: 'my_models:Hung', timeout_s: 0.2}\n")
    ended = scai_process("run", "own.yaml", "--quiet", "--set", "limits.max_retries=0", PYTHONPATH=f"{ROOT}:.")
    assert ended.code == 4
    assert "no complete answer within 0.2 s (model.timeout_s)" in ended.err


def test_a_saved_evaluation_loads_the_chat_model_of_a_system_with_trust_alone() -> None:
    own = "bare,langchain:my_models:parrot"
    first = scai("evaluate", "none", own, "--suite", "choice", "--n", "1", "--model", "simulated", "--run-id", "it")
    assert first.code == 0, first.err
    refused = scai("resume", "it")
    assert refused.code == 2
    assert "names third-party code, chat model 'my_models:parrot'; add --trust to load it" in refused.err
    assert scai("resume", "it", "--trust").code == 0
