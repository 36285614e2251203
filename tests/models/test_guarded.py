"""Whatever a provider does, a call ends in time, with an answer or one of the errors of `ChatModel`."""

import asyncio

import pytest

from scai_cli.errors import CallFailed, CallTransient, ConfigError, PromptRefused
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Completion, Message, Usage
from scai_cli.models.guarded import GuardedModel, connected

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


@pytest.mark.parametrize(
    ("thing", "kind", "words"),
    [
        (raises(ValueError("too odd\nto say")), CallFailed, "mine:connect: the provider raised ValueError: too odd"),
        (raises(KeyError("choices")), CallFailed, "raised KeyError: 'choices'"),
        (raises(RecursionError()), CallFailed, "raised RecursionError"),
        (raises(ConnectionResetError("gone")), CallTransient, "raised ConnectionResetError: gone"),
        (raises(TimeoutError("its own")), CallTransient, "raised TimeoutError: its own"),
        (raises(ValueError("bad key sk-12345")), CallFailed, r"bad key \[key\]"),
        (lambda _: asyncio.sleep(60), CallTransient, r"no complete answer within 0.05 s \(model.timeout_s\)"),
        (cancels_itself, CallTransient, "cancelled the call"),
        (lambda _: None, CallFailed, "returned NoneType, not a Completion"),
        (lambda _: "Hello", CallFailed, "returned str, not a Completion"),
        (lambda _: Completion(None), CallFailed, "returned NoneType as the text of an answer, not str"),
        (lambda _: Completion("Hi", None), CallFailed, "NoneType as the finish_reason"),
        (lambda _: Completion("Hi", usage=None), CallFailed, "NoneType as the usage of an answer, not Usage"),
        (lambda _: Completion("Hi", usage=Usage(1, None)), CallFailed, "None as usage.output_tokens, not a number"),
        (lambda _: Completion("Hi", usage=Usage(-1)), CallFailed, "-1 as usage.input_tokens, not a number of tokens"),
    ],
)
def test_what_a_provider_may_do_is_an_error_of_the_protocol(thing, kind, words, monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-12345")
    with pytest.raises(kind, match=words) as caught:
        asked(thing)
    assert "\n" not in str(caught.value)
    assert type(caught.value) is kind


def test_answers_and_errors_of_the_protocol_pass():
    answer = Completion("Hi", usage=Usage(1, 1))
    assert asked(lambda _: answer) is answer
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


@pytest.mark.parametrize(
    ("connect", "words"),
    [
        (lambda: 1 // 0, "the provider mine:connect raised ZeroDivisionError: integer division or modulo by zero"),
        (lambda: None, "the provider mine:connect returned NoneType, which has no coroutine `complete`"),
        (lambda: type("Half", (), {"complete": Does.complete})(), "returned Half, which has no coroutine `aclose`"),
    ],
)
def test_a_provider_that_gives_no_model_is_an_error_in_one_line(connect, words):
    with pytest.raises(ConfigError, match=words):
        connected(connect, SETTINGS)


def test_a_provider_that_cannot_close_takes_nothing_back(caplog):
    class Open(Does):
        async def aclose(self):
            raise OSError("stays open")

    caplog.set_level("DEBUG", "scai_cli")
    asyncio.run(GuardedModel(Open(None), SETTINGS).aclose())
    assert "stays open" in caplog.text
