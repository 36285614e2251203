"""`scai report`: what the page says is what the run holds, whatever the run holds."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import html.parser
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import yaml
from change_words import change_words
from changed_runs import EVIL, Rows, changed, hostile
from conftest import TINY, events, scai
from hypothesis import given
from hypothesis import strategies as st

from scai_cli.analysis.before_after import before_after
from scai_cli.analysis.headline import Headline, headline
from scai_cli.analysis.holdout import holdout_change
from scai_cli.analysis.verdicts import between, gained_or_lost
from scai_cli.analysis.verdicts import change_words as change_words_of
from scai_cli.display.numbers import change as change_cell
from scai_cli.display.numbers import number
from scai_cli.display.report.deciding_rules import MOST_RULES
from scai_cli.display.report.html import Address, inline, tag, visible
from scai_cli.display.report.page import LIMIT, MOST_WHOLE
from scai_cli.display.report.svg import read_svg
from scai_cli.runs.history.excerpts import MOST_CHARACTERS, read_excerpts
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.history.history import History
from scai_cli.stats.intervals import Interval

NAMES = {"ann": "Ann Smith", "bob": "Bob Jones", "cid": "Cid Brown"}


class Page(html.parser.HTMLParser):
    """A page as a browser's parser sees it."""

    VOID = frozenset({"meta", "link", "br", "hr", "input"})
    SAID = frozenset({"pre", "talk", "answers", "rules", "edits", "critique", "candidates", "evidence"})
    BLOCKS = frozenset({"p", "h1", "h2", "h3", "li", "td", "th", "div", "dt", "dd", "pre"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.stack: list[tuple[str, str | None]] = []
        self.pieces: list[tuple[tuple[tuple[str, str | None], ...], str]] = []
        self.own: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.code: dict[str, str] = {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)
            self.stack.append((tag, dict(attrs).get("class")))
        if tag in self.BLOCKS:
            self.texts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("script", "style"):
            self.code[self.open[-1]] = self.code.get(self.open[-1], "") + data
        else:
            self.texts.append(data)
            self.pieces.append((tuple(self.stack), data))
            if not self.SAID & {class_ or tag for tag, class_ in self.stack}:
                self.own.append(f"{data} ")

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    @property
    def claims(self) -> str:
        """The text of the page itself, without what people, models and config files say."""
        return " ".join("".join(self.own).split())

    def inside(self, tag: str, class_: str | None = None) -> str:
        """The text of the elements of that name and class."""
        return " ".join("".join(text for stack, text in self.pieces if (tag, class_) in stack).split())

    def having(self, name: str) -> list[str]:
        return [value or "" for _, attributes in self.tags for key, value in attributes.items() if key == name]


def reported(*arguments: object) -> Page:
    called = scai("report", *arguments, "-o", "-")
    assert called.code == 0, called.err
    assert len(called.out.encode()) < LIMIT
    return Page(called.out)


JARGON = re.compile(
    r"95 %|interval|student|rawls|utilit|\bgini\b|hold-?out|held out|paired|pareto|variance|\bnash\b", re.I
)
"""Words that no first screen has outside the explanations on tap."""


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose product was played, in 4 epochs of 3 people."""
    folder = tmp_path_factory.mktemp("several")
    (folder / "tiny.yaml").write_text(TINY, encoding="utf-8")
    settings = ("--set", "revision={strategy: grounded, acceptance: ratify, clauses: people}", "--set", "epochs=4")
    called = scai("run", folder / "tiny.yaml", "--runs-dir", folder / "runs", "-q", *settings)
    assert called.code == 0, called.err
    return folder / "runs" / "tiny"


@pytest.fixture(scope="module")
def page(finished: Path) -> Page:
    """The page about the tiny run."""
    return reported(finished)


# --- escaping, by construction


@given(st.text())
def test_any_text_stays_text(text: str) -> None:
    page = Page(tag("b", text, title=text, data_x=text).text)
    assert [name for name, _ in page.tags] == ["b"]
    assert page.tags[0][1] == {"title": visible(text), "data-x": visible(text)}
    assert "".join(page.texts) == visible(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [("href", "javascript:alert(1)"), ("href", "//x.org"), ("src", "https://x.org"), ("onclick", "x"), ("style", "x")],
)
def test_nothing_leads_away_from_the_page(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="page"):
        tag("a", "x", **{name: value})


@given(st.lists(st.text(), max_size=3), st.text(), st.text())
def test_an_address_leads_only_to_this_server(steps: list[str], value: str, anchor: str) -> None:
    text = Address.of(*filter(None, steps), anchor=anchor, page=value).text
    parts = urlsplit(urljoin("http://127.0.0.1:8787/a/b", text))
    assert (parts.scheme, parts.netloc) == ("http", "127.0.0.1:8787")
    assert parse_qs(parts.query, errors="surrogatepass").get("page", [""]) == [value]
    assert Page(tag("a", "x", href=Address(text)).text).tags == [("a", {"href": text})]


@pytest.mark.parametrize("text", ["", "x", "//x.org", "/\\x.org", "https://x.org", "/a b", "/a\n", '/"', "/?a=<"])
def test_an_address_that_is_not_encoded_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an address"):
        Address(text)


def test_code_cannot_end_its_element() -> None:
    with pytest.raises(ValueError, match="must not contain"):
        inline("script", "x = '</script>'")


def test_of_a_drawing_only_known_shapes_come_through() -> None:
    hostile = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9" onload="x()"><script>x()</script>'
        '<g onclick="x()"><a href="javascript:x()"><text>gone</text></a>'
        '<text style="x" fill="red">kept &lt;b&gt;</text>'
        '<path aria-roledescription="point" aria-label="&quot;&lt;i&gt;" d="M0,0.12345" fill="red"/></g></svg>'
    )
    page = Page(read_svg(hostile, "a <b>label").text)
    assert [name for name, _ in page.tags] == ["svg", "g", "text", "path"]
    assert page.text == "kept <b>"
    assert page.tags[0][1]["aria-label"] == "a <b>label"
    assert page.tags[3][1] == {"d": "M0,0.12", "fill": "red", "data-tip": '"<i>'}


# --- the page


def test_it_is_one_whole_page_that_asks_for_nothing(page: Page) -> None:
    assert page.open == []
    ids = page.having("id")
    assert len(ids) == len(set(ids))
    links = page.having("href")
    assert {link for link in links if link != "data:,"} <= {f"#{name}" for name in ids}
    assert not page.having("src")
    policy = next(a["content"] for name, a in page.tags if name == "meta" and a.get("http-equiv"))
    digest = base64.b64encode(hashlib.sha256(page.code["script"].encode()).digest()).decode()
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert f"script-src 'sha256-{digest}';" in policy
    assert "url(" not in page.code["style"]
    assert "@import" not in page.code["style"]


def test_every_section_is_there_and_every_chart_has_words(page: Page) -> None:
    sections = [a["id"] for name, a in page.tags if name == "section"]
    names = "constitution numbers message people trade-off ratings revisions transcripts problems again"
    assert [name for name in sections if name != "r1/answers"] == [f"r1/{name}" for name in names.split()]
    charts = [a for name, a in page.tags if name == "svg"]
    assert len(charts) == 1 + 3 + 2
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in charts)


@pytest.mark.slow
def test_the_same_run_makes_the_same_bytes(finished: Path) -> None:
    assert scai("report", finished, "-o", "-").out == scai("report", finished, "-o", "-").out


def headline_of(run: Path) -> Headline:
    found = headline(read_history(run, messages=False, ratings=False))
    assert found is not None
    return found


def test_its_numbers_are_those_of_the_analysis(several: Path) -> None:
    page, found = reported(several), headline_of(several)
    assert found.compared.version > found.start.version == 0
    assert found.sentence in page.text
    assert "simulated" in found.sentence
    for person, name in NAMES.items():
        one = found.people[person]
        means = f"{one.before:.1f} (version 0), {one.after:.1f} (version {found.compared.version})"
        assert f"{name}{means}" in page.text
        row = f"{name} {one.before:.1f} {one.after:.1f} {change_cell(one.change, 1)} {between(one.interval, 1)}"
        assert f"{row} {gained_or_lost(one.interval)} " in page.text
    for function, plain in (("utilitarian", "Mean of all"), ("rawlsian", "Worst-off person"), ("nash", "Geometric")):
        before, after, interval = found.welfare_by(function)
        words = re.escape(change_words_of(interval, 2, over=""))
        assert re.search(rf"{plain}[^()]* \({function}\)(, declared)? {before:.2f} {after:.2f} {words}", page.text)
    assert f"Satisfaction, 0 to 10 {found.satisfaction.before:.1f} {found.satisfaction.after:.1f} " in page.text
    for change in (found.satisfaction, found.welfare):
        assert f" {change_words_of(change.interval, change.digits, over='')} " in page.text
    for rule in scai("show", several, "--json").json["epochs"][-1]["constitution"]["principles"]:
        assert rule["text"] in page.text


def test_the_first_screen_says_who_gains_who_pays_how_sure_and_by_which_rules(several: Path) -> None:
    page, found = reported(several), headline_of(several)
    screen = page.inside("div", "answer")
    assert not JARGON.search(screen)
    own = found.satisfaction
    ends = between(own.interval, 1).replace(" to ", " and ")
    assert f"rose from {own.before:.1f} to {own.after:.1f} on a scale from 0 to 10: " in page.inside("p", "lead")
    assert f"{change_cell(own.change, 1)}, likely between {ends}." in page.inside("p", "lead")
    gained = [user for user, person in found.people.items() if gained_or_lost(person.interval) == "gained"]
    assert f"Who gains{len(gained)} of 3, clearly: " in screen
    assert all(f"{NAMES[user]} {change_cell(found.people[user].change, 1)}" in screen for user in gained)
    assert "Who paysNobody clearly." in screen
    rules = [rule["text"] for rule in scai("show", several, "--json").json["epochs"][-1]["constitution"]["contract"]]
    deciding = page.inside("ul", "deciding")
    assert sum(rule in deciding for rule in rules) == min(MOST_RULES, len(rules))
    assert "How real people would rate these answers" in screen
    assert {f"#{name}" for name in page.having("id")} > {f"#{name}" for name in page.having("popovertarget")}
    assert "simulated people" in page.inside("span", "status")


def test_the_colours_of_ratings_fit_the_values_and_say_so(several: Path) -> None:
    page = reported(several)
    history = read_history(several, messages=False, ratings=False, finals=True)
    means = [mean for epoch in (1, history.epochs[-1].number) for mean in means_of(history, epoch)]
    for own in (True, False):
        values = [value for (rater, to), value in means if (rater == to) is own and value is not None]
        assert f"{min(values):.1f} to {max(values):.1f} on a scale from 0 to 10; stronger colour is higher" in page.text
    row = page.inside("div", "matrices").partition("Ann SmithBob JonesCid Brown")[2]
    assert re.match(r"Ann Smith\d\.\d\d\.\dBob Jones\d\.\d\d\.\dCid Brown\d\.\d\d\.\d", row)


def means_of(history: History, epoch: int) -> Iterable[tuple[tuple[str, str], float | None]]:
    assert history.rating_index is not None
    return history.rating_index.finals_of(epoch).means().items()


def test_one_question_has_two_answers_with_the_rule_that_made_the_difference(several: Path) -> None:
    page = reported(several)
    history = read_history(several, messages=False, ratings=False)
    pairs = before_after(history, headline(history))
    assert pairs
    for pair in pairs:
        assert f"{pair.name} (simulated) asked: {pair.question}".replace(": ", ":", 1) in page.text
        for when, side in (("Before", pair.before), ("After", pair.after)):
            head = f"{when}: version {side.version}, epoch {side.epoch}. {pair.name} rated it {side.rating:g} of 10."
            assert f"{head} {' '.join(side.text.split())}" in page.text
        made = (
            f"made the difference, by the words of both answers: {pair.rule.id} "
            if pair.rule
            else "No single rule explains the difference."
        )
        assert made in page.text
    assert "Chosen by rule: the people whose mean rating changed most upward and most downward" in page.text


def test_the_product_is_played_at_the_end_and_its_numbers_are_those_of_that_play(finished: Path, page: Page) -> None:
    assert [event["product"] for event in events(finished) if event["type"] == "epoch_started" and "product" in event]
    assert "(version 2, final play)" in page.text
    assert "The constitution Version 2, final play." in page.text
    assert "2 of 2 epochs" in page.text
    assert "Final play (version 2)" in page.text
    assert page.inside("text").count("12finalepoch") == 1 + 3  # the axis of each panel


def test_a_reworded_rule_shows_when_and_its_old_text(finished: Path, tmp_path: Path) -> None:
    def reworded(rows: Rows) -> Rows:
        start = next(row for row in rows if row["type"] == "run_started")["constitution"]
        principles = [{"id": "P1", "text": "Be kind."}, {"id": "P2", "text": "Never promise a refund.", "locked": True}]
        start |= {"principles": principles, "last_principle": 2}
        first, second = (row for row in rows if row["type"] == "revision")
        for revision, text in ((first, "Be brief."), (second, "Be brief.")):
            now = [principles[0] | {"text": text}, principles[1], {"id": "P3", "text": "Ask back.", "since": 1}]
            revision["constitution"] |= {"principles": now, "contract": [], "last_principle": 3}
        return rows

    page = reported(changed(finished, tmp_path / "r" / "reworded", reworded))
    assert "P1Be kind. Be brief.reworded after epoch 1" in page.text
    assert "P2locked: Never promise a refund.from the start" in page.text
    assert "P3Ask back.added after epoch 1" in page.text
    assert page.inside("del").startswith("Be kind.")


def test_people_whose_tastes_the_seed_draws_are_counted_with_the_remedy(tiny: Path) -> None:
    tiny.write_text(TINY.replace(", preferences: {names_source: 1.0}", ""), encoding="utf-8")
    assert scai("run", tiny, "-q", "--set", "epochs=1").code == 0
    warned = reported("tiny").inside("p", "caution")
    assert "What the descriptions of 1 of 3 simulated people leave open" in warned
    assert "give them preferences:" in warned


def test_the_page_states_where_the_constitution_started(tiny: Path, finished: Path) -> None:
    dropped = read_history(finished, messages=False, ratings=False).product[0].rules[0]
    start = f"constitution={{from: {finished}, drop: [{dropped.id}]}}"
    called = scai("run", tiny, "-q", "--run-id", "again", "--set", start, "--set", "epochs=1")
    assert called.code == 0, called.err
    page = reported("again")
    assert re.search(r"Started from (run )?.*tiny", page.inside("p", "note"))
    assert f"Dropped at the start: {dropped.id} {dropped.text}" in page.text


@pytest.mark.slow
def test_runs_in_which_nothing_was_adopted_state_no_change(tmp_path: Path) -> None:
    assert scai("init", "demo").code == 0
    kept = ("--set", "revision.acceptance=improves", "--set", "revision.margin=1", "--set", "epochs=3")
    for seed in range(8):
        run = scai("run", "demo/configs/quickstart.yaml", "-q", "--seed", seed, "--run-id", f"r{seed}", *kept)
        assert run.code == 0, run.err
        page = reported(run.out.strip())
        assert "No new rule was adopted. Satisfaction of " in page.text
        assert "Why no rule is new Epochs 1" in page.text
        assert change_words(page.claims, *EXPLAINED) == []
        assert not [a for name, a in page.tags if name == "path" and a.get("stroke-width") == "2.2"]


EXPLAINED = (
    "To the right the mean of all is higher",
    "no other point is higher on one of mean",
    "stronger colour is higher",
    "the lowest rated",
)
"""Phrases that explain a chart and claim nothing about the run."""


@pytest.mark.parametrize("run", ["whole", "stopped"])
def test_a_run_of_version_0_1_has_a_page(run: str) -> None:
    page = reported(Path(__file__).parents[1] / "golden" / "v0" / run)
    assert "simulated people (a small program and no language model)" in page.inside("p", "lead")
    assert "The constitution Version" in page.text


BRIEF = """\
from scai_cli.experiment.constitution import Add
from scai_cli.runs.records import Candidate


async def brief(context):
    return [Candidate(id=context.id, critique="Long.", edits=(Add(text="Keep it short."),))]
"""
"""A strategy whose rule some people want and others do not mind."""


def test_the_result_for_people_who_were_set_aside_has_its_interval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "brief_strategy.py").write_text(BRIEF, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    people = [
        {"id": f"p{n}", "name": f"Person {n}", "preferences": {"concise": 1.0} if n % 2 else {"warm": 1.0}}
        for n in range(6)
    ]
    tasks = [{"id": f"t{n}", "prompt": f"How do I make tea for {n + 2}?"} for n in range(3)]
    config = {"name": "held", "epochs": 1, "turns": 1, "personas": people, "tasks": tasks, "seed": 2}
    config["holdout"] = {"personas": ["p2", "p3", "p4", "p5"]}
    config["revision"] = {"strategy": "brief_strategy:brief", "acceptance": "always"}
    (tmp_path / "held.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    assert scai("run", "held.yaml", "-q").code == 0
    history = read_history(Path("runs/held"), messages=False, ratings=False)
    found, moved = history.holdout, holdout_change(history)
    assert found is not None
    assert found.last_version == 1
    assert moved is not None
    assert moved.difference is not None
    assert moved.difference.interval.estimand == "new people"
    words = change_words_of(moved.difference.interval, 2)
    assert words.endswith(", new people, from 4 people held out)")
    first, last = (values["utilitarian"] for values in (found.first_values, found.last_values))
    page = reported("held")
    text = page.text
    assert f"was {first:.2f} under version 0 and {last:.2f} under version 1: {words}." in text
    screen = page.inside("div", "answer")
    ends = between(moved.difference.interval, 2).replace(" to ", " and ")
    likely = f"no change beyond chance, likely between {ends}, for new people, from 4 people."
    assert "Set aside while the rules were written: 4 simulated people, with the same 3 tasks." in screen
    assert f"the mean of all was {first:.2f} at first and {last:.2f} at the end: {likely}" in screen
    assert not JARGON.search(screen)
    for person, interval in moved.people.items():
        sides = f"Person {person[1:]} {number(found.first[person])} {number(found.last[person])}"
        sure = f"{between(interval, 2)} {gained_or_lost(interval)}"
        assert f"{sides} {change_cell(interval.estimate)} {sure} " in text
    assert "Held out while the rules were written: 4 simulated people (a small" in text
    assert "language model), with the same 3 tasks." in text
    assert "whether other tasks give the same result (none were set aside)" in text
    assert "95 % intervals of single people: the same 4 people and 3 tasks again, valid together." in text
    assert "95 % intervals: the same 2 people and 3 tasks again; those of single people are valid together." in text


def test_rules_for_others_change_nothing_for_people_who_were_set_aside(tiny: Path) -> None:
    setting = (
        "--set",
        "holdout={personas: [cid]}",
        "--set",
        "epochs=1",
        "--set",
        "revision={strategy: grounded, acceptance: always, clauses: people, quorum: 0}",
    )
    assert scai("run", tiny, "-q", *setting).code == 0
    rules = scai("show", "tiny", "--json").json["epochs"][-1]["constitution"]
    assert rules["contract"]
    assert not rules["principles"]
    assert " under version 1: no rule applies to them." in reported("tiny").text


def test_a_version_that_nobody_has_played_is_marked(finished: Path, tmp_path: Path) -> None:
    def unplayed(rows: Rows) -> Rows:
        return [row for row in rows if row.get("epoch", 0) < 3]

    page = reported(changed(finished, tmp_path / "r" / "unplayed", unplayed))
    assert "The constitution Version 2, not played." in page.text
    assert "(version 2) was not played." in page.inside("p", "lead")


def test_edits_link_to_the_messages_that_they_rest_on(tiny: Path) -> None:
    assert scai("run", tiny, "-q", "--set", "revision.strategy=grounded", "--set", "revision.quorum=0.3").code == 0
    page = reported("tiny")
    rests = {
        piece
        for event in events(Path("runs/tiny"))
        if event["type"] == "revision" and event["accepted"]
        for edit in event["edits"]
        for piece in edit.get("evidence", ())
    }
    assert rests
    linked = {link.removeprefix("#r1/") for link in page.having("href") if re.search(r"/m\d+$", link)}
    assert linked
    assert linked <= rests
    assert {f"r1/{piece}" for piece in linked} <= set(page.having("id"))


# --- runs that are not as they should be


def test_a_run_without_events_says_so(finished: Path, tmp_path: Path) -> None:
    page = reported(changed(finished, tmp_path / "r" / "empty", lambda rows: []))
    assert "This run contains no events yet." in page.text
    assert "svg" not in dict(page.tags)


def test_a_run_in_its_first_epoch_shows_what_was_said(finished: Path, tmp_path: Path) -> None:
    run = changed(finished, tmp_path / "r" / "early", lambda rows: rows[:12])
    with (run / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        page = reported(run)
    assert "No epoch has ended yet, so nothing is measured. The run is not finished" in page.text
    assert "early running" in page.text
    assert "How do I make a pot of tea?" in page.text
    assert scai("report", run, "-o", "-").out.count("The run was interrupted") == 1


def test_one_epoch_is_no_change(finished: Path, tmp_path: Path) -> None:
    def first_epoch(rows: Rows) -> Rows:
        return rows[: next(n for n, row in enumerate(rows) if row["id"] == "e2")]

    page = reported(changed(finished, tmp_path / "r" / "one", first_epoch))
    assert re.search(r"model\) was \d\.\d \(version 0, epoch 1\)", page.inside("p", "lead"))
    assert change_words(page.claims, *EXPLAINED) == []


@pytest.mark.parametrize("remedy", ["continue with `scai resume failed --force`", "start a new run without it"])
def test_a_reason_with_a_remedy_gets_no_second_one(finished: Path, tmp_path: Path, remedy: str) -> None:
    outcome = {"status": "failed", "reason": f"it is broken; {remedy}", "calls": 9}
    page = reported(changed(finished, tmp_path / "r" / "failed", lambda rows: rows[:-1], outcome))
    assert f"The run failed: it is broken; {remedy}." in page.text
    assert "Resume it" not in page.text


def test_a_failed_run_says_why(finished: Path, tmp_path: Path) -> None:
    def broken(rows: Rows) -> Rows:
        at = next(n for n, row in enumerate(rows) if row["type"] == "revision") + 6
        problem = {"type": "problem", "epoch": 2, "where": "e2/ann/tea/m1", "problem": f"HTTP 500 {EVIL}"}
        return [*rows[:at], {**{key: rows[at][key] for key in ("seq", "time")}, "id": "e2/ann/tea/m1", **problem}]

    usage = {"input_tokens": 1, "output_tokens": 1}
    outcome = {"status": "failed", "reason": "too many calls failed", "calls": 9, "usage": usage}
    page = reported(changed(finished, tmp_path / "r" / "failed", broken, outcome))
    assert "The run failed: too many calls failed. Resume it: scai resume failed" in page.text
    assert "1 call failed, 0 ratings are missing" in page.text
    assert visible(f"HTTP 500 {EVIL}")[:80] in page.text


def test_missing_ratings_are_not_made_up(finished: Path, tmp_path: Path) -> None:
    def unread(rows: Rows) -> Rows:
        for row in rows:
            if row["type"] == "rating":
                row |= {"value": None, "problem": "no number in it"}
            if row["type"] == "welfare":
                row |= {key: dict.fromkeys(row[key]) for key in ("utilities", "satisfaction", "harmlessness", "values")}
                row["missing"] = 18
        return rows

    page = reported(changed(finished, tmp_path / "r" / "missing", unread))
    assert "No rating of satisfaction could be read" in page.text
    assert "54 ratings are missing" in page.text
    assert "satisfaction missing “" in page.text or "satisfaction missing no number in it" in page.text
    assert "Nothing is measured yet." in page.text
    assert not re.search(r"\bNone\b|\bnan\b", page.text)


def test_a_damaged_run_is_one_line(finished: Path, tmp_path: Path) -> None:
    run = changed(finished, tmp_path / "r" / "bad", lambda rows: rows)
    lines = (run / "events.jsonl").read_bytes().splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if b'"type":"message"' in line)
    lines[at] = lines[at].replace(b'"role":', b'"r\xffle":')
    (run / "events.jsonl").write_bytes(b"".join(lines))
    called = scai("report", run, "-o", "-")
    assert (called.code, called.out) == (2, "")
    assert f"events.jsonl:{at + 1}: this line is damaged" in called.err


def test_hostile_text_stays_text(page: Page, finished: Path, tmp_path: Path) -> None:
    plain, page = page, reported(changed(finished, tmp_path / "r" / "hostile", hostile))
    count = [sum(name == which for name, _ in page.tags) for which in ("script", "style", "img", "iframe", "a")]
    assert count[:4] == [1, 1, 0, 0]
    assert page.code == plain.code
    assert not [key for _, attributes in page.tags for key in attributes if key.startswith("on") or key == "style"]
    assert all(link.startswith(("#", "data:,")) for link in page.having("href"))
    everything = page.text + "".join(page.having("title") + page.having("aria-label") + page.having("data-tip"))
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", everything)
    more = len(EVIL) + 1_000_000 - MOST_CHARACTERS
    assert f"… {more:,} more characters: scai show hostile --epoch 1 --persona ann --task tea" in page.text


# --- large runs


@pytest.mark.slow
def test_of_many_conversations_the_telling_ones_are_shown(finished: Path, tmp_path: Path) -> None:
    def many(rows: Rows) -> Rows:
        epochs: dict[int, Rows] = {}
        for row in rows:
            epochs.setdefault(row.get("epoch", 0), []).append(row)
        head, body = epochs[0][0], epochs[2]
        long = [{**row, "content": row["content"] * 9} if row["type"] == "message" else row for row in body]
        found = [head, *epochs[1]]
        for epoch in range(2, 122):
            text = json.dumps(long).replace('"e2', f'"e{epoch}').replace('"epoch": 2', f'"epoch": {epoch}')
            found += json.loads(text)
        worst = next(row for row in found if row["id"] == "e60/bob/sleep/m2/own")
        worst["value"] = 0.0
        return found

    run = changed(finished, tmp_path / "r" / "many", many)
    history = read_history(run, messages=False, ratings=False, finals=True)
    excerpts = read_excerpts(history)
    assert excerpts.total == 121 * 6
    page = reported(run)
    shown = {name.removeprefix("r1/") for name in page.having("id") if re.fullmatch(r"r1/e\d+/\w+/\w+", name)}
    assert f"{len(shown)} conversations of 726" in page.text
    assert 50 < len(shown) < 726
    assert {"e60/bob/sleep", "e1/ann/tea", "e121/cid/sleep"} <= shown
    assert "earlier revisions: scai show many --constitution" in page.text
    assert {link for link in page.having("href") if link != "data:,"} <= {f"#{name}" for name in page.having("id")}


# --- several runs


@pytest.mark.slow
def test_several_runs_have_a_section_each_and_a_comparison(finished: Path, tiny: Path) -> None:
    assert scai("run", tiny, "-q", "--run-id", "other", "--set", "epochs=1", "--seed", "9").code == 0
    page = reported(finished, "other", finished)
    assert "2 runs compared" in page.text
    assert [a["id"] for name, a in page.tags if name == "article"] == ["r1/top", "r2/top"]
    assert len(page.having("id")) == len(set(page.having("id")))
    assert "epochs 2 1" in page.text
    assert "seed 3 9" in page.text
    assert "not all of these runs were measured" not in page.text
    compared = scai("compare", finished, "other", "--json").json
    told = compared["paired"]["differences"]["other"]["utilitarian"]
    interval = Interval(**{key: value for key, value in told.items() if key != "measured_on"})
    assert change_words_of(interval, 2, "difference", over="") in page.text
    lead = page.inside("p", "lead")
    assert not JARGON.search(page.inside("div", "answer"))
    assert lead.startswith("other serves 3 simulated people (a small program and no language model) worse than tiny: ")
    assert f"{change_cell(interval.estimate)}, likely between {between(interval, 2).replace(' to ', ' and ')}" in lead
    means = [headline_of(run).people["ann"].after for run in (finished, Path("runs/other"))]
    assert f"Ann Smith {number(means[0], 1)} {number(means[1], 1)} " in page.text
    rules = [
        scai("show", run, "--json").json["epochs"][-1]["constitution"]["principles"] for run in (finished, "other")
    ]
    shown = page.inside("div", "columns")
    assert all(rule["text"] in shown for rule in rules[0])
    new = page.inside("ins")
    assert all(rule["text"] in shown for rule in rules[1])
    assert all(rule["text"] in new or rule["text"] in [each["text"] for each in rules[0]] for rule in rules[1])


def test_the_message_to_copy_is_for_everyone(tiny: Path) -> None:
    start = "constitution={principles: [Be brief.], contract: [{text: Be kind., for: [ann]}]}"
    settings = ("epochs=1", start, "revision.acceptance=improves", "revision.margin=1")
    assert scai("run", tiny, "-q", *(part for setting in settings for part in ("--set", setting))).code == 0
    page = reported("tiny")
    (text,) = [text for text in page.texts if text.startswith("You are a helpful assistant.")]
    assert text == (Path("runs/tiny") / "system_message.txt").read_text(encoding="utf-8").rstrip("\n")
    assert text == "You are a helpful assistant.\n\nFollow these principles with everyone:\n1. Be brief."
    assert (
        "1 clause for single people is left out; with them: scai export tiny --format system --for members" in page.text
    )


@pytest.mark.slow
def test_many_runs_are_told_in_short(finished: Path, tmp_path: Path) -> None:
    runs = [changed(finished, tmp_path / "r" / f"run-{n}", lambda rows: rows) for n in range(MOST_WHOLE + 1)]
    page = reported(*runs)
    assert "Too long for a page about several runs; see scai report run-3" in page.text
    assert page.text.count("The system message to paste") == len(runs)
    assert sum(name == "svg" for name, _ in page.tags) == 2
    assert {link for link in page.having("href") if link != "data:,"} <= {f"#{name}" for name in page.having("id")}


# --- the command


@pytest.mark.slow
def test_where_the_page_goes(finished: Path, tmp_path: Path) -> None:
    called = scai("report", finished)
    assert (called.code, called.out) == (0, "tiny.html\n")
    assert re.match(r"\d+ kB about tiny\n", called.err)
    assert Path("tiny.html").read_text(encoding="utf-8").startswith("<!doctype html>\n<html")
    assert scai("report", finished, "-o", "x.html").out == "x.html\n"
    assert Path("x.html").read_bytes() == Path("tiny.html").read_bytes()
    lost = scai("report", finished, "-o", "no/such/folder/x.html")
    said = "scai: no/such/folder/x.html: no/such/folder does not exist; create this folder, or name another file"
    assert (lost.code, lost.out, lost.lines) == (2, "", [said])
    assert scai("report", finished / "nothing").code == 2


@pytest.mark.parametrize("module", ["altair", "vl_convert"])
def test_without_the_libraries_that_draw_it_has_tables(
    finished: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    called = scai("report", finished, "-o", "-")
    remedy = "charts are left out, their numbers are in tables; to draw them: pip install altair vl-convert-python"
    assert (called.code, called.err) == (0, f"{remedy}\n")
    page = Page(called.out)
    assert f"C{remedy[1:]}." in page.text
    assert not [name for name, _ in page.tags if name == "svg"]
    assert sum(name == "details" and "open" in attributes for name, attributes in page.tags) == 2
    mean = headline_of(finished).people["ann"]
    assert f"Ann Smith {mean.before:.1f} {mean.after:.1f} " in page.text


def test_the_command_that_it_prints_makes_the_run_again(page: Page, finished: Path) -> None:
    command = next(text for text in page.texts if text.startswith("scai run runs/"))
    assert command.splitlines()[0] == "scai run runs/tiny/config.yaml --run-id tiny-again"
    assert scai("run", finished / "config.yaml", "--run-id", "tiny-again", "-q").out == "tiny-again\n"
    made = [(run / "system_message.txt").read_bytes() for run in (Path("runs/tiny-again"), finished)]
    assert made[0] == made[1]
