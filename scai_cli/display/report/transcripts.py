"""The transcripts: each conversation unfolds to a chat with its ratings; the page's script filters them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from scai_cli.display.numbers import number
from scai_cli.display.report.figures import Figures
from scai_cli.display.report.html import Html, cut, note, scai_command, tag
from scai_cli.messages import ending
from scai_cli.runs.history.event_lines import CompactMessage, CompactRating, unsaid
from scai_cli.runs.history.excerpts import KINDS, ConversationExcerpt, Excerpts, by_place, conversation_of
from scai_cli.text.counts import counted

CallLinks = Callable[[str], Html]
"""Returns a link from a message, given by its id, to the model's call."""
_COMMENT = 240
_RATERS = 40


@dataclass(frozen=True, slots=True)
class Transcripts:
    """The conversations that are on the page; `prefix` keeps the anchors of several runs apart."""

    html: Html
    prefix: str
    shown: frozenset[str]
    """The ids of the messages on the page."""

    def link(self, piece: str, words: str) -> Html:
        """Return a link to a message or a rating, or its id alone if it is not on the page."""
        message = "/".join(piece.split("/")[:4])
        if message not in self.shown:
            return tag("code", words, title=f"{piece} is not on this page")
        return tag("a", words, href=f"#{self.prefix}{message}", title=piece)


def transcripts(figures: Figures, excerpts: Excerpts, prefix: str, budget: int) -> Transcripts:
    """Return the conversations that fit into `budget` bytes, in the order of the run, with a filter."""
    drawn: dict[str, Html] = {}
    shown: set[str] = set()
    left = budget
    for talk in excerpts.conversations:
        html = conversation(figures, talk, prefix)
        left -= len(html.text.encode())
        if left < 0:
            break
        drawn[talk.id] = html
        shown |= {message.id for message in talk.messages}
    kept = [talk for talk in excerpts.conversations if talk.id in drawn]
    place = by_place(figures.history)
    kept.sort(key=lambda talk: place(talk.id))
    return Transcripts(_section(figures, kept, drawn, excerpts.total), prefix, frozenset(shown))


def _section(figures: Figures, talks: Sequence[ConversationExcerpt], drawn: dict[str, Html], total: int) -> Html:
    run = figures.history.run_id
    if not total:
        return tag("p", "Nothing has been said yet.")
    count, more = f"All {counted(total, 'conversation')} of {figures.people}.", None
    if len(talks) < total:
        more = scai_command("show", run, "--epoch", "N", "--persona", "ID", "--task", "ID")
        count = f"{counted(len(talks), 'conversation')} of {total:,} by {figures.people}: {_CHOSEN}. The others: "
    if not talks:
        return note(f"There is no room for the {counted(total, 'conversation')}: ", more)
    return tag(
        "div",
        note(count, more),
        _filter(figures, talks),
        tag("p", "No conversation matches.", class_="none", hidden=True),
        tag("div", (drawn[talk.id] for talk in talks), class_="talks"),
        tag("button", "Show all", type="button", class_="all", hidden=True),
        tag("p", "On paper: the transcripts that are open on the screen.", class_="note paper"),
        class_="transcripts",
    )


_CHOSEN = "those that rules rest on, the lowest rated, the most contested, and the last and first epochs'"


def _filter(figures: Figures, talks: Sequence[ConversationExcerpt]) -> Html:
    firsts = [talk.messages[0] for talk in talks]
    kinds = [kind for kind in KINDS if any(kind in talk.kinds for talk in talks)]
    fields = (
        choice("epoch", "Epoch", [(str(e), figures.play(e)) for e in dict.fromkeys(m.epoch for m in firsts)]),
        choice("persona", "Person", [(p, figures.name(p)) for p in dict.fromkeys(m.persona for m in firsts)]),
        choice("task", "Task", [(t, t) for t in dict.fromkeys(m.task for m in firsts)]),
        choice("kind", "Notable", [(kind, kind) for kind in kinds]),
        field("text", "Text", "", "words in it"),
    )
    status = tag("output", counted(len(talks), "conversation"), class_="count", aria_live="polite")
    return tag(
        "form",
        fields,
        status,
        class_="filter",
        hidden=True,
        role="search",
        aria_label=f"Filter the transcripts of {figures.history.run_id}",
    )


