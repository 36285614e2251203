"""The best of the played versions of the constitution."""

from collections import defaultdict
from dataclasses import dataclass, field

from scai_cli.experiment.constitution import Constitution
from scai_cli.simulation.utilities import EpochUtilities, mean, welfare_key
from scai_cli.social_choice.welfare import WelfareFunction


@dataclass(slots=True)
class PlayedVersion:
    """A version with each persona's utility in every epoch that played it."""

    constitution: Constitution
    utilities: dict[str, list[float | None]] = field(default_factory=lambda: defaultdict(list))
    weights: dict[str, float] = field(default_factory=dict)

    def key(self, function: WelfareFunction) -> tuple[float, ...]:
        """Return the welfare of the personas' mean utilities, as a key to compare versions by."""
        return welfare_key(function, [mean(values) for values in self.utilities.values()], list(self.weights.values()))


@dataclass(slots=True)
class VersionRanking:
    """All played versions; a version played in several epochs counts with its mean."""

    function: WelfareFunction
    _versions: dict[int, PlayedVersion] = field(default_factory=dict)

    def add(self, constitution: Constitution, measured: EpochUtilities) -> None:
        """Add an epoch under a version."""
        played = self._versions.setdefault(constitution.version, PlayedVersion(constitution))
        for (persona, utility), weight in zip(measured.utilities.items(), measured.weights, strict=True):
            played.utilities[persona].append(utility)
            played.weights[persona] = weight

    @property
    def best(self) -> Constitution:
        """The version with the highest declared welfare, the oldest of equals; needs at least one epoch."""
        return max(self._versions.values(), key=lambda played: played.key(self.function)).constitution
