"""A real OpenAI-compatible server (llama.cpp) with a tiny model of random weights, made on the spot.

    python tests/support/tiny_server.py --port 8080      # prints its base URL once it is ready; Ctrl-C ends it

It downloads nothing: the model is 0.4 MB of numpy noise with a token for every printable ASCII character,
drawn about as often as letters are in English. What it writes is gibberish, but each token is really
computed, sampled and counted, and a JSON schema is kept to. Needs `pip install -e '.[server]'`.
"""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
import xllamacpp

WIDTH, HIDDEN, LAYERS, HEADS = 64, 128, 1, 2
SPACE, NEWLINE = "\u0120", "\u010a"  # how byte-level BPE spells them
START, BEGIN, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
LETTERS = [NEWLINE, SPACE, *map(chr, range(33, 127))]
MERGES = [*(a + " " + b for a, b in ("th", "he", "in", "er", "an", "re")), f"{SPACE} a"]
TOKENS = [*LETTERS, *(merge.replace(" ", "") for merge in MERGES), START, BEGIN, END]
SPECIAL = 3
CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
ENGLISH = 'The assistant answers everyone in "plain words", briefly and kindly; it asks what they like best.'


def write_model(path: Path, *, context: int, likely: str = "", seed: int = 0) -> None:
    """Write a Llama model of random weights, the same for the same seed, as a GGUF file; it loves `likely` letters."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny-random")
    writer.add_context_length(context)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(TOKENS))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    _add_tokenizer(writer)
    for name, values in _weights(np.random.default_rng(seed), likely):
        writer.add_tensor(name, values.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_tokenizer(writer: gguf.GGUFWriter) -> None:
    kinds = [gguf.TokenType.NORMAL] * (len(TOKENS) - SPECIAL) + [gguf.TokenType.CONTROL] * SPECIAL
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(TOKENS)
    writer.add_token_types(kinds)
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(TOKENS.index(START))
    writer.add_pad_token_id(TOKENS.index(START))
    writer.add_eos_token_id(TOKENS.index(END))
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def _weights(random: np.random.Generator, likely: str) -> Iterator[tuple[str, np.ndarray]]:
    """Every tensor, all noise but for two coordinates.

    The first is the same for every token, so that its output weights act as a bias: how often one is drawn.
    The second marks digits, and lets a number end soon instead of growing an exponent.
    """

    def noise(*shape: int, scale: float) -> np.ndarray:
        return random.standard_normal(shape) * scale

    embedding, output = noise(len(TOKENS), WIDTH, scale=1), noise(len(TOKENS), WIDTH, scale=0.2)
    embedding[:, 0] = 8
    normed = 8 / np.sqrt((64 + WIDTH - 1) / WIDTH)  # what the last norm makes of that 8
    output[:, 0] = np.log(_frequencies(likely)) / normed
    embedding[[TOKENS.index(digit) for digit in "0123456789"], 1] = 8
    output[[TOKENS.index(end) for end in (",", "}", SPACE)], 1] = 0.5
    output[[TOKENS.index(more) for more in "eE."], 1] = -0.5
    yield "token_embd.weight", embedding
    yield "output.weight", output
    yield "output_norm.weight", np.ones(WIDTH)
    for layer in range(LAYERS):
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            yield f"blk.{layer}.{part}.weight", noise(WIDTH, WIDTH, scale=0.05)
        yield f"blk.{layer}.ffn_gate.weight", noise(HIDDEN, WIDTH, scale=0.05)
        yield f"blk.{layer}.ffn_up.weight", noise(HIDDEN, WIDTH, scale=0.05)
        yield f"blk.{layer}.ffn_down.weight", noise(WIDTH, HIDDEN, scale=0.05)
        yield f"blk.{layer}.attn_norm.weight", np.ones(WIDTH)
        yield f"blk.{layer}.ffn_norm.weight", np.ones(WIDTH)


def _frequencies(likely: str) -> np.ndarray:
    """How often each token should be drawn, roughly: letters as in English, an end after some 40 of them."""
    counts = Counter(ENGLISH.replace(" ", SPACE) + likely * len(ENGLISH))
    often = [counts[token] + 0.1 for token in TOKENS]
    often[-SPECIAL:] = [0.001, 0.001, len(ENGLISH) / 40]
    return np.array(often) / sum(often)


def start(*, port: int, context: int, slots: int, likely: str = "") -> xllamacpp.Server:
    """Serve a fresh model on the loopback: `slots` calls at the same time, of `context` tokens each."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tiny.gguf")
        write_model(path, context=context, likely=likely)
        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.model_alias = {"tiny"}
        params.port = port
        params.n_ctx, params.n_parallel = context * slots, slots  # the slots share the context
        params.cpuparams.n_threads = 1  # more would wait for each other on a busy machine
        params.cache_ram_mib = params.verbosity = 0
        params.fit_params = params.warmup = False
        return xllamacpp.Server(params)


def main() -> None:
    """Serve until interrupted or terminated."""
    parser = argparse.ArgumentParser(description="Serve a tiny random model on the loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    parser.add_argument("--context", type=int, default=32768, help="tokens of one call, answer included")
    parser.add_argument("--likely", default="", help="letters that it says more often than all others")
    parser.add_argument("--slots", type=int, default=4, help="calls answered at the same time")
    asked = parser.parse_args()
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # in the server's threads, too: they are born later
    server = start(port=asked.port, context=asked.context, slots=asked.slots, likely=asked.likely)
    print(f"{server.listening_address}/v1", flush=True)
    signal.sigwait(ends)
    os._exit(0)  # to close the server would wait for the calls under way


if __name__ == "__main__":
    main()