def choice(name: str, label: str, options: Iterable[tuple[str, str]], chosen: str = "") -> Html:
    """Return a select field of (value, words), with `all` as its first and empty value."""
    first = tag("option", "all", value="")
    return tag(
        "label",
        tag("span", label),
        tag(
            "select",
            first,
            (
                tag("option", cut(words, 60), value=value, selected=bool(chosen) and value == chosen)
                for value, words in options
            ),
            name=name,
        ),
    )


def field(name: str, label: str, value: str, hint: str) -> Html:
    """Return a text field of a form."""
    box = tag("input", type="search", name=name, value=value or None, placeholder=hint, autocomplete="off")
    return tag("label", tag("span", label), box)


def conversation(figures: Figures, talk: ConversationExcerpt, prefix: str, links: CallLinks | None = None) -> Html:
    """Return a conversation that unfolds to a chat with its ratings; `links` lead from messages to their calls."""
    first = talk.messages[0]
    own = [r for given in talk.ratings.values() for r in given if r.final and r.kind == "own"]
    rated = tag("span", "rated ", tag("b", number(own[0].value, 1)), class_="score") if own else None
    summary = tag(
        "summary",
        tag("span", figures.at(first.epoch), class_="when"),
        tag("b", figures.name(first.persona)),
        tag("span", first.task, class_="task"),
        (tag("span", kind, class_="kind", title=KINDS[kind]) for kind in talk.kinds),
        rated,
    )
    more = note(f"… and {counted(talk.more_messages, 'more message')}.") if talk.more_messages else None
    return tag(
        "details",
        summary,
        (_message(figures, talk, message, prefix, links) for message in talk.messages),
        more,
        note("For ", tag("code", "scai show"), f": {talk.id}/m1 to m{len(talk.messages) + talk.more_messages}"),
        class_="talk",
        id=prefix + talk.id,
        data_epoch=first.epoch,
        data_persona=first.persona,
        data_task=first.task,
        data_kind="|".join(talk.kinds) or None,
    )


def _message(
    figures: Figures, talk: ConversationExcerpt, message: CompactMessage, prefix: str, links: CallLinks | None
) -> Html:
    who = "Assistant" if message.role == "assistant" else figures.name(message.persona)
    cut_off = None
    if (left_out := talk.left_out.get(message.id)) is not None:
        at = ("--epoch", str(message.epoch), "--persona", message.persona, "--task", message.task)
        cut_off = note(f"… {left_out:,} more characters: ", scai_command("show", figures.history.run_id, *at))
    broken = "cut off by the model's limit" if ending(message.finish_reason) == "cut" else None
    return tag(
        "div",
        tag(
            "p",
            tag("b", who, title=message.id),
            broken and tag("i", broken),
            links and links(message.id),
            class_="who",
        ),
        tag("p", message.content, class_="text", dir="auto"),
        cut_off,
        _ratings(figures, talk, talk.ratings.get(message.id, ())),
        class_=f"message {message.role}",
        id=prefix + message.id,
    )


def _ratings(figures: Figures, talk: ConversationExcerpt, ratings: Sequence[CompactRating]) -> Html | None:
    if not ratings:
        return None
    more = f"and {len(ratings) - _RATERS} more ratings" if len(ratings) > _RATERS else None
    return tag(
        "ul",
        (_rating(figures, talk, rating) for rating in ratings[:_RATERS]),
        more and tag("li", more),
        class_="ratings",
    )


def _rating(figures: Figures, talk: ConversationExcerpt, rating: CompactRating) -> Html:
    value = tag("b", "missing" if rating.value is None else f"{rating.value:g}")
    words = rating.problem if rating.value is None else unsaid(rating, talk.messages)
    comment = tag("q", cut(words, _COMMENT)) if words else None
    return tag(
        "li",
        f"{figures.name(rating.rater)}: {rating.metric} ",
        value,
        " " if comment else None,
        comment,
        class_=rating.kind,
    )


def where(piece: str, figures: Figures) -> str:
    """Return the id of a message or a rating in words: `Ann Smith on tea, epoch 1`."""
    parts = piece.split("/")
    if conversation_of(piece) == piece or len(parts) < 4:
        return cut(piece, 80)
    epoch, persona, task, _ = parts[:4]
    return f"{figures.name(persona)} on {task}, epoch {epoch.removeprefix('e')}"
