"""A model that is connected when it is first called."""

from collections.abc import Callable

from scai_cli.messages import ChatRequest, Completion
from scai_cli.models.base import ChatModel


class LateModel:
    """Connects at its first call; finished work makes none, and needs no key, package or server."""

    def __init__(self, connect: Callable[[], ChatModel]) -> None:
        self._connect = connect
        self._model: ChatModel | None = None

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer one request; raises ConfigError if the model cannot be connected."""
        self._model = self._model or self._connect()
        return await self._model.complete(request)

    async def aclose(self) -> None:
        """Close the model, if it was connected."""
        if self._model is not None:
            await self._model.aclose()
