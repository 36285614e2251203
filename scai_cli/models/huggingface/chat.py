"""From the messages of a request to the tokens of a prompt, and from the tokens of an answer to its text."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Final

from scai_cli.errors import CallFailed, ConfigError
from scai_cli.experiment.model_settings import SystemRole
from scai_cli.messages import ChatRequest, Completion, Message, Usage
from scai_cli.models.huggingface.batch import Candidates
from scai_cli.models.huggingface.checkpoint import Checkpoint, quietly, quoted
from scai_cli.models.huggingface.options import INSTALL
from scai_cli.models.logprobs import answer_logprobs
from scai_cli.models.system_role import with_role
from scai_cli.models.thoughts import split_thoughts
from scai_cli.text.characters import clean

_CONVERSATION: Final = (Message("user", "Say hello."), Message("assistant", "Hello."), Message("user", "Say it again."))
_RULES: Final = ("You are a helpful assistant.", "Answer in rhymes.")
"""Two system messages for the conversation that a template is tried with."""


class ChatTemplate:
    """A tokenizer's chat template, with the variables and the role for system messages of one connection."""

    def __init__(self, checkpoint: Checkpoint, role: SystemRole, variables: Mapping[str, Any]) -> None:
        """Try the template with a harmless conversation; raises ConfigError if it refuses that, or omits a part."""
        self._name = checkpoint.source.called
        self._tokenizer = checkpoint.tokenizer
        self._encoding = checkpoint.encoding
        self._role = role
        self._variables = dict(variables)
        taken = inspect.signature(self._tokenizer.apply_chat_template).parameters
        if "sanitize_control_tokens" not in taken:
            raise ConfigError(f"model.provider: huggingface needs a newer version of transformers; {INSTALL}")
        if odd := sorted(taken.keys() & variables.keys()):
            raise ConfigError(f"model.options.chat_template_kwargs.{odd[0]}: cannot be set; remove it")
        if not self._tokenizer.chat_template:
            raise ConfigError(f"model.name: {self._name} has no chat template; use the version for chats (Instruct)")
        try:
            tried = [self.encode((Message("system", rule), *_CONVERSATION)) for rule in _RULES]
        except CallFailed as refused:
            raise ConfigError(str(refused)) from None
        if tried[0] == tried[1]:
            problem = "the chat template leaves the system message out; set model.system_role: merge"
            raise ConfigError(f"{self._name}: {problem}")

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Return the tokens of a prompt; raises CallFailed if the template refuses the messages.

        Special tokens in the messages are encoded as text, so that no text can begin a turn of its own.
        """
        texts = with_role([{"role": message.role, "content": message.content} for message in messages], self._role)
        try:
            with self._encoding, quietly():  # of prompts over the context, which are refused later
                encoded = self._tokenizer.apply_chat_template(
                    texts, add_generation_prompt=True, return_dict=True, sanitize_control_tokens=True, **self._variables
                )
        except Exception as error:  # noqa: BLE001 - a template is a program of a third party
            remedy = "merge if it takes no system message" if self._role == "system" else "the role that it takes"
            problem = f"the chat template refuses the messages ({quoted(error)}); set model.system_role: {remedy}"
            raise CallFailed(f"{self._name}: {problem}") from None
        return list(encoded["input_ids"])


def read_answer(
    checkpoint: Checkpoint,
    request: ChatRequest,
    prompt: Sequence[int],
    tokens: Sequence[int],
    end_tokens: frozenset[int],
    candidates: Candidates | None = None,
) -> Completion:
    """Return the completion of the tokens that a model wrote after a prompt, the token that ends it included."""
    tokenizer = checkpoint.tokenizer
    is_whole = bool(tokens) and tokens[-1] in end_tokens
    said = list(tokens[:-1] if is_whole else tokens)
    # Tags of thoughts are special tokens in some vocabularies: only an answer without thoughts is read without them.
    raw = clean(tokenizer.decode(said, skip_special_tokens=False))
    answer, thoughts, start = split_thoughts(raw)
    text = answer if thoughts else clean(tokenizer.decode(said, skip_special_tokens=True))
    logprobs = None
    if candidates is not None:
        logprobs = answer_logprobs({"content": _listed(tokenizer, said, candidates)}, raw[:start] + answer, start)
    return Completion(
        text,
        "stop" if is_whole else "length",
        Usage(len(prompt), len(tokens)),
        request.model,
        logprobs=logprobs,
        thoughts=thoughts,
    )


def _listed(tokenizer: Any, tokens: Sequence[int], candidates: Candidates) -> list[dict[str, Any]]:
    """Return tokens with their candidates in the form of a chat completion."""
    texts = tokenizer.convert_ids_to_tokens
    return [
        {
            "token": texts(token),
            "top_logprobs": [{"token": texts(other), "logprob": logprob} for other, logprob in likely],
        }
        for token, likely in zip(tokens, candidates, strict=False)
    ]
