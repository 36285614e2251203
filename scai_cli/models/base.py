"""The one seam to every model."""

from __future__ import annotations

from typing import Protocol

from scai_cli.messages import ChatRequest, Completion


class ChatModel(Protocol):
    """Answers chat requests; safe to call many times at once from one event loop."""

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer one request.

        Raises `CallTransient` when trying again may help, `CallFailed` when this call failed for good, and
        `EndpointFailed` when no call to this endpoint can succeed.
        """
        ...

    async def aclose(self) -> None:
        """Give back connections; the model is not used afterwards."""
        ...
