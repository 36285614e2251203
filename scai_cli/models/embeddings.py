"""Embeddings of texts from an endpoint with `/v1/embeddings`."""

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from scai_cli.errors import CallFailed, ConfigError
from scai_cli.experiment.model_settings import ModelSettings

Vectors = list[list[float]]

_BATCH_SIZE: Final = 64
"""The number of texts in a request."""


class _Embedding(msgspec.Struct):
    embedding: list[float]
    index: int


class _Answer(msgspec.Struct):
    data: list[_Embedding]


def embedder(model: str) -> Callable[[Sequence[str]], Vectors]:
    """Return a function that embeds texts with `openai:NAME` at OPENAI_BASE_URL or OpenAI, with OPENAI_API_KEY.

    Raises ConfigError for another provider, or a missing name or key; the function raises ProviderError.
    """
    provider, _, name = model.partition(":")
    if provider != "openai" or not name:
        raise ConfigError(f"--embedding-model {model}: write openai:NAME, e.g. openai:text-embedding-3-small")
    return lambda texts: asyncio.run(_embed(name, texts))


async def _embed(name: str, texts: Sequence[str]) -> Vectors:
    from scai_cli.models.openai import OpenAIModel

    client = OpenAIModel(ModelSettings(provider="openai", name=name))
    try:
        vectors: Vectors = []
        for start in range(0, len(texts), _BATCH_SIZE):
            batch = texts[start : start + _BATCH_SIZE]
            body = {"model": name, "input": list(batch), "encoding_format": "float"}
            vectors += _read(await client.post("embeddings", body), len(batch))
    finally:
        await client.aclose()
    if len({len(vector) for vector in vectors}) > 1:
        raise CallFailed(f"--embedding-model: {name} answered with vectors of different lengths")
    return vectors


def _read(data: bytes, count: int) -> Vectors:
    """Return the vectors of an answer, in the order of the texts."""
    try:
        answer = msgspec.json.decode(data, type=_Answer).data
    except msgspec.DecodeError as error:
        raise CallFailed(f"--embedding-model: the endpoint's answer contains no embeddings ({error})") from None
    answer.sort(key=lambda item: item.index)
    vectors = [item.embedding for item in answer]
    if [item.index for item in answer] != list(range(count)) or not all(vectors):
        raise CallFailed(f"--embedding-model: the endpoint answered with {len(answer)} embeddings for {count} texts")
    if not all(math.isfinite(number) for vector in vectors for number in vector):
        raise CallFailed("--embedding-model: the endpoint's embeddings contain numbers that are not finite")
    return vectors
