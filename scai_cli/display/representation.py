"""Ballots on rules and groups without a rule in words, the same on screens and pages."""

from collections.abc import Mapping
from math import ceil

from scai_cli.analysis.representation import Representation
from scai_cli.display.numbers import listed
from scai_cli.runs.records import RatifiedRule
from scai_cli.text.characters import one_line
from scai_cli.text.counts import counted


def ballot_words(rule: RatifiedRule) -> str:
    """Return what became of a rule that was put to a ballot, with the people's weights for and against it."""
    cases = {"everyone": "for everyone", "uncited": "of those not cited", "condition": "under its condition"}
    counts = (
        f"{cases[case]} {rule.counts[f'{case}_approve']:g} approve and {rule.counts[f'{case}_object']:g} object"
        for case in cases
        if f"{case}_approve" in rule.counts
    )
    became = rule.rule or ("not adopted" if rule.scope == "dropped" else "not in force")
    return f"{became}: {one_line(rule.line, 300)} ({'; '.join(counts)})"


def representation_words(found: Representation, names: Mapping[str, str]) -> str:
    """Return the verdict in a sentence or two, with at most three people and one rule."""
    put = f"{counted(found.proposed, 'rule')} put to a ballot"
    if found.holds is None:
        why = f"too many sets of the {put}" if found.voters else "no ballot could be read"
        return f"Does each group that agrees have a rule? Cannot tell: {why}."
    if found.holds and not found.adopted:
        return (
            f"None of the {put} is in the constitution, and no group of enough people agrees on one: little is shared."
        )
    if found.holds:
        fewest, voters = ceil(found.voters / found.seats), counted(found.voters, "voter")
        in_it = f"which has {found.adopted} of the {put}"
        if fewest == 1 and not found.is_weighted:
            return f"Each of {voters} who approves any rule approves one in the constitution, {in_it}."
        is_share = found.is_weighted and found.seats > 1
        enough = f"people with 1/{found.seats} of the weight of" if is_share else f"{fewest} of"
        return (
            f"No group is without a rule: wherever {enough} {voters} approve the same rule, at least one of them "
            f"approves a rule in the constitution, {in_it}."
        )
    who = listed([one_line(names.get(user, user), 30) for user in found.group])
    group = f"{who} ({len(found.group)} of {counted(found.voters, 'voter')})"
    rules = f"“{one_line(found.rules[0], 160)}”" + (f" and {len(found.rules) - 1} more" if len(found.rules) > 1 else "")
    if found.deserved > 1:
        return (
            f"Group with too few rules: {group} approved the same {found.deserved} rules or more for themselves, but "
            f"none of them approved {found.deserved} of those in the constitution, which lacks {rules} ({put})."
        )
    return (
        f"Group without a rule: {group} approved {rules} for themselves; it is not in the constitution, nor is any "
        f"other rule that one of them approved ({put})."
    )
