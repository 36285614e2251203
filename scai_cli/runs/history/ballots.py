"""The approval profile: the users who approve each rule that was put to a ballot, for themselves."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from scai_cli.runs.events import BallotCast
from scai_cli.runs.records import RatifiedRule


@dataclass(slots=True)
class Approvals:
    """Who approves which rule, by each user's latest ballot on the same words; one set of users for each rule."""

    rules: dict[str, set[str]] = field(default_factory=dict)
    """The line of each rule on a readable ballot -> the users who approve it for themselves."""
    voters: dict[str, str] = field(default_factory=dict)
    """The users with a readable ballot, in the order of their first one; each id is kept once, here."""
    ballots: int = 0
    """All ballots, including those that could not be read."""
    _cast: dict[str, dict[int, bool]] = field(default_factory=dict)

    def add(self, ballot: BallotCast) -> None:
        """Keep a ballot until its revision names the rules."""
        self.ballots += 1
        if ballot.opinions:
            voter = self.voters.setdefault(ballot.persona, ballot.persona)
            self._cast[voter] = {number: opinion.me == "approve" for number, opinion in ballot.opinions.items()}

    def settle(self, rules: Sequence[RatifiedRule]) -> None:
        """Count the ballots since the last revision, which were on these rules."""
        for voter, approves in self._cast.items():
            for rule in rules:
                if rule.number in approves:
                    users = self.rules.setdefault(rule.line, set())
                    (users.add if approves[rule.number] else users.discard)(voter)
        self._cast.clear()
