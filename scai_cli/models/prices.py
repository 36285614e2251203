"""What a token costs: from the experiment's table, else from the `genai-prices` data, else unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from scai_cli.errors import ConfigError
from scai_cli.experiment.personas import HUMAN
from scai_cli.messages import Usage


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens, in and out."""

    input: float
    output: float

    def cost(self, usage: Usage) -> float:
        """US dollars of so many tokens."""
        return (usage.input_tokens * self.input + usage.output_tokens * self.output) / 1e6


FREE = Price(0.0, 0.0)

PriceOf = Callable[[str], Price | None]
"""A model's name -> its price, or None if nobody knows it."""


def price_of(provider: str, table: Mapping[str, Price], base_url: str | None = None) -> PriceOf:
    """The prices of a provider's models: the simulated and people are free, the table goes before what is published."""

    @cache
    def price(model: str) -> Price | None:
        if provider in ("simulated", HUMAN):
            return FREE
        return table.get(model) or published(model, base_url)

    return price


def published(model: str, base_url: str | None = None) -> Price | None:
    """The price in the `genai-prices` data (offline), of the endpoint at `base_url` if it is a known one."""
    try:
        import genai_prices
    except ImportError:
        return None
    usage = genai_prices.Usage(input_tokens=1000, output_tokens=1000)  # a short call: prices rise with length
    try:
        price = genai_prices.calc_price(usage, model, provider_api_url=base_url)
    except LookupError:
        return None
    return Price(float(price.input_price) * 1000, float(price.output_price) * 1000)


def require_prices(price: PriceOf, models: Iterable[str]) -> None:
    """Check that a limit in money can be held; raises ConfigError for a model of unknown price."""
    for model in models:
        if price(model) is None:
            raise ConfigError(
                f"limits.usd: the price of model {model!r} is not known; "
                f"add `prices: {{{model}: {{input: X, output: Y}}}}` (USD per 1M tokens) or drop the limit"
            )
