"""The address in a saved experiment: work continues where it was started, whatever OPENAI_BASE_URL names later."""

from collections.abc import Iterable

from scai_cli.errors import RunError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import Overrides
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.models.endpoint import OFFICIAL_URL
from scai_cli.models.key_trust import address_in_environment


def with_address(config: ExperimentConfig, anew: Overrides | None = None) -> ExperimentConfig:
    """Write the address in use into the model if it has none.

    For new work on a saved experiment, `anew` are its options: OPENAI_BASE_URL has precedence over a saved address that
    came from there, and the options over both.
    """
    address = address_in_environment()
    renewed = anew is not None and address and not _names_address(anew)

    has_own = config.model.base_url is not None and not (renewed and config.model.base_url_from)
    if has_own or all(model.provider != "openai" for _, model in config.models()):
        return config
    # Roles and personas without an address of their own have that of `model`, whatever its provider is.
    return config.model_copy(update={"model": _at(config.model, address)})


def addressed(model: ModelSettings) -> ModelSettings:
    """Write the address in use into a model outside the experiment, if it needs one and has none."""
    return model if model.provider != "openai" or model.base_url else _at(model, address_in_environment())


def _at(model: ModelSettings, address: str) -> ModelSettings:
    return model.model_copy(update={"base_url": address or OFFICIAL_URL, "base_url_from": "environment"})


def refuse_other_address(models: Iterable[ModelSettings], overrides: Overrides) -> None:
    """Raise RunError if OPENAI_BASE_URL names another address than when the work was started."""
    address = address_in_environment().rstrip("/")
    started = {(model.base_url or "").rstrip("/") for model in models if model.base_url_from}
    if address and started - {address} and not _names_address(overrides):
        shown = "ADDRESS" if {"@", "?"} & set(address) else address  # it may contain a password
        raise RunError(
            f"OPENAI_BASE_URL names {shown}, but this was started at {min(started - {address})}; unset the variable, "
            f"or continue at the other address with `--set model.base_url={shown}`"
        )


def _names_address(overrides: Overrides) -> bool:
    return any("base_url=" in setting for setting in overrides.settings)
