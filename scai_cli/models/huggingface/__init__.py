"""The provider for models of Hugging Face's transformers in this process.

`connect` reads the settings (`options`), the configuration and the tokenizer (`checkpoint`), and tries the chat
template (`chat`). A call waits in the queue of its model's `worker`, a thread that owns the only copy of the weights
and answers the waiting calls together (`batch`). torch is imported on connect, and for no other provider.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from scai_cli.errors import ConfigError, EndpointFailed, PromptTooLong
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Completion, Sampling
from scai_cli.models.base import ChatModel
from scai_cli.models.huggingface.batch import Row, RowSampling
from scai_cli.models.huggingface.chat import ChatTemplate, read_answer
from scai_cli.models.huggingface.checkpoint import Weights
from scai_cli.models.huggingface.options import read_settings
from scai_cli.models.huggingface.worker import Call, worker_of

__all__ = ["connect"]

_LENGTH: Final = 1024
"""The tokens of an answer, at most, if neither the request nor the model's files have a limit."""


def connect(model: ModelSettings, *, seed: int) -> ChatModel:  # noqa: ARG001 - requests carry their seeds
    """Open a model in this process; its weights are loaded at the first call.

    Raises ConfigError for a missing package, an unknown option, a name without a model, a device that is absent and a
    chat template that refuses a plain conversation.
    """
    return _HuggingFace(model)


class _HuggingFace:
    """A ChatModel whose calls are answered by the worker of its weights."""

    def __init__(self, model: ModelSettings) -> None:
        source, self._options = read_settings(model)
        self._sends_seed = model.send_seed
        self._worker = worker_of(source, self)
        self._checkpoint = self._worker.checkpoint
        try:
            self._template = ChatTemplate(self._checkpoint, model.system_role, self._options.chat_template_kwargs)
        except ConfigError:
            self._worker.leave(self)
            raise

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer one request in a batch with others; a caller that no longer waits ends its row."""
        worker = self._worker
        if self not in worker.users:
            raise EndpointFailed(f"{request.model}: the connection is closed")
        call = Call(
            to_row=lambda weights: self._row(request, weights, lambda: call.future.cancelled() or worker.is_closed),
            to_completion=lambda row, made, weights: read_answer(
                self._checkpoint, request, row.prompt, made.tokens, weights.end_tokens, made.candidates
            ),
            batch_size=self._options.batch_size,
        )
        worker.submit(call)
        return await asyncio.wrap_future(call.future)

    async def aclose(self) -> None:
        """Leave the worker, which frees the weights after the last connection."""
        await asyncio.to_thread(self._worker.leave, self)

    def _row(self, request: ChatRequest, weights: Weights, is_cancelled: Callable[[], bool]) -> Row:
        """Return the request as a row of a batch; raises PromptTooLong, and CallFailed if the template refuses it."""
        sampling, context = request.sampling, self._checkpoint.context
        prompt = self._template.encode(request.messages)
        if len(prompt) >= context:
            problem = f"the prompt has {len(prompt):,} tokens; the maximum context length is {context:,} tokens"
            raise PromptTooLong(f"{request.model}: {problem}")
        most = sampling.max_tokens or _default_length(weights.defaults, len(prompt))
        return Row(
            prompt,
            min(most, context - len(prompt)),
            _row_sampling(sampling, weights.defaults),
            sampling.seed if self._sends_seed else None,
            request.logprobs,
            is_cancelled,
        )


def _default_length(defaults: Any, prompt: int) -> int:
    """Return the limit in the model's `generation_config.json`, or 1,024."""
    if defaults.max_new_tokens:
        return int(defaults.max_new_tokens)
    return max(0, (defaults.max_length or 0) - prompt) or _LENGTH


def _row_sampling(sampling: Sampling, defaults: Any) -> RowSampling:
    """Return the sampling of a request; the model's `generation_config.json` has the values that it leaves out."""
    temperature, top_p = sampling.temperature, sampling.top_p
    if temperature is None:
        given = 1.0 if defaults.temperature is None else defaults.temperature
        temperature = given if defaults.do_sample else 0.0
    if top_p is None:
        top_p = 1.0 if defaults.top_p is None else defaults.top_p
    return RowSampling(temperature, top_p, defaults.top_k or 0, defaults.min_p or 0.0)
