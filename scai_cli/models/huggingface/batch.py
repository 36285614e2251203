"""Answer several prompts in one call of `generate`: each row has its own sampling, random numbers, length and end.

`generate` samples all rows alike, from one global generator. Here it decodes greedily, and a processor leaves a single
token in the scores of each row: the one that the row's own settings and random numbers choose.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scai_cli.models.huggingface.checkpoint import Weights

Candidates = list[list[tuple[int, float]]]
"""For each token of an answer, the most probable tokens and their natural log-probabilities."""
_GREEDY: Final = 1e-5
"""A temperature below this is 0: the scores divided by it would overflow."""


@dataclass(frozen=True, slots=True)
class RowSampling:
    """How the tokens of a row are drawn; rows with equal values are drawn together."""

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0

    @property
    def is_greedy(self) -> bool:
        """Whether the most probable token is taken."""
        return self.temperature < _GREEDY


@dataclass(frozen=True, slots=True)
class Row:
    """One prompt of a batch."""

    prompt: Sequence[int]
    most: int
    """The tokens of the answer, at most."""
    sampling: RowSampling
    seed: int | None
    logprobs: int | None
    """The candidates that are listed for each token."""
    is_cancelled: Callable[[], bool]
    """Asked after each token: the row then ends."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The tokens of an answer, the one that ends it included, and their candidates if they were requested."""

    tokens: list[int]
    candidates: Candidates | None = None


def answer(weights: Weights, rows: Sequence[Row]) -> list[Answer]:
    """Answer a left-padded batch; raises what torch raises, `is_out_of_memory` if it does not fit into memory.

    For each row, its prompt with the longest `most` of the batch must fit into the model's context, because
    `generate` counts the positions of a row that has ended until all have.
    """
    import torch
    from transformers import LogitsProcessorList, StoppingCriteriaList

    model = weights.model
    width = max(len(row.prompt) for row in rows)
    padding = [width - len(row.prompt) for row in rows]
    prompts = [[weights.pad_token] * left + list(row.prompt) for left, row in zip(padding, rows, strict=True)]
    masks = [[0] * left + [1] * (width - left) for left in padding]
    device = model.get_input_embeddings().weight.device
    sampler = _RowSampler(rows)
    output = model.generate(
        torch.tensor(prompts, device=device),
        attention_mask=torch.tensor(masks, device=device),
        max_new_tokens=max(row.most for row in rows),
        do_sample=False,
        logits_processor=LogitsProcessorList([sampler]),
        stopping_criteria=StoppingCriteriaList([_RowEnd(rows, width)]),
    )
    made = output[:, width:].tolist()
    texts = [_until_end(tokens, row.most, weights.end_tokens) for tokens, row in zip(made, rows, strict=True)]
    return [
        Answer(tokens, sampler.candidates[number][: len(tokens)] if row.logprobs else None)
        for number, (row, tokens) in enumerate(zip(rows, texts, strict=True))
    ]


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether a batch failed because it did not fit into the memory of its device."""
    import torch

    words = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(word in str(error).lower() for word in words)
    )


def _until_end(tokens: list[int], most: int, ends: frozenset[int]) -> list[int]:
    end = next((at for at, token in enumerate(tokens[:most]) if token in ends), most)
    return tokens[: min(end + 1, most)]


class _RowSampler:
    """A logits processor that leaves one token in each row that is not greedy, and notes candidates."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.candidates: dict[int, Candidates] = {n: [] for n, row in enumerate(rows) if row.logprobs}
        self._rows = rows
        self._random = [random.Random(row.seed) for row in rows]
        self._groups: dict[RowSampling, list[int]] = {}
        for number, row in enumerate(rows):
            if not row.sampling.is_greedy:
                self._groups.setdefault(row.sampling, []).append(number)
        self._warpers = {sampling: _warpers(sampling) for sampling in self._groups}

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Return the scores, [rows, vocabulary], with one finite number in each row that is drawn."""
        import torch

        for number, listed in self.candidates.items():
            most = min(self._rows[number].logprobs or 0, scores.shape[-1])
            values, tokens = scores[number].log_softmax(-1).topk(most)
            listed.append(list(zip(tokens.tolist(), values.tolist(), strict=True)))
        for sampling, numbers in self._groups.items():
            chances = self._warpers[sampling](input_ids[numbers], scores[numbers]).softmax(-1)
            sums = chances.cumsum(-1)
            drawn = torch.tensor([[self._random[number].random()] for number in numbers], dtype=sums.dtype)
            found = torch.searchsorted(sums, drawn.to(sums.device) * sums[:, -1:], right=True)
            found.clamp_(max=sums.shape[1] - 1)
            # By rounding, the sums of a parallel machine can rise at a token that has no chance.
            chosen = torch.where(chances.gather(1, found) > 0, found, chances.argmax(-1, keepdim=True))
            scores[numbers] = torch.full_like(chances, -torch.inf).scatter_(1, chosen, 0.0)
        return scores


def _warpers(sampling: RowSampling) -> Any:
    """Return the processors of transformers for one sampling, in the order in which `generate` applies them."""
    from transformers import (
        LogitsProcessorList,
        MinPLogitsWarper,
        TemperatureLogitsWarper,
        TopKLogitsWarper,
        TopPLogitsWarper,
    )

    found: list[Any] = [TemperatureLogitsWarper(sampling.temperature)]
    if sampling.top_k > 0:
        found.append(TopKLogitsWarper(sampling.top_k))
    if sampling.top_p < 1:
        found.append(TopPLogitsWarper(sampling.top_p))
    if sampling.min_p > 0:
        found.append(MinPLogitsWarper(sampling.min_p))
    return LogitsProcessorList(found)


class _RowEnd:
    """A stopping criterion: each row ends at its own length, or when its call is cancelled."""

    def __init__(self, rows: Sequence[Row], width: int) -> None:
        self._rows = rows
        self._width = width

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:  # noqa: ARG002 - as `generate` calls it
        """Return for each row whether it has ended."""
        import torch

        made = input_ids.shape[1] - self._width
        ended = [made >= row.most or row.is_cancelled() for row in self._rows]
        return torch.tensor(ended, dtype=torch.bool, device=input_ids.device)
