"""The constitution: as it stands, how it came to be, and how much its versions are alike."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

from scai_cli.constitution import Add, Clause, Constitution, Edit, Merge, Modify, Principle, Remove
from scai_cli.events import Candidate, Revised
from scai_cli.ledger import entries
from scai_cli.report.figures import Figures
from scai_cli.report.html import Html, cut, tag
from scai_cli.report.numbers import counted, number
from scai_cli.report.tables import heat_map, shade
from scai_cli.report.transcripts import Transcripts, where
from scai_cli.similarity import rules_text, text_similarity

MOST_RULES = 120
MOST_REVISIONS = 40
MOST_EDITS = 40
MOST_EVIDENCE = 6
MOST_VERSIONS = 16
MOST_CHARACTERS = 1200
WHOLE_MESSAGE = 40_000


def rules(run: Figures, constitution: Constitution, prefix: str) -> Html:
    """The rules with their ids, and whom a clause is for."""
    if not constitution.rules:
        return tag("p", "The constitution is empty.")
    items = (_rule(run, rule, prefix) for rule in constitution.rules[:MOST_RULES])
    more = len(constitution.rules) - MOST_RULES
    return tag(
        "div",
        tag("ol", items, class_="rules"),
        tag("p", f"and {more} more: scai show {run.history.run_id} --constitution", class_="note")
        if more > 0
        else None,
    )


def _rule(run: Figures, rule: Principle | Clause, prefix: str) -> Html:
    whom = tag("i", f"for {', '.join(run.name(user) for user in rule.users)}: ") if isinstance(rule, Clause) else None
    since = "from the start" if rule.since == 0 else f"since epoch {rule.since}"
    since_link = (
        tag("a", since, href=f"#{prefix}revision-{rule.since}", class_="since")
        if rule.since
        else tag("span", since, class_="since")
    )
    return tag(
        "li", tag("b", rule.id, class_="rule-id"), tag("span", whom, cut(rule.text, MOST_CHARACTERS)), since_link
    )


def time_line(run: Figures, texts: Transcripts) -> Iterator[Html]:
    """Every revision with its edits, their reasons and the messages they rest on; of many the last ones."""
    history = run.history
    revised = [epoch.revision for epoch in history.epochs if epoch.revision is not None]
    if not revised:
        yield tag("p", "It has not been revised yet.")
        return
    shown = revised[-MOST_REVISIONS:]
    if len(shown) < len(revised):
        left_out = counted(len(revised) - len(shown), "earlier revision")
        yield tag("p", f"{left_out}: ", tag("code", f"scai show {history.run_id} --constitution"), class_="note")
    yield tag("ol", (_revision(run, revision, texts) for revision in shown), class_="time-line")


def _revision(run: Figures, revision: Revised, texts: Transcripts) -> Html:
    became = (
        f"Version {revision.constitution.version}" if revision.accepted else f"Version {revision.from_version} kept"
    )
    edits, drafts = _edits(run, revision, texts) if revision.accepted else ([], 0)
    left_out = len(edits) - MOST_EDITS
    passed = f"{counted(drafts, 'draft')} of it came and went before it was done: "
    return tag(
        "li",
        tag("p", tag("b", became), tag("span", f" after epoch {revision.epoch}", class_="when"), class_="became"),
        tag("p", cut(revision.reason, MOST_CHARACTERS), class_="reason"),
        tag("ul", edits[:MOST_EDITS], class_="edits") if edits else None,
        tag("p", f"and {counted(left_out, 'more edit')}", class_="note") if left_out > 0 else None,
        tag("p", passed, tag("code", f"scai show {run.history.run_id} --json"), class_="note") if drafts else None,
        _background(revision),
        class_="adopted" if revision.accepted else "kept",
        id=f"{texts.prefix}revision-{revision.epoch}",
    )


def _edits(run: Figures, revision: Revised, texts: Transcripts) -> tuple[list[Html], int]:
    """The edits of an adopted revision, and how many new rules were taken back before it ended, which are left out."""
    before = _before(run, revision)
    found = entries(run.history, revision.from_version, revision.from_version + 1)
    drafts = [name for name in found if before.rule(name) is None and revision.constitution.rule(name) is None]
    edits = [
        _edit(run, name, entry.edit, before, texts)
        for name, made in found.items()
        if name not in drafts
        for entry in made
        if not isinstance(entry.edit, Merge) or name == entry.edit.ids[0]
    ]
    return edits, len(drafts)


def _edit(run: Figures, rule_id: str, edit: Edit, before: Constitution, texts: Transcripts) -> Html:
    ids = ", ".join(edit.ids) if isinstance(edit, Merge) else rule_id
    old = before.rule(rule_id)
    if isinstance(edit, Remove):
        text: Html = tag("del", cut(old.text if old else "", MOST_CHARACTERS))
    elif isinstance(edit, Add) or old is None:
        text = tag("ins", cut(edit.text, MOST_CHARACTERS))
    else:
        text = tag("span", word_diff(cut(old.text, MOST_CHARACTERS), cut(edit.text, MOST_CHARACTERS)))
    return tag(
        "li",
        tag("b", ids, class_="rule-id"),
        tag("span", _DONE[edit.op], class_=f"op {edit.op}"),
        _whom(run, edit.users, old) if isinstance(edit, Add | Modify) and edit.users else None,
        text,
        tag("p", cut(edit.reason, MOST_CHARACTERS), class_="why") if edit.reason else None,
        None if isinstance(edit, Remove) else _evidence(run, edit.evidence, texts),
    )


def _whom(run: Figures, users: Sequence[str], old: Principle | Clause | None) -> Html:
    """Whom a clause is for, and who came and went if it was there before."""
    before = old.users if isinstance(old, Clause) else users
    names = [run.name(user) if user in before else tag("ins", run.name(user)) for user in users]
    names += [tag("del", run.name(user)) for user in before if user not in users]
    apart = ((", " if n else "", name) for n, name in enumerate(names))
    return tag("i", "for ", apart, ": ")


_DONE = {"add": "added", "modify": "changed", "merge": "merged", "remove": "removed"}


def _evidence(run: Figures, pieces: Sequence[str], texts: Transcripts) -> Html | None:
    if not pieces:
        return None
    links = [tag("li", texts.link(piece, where(piece, run))) for piece in pieces]
    rest = links[MOST_EVIDENCE:]
    more = tag("li", tag("details", tag("summary", f"and {len(rest)} more"), tag("ul", rest[:100]))) if rest else None
    return tag("ul", links[:MOST_EVIDENCE], more, class_="evidence", aria_label="It rests on")


def _background(revision: Revised) -> Html | None:
    """Why, in the meta-prompt's words, and what became of the other candidates."""
    if not revision.critique and not revision.candidates:
        return None
    return tag(
        "details",
        tag("summary", "Critique and candidates"),
        tag("p", cut(revision.critique, 2 * MOST_CHARACTERS), class_="critique", dir="auto")
        if revision.critique
        else None,
        tag("ul", (tag("li", _judged(candidate)) for candidate in revision.candidates[:25]), class_="candidates"),
    )


