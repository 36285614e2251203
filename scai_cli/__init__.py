"""Social Contract AI: write a system message for an AI assistant whose users want different things.

`import scai_cli as scai` also gives the names of `scai_cli.api`, each loaded at its first use (PEP 562), so that
`scai --help` does not wait for them.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scai_cli.api import *  # noqa: F403

__version__ = "0.13.0"


def __getattr__(name: str) -> Any:
    # `from scai_cli import runs` asks here first: a module of the package must not load the whole surface.
    if not name.startswith("_") and find_spec(f"{__name__}.{name}") is None:
        api = import_module(f"{__name__}.api")
        if name in api.__all__:
            return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *import_module(f"{__name__}.api").__all__]
