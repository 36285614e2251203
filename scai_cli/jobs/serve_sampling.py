"""A provider whose callers choose the sampling: a parameter that it refuses fails the one call that sent it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from scai_cli.errors import EndpointFailed, ParameterRefused
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Completion, Sampling
from scai_cli.models.base import ChatModel
from scai_cli.models.gate import PROBE

PARAMETERS: Final = ("temperature", "top_p", "max_tokens", "seed")


def fixed_parameters(model: ModelSettings) -> dict[str, str]:
    """Return the parameters that the settings of a model take from its callers, each with the setting."""
    options: Mapping[str, Any] = {**model.options, **(model.options.get("extra_body") or {})}
    fixed = {name: f"model.options.{name} is set" for name in PARAMETERS if name in options}
    if "max_completion_tokens" in options:
        fixed["max_tokens"] = "model.options.max_completion_tokens is set"
    if model.provider == "anthropic":
        fixed["seed"] = "Anthropic's API has no seed"
    return fixed if model.send_seed else {**fixed, "seed": "model.send_seed is false"}


@dataclass(frozen=True, slots=True)
class CallersSampling:
    """A ChatModel of which each call may have its own sampling; a run would stop at the first refused parameter."""

    model: ChatModel
    settings: ModelSettings

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer one request; raises ParameterRefused if the endpoint refuses a parameter of this call alone."""
        own = Sampling(self.settings.temperature, self.settings.top_p, self.settings.max_tokens)
        if request.purpose == PROBE:  # it asks whether the endpoint answers others
            request = replace(request, sampling=own)
        try:
            return await self.model.complete(request)
        except EndpointFailed as error:
            for name in PARAMETERS[:3]:
                changed = getattr(request.sampling, name) not in (None, getattr(own, name))
                if changed and re.search(rf"model\.{name}\b", str(error)):
                    refused = ParameterRefused(
                        f"{name}: {str(error).rpartition(';')[0]}; change it or leave it out", name
                    )
                    refused.response = error.response
                    raise refused from None
            raise

    async def aclose(self) -> None:
        """Close the provider."""
        await self.model.aclose()
