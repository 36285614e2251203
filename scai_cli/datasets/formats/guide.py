"""What a card says of each format: what its rows are for, what its columns hold, what its trainers must be told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from scai_cli.datasets.formats.export_record import ExportedFile
from scai_cli.datasets.formats.openai import LEAST_ROWS, MOST_TOKENS
from scai_cli.datasets.formats.preference import GOOD

CHARACTERS_A_TOKEN: Final = 4
"""In English; an estimate."""


@dataclass(frozen=True, slots=True)
class Guide:
    """A format for people."""

    purpose: str
    columns: Mapping[str, str]
    advice: tuple[str, ...]
    tags: tuple[str, ...] = ()


_MESSAGES: Final = "list of `{role, content}`"
_PROMPT: Final = f"{_MESSAGES}: what comes before the answer, ends with the user"
_DROPPED: Final = (
    "TRL drops a row whose prompt alone fills `max_length` (DPO) or that is left without an answer by it (SFT), "
    "and says nothing."
)
_LLAMA_FACTORY: Final = (
    "For LLaMA-Factory: `dataset_dir` is this folder, `dataset` a name in `dataset_info.json`.",
    "Without a `system` column LLaMA-Factory's template may put in a system message of its own (Qwen's does): choose a "
    "template without one, or export with `--system TEXT`.",
)
_API: Final = (
    "Every row was checked against the published rules; the file holds nothing else, for the API refuses other keys.",
    f"The API refuses files of fewer than {LEAST_ROWS} rows and cuts a row off at {MOST_TOKENS:,} tokens (OpenAI; "
    "elsewhere at the model's context).",
)

_SFT: Final = Guide(
    "supervised fine-tuning on whole conversations",
    {"messages": f"{_MESSAGES}: the conversation, ends with the answer"},
    (
        "TRL trains on *every* message of such a row, the user's and the system message included, unless "
        "`SFTConfig(assistant_only_loss=True)` is set (the chat template must mark what the assistant says). The "
        "format `sft-prompt-completion` trains on the answer alone.",
        _DROPPED,
    ),
    ("sft", "trl"),
)

GUIDES: Final[Mapping[str, Guide]] = {
    "sft": _SFT,
    "messages": _SFT,
    "sft-prompt-completion": Guide(
        "supervised fine-tuning on the answers alone",
        {"prompt": _PROMPT, "completion": f"{_MESSAGES}: the answer"},
        ("TRL's `SFTTrainer` computes the loss on `completion` only.", _DROPPED),
        ("sft", "trl"),
    ),
    "dpo": Guide(
        "direct preference optimisation",
        {"prompt": _PROMPT, "chosen": f"{_MESSAGES}: the better answer", "rejected": f"{_MESSAGES}: the worse one"},
        (
            "`chosen` and `rejected` hold the answers alone, as TRL's `DPOTrainer` wants them beside a `prompt`.",
            _DROPPED,
        ),
        ("dpo", "preference", "trl"),
    ),
    "dpo-plain": Guide(
        "direct preference optimisation of a model without a chat template",
        {"prompt": "text of the one question, ends with a blank line", "chosen": "text", "rejected": "text"},
        ("Trainers put `prompt` and answer together as they are, so the prompt ends with a blank line.", _DROPPED),
        ("dpo", "preference", "trl"),
    ),
    "kto": Guide(
        "Kahneman-Tversky optimisation: good and bad answers, not in pairs",
        {"prompt": _PROMPT, "completion": f"{_MESSAGES}: the answer", "label": "whether it is a good one"},
        (
            f"`label` is true where the mean of an answer's ratings, moved from their scale to [0, 1], is at least "
            f"{GOOD:g}; unrated answers are left out.",
            "`KTOConfig` wants `per_device_train_batch_size` of at least 2, and weights where labels are far from "
            "even: `scai dataset describe` shows their share.",
        ),
        ("kto", "preference", "trl"),
    ),
    "reward": Guide(
        "reward modelling",
        {"chosen": f"{_MESSAGES}: the whole conversation", "rejected": f"{_MESSAGES}: the same with the worse answer"},
        ("`chosen` and `rejected` differ in their last message alone.", "TRL's `RewardTrainer` drops longer rows."),
        ("reward-model", "preference", "trl"),
    ),
    "hh": Guide(
        "preference training on transcripts, as Anthropic's HH-RLHF has them",
        {"chosen": "text: the whole transcript", "rejected": "text: the same with the worse answer"},
        (
            "Cut a transcript at its last `Assistant:`. A reader that takes the longest common text as the prompt "
            "(TRL's `DPOTrainer` does) moves the words that both answers begin with into it; use `dpo` there.",
        ),
        ("preference", "rlhf"),
    ),
    "openai-sft": Guide(
        "the fine-tuning API of OpenAI (supervised), Azure, Together, Fireworks",
        {"messages": f"{_MESSAGES}: the conversation, ends with the answer"},
        _API,
        ("sft",),
    ),
    "openai-dpo": Guide(
        "the fine-tuning API of OpenAI (preference), Azure, Together, Fireworks",
        {
            "input": f"object with `messages`, a {_MESSAGES}",
            "preferred_output": f"{_MESSAGES}: the better answer",
            "non_preferred_output": f"{_MESSAGES}: the worse one",
        },
        _API,
        ("dpo", "preference"),
    ),
    "sharegpt": Guide(
        "supervised fine-tuning with LLaMA-Factory or axolotl",
        {"conversations": "list of `{from, value}`, `human` and `gpt` in turn", "system": "the system message"},
        _LLAMA_FACTORY,
        ("sft", "sharegpt"),
    ),
    "alpaca": Guide(
        "supervised fine-tuning with LLaMA-Factory or axolotl",
        {
            "instruction": "the user's last message",
            "input": "always empty",
            "output": "the answer",
            "system": "the system message",
            "history": "list of `[message, answer]` before it",
        },
        (*_LLAMA_FACTORY, "LLaMA-Factory trains on the answers in `history`, too, unless `mask_history: true` is set."),
        ("sft", "alpaca"),
    ),
    "constitutional": Guide(
        "Constitutional AI: critique and revision by one principle each, and the pair they make",
        {
            "init_prompt": "text: the task",
            "init_response": "text: the first answer",
            "critic_prompt": "text: the request for the last critique",
            "critic_response": "text: the critique",
            "revision_prompt": "text: the request for the last revision",
            "revision_response": "text: the revision",
            "steps": "list of all critiques and revisions, with the id of the principle of each",
            "messages": f"{_MESSAGES}: the task and the better answer",
            "chosen": f"{_MESSAGES}: the same",
            "rejected": f"{_MESSAGES}: the task and the worse answer",
        },
        (
            "`*_sft` are for `SFTTrainer` (`messages`), `*_prefs` for `DPOTrainer` or `RewardTrainer` (`chosen` and "
            "`rejected`); no prompt is in both, so that preferences are learned on prompts that were not imitated.",
            "There is no column `prompt`: with one, DPO would take the conversations for answers.",
        ),
        ("constitutional-ai", "sft", "dpo", "preference", "trl"),
    ),
    "ratings": Guide(
        "studies of who rates what how: every rating of every answer, missing ones too",
        {
            "rater": "id of the persona who rated",
            "kind": "`own`: of an answer to themselves, `cross`: of one to somebody else",
            "metric": "what was rated",
            "value": "on the run's scale; null where the rating could not be read",
            "comment": "in the rater's words",
            "answer_id": "id of the answer",
            "answer": "the answer",
            "prompt": "the task",
            "persona": "whom it was given to",
            "task": "id of the task",
        },
        (),
        ("preference", "social-choice"),
    ),
}


def guide(form: str) -> Guide:
    """What to say of a format; of somebody else's, what can be said of any."""
    return GUIDES.get(form, Guide("fine-tuning", {}, ()))


def warnings(form: str, files: Iterable[ExportedFile]) -> Iterator[str]:
    """What the readers of a format will say against files of it."""
    if not form.startswith("openai-"):
        return
    for file in files:
        if file.rows < LEAST_ROWS:
            yield f"{file.name}: the API takes no file of fewer than {LEAST_ROWS} rows."
        if file.longest > MOST_TOKENS * CHARACTERS_A_TOKEN:
            yield f"{file.name}: the API cuts rows off at {MOST_TOKENS:,} tokens; the longest is longer."
