"""Whatever a provider does, a call ends in time, with an answer or one of the errors of `ChatModel`."""

import asyncio
from base64 import b64encode
from contextlib import suppress
from math import inf

import pytest

from scai_cli.errors import CallFailed, CallTransient, PromptRefused
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Completion, Message, Usage
from scai_cli.models import guarded
from scai_cli.models.guarded import GuardedModel
from scai_cli.models.key_command import key_command

REQUEST = ChatRequest("c1", "user", "test", "m", (Message("user", "Hello"),))
SETTINGS = ModelSettings(provider="mine:connect", name="m", timeout_s=0.05, api_key_env="MY_KEY")


class Does:
    """A provider that does one thing."""

    def __init__(self, thing):
        self.thing = thing

    async def complete(self, request):
        done = self.thing(request)
        return await done if asyncio.iscoroutine(done) else done

    async def aclose(self):
        pass


def asked(thing):
    return asyncio.run(GuardedModel(Does(thing), SETTINGS).complete(REQUEST))


def raises(error):
    def thing(request):
        raise error

    return thing


async def cancels_itself(request):
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def ignores_its_cancellation(request):
    while True:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)


class Unprintable(Exception):
    def __str__(self):
        raise KeyError("no text")


@pytest.mark.parametrize(
    ("thing", "kind", "words"),
    [
        (raises(ValueError("too odd\nto say")), CallFailed, "mine:connect: the provider raised ValueError: too odd"),
        (raises(KeyError("choices")), CallFailed, "raised KeyError: 'choices'"),
        (raises(RecursionError()), CallFailed, "raised RecursionError"),
        (raises(ConnectionResetError("gone")), CallTransient, "raised ConnectionResetError: gone"),
        (raises(TimeoutError("its own")), CallTransient, "raised TimeoutError: its own"),
        (raises(ValueError("bad key sk-12345")), CallFailed, r"bad key \[key\]"),
        (raises(ValueError(f"bad header {b64encode(b'Bearer sk-12345').decode()}")), CallFailed, r"bad header \[key\]"),
        (lambda _: asyncio.sleep(60), CallTransient, r"no complete answer within 0.05 s \(model.timeout_s\)"),
        (ignores_its_cancellation, CallTransient, "no complete answer within 0.05 s"),
        (raises(Unprintable()), CallFailed, "the provider raised Unprintable$"),
        (raises(ValueError("\x1b[31mred\x07")), CallFailed, "^[^\x1b\x07]*red"),
        (cancels_itself, CallTransient, "cancelled the call"),
        (lambda _: None, CallFailed, "returned NoneType, not a Completion"),
        (lambda _: "Hello", CallFailed, "returned str, not a Completion"),
        (lambda _: Completion(None), CallFailed, "returned NoneType as the text of an answer, not str"),
        (lambda _: Completion("Hi", None), CallFailed, "NoneType as the finish_reason"),
        (lambda _: Completion("Hi", thoughts=None), CallFailed, "NoneType as the thoughts"),
        (lambda _: Completion("Hi", model=7), CallFailed, "int as the model of an answer, not str"),
        (lambda _: Completion("Hi", usage=Usage("3", 2)), CallFailed, "numbers of tokens that are none"),
        (lambda _: Completion("Hi", usage=Usage(3, -2)), CallFailed, "numbers of tokens that are none"),
        (lambda _: Completion("Hi", logprobs="no"), CallFailed, "str as the logprobs of an answer, not tuple"),
        (lambda _: Completion("Hi", logprobs=(("a", -inf),)), CallFailed, "not pairs of a text and a number"),
        (lambda _: Completion("Hi", usage=None), CallFailed, "NoneType as the usage of an answer, not Usage"),
    ],
)
def test_what_a_provider_may_do_is_an_error_of_the_protocol(thing, kind, words, monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-12345")
    monkeypatch.setattr(guarded, "_GRACE_S", 0.05)
    with pytest.raises(kind, match=words) as caught:
        asked(thing)
    assert "\n" not in str(caught.value)
    assert type(caught.value) is kind


def test_the_key_of_a_command_is_in_no_error_either(monkeypatch):
    monkeypatch.setenv("MY_KEY_COMMAND", "echo sk-67890")
    key = key_command("MY_KEY").first()
    with pytest.raises(CallFailed, match=r"bad key \[key\]"):
        asked(raises(ValueError(f"bad key {key}")))


def test_the_usual_key_is_hidden_too(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-67890")
    with pytest.raises(CallFailed, match=r"bad key \[key\]"):
        asyncio.run(GuardedModel(Does(raises(ValueError("bad key sk-67890"))), ModelSettings()).complete(REQUEST))


def test_answers_and_errors_of_the_protocol_pass():
    answer = Completion("Hi", usage=Usage(1, 1), model="m", logprobs=(("Hi", -0.5),))
    assert asked(lambda _: answer) == answer
    with pytest.raises(PromptRefused, match="no"):
        asked(raises(PromptRefused("no")))


def test_a_caller_that_is_cancelled_is_cancelled():
    async def cancelled():
        task = asyncio.create_task(GuardedModel(Does(lambda _: asyncio.sleep(60)), SETTINGS).complete(REQUEST))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())


def test_a_model_that_does_not_close_ends_all_the_same():
    class Open(Does):
        async def aclose(self):
            await self.complete(REQUEST)

    for thing in (raises(ValueError("no")), lambda _: asyncio.sleep(60)):
        asyncio.run(GuardedModel(Open(thing), SETTINGS).aclose())
