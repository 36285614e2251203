"""The ultimatum game in the simulated society: a proposer, a decider, and a meta role that looks for the norm.

All of them know nothing but the text of their prompts. The proposer follows the constitution's rule for the game, and
without one divides equally. The decider accepts by the limits in its own prompt, and says why in most cases. The meta
role moves the rule towards what the deciders said that they want; where one did not say it, it guesses from the tone,
as if rude people wanted more for themselves and polite ones less. It may write the rule for the currencies that it has
seen, and the proposer applies this rule to others only in some cases.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any, Final

from scai_cli.measures.offers import Game, game_in, offered_share
from scai_cli.models.simulated.evidence import Rule, read_evidence
from scai_cli.models.simulated.forms import FormRequest
from scai_cli.models.simulated.meta import ProposedRules
from scai_cli.prompts.fences import Fenced, fenced
from scai_cli.text.data_files import read_data_file

_LISTS = read_data_file(__file__)
_MORE, _LESS, _SAME, _POLITE, _RUDE = (
    re.compile("|".join(_LISTS[name])) for name in ("more", "less", "same", "is_polite", "is_rude")
)
_OTHER_RULES: Final = tuple((re.compile(pattern, re.IGNORECASE), share) for pattern, share in _LISTS["rules"])
_LIMITS: Final = re.compile(r"\bfrom (\d{1,3}) to (\d{1,3}) per cent of the whole\b")
_RULE: Final = re.compile(r"\b(\d{1,3}) per cent of (?:the )?([a-z][a-z, ]{0,200})")
_ANY: Final = "whatever there is"
_HABIT: Final = 0.5
"""The share that the proposer offers without a rule."""
_SAYS: Final = 0.7
"""The chance that a decider says what it wants instead."""
_STEP: Final = 0.3
"""How far a rule moves if all deciders seem to want the same."""
_CLEAR: Final = 0.2
"""The least mean of what they seem to want that changes the rule."""
_CONCRETE: Final = 0.7
"""The chance that a new rule is written for the currencies that were seen; a reworded one stays of its kind."""
_CARRIES_OVER: Final = 0.5
"""The chance that the proposer applies a rule to a currency that it does not name."""
_BACK: Final = 0.2
"""How far the proposer moves after a rejection, in a game of several turns."""


def propose(game: Game, system: str, replies: Sequence[str], rng: random.Random) -> str:
    """Return a proposal by the rules of the system message, and after rejections by the last reply."""
    share = _ruled(game, system.splitlines(), rng)
    if replies and replies[-1].startswith("I reject"):
        share = min(1.0, max(0.0, share + _BACK * _wanted(replies[-1], share)))
    offer = round(game.amount * share)
    return f"I propose this: you get {offer} {game.currency}, and I get {game.amount - offer:g} {game.currency}."


def decide(request: FormRequest, rng: random.Random) -> dict[str, Any]:
    """Return the reply and the decision on the last proposal, by the limits in the prompt."""
    said = list(fenced(request.prompt, "message"))
    game, limits = game_in(said[0].text) if said else None, _LIMITS.search(request.prompt)
    share = offered_share(said[-1].text, game.amount) if game else None
    if share is None or limits is None:
        return {"reply": "I do not know what you propose.", "decision": "reject"}
    least, most = (int(limit) / 100 for limit in limits.groups())
    if least - 1e-9 <= share <= most + 1e-9:
        kind = "content"
    elif rng.random() >= _SAYS:
        kind = "wants_other"
    elif least < _HABIT < most:
        kind = "wants_same"
    else:
        kind = "wants_more" if share < least else "wants_less"
    words = [rng.choice(_LISTS[kind])]
    if tone := re.search(r"\bmanners: (polite|rude)\b", request.system):
        words.insert(0, rng.choice(_LISTS[tone[1]]))
    return {"reply": " ".join(words), "decision": "accept" if kind == "content" else "reject"}


def find_norm(request: FormRequest, rng: random.Random) -> ProposedRules | None:
    """Return the rules with the one for the game moved towards what deciders want; None for other conversations."""
    talks = [list(fenced(piece.text, "message")) for piece in fenced(request.prompt, "conversation")]
    played = [(game, talk) for talk in talks if len(talk) > 2 and (game := game_in(talk[0].text))]
    if not played:
        return None
    evidence = read_evidence(request.prompt)
    old = next((rule for rule in evidence.rules if _RULE.search(rule.text) and not rule.locked), None)
    votes, shares = [], []
    for game, talk in played:
        share = offered_share(talk[-2].text, game.amount)
        shares += [] if share is None else [share]
        votes.append((_vote(talk[-1], _HABIT if share is None else share), talk[-1]))
    wish = fmean(vote for vote, _ in votes)
    now = int(match[1]) / 100 if old and (match := _RULE.search(old.text)) else fmean(shares or [_HABIT])
    if abs(wish) < _CLEAR:
        return ProposedRules(evidence, "Most proposals suit the other players.", evidence.rules)
    share = min(1.0, max(0.0, round(20 * (now + _STEP * wish)) / 20))
    named = _named(old.text) if old else set()
    seen = sorted({game.currency for game, _ in played} | named)
    is_for_all = _ANY in named or (not named and rng.random() >= _CONCRETE)
    things = _ANY if is_for_all else f"the {', '.join(seen)}"
    new = Rule.of(old.id if old else None, f"Offer the other player about {100 * share:.0f} per cent of {things}.")
    sources = tuple(reply.attributes.get("id", "") for vote, reply in votes if vote * wish > 0)
    new = replace(new, reason="The other players want a larger part." if wish > 0 else "They want a smaller part.")
    new = replace(new, evidence=tuple(filter(None, sources)))
    rules = [new if rule is old else rule for rule in evidence.rules] + ([] if old else [new])
    return ProposedRules(evidence, f"{len(sources)} of {len(votes)} replies ask for another division.", rules)


def _ruled(game: Game, lines: Sequence[str], rng: random.Random) -> float:
    """Return the share by the last rule that is for the game, or the habit."""
    share = _HABIT
    for line in lines:
        if match := _RULE.search(line):
            named = _named(line)
            if _ANY in named or game.currency in named or rng.random() < _CARRIES_OVER:
                share = min(1.0, int(match[1]) / 100)
        else:
            share = next((other for pattern, other in _OTHER_RULES if pattern.search(line)), share)
    return share


def _named(rule: str) -> set[str]:
    match = _RULE.search(rule)
    return {name.strip() for name in match[2].split(",")} if match else set()


def _vote(reply: Fenced, share: float) -> float:
    """Return what a reply seems to want: 1 a larger part, -1 a smaller one, 0 the proposed one."""
    return _wanted(reply.text, share) if reply.text.startswith("I reject") else 0.0


def _wanted(reply: str, share: float) -> float:
    text = reply.casefold()
    if _SAME.search(text):
        return 1.0 if share < _HABIT else -1.0
    for pattern, sign in ((_MORE, 1.0), (_LESS, -1.0), (_RUDE, 1.0), (_POLITE, -1.0)):
        if pattern.search(text):
            return sign
    return 0.0
