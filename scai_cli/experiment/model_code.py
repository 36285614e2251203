"""The Python code that the settings of a model name."""

from collections.abc import Iterator

from scai_cli import plugins
from scai_cli.experiment.model_settings import ModelSettings


def code_of(model: ModelSettings) -> Iterator[tuple[plugins.Kind, str]]:
    """Yield the kind and name of all code that connecting a model loads."""
    yield "provider", model.provider
    if model.provider == "langchain" and is_module(model.name or ""):
        yield "chat model", model.name or ""


def is_module(name: str) -> bool:
    """Return whether the name of a model of LangChain is `module:attribute`, not PROVIDER:NAME."""
    before, colon, _ = name.partition(":")
    return bool(colon) and before not in plugins.LANGCHAIN
