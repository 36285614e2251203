"""The files of a model: configuration and tokenizer when a connection opens, the weights at its first call."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Final

from scai_cli.errors import ConfigError
from scai_cli.models.huggingface.adapter import with_adapter
from scai_cli.models.huggingface.options import Source
from scai_cli.text.characters import one_line

_QUOTED: Final = 300
_UNLIMITED: Final = 10**9
"""The context of a model whose configuration has no limit; tokenizers without one have a larger number."""
_SETTINGS: Final = {
    "TQDM_DISABLE": "1",  # bars would break the live display
    "USE_HUB_KERNELS": "NO",  # code, which a model's configuration may name
    "DISABLE_SAFETENSORS_CONVERSION": "1",  # has a service make a pull request at a repository without safetensors
}
"""The environment of the libraries, unless the user has set it; most of it is read once, at their import."""
_KEPT: Final = (
    "repetition_penalty",
    "no_repeat_ngram_size",
    "bad_words_ids",
    "suppress_tokens",
    "begin_suppress_tokens",
    "sequence_bias",
)
"""The keys of `generation_config.json` that change the scores before a token is chosen from them."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model's configuration and tokenizer."""

    source: Source
    tokenizer: Any
    """Of transformers."""
    context: int
    """The tokens of a prompt and its answer, at most."""
    encoding: Lock = field(default_factory=Lock)
    """For the tokenizer, which cannot encode in two threads: one may connect while the other answers."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A model that can answer, and the values in its `generation_config.json`."""

    model: Any
    """Of transformers, in evaluation mode."""
    defaults: Any
    """A GenerationConfig: the sampling and the length for requests that do not set them."""
    end_tokens: frozenset[int]
    pad_token: int


def read_checkpoint(source: Source) -> Checkpoint:
    """Read the configuration and the tokenizer, from the Hub if they are not on this machine; a few megabytes.

    Raises ConfigError for a name without a model, a model that is not a chat model, and a device that is absent.
    """
    for variable, value in _SETTINGS.items():
        os.environ.setdefault(variable, value)
    import torch
    from transformers import AutoConfig, AutoTokenizer

    _check_device(source.device, torch)
    with quietly():
        try:
            config = AutoConfig.from_pretrained(source.name, **_where(source))
            tokenizer = AutoTokenizer.from_pretrained(**_tokenizer(source))
        except Exception as error:  # noqa: BLE001 - the files can be damaged in any way
            remedy = "; set model.options.gguf_file to its file" if _has_gguf_alone(source) else ""
            base = "" if source.adapter is None else f", the base of {source.called},"
            raise ConfigError(f"model.name: {source.name}{base} cannot be loaded: {quoted(error)}{remedy}") from None
    if getattr(config, "is_encoder_decoder", False):
        raise ConfigError(f"model.name: {source.called} is an encoder-decoder model; use a chat model")
    size = getattr(config.get_text_config(decoder=True), "max_position_embeddings", None)
    if not isinstance(size, int) or size < 1:
        size = tokenizer.model_max_length
    return Checkpoint(source, tokenizer, min(int(size), _UNLIMITED))


def _has_gguf_alone(source: Source) -> bool:
    folder = Path(source.name)
    return source.gguf_file is None and any(folder.glob("*.gguf")) and not (folder / "config.json").exists()


def load_weights(checkpoint: Checkpoint) -> Weights:
    """Load the weights onto their device; raises what transformers does, in many forms, and ValueError for too few."""
    import torch
    from transformers import AutoModelForCausalLM, GenerationConfig, GgufConfig

    source, tokenizer = checkpoint.source, checkpoint.tokenizer
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    device = source.device or (accelerator.type if accelerator else "cpu")
    is_cpu = device.startswith("cpu")
    dtype = source.dtype or ("float32" if is_cpu else "auto")
    unpacked = {} if source.gguf_file is None else {"quantization_config": GgufConfig(dequantize=True)}
    with quietly():
        model, report = AutoModelForCausalLM.from_pretrained(
            source.name,
            **_where(source),
            **unpacked,
            dtype=dtype if dtype == "auto" else getattr(torch, dtype),
            device_map=None if is_cpu else device,
            output_loading_info=True,
        )
    if missing := sorted(report["missing_keys"]):  # they would be random numbers
        raise ValueError(f"they lack {len(missing)} parts of a chat model, e.g. {missing[0]}")
    if source.adapter is not None:
        model = with_adapter(model, source.adapter)
    model.eval()
    defaults = model.generation_config
    ends = frozenset(_ids(defaults.eos_token_id) + _ids(tokenizer.eos_token_id))
    pads = [*_ids(tokenizer.pad_token_id), *_ids(defaults.pad_token_id), *sorted(ends), 0]
    kept = {key: value for key in _KEPT if (value := getattr(defaults, key, None)) is not None}
    # `generate` falls back on this config for all that it is not given: beams, lengths, words that end an answer.
    model.generation_config = GenerationConfig(**kept, eos_token_id=sorted(ends) or None, pad_token_id=pads[0])
    return Weights(model, defaults, ends, pads[0])


def quoted(error: BaseException) -> str:
    """Return an error of a library as one line of at most 300 characters, with its type."""
    return one_line(f"{type(error).__name__}: {error}", _QUOTED)


def _where(source: Source) -> dict[str, Any]:
    """Return the arguments that name the files; code in them is never run."""
    given = {"revision": source.revision, "gguf_file": source.gguf_file}
    return {key: value for key, value in given.items() if value is not None} | {"trust_remote_code": False}


def _tokenizer(source: Source) -> dict[str, Any]:
    """Return the arguments that name the tokenizer: the adapter's, with its chat template, or else the model's."""
    if source.adapter is not None and (own := source.adapter.tokenizer) is not None:
        return {"pretrained_model_name_or_path": own, "trust_remote_code": False}
    return {"pretrained_model_name_or_path": source.name, **_where(source)}


def _check_device(device: str | None, torch: Any) -> None:
    if device in (None, "auto"):
        return
    try:
        wanted = torch.device(device)
    except RuntimeError:
        raise ConfigError(
            f"model.options.device: {device} is not a device of torch; write e.g. cpu or cuda:0"
        ) from None
    if wanted.type == "cpu":
        return
    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    if found is None or found.type != wanted.type or (wanted.index or 0) >= torch.accelerator.device_count():
        names = "only the CPU" if found is None else f"{torch.accelerator.device_count()} of type {found.type}"
        raise ConfigError(f"model.options.device: torch does not find {device}, but {names}; correct or remove it")


def _ids(value: object) -> list[int]:
    """Return the token ids in a value that is one, several or none."""
    return [each for each in (value if isinstance(value, list | tuple) else [value]) if isinstance(each, int)]


@contextmanager
def quietly() -> Iterator[None]:
    """Silence the library's advice and progress bars; errors are raised in any case."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
