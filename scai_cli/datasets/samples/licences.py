"""Licences of the personas and tasks that rows come from: different ones are not mixed unasked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache

from scai_cli.errors import ConfigError


@lru_cache(maxsize=4096)
def stated_licences(*licences: str) -> tuple[str, ...]:
    """Return the licences that are not empty, each once, sorted."""
    return tuple(sorted({licence.strip() for licence in licences} - {""}))


@dataclass(slots=True)
class Licences:
    """Counts the licences of rows; `mix` allows more than one.

    Rows that state none go with any: nothing is known of them, and the card says how many they are. Case does not
    tell licences apart.
    """

    mix: bool = False
    rows: Counter[tuple[str, ...]] = field(default_factory=Counter)
    _stated: dict[str, str] = field(default_factory=dict)

    def note(self, licences: tuple[str, ...]) -> None:
        """Count a row; raises ConfigError when it brings a second licence and they may not be mixed."""
        if licences and licences not in self.rows:
            for licence in licences:
                self._stated.setdefault(licence.casefold(), licence)
            if len(self._stated) > 1 and not self.mix:
                raise ConfigError(
                    f"rows under different licences would come together: {', '.join(sorted(self._stated.values()))}; "
                    "export them apart, or allow it with --mix-licences"
                )
        self.rows[licences] += 1

    def counts(self) -> dict[str, int]:
        """Return licence -> rows; "" for rows that state none; a row under two counts for both."""
        counts: Counter[str] = Counter()
        for licences, rows in self.rows.items():
            for licence in {self._stated[licence.casefold()] for licence in licences} or {""}:
                counts[licence] += rows
        return dict(sorted(counts.items()))
