"""Check the licences of the personas and tasks behind the rows: different licences are mixed only on request."""

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
    """Counts the licences of rows, whatever their case; `mix` allows more than one beside rows that state none."""

    mix: bool = False
    rows: Counter[tuple[str, ...]] = field(default_factory=Counter)
    _stated: dict[str, str] = field(default_factory=dict)

    def note(self, licences: tuple[str, ...]) -> None:
        """Count a row; raises ConfigError if it brings a second licence and mixing is not allowed."""
        if licences and licences not in self.rows:
            for licence in licences:
                self._stated.setdefault(licence.casefold(), licence)
            if len(self._stated) > 1 and not self.mix:
                raise ConfigError(
                    f"the rows have different licences: {', '.join(sorted(self._stated.values()))}; "
                    "export them separately, or add --mix-licences"
                )
        self.rows[licences] += 1

    def counts(self) -> dict[str, int]:
        """Return licence -> number of rows; "" for rows that state none. A row under two licences counts for both."""
        counts: Counter[str] = Counter()
        for licences, rows in self.rows.items():
            for licence in {self._stated[licence.casefold()] for licence in licences} or {""}:
                counts[licence] += rows
        return dict(sorted(counts.items()))
