"""The time line of the constitution: its revisions with edits, reasons and evidence."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from scai_cli.analysis.rule_origins import rule_origins
from scai_cli.display.numbers import number
from scai_cli.display.report.constitution import RULE_CHARACTERS, word_diff
from scai_cli.display.report.figures import Figures
from scai_cli.display.report.html import Html, cut, note, scai_command, tag
from scai_cli.display.report.transcripts import where
from scai_cli.display.representation import ballot_words
from scai_cli.experiment.constitution import Add, Clause, Constitution, Edit, Merge, Modify, Principle, Remove, bound_by
from scai_cli.runs.events import Revised
from scai_cli.runs.records import Candidate
from scai_cli.text.counts import counted

MOST_REVISIONS = 40
MOST_EDITS = 40
MOST_EVIDENCE = 6
MOST_CANDIDATES = 25


class MessageLinks(Protocol):
    """Links to messages; `prefix` keeps the anchors of several runs apart."""

    @property
    def prefix(self) -> str:
        """What the anchors of the run begin with."""

    def link(self, piece: str, words: str) -> Html:
        """Return a link to a message or a rating."""


def time_line(run: Figures, texts: MessageLinks) -> Iterator[Html]:
    """Yield the last revisions with their edits, reasons and evidence."""
    history = run.history
    revised = sum(epoch.revision is not None for epoch in history.epochs)
    if not revised:
        yield tag("p", "No revision was written yet.")
        return
    shown = _shown(run)
    if len(shown) < revised:
        left_out = counted(revised - len(shown), "earlier revision")
        yield note(f"{left_out}: ", scai_command("show", history.run_id, "--constitution"))
    yield tag("ol", (_revision(run, revision, texts) for revision in shown), class_="time-line")


def revision_anchor(run: Figures, prefix: str, epoch: int) -> str | None:
    """Return the anchor of the revision at the end of an epoch, None if the time line leaves it out."""
    return f"{prefix}revision-{epoch}" if any(revision.epoch == epoch for revision in _shown(run)) else None


def _shown(run: Figures) -> list[Revised]:
    return [epoch.revision for epoch in run.history.epochs if epoch.revision is not None][-MOST_REVISIONS:]


def _revision(run: Figures, revision: Revised, texts: MessageLinks) -> Html:
    became = (
        f"Version {revision.constitution.version}" if revision.accepted else f"Version {revision.from_version} kept"
    )
    edits, drafts = _edits(run, revision, texts) if revision.accepted else ([], 0)
    left_out = len(edits) - MOST_EDITS
    passed = f"{counted(drafts, 'draft')} of rules within this revision not shown: "
    return tag(
        "li",
        tag("p", tag("b", became), tag("span", f" after epoch {revision.epoch}", class_="when"), class_="became"),
        tag("p", cut(run.named(revision.reason), RULE_CHARACTERS), class_="reason"),
        tag("ul", edits[:MOST_EDITS], class_="edits") if edits else None,
        note(f"and {counted(left_out, 'more edit')}") if left_out > 0 else None,
        note(passed, scai_command("show", run.history.run_id, "--json")) if drafts else None,
        _background(revision),
        class_="adopted" if revision.accepted else "kept",
        id=revision_anchor(run, texts.prefix, revision.epoch),
    )


def _edits(run: Figures, revision: Revised, texts: MessageLinks) -> tuple[list[Html], int]:
    """Return the edits of an adopted revision, and the number of new rules left out that it took back itself."""
    before = _before(run, revision)
    origins = rule_origins(run.history, revision.from_version, revision.from_version + 1)
    drafts = [name for name in origins if before.rule(name) is None and revision.constitution.rule(name) is None]
    drawn = [
        _edit(run, name, origin.edit, before, texts)
        for name, edits in origins.items()
        if name not in drafts
        for origin in edits
        if not isinstance(origin.edit, Merge) or name == origin.edit.ids[0]
    ]
    return drawn, len(drafts)


def _edit(run: Figures, rule_id: str, edit: Edit, before: Constitution, texts: MessageLinks) -> Html:
    ids = ", ".join(edit.ids) if isinstance(edit, Merge) else rule_id
    old = before.rule(rule_id)
    if isinstance(edit, Remove):
        text: Html = tag("del", cut(old.text if old else "", RULE_CHARACTERS))
    elif isinstance(edit, Add) or old is None:
        text = tag("ins", cut(edit.text, RULE_CHARACTERS))
    else:
        text = tag("span", word_diff(cut(old.text, RULE_CHARACTERS), cut(edit.text, RULE_CHARACTERS)))
    return tag(
        "li",
        tag("b", ids, class_="rule-id"),
        tag("span", _DONE[edit.op], class_=f"op {edit.op}"),
        _bound(run, edit, old) if isinstance(edit, Add | Modify) else None,
        text,
        tag("p", cut(run.named(edit.reason), RULE_CHARACTERS), class_="why") if edit.reason else None,
        _evidence(run, edit.evidence, texts),
    )


def _bound(run: Figures, edit: Add | Modify, old: Principle | Clause | None) -> Html | None:
    """Return the users or the condition of a new rule, or those that a change gives it."""
    if edit.users:
        return _whom(run, edit.users, old)
    of = edit if isinstance(edit, Add) else old
    kind = "rule" if of is None or isinstance(of, Principle) else of.kind
    is_new = edit.when or isinstance(edit, Add)
    return tag("i", f"{cut(words, RULE_CHARACTERS)}: ") if is_new and (words := bound_by(edit.when, kind)) else None


def _whom(run: Figures, users: Sequence[str], old: Principle | Clause | None) -> Html:
    """Return the users of a clause, with those added and removed if it was there before."""
    before = old.users if isinstance(old, Clause) else users
    names = [run.name(user) if user in before else tag("ins", run.name(user)) for user in users]
    names += [tag("del", run.name(user)) for user in before if user not in users]
    apart = ((", " if n else "", name) for n, name in enumerate(names))
    return tag("i", "for ", apart, ": ")


_DONE = {"add": "added", "modify": "changed", "merge": "merged", "remove": "removed"}


def _evidence(run: Figures, pieces: Sequence[str], texts: MessageLinks) -> Html | None:
    if not pieces:
        return None
    links = [tag("li", texts.link(piece, where(piece, run))) for piece in pieces]
    rest = links[MOST_EVIDENCE:]
    more = tag("li", tag("details", tag("summary", f"and {len(rest)} more"), tag("ul", rest[:100]))) if rest else None
    return tag("ul", links[:MOST_EVIDENCE], more, class_="evidence", aria_label="It rests on")


def _background(revision: Revised) -> Html | None:
    """Return the critique of the meta-prompt and the results of all candidates."""
    if not revision.critique and not revision.candidates:
        return None
    candidates = revision.candidates[:MOST_CANDIDATES]
    judged = [_judged(candidate) for candidate in candidates if candidate.objection or not revision.ratified]
    return tag(
        "details",
        tag("summary", "Critique and candidates"),
        tag("p", cut(revision.critique, 2 * RULE_CHARACTERS), class_="critique", dir="auto")
        if revision.critique
        else None,
        tag(
            "ul",
            (tag("li", line) for line in (*judged, *map(ballot_words, revision.ratified[:MOST_CANDIDATES]))),
            class_="candidates",
        ),
    )


def _judged(candidate: Candidate) -> str:
    scores = ", ".join(f"{name.replace('_', ' ')} {number(value, 3)}" for name, value in candidate.scores.items())
    unchanged = "no change" if candidate.constitution is None else "not measured"
    return f"{candidate.id}: {cut(candidate.objection or '', 300) or scores or unchanged}"


def _before(run: Figures, revision: Revised) -> Constitution:
    versions = run.history.versions()
    return versions[revision.from_version][0] if revision.from_version in versions else Constitution()
