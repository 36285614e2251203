"""The protocol of every chat model."""

from typing import Protocol

from scai_cli.messages import ChatRequest, Completion


class ChatModel(Protocol):
    """Answers chat requests; concurrent calls from one event loop are safe.

    A provider is a function `connect(model: ModelSettings, *, seed: int) -> ChatModel`. A run uses it like this:

    1. `connect` is called once for each endpoint and its options. It raises `ConfigError` for errors in the settings.
    2. `complete` is called for every request, up to `limits.concurrency` at a time. The gate in front limits, retries
       and counts the calls, so a model makes one attempt and neither waits nor retries.
    3. Thoughts and special tokens in the text of the answer are separated from it. It is written to `calls.jsonl`
       before it is used. A resume does not repeat the call.
    4. `aclose` is called once at the end, also after an error.

    A model that answers with the last message:

        class Echo:
            async def complete(self, request: ChatRequest) -> Completion:
                return Completion(request.messages[-1].content, usage=Usage(1, 1))

            async def aclose(self) -> None:
                pass
    """

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer one request.

        Raises `CallTransient` if another attempt may succeed, `CallFailed` if this call cannot succeed, and
        `EndpointFailed` if no call to this endpoint can succeed.
        """

    async def aclose(self) -> None:
        """Close the connections; called once, after the last request."""
