"""Texts to vectors, by any endpoint that answers `/v1/embeddings`."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from scai_cli.errors import CallFailed, ConfigError
from scai_cli.experiment.model_settings import ModelSettings

Vectors = list[list[float]]

_AT_ONCE: Final = 64
"""Texts in a request."""


class _Embedding(msgspec.Struct):
    embedding: list[float]
    index: int


class _Answer(msgspec.Struct):
    data: list[_Embedding]


def embedder(model: str) -> Callable[[Sequence[str]], Vectors]:
    """What turns texts into vectors: `openai:NAME`, at OPENAI_BASE_URL or OpenAI, with the key in OPENAI_API_KEY.

    Raises ConfigError for another provider or a missing name or key; the function raises ProviderError.
    """
    provider, _, name = model.partition(":")
    if provider != "openai" or not name:
        raise ConfigError(f"--embedding-model {model}: write openai:NAME, e.g. openai:text-embedding-3-small")
    return lambda texts: asyncio.run(_embed(name, texts))


async def _embed(name: str, texts: Sequence[str]) -> Vectors:
    from scai_cli.models.openai import OpenAIModel, connect

    client = connect(ModelSettings(provider="openai", name=name), seed=0)
    assert isinstance(client, OpenAIModel)
    try:
        found: Vectors = []
        for start in range(0, len(texts), _AT_ONCE):
            part = texts[start : start + _AT_ONCE]
            body = {"model": name, "input": list(part), "encoding_format": "float"}
            found += _read(await client.post("embeddings", body), len(part))
    finally:
        await client.aclose()
    if len({len(vector) for vector in found}) > 1:
        raise CallFailed(f"--embedding-model: {name} answered with vectors of different lengths")
    return found


def _read(data: bytes, count: int) -> Vectors:
    """The vectors of an answer in the order of the texts."""
    try:
        answer = msgspec.json.decode(data, type=_Answer).data
    except msgspec.DecodeError as error:
        raise CallFailed(f"--embedding-model: the endpoint's answer holds no embeddings ({error})") from None
    found = [one.embedding for one in sorted(answer, key=lambda one: one.index)]
    if [one.index for one in sorted(answer, key=lambda one: one.index)] != list(range(count)) or not all(found):
        raise CallFailed(f"--embedding-model: the endpoint answered with {len(answer)} embeddings for {count} texts")
    if not all(math.isfinite(number) for vector in found for number in vector):
        raise CallFailed("--embedding-model: the endpoint's embeddings hold numbers that are not finite")
    return found
