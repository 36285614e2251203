"""Prices of tokens, from the experiment's table or the `genai-prices` data."""

from collections.abc import Callable, Mapping
from functools import cache

from scai_cli.errors import ConfigError
from scai_cli.experiment.config import PriceConfig
from scai_cli.experiment.personas import HUMAN
from scai_cli.models.endpoint import ANTHROPIC_URL

FREE = PriceConfig(input=0, output=0)

_ADDRESS = {"anthropic": ANTHROPIC_URL}
"""The address by which the data know a provider that has models of no other."""

PriceOf = Callable[[str], PriceConfig | None]
"""Name of a model -> its price, or None if it is unknown."""


def price_of(provider: str, table: Mapping[str, PriceConfig], base_url: str | None = None) -> PriceOf:
    """Return the prices of a provider's models: the table first; people and models in this process are free."""

    @cache
    def price(model: str) -> PriceConfig | None:
        if provider in ("simulated", "huggingface", HUMAN):
            return FREE
        name = model.partition(":")[2] if provider == "langchain" else model
        return table.get(model) or published_price(name, base_url or _ADDRESS.get(provider))

    return price


def half_price(price: PriceOf) -> PriceOf:
    """Return the prices of calls in batches: OpenAI and others charge half."""

    def half(model: str) -> PriceConfig | None:
        if (full := price(model)) is None:
            return None
        cached = None if full.cached_input is None else full.cached_input / 2
        return PriceConfig(input=full.input / 2, output=full.output / 2, cached_input=cached)

    return half


def published_price(model: str, base_url: str | None = None) -> PriceConfig | None:
    """Return the price in the offline `genai-prices` data, for the provider at `base_url` if it is known."""
    try:
        import genai_prices
    except ImportError:
        return None
    # A short call: prices rise with length.
    usages = [genai_prices.Usage(input_tokens=1000, cache_read_tokens=n, output_tokens=1000) for n in (0, 1000)]
    try:
        price, cached = (genai_prices.calc_price(usage, model, provider_api_url=base_url) for usage in usages)
    except LookupError:
        return None
    prices = (price.input_price, price.output_price, cached.input_price)
    return PriceConfig(
        **{key: float(p) * 1000 for key, p in zip(("input", "output", "cached_input"), prices, strict=True)}
    )


def require_price(price: PriceOf, model: str) -> None:
    """Raise ConfigError if the experiment limits money and a model's price is unknown."""
    if price(model) is None:
        raise ConfigError(
            f"limits.usd: the price of model {model!r} is unknown; "
            f"add `prices: {{{model}: {{input: X, output: Y}}}}` (USD per 1M tokens) or drop the limit"
        )
