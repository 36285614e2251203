"""Decide which key may go to which host: pairs of an environment variable and an origin.

The names in a file are not enough: another person's can name any variable and any address.
"""

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from scai_cli.errors import ConfigError
from scai_cli.text.data_files import read_data_file

ADDRESS_VARIABLE: Final = "OPENAI_BASE_URL"
KEY_VARIABLE: Final = "OPENAI_API_KEY"
_OFFICIAL: Final[Mapping[str, Sequence[str]]] = read_data_file(__file__)["official"]
_HOST: Final = re.compile(r"([A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9._])?|\[[A-Fa-f0-9.:]+\])(:[0-9]*)?")


def origin_of(address: str) -> str:
    """Return `scheme://host[:port]`, without a default port; raises ValueError if the host is not plain ASCII."""
    url = urlsplit(address)
    default = {"http": 80, "https": 443}.get(url.scheme)
    odd = url.fragment or " " in address or not address.isprintable()
    # The whole of it, as programs differ in how they read the rest: `[::1]8000`, `[::1%x]`, `a@b`, `a\\@b`.
    if default is None or odd or not _HOST.fullmatch(url.netloc) or url.port == 0:
        raise ValueError(
            "ORIGIN is not an address like https://models.example:8000, in ASCII letters and without a user"
        )
    host = f"[{IPv6Address(url.hostname or '')}]" if url.netloc.startswith("[") else url.hostname
    return f"{url.scheme}://{host}" + ("" if url.port in (None, default) else f":{url.port}")


def is_trusted(variable: str, origin: str) -> bool:
    """Return whether the key in a variable may go to an origin; raises ConfigError if the user's file is damaged."""
    host = urlsplit(origin).hostname or ""
    if host == "localhost" or origin in _OFFICIAL.get(variable, ()):
        return True
    with suppress(ValueError):
        if ip_address(host).is_loopback:
            return True
    with suppress(ValueError):
        if variable == KEY_VARIABLE and origin == origin_of(address_in_environment()):
            return True
    return (variable, origin) in remembered_pairs()


def remembered_pairs() -> list[tuple[str, str]]:
    """Return the (variable, origin) that the user has allowed; raises ConfigError if their file is damaged."""
    file = pairs_file()
    try:
        lines = file.read_text(encoding="utf-8").splitlines() if file.is_absolute() else []
        return [(variable, origin_of(origin)) for variable, origin in map(str.split, lines)]
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        problem = error.strerror if isinstance(error, OSError) else "a line is not `VARIABLE ORIGIN`"
        raise ConfigError(f"{file}: {problem}; correct the file, or delete it") from None


def pairs_file() -> Path:
    """Return `scai/trusted_keys` in the user's configuration folder; a relative path if the user has none."""
    folder = Path(os.environ.get("XDG_CONFIG_HOME") or "")
    base = folder if folder.is_absolute() else os.path.expanduser("~/.config")  # noqa: PTH111 - no error without a home
    return Path(base, "scai", "trusted_keys")


def address_in_environment() -> str:
    """Return the address in OPENAI_BASE_URL; empty if there is none."""
    return os.environ.get(ADDRESS_VARIABLE, "").strip()