def _judged(candidate: Candidate) -> str:
    scores = ", ".join(f"{name.replace('_', ' ')} {number(value, 3)}" for name, value in candidate.scores.items())
    unchanged = "no change" if candidate.constitution is None else "not measured"
    return f"{candidate.id}: {cut(candidate.objection or '', 300) or scores or unchanged}"


def _before(run: Figures, revision: Revised) -> Constitution:
    versions = run.history.versions()
    return versions[revision.from_version][0] if revision.from_version in versions else Constitution()


def word_diff(old: str, new: str) -> Iterator[Html | str]:
    """The words of both texts in order, those that went in `del`, those that came in `ins`."""
    before, after = re.findall(r"\S+\s*", old), re.findall(r"\S+\s*", new)
    for op, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if op == "equal":
            yield "".join(after[c:d])
            continue
        if gone := "".join(before[a:b]).strip():
            yield tag("del", gone)
            yield " "
        if come := "".join(after[c:d]).strip():
            yield tag("ins", come)
            yield " "


def likeness(run: Figures) -> Iterator[Html]:
    """How much the versions' texts are alike; of many versions the last ones and the first."""
    versions = sorted(run.history.versions().items())
    if len(versions) < 2:
        return
    if len(versions) > MOST_VERSIONS:
        versions = [versions[0], *versions[1 - MOST_VERSIONS :]]
    names = [f"v{number}" for number, _ in versions]
    texts = [rules_text(constitution) for _, (constitution, _) in versions]
    yield tag("h3", "How alike the versions are")
    yield tag("p", "Similarity of the texts from 0 (nothing in common) to 1 (the same words).", class_="note")
    yield likeness_table(names, texts)


def likeness_table(names: Sequence[str], texts: Sequence[str]) -> Html:
    """A heat map of how much texts are alike."""
    rows = zip(names, text_similarity(texts), strict=True)
    return heat_map(names, ((name, [shade(value, 0, 1, 2) for value in row]) for name, row in rows))
