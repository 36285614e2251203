"""Read the rows of datasets of the Hugging Face Hub."""

import zlib
from collections.abc import Iterator
from typing import Final

from scai_cli.errors import ConfigError
from scai_cli.populations.tables.parquet_file import INSTALL, first_line
from scai_cli.populations.tables.row import TableRow

HUB: Final = "hub:"
"""The prefix of a dataset on the Hub: `hub:OWNER/NAME[:CONFIG][@SPLIT]`."""


def hub_rows(name: str) -> Iterator[TableRow]:
    """Stream the rows of a dataset of the Hub, or of a local dataset folder."""
    try:
        import datasets
        from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]
    except ImportError:
        raise ConfigError(f"{name}: a dataset of the Hub {INSTALL}") from None
    location, _, split = name.removeprefix(HUB).partition("@")
    path, _, config = location.partition(":")
    datasets.logging.set_verbosity(datasets.logging.CRITICAL)  # it logs each error that it raises
    try:
        dataset = datasets.load_dataset(path, config or None, split=split or "train", streaming=True)
        for number, value in enumerate(dataset, 1):
            yield TableRow(number, value)
    except (EOFError, zlib.error):
        raise ConfigError(f"{name}: a compressed file of it is cut off or damaged; download it again") from None
    except (OSError, ValueError, HTTPError, datasets.exceptions.DatasetsError) as error:
        raise ConfigError(f"{name}: cannot be read: {first_line(error)}") from None
