"""People and opinion groups of a deliberation: their votes on statements become stances and a description."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from scai_cli.populations.account import Account
from scai_cli.populations.clean_text import sentence
from scai_cli.populations.drafts import Drafted, PersonaDraft, TaskDraft
from scai_cli.populations.table_rows import TableRow
from scai_cli.text.counts import counted

AGREE, DISAGREE, PASS = "agree", "disagree", "pass"
GROUP: Final = "opinion_group"
"""The attribute with the group's letter."""

VOTED: Final = "votes on accepted statements"
"""The field of a participant's row with the votes."""

_CLEAR: Final = 0.6
"""The least share of a group's votes that counts as its stance."""
_MOST_DISTINCT: Final = 3
"""The number of statements of each kind in the description."""
_FEWEST: Final = 3
"""The fewest votes of a group on a statement that count."""
_TOO_FEW: Final = f"fewer than {_FEWEST} votes of a group on a statement"
_WORDED: Final = {AGREE: "Agrees that", DISAGREE: "Disagrees that", PASS: "Neither agrees nor disagrees that"}

Votes = Mapping[str, Counter[str]]
"""Statement -> vote -> number of people."""


def fold_participants(drafted: Iterable[Drafted], _: Account) -> Iterator[Drafted]:
    """Word the votes of each participant as stances.

    Statements are drafts of tasks; the stances of a participant are votes by statement. All are kept in memory.
    """
    statements, people = _collected(drafted)
    total = _summed(draft.stances for draft, _row in people)
    for draft, row in people:
        votes = {number: Counter([vote]) for number, vote in draft.stances.items()}
        member = f", as one of opinion group {draft.attributes[GROUP]}" if GROUP in draft.attributes else ""
        said = f"Voted on {counted(len(votes), 'statement')} of a public deliberation{member}."
        stances = {
            number: f"{_WORDED[vote]} {_quotation(statements[number])}" for number, vote in draft.stances.items()
        }
        yield replace(draft, description=_described(said, votes, total, statements, 1), stances=stances), row


def fold_groups(drafted: Iterable[Drafted], account: Account) -> Iterator[Drafted]:
    """Merge the participants of each opinion group into one persona, weighted by its members."""
    statements, people = _collected(drafted)
    groups: defaultdict[str, list[tuple[PersonaDraft, TableRow]]] = defaultdict(list)
    for draft, row in people:
        groups[str(draft.attributes[GROUP])].append((draft, row))
    for own in ("id", "attributes.statements_written"):
        account.withdraw(own, "of one participant")
    total = _summed(draft.stances for draft, _row in people)
    for letter, members in sorted(groups.items(), key=lambda item: (len(item[0]), item[0])):
        account.merged += len(members) - 1
        votes = _summed(draft.stances for draft, _row in members)
        few = sum(votes[number].total() for number in votes if votes[number].total() < _FEWEST)
        account.withdraw("stances", _TOO_FEW, few, VOTED)
        said = f"Represents the {counted(len(members), 'member')} of opinion group {letter} in a public deliberation."
        yield (
            PersonaDraft(
                key=f"group-{letter.lower()}",
                name=f"Group {letter}",
                description=_described(said, votes, total, statements, _FEWEST),
                attributes={GROUP: letter, "members": len(members)},
                stances={
                    number: _shared_stance(votes[number], text)
                    for number, text in statements.items()
                    if number in votes and votes[number].total() >= _FEWEST
                },
                weight=float(len(members)),
            ),
            members[0][1],
        )


def _collected(drafted: Iterable[Drafted]) -> tuple[dict[str, str], list[tuple[PersonaDraft, TableRow]]]:
    """Return the texts of the statements by number, and the participants."""
    statements: dict[str, str] = {}
    people = []
    for draft, row in drafted:
        if isinstance(draft, TaskDraft):
            statements[draft.key] = draft.prompt
        else:
            people.append((draft, row))
    return statements, people


def _summed(voters: Iterable[Mapping[str, str]]) -> Votes:
    votes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for stances in voters:
        for number, vote in stances.items():
            votes[number][vote] += 1
    return votes


def _described(said: str, votes: Votes, total: Votes, statements: Mapping[str, str], fewest: int) -> str:
    """Return the description, with the statements on which these votes differ most from those of the others."""
    sentences = [said]
    for vote, verb in ((AGREE, "agree"), (DISAGREE, "disagree")):
        if distinct := _distinct(votes, total, vote, fewest):
            quoted = ", ".join(f"“{statements[number].rstrip('.')}”" for number in distinct)
            sentences.append(f"More than others they {verb} that {quoted}.")
    return " ".join(sentences)


def _distinct(votes: Votes, total: Votes, vote: str, fewest: int) -> list[str]:
    lead = {}
    for number, own in votes.items():
        if own.total() >= fewest and own[vote] / own.total() >= _CLEAR:
            lead[number] = _share(own, vote) - _share(total[number] - own, vote)
    return sorted((number for number in lead if lead[number] > 0), key=lambda number: -lead[number])[:_MOST_DISTINCT]


def _share(votes: Counter[str], vote: str) -> float:
    """Return the share of a vote, moved towards 1/2 for few votes, as Polis does."""
    return (votes[vote] + 1) / (votes.total() + 2)


def _shared_stance(votes: Counter[str], text: str) -> str:
    total = votes.total()
    for vote, word in ((AGREE, "Agrees"), (DISAGREE, "Disagrees")):
        if votes[vote] / total >= _CLEAR:
            return f"{word} ({votes[vote]} of {total}) that {_quotation(text)}"
    return f"Is divided ({votes[AGREE]} for, {votes[DISAGREE]} against, {votes[PASS]} undecided) on “{text}”"


def _quotation(text: str) -> str:
    return sentence(f"“{text}”")
