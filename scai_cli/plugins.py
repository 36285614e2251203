"""Find code by its name: built-in, `module:attribute`, or entry point."""

import importlib
from collections.abc import Mapping
from typing import Any, Final, Literal

from scai_cli.errors import ConfigError
from scai_cli.text.suggestions import did_you_mean

Kind = Literal["provider", "strategy", "acceptance", "measure", "dialogue", "format", "suite", "observer", "chat model"]

_TRAITS: Final = (
    "concise detailed bullet_list step_by_step plain_words formal casual warm humorous asks_back gives_example "
    "names_source states_uncertainty balanced direct environment tradition personal_freedom equality security "
    "faith thrift health animal_welfare family science local_community human_rights economic_growth rule_of_law "
    "pleasure"
)
"""The names of `measures.catalogue`, which takes longer to read than a command takes to start."""

BUILT_IN: Final[Mapping[Kind, Mapping[str, str]]] = {
    "provider": {
        "simulated": "scai_cli.models.simulated:connect",
        "openai": "scai_cli.models.openai:connect",
        "anthropic": "scai_cli.models.anthropic:connect",
        "langchain": "scai_cli.models.langchain:connect",
        "huggingface": "scai_cli.models.huggingface:connect",
    },
    "strategy": {
        "rewrite": "scai_cli.simulation.strategies.rewrite:rewrite",
        "grounded": "scai_cli.simulation.strategies.grounded:grounded",
    },
    "acceptance": {
        "always": "scai_cli.simulation.acceptance.always:always",
        "improves": "scai_cli.simulation.acceptance.improves:improves",
        "ratify": "scai_cli.simulation.acceptance.ratify:ratify",
    },
    "measure": {
        **{name: f"scai_cli.simulation.measures.traits:traits.{name}" for name in _TRAITS.split()},
        "regex": "scai_cli.simulation.measures.regex:regex",
        "length": "scai_cli.simulation.measures.length:length",
        "language": "scai_cli.simulation.measures.language:language",
        "readability": "scai_cli.simulation.measures.readability:readability",
        "json_field": "scai_cli.simulation.measures.json_field:json_field",
    },
    "format": {
        "system": "scai_cli.datasets.formats.system:system",
        "eval": "scai_cli.datasets.formats.eval:eval_rows",
        "sft": "scai_cli.datasets.formats.sft:messages",
        "sft-prompt-completion": "scai_cli.datasets.formats.sft:prompt_completion",
        "dpo": "scai_cli.datasets.formats.preference:dpo",
        "kto": "scai_cli.datasets.formats.preference:kto",
        "reward": "scai_cli.datasets.formats.preference:reward",
        "hh": "scai_cli.datasets.formats.hh:hh",
        "openai-sft": "scai_cli.datasets.formats.openai:sft",
        "openai-dpo": "scai_cli.datasets.formats.openai:dpo",
        "sharegpt": "scai_cli.datasets.formats.llama_factory:sharegpt",
        "sharegpt-dpo": "scai_cli.datasets.formats.llama_factory:sharegpt_dpo",
        "sharegpt-kto": "scai_cli.datasets.formats.llama_factory:sharegpt_kto",
        "alpaca": "scai_cli.datasets.formats.llama_factory:alpaca",
        "constitutional": "scai_cli.datasets.formats.constitutional:constitutional",
        "ratings": "scai_cli.datasets.formats.ratings:ratings",
    },
    "suite": {
        "society": "scai_cli.evaluation.suites.society:Society",
        "adherence": "scai_cli.evaluation.suites.adherence:Adherence",
        "choice": "scai_cli.evaluation.suites.choice:Choice",
        "refusal": "scai_cli.evaluation.suites.refusal:Refusal",
        "pairs": "scai_cli.evaluation.suites.pairs:Pairs",
        "fidelity": "scai_cli.evaluation.suites.fidelity:Fidelity",
        "realism": "scai_cli.evaluation.suites.realism:Realism",
        "measures": "scai_cli.evaluation.suites.measures:Measures",
        "calibration": "scai_cli.evaluation.suites.calibration:Calibration",
    },
    "dialogue": {
        "assist": "scai_cli.simulation.dialogues.assist:Assist",
        "talk": "scai_cli.simulation.dialogues.talk:Talk",
        "talk_as_user": "scai_cli.simulation.dialogues.talk:TalkAsUser",
        "ultimatum": "scai_cli.simulation.dialogues.ultimatum:Ultimatum",
    },
    "observer": {},
    "chat model": {},
}
_LANGCHAIN: Final = (
    "anthropic anthropic_bedrock azure_ai azure_openai baseten bedrock bedrock_converse bedrock_mantle_anthropic "
    "bedrock_mantle_openai cohere deepseek fireworks google_anthropic_vertex google_genai google_vertexai groq "
    "huggingface ibm langsmith litellm meta mistralai nvidia ollama openai openrouter perplexity together upstage xai"
)
LANGCHAIN: Final = frozenset(_LANGCHAIN.split())
"""The providers of LangChain 1.5: before the colon of a chat model's name, they are never a module."""


def resolve(kind: Kind, name: str) -> Any:
    """Return the object behind a name; raises ConfigError with the names that are known.

    A third party registers an entry point in the group `scai.KIND`, or the user writes `module:attribute`.
    """
    target = BUILT_IN[kind].get(name) or (name if ":" in name else _entry_point(kind, name))
    if target is None:
        raise ConfigError(f"unknown {kind} {name!r}{did_you_mean(name, BUILT_IN[kind])}")
    module, _, attribute = target.partition(":")
    try:
        piece: Any = importlib.import_module(module)
        for part in attribute.split("."):
            piece = getattr(piece, part)
    except (ImportError, AttributeError, ValueError) as error:
        near = did_you_mean(module, LANGCHAIN) if kind == "chat model" else ""
        raise ConfigError(f"{kind} {name!r} cannot be loaded: {error}{near}") from error
    if kind != "chat model" and not callable(piece):
        raise ConfigError(f"{kind} {name!r} cannot be loaded: it is not a function or class")
    return piece


def is_foreign(kind: Kind, name: str) -> bool:
    """Return whether a name refers to third-party code, which a saved run loads only with `--trust`."""
    return name not in BUILT_IN[kind]


def is_known(kind: Kind, name: str) -> bool:
    """Return whether a name is built in or registered by an installed package."""
    return name in BUILT_IN[kind] or _entry_point(kind, name) is not None


def _entry_point(kind: Kind, name: str) -> str | None:
    from importlib.metadata import entry_points  # slow to import, and seldom needed

    return next((point.value for point in entry_points(group=f"scai.{kind}") if point.name == name), None)
