"""Which version of the constitution has proved best, as far as versions were played."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from scai_cli.experiment.constitution import Constitution
from scai_cli.simulation.utilities import EpochUtilities, fares, mean
from scai_cli.social_choice.welfare import WelfareFunction


@dataclass(slots=True)
class PlayedVersion:
    """A version with the utilities that each persona had under it, an epoch at a time."""

    constitution: Constitution
    utilities: dict[str, list[float | None]] = field(default_factory=lambda: defaultdict(list))
    weights: dict[str, float] = field(default_factory=dict)

    def key(self, function: WelfareFunction) -> tuple[float, ...]:
        """What the version is judged by: the welfare of the personas' mean utilities."""
        return fares(function, [mean(values) for values in self.utilities.values()], list(self.weights.values()))


@dataclass(slots=True)
class VersionRanking:
    """Remembers every version that was played; one that was played in several epochs counts with its mean."""

    function: WelfareFunction
    _versions: dict[int, PlayedVersion] = field(default_factory=dict)

    def note(self, constitution: Constitution, content: EpochUtilities) -> None:
        """A version was played."""
        played = self._versions.setdefault(constitution.version, PlayedVersion(constitution))
        for (persona, utility), weight in zip(content.utilities.items(), content.weights, strict=True):
            played.utilities[persona].append(utility)
            played.weights[persona] = weight

    @property
    def best(self) -> Constitution:
        """The version with the highest declared welfare, the oldest of several; needs one that was played."""
        return max(self._versions.values(), key=lambda played: played.key(self.function)).constitution
