"""`scai report`: what the page says is what the run holds, whatever the run holds."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import html.parser
import json
import re
import sys
from pathlib import Path

import pytest
from changed_runs import EVIL, Rows, changed, hostile
from conftest import events, scai
from hypothesis import given
from hypothesis import strategies as st

from scai_cli.display.report.figures import Figures
from scai_cli.display.report.html import inline, tag, visible
from scai_cli.display.report.numbers import with_interval
from scai_cli.display.report.page import LIMIT, MOST_WHOLE
from scai_cli.display.report.svg import read_svg
from scai_cli.runs.history.excerpts import MOST_CHARACTERS, read_excerpts
from scai_cli.runs.history.fold import read_history
from scai_cli.stats.intervals import Interval


class Page(html.parser.HTMLParser):
    """A page as a browser's parser sees it."""

    VOID = frozenset({"meta", "link", "br", "hr", "input"})
    BLOCKS = frozenset({"p", "h1", "h2", "h3", "li", "td", "th", "div", "dt", "dd", "pre"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.code: dict[str, str] = {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)
        if tag in self.BLOCKS:
            self.texts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("script", "style"):
            self.code[self.open[-1]] = self.code.get(self.open[-1], "") + data
        else:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    def having(self, name: str) -> list[str]:
        return [value or "" for _, attributes in self.tags for key, value in attributes.items() if key == name]


def reported(*arguments: object) -> Page:
    called = scai("report", *arguments, "-o", "-")
    assert called.code == 0, called.err
    assert len(called.out.encode()) < LIMIT
    return Page(called.out)


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


def test_code_cannot_end_its_element() -> None:
    with pytest.raises(ValueError, match="must not hold"):
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
    names = "message people welfare trade-off ratings constitution transcripts problems again"
    assert sections == [f"r1/{name}" for name in names.split()]
    charts = [a for name, a in page.tags if name == "svg"]
    assert len(charts) == 3 + 4 + 2
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in charts)


def test_the_same_run_makes_the_same_bytes(finished: Path) -> None:
    assert scai("report", finished, "-o", "-").out == scai("report", finished, "-o", "-").out


def test_its_numbers_are_those_of_show(page: Page, finished: Path) -> None:
    told = scai("show", finished, "--json").json
    first, last = (told["epochs"][n]["welfare"] for n in (0, -1))
    for person, name in (("ann", "Ann Smith"), ("bob", "Bob Jones"), ("cid", "Cid Brown")):
        before, after = first["satisfaction"][person], last["satisfaction"][person]
        assert re.search(rf"{name}{before:.1f} → {after:.1f} ", page.text)
    for function in ("utilitarian", "rawlsian", "nash"):
        assert f"{function}{first['values'][function]:.2f} → {last['values'][function]:.2f}" in page.text
    means = [sum(epoch["satisfaction"].values()) / 3 for epoch in (first, last)]
    assert f"from {means[0]:.1f} to {means[1]:.1f} (mean over 3 people, on a scale from 0 to 10)" in page.text
    assert told["epochs"][-1]["revision"]["constitution"]["version"] == 2
    for rule in told["epochs"][-1]["revision"]["constitution"]["principles"]:
        assert rule["text"] in page.text


def test_gains_are_paired_and_have_an_interval(finished: Path) -> None:
    history = read_history(finished, messages=False, ratings=False, finals=True)
    run = Figures(history)
    welfare, own = run.welfare_gain, run.satisfaction_gain
    assert welfare is not None
    assert own is not None
    first, last = history.measured[0], history.measured[-1]
    assert welfare.interval.estimate == pytest.approx(last.values["utilitarian"] - first.values["utilitarian"])  # type: ignore[operator]
    assert own.interval.estimate == pytest.approx(run.mean_trend.last - run.mean_trend.first)  # type: ignore[operator]
    for found in (welfare.interval, own.interval):
        assert found.low is not None
        assert found.high is not None
        assert found.low <= found.estimate <= found.high
    text = scai("show", finished).out
    assert f"{welfare.interval.estimate:+.3f} [{welfare.interval.low:+.3f}, {welfare.interval.high:+.3f}]" in text


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
    assert "This run holds no events yet." in page.text
    assert "svg" not in dict(page.tags)


def test_a_run_in_its_first_epoch_shows_what_was_said(finished: Path, tmp_path: Path) -> None:
    run = changed(finished, tmp_path / "r" / "early", lambda rows: rows[:12])
    with (run / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        page = reported(run)
    assert "No epoch has ended yet, so there is nothing to measure. The run goes on" in page.text
    assert "early running" in page.text
    assert "How do I make a pot of tea?" in page.text
    assert scai("report", run, "-o", "-").out.count("The run was interrupted") == 1


def test_one_epoch_is_no_change(finished: Path, tmp_path: Path) -> None:
    def first_epoch(rows: Rows) -> Rows:
        return rows[: next(n for n, row in enumerate(rows) if row["id"] == "e2")]

    page = reported(changed(finished, tmp_path / "r" / "one", first_epoch))
    assert re.search(r"Satisfaction is \d\.\d after one epoch", page.text)
    assert "after one epoch" in page.text
    assert "people gained" not in page.text


def test_a_failed_run_says_why(finished: Path, tmp_path: Path) -> None:
    def broken(rows: Rows) -> Rows:
        at = next(n for n, row in enumerate(rows) if row["type"] == "revision") + 6
        problem = {"type": "problem", "epoch": 2, "where": "e2/ann/tea/m1", "problem": f"HTTP 500 {EVIL}"}
        return [*rows[:at], {**{key: rows[at][key] for key in ("seq", "time")}, "id": "e2/ann/tea/m1", **problem}]

    usage = {"input_tokens": 1, "output_tokens": 1}
    outcome = {"status": "failed", "reason": "too many calls failed", "calls": 9, "usage": usage}
    page = reported(changed(finished, tmp_path / "r" / "failed", broken, outcome))
    assert "The run failed: too many calls failed. To go on with it: scai resume failed" in page.text
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
    assert "No rating could be read: nobody knows how satisfaction changed." in page.text
    assert "36 ratings are missing" in page.text
    assert "satisfaction missing “" in page.text or "satisfaction missing no number in it" in page.text
    assert "Nothing has been measured yet." in page.text
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


def test_of_many_conversations_the_telling_ones_are_shown(finished: Path, tmp_path: Path) -> None:
    def many(rows: Rows) -> Rows:
        epochs: dict[int, Rows] = {}
        for row in rows:
            epochs.setdefault(row.get("epoch", 0), []).append(row)
        head, body = epochs[0][0], epochs[2]
        long = [{**row, "content": row["content"] * 9} if row["type"] == "message" else row for row in body]
        found = [head, *epochs[1]]
        for number in range(2, 122):
            text = json.dumps(long).replace('"e2', f'"e{number}').replace('"epoch": 2', f'"epoch": {number}')
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
    assert with_interval(Interval(told["estimate"], told["low"], told["high"], told["level"])) in page.text


def test_the_message_can_be_copied_without_those_it_names(tiny: Path) -> None:
    start = "constitution={principles: [Be brief.], contract: [{text: Be kind., for: [ann]}]}"
    settings = ("epochs=1", start, "revision.acceptance=improves", "revision.margin=1")
    assert scai("run", tiny, "-q", *(part for setting in settings for part in ("--set", setting))).code == 0
    page = reported("tiny")
    whole, alone = [text for text in page.texts if text.startswith("You are a helpful assistant.")]
    assert whole == (Path("runs/tiny") / "system_message.txt").read_text(encoding="utf-8").rstrip("\n")
    assert alone == "You are a helpful assistant.\n\nFollow these principles with everyone:\n1. Be brief."


@pytest.mark.slow
def test_many_runs_are_told_in_short(finished: Path, tmp_path: Path) -> None:
    runs = [changed(finished, tmp_path / "r" / f"run-{n}", lambda rows: rows) for n in range(MOST_WHOLE + 1)]
    page = reported(*runs)
    assert "There is no room for it beside so many runs: scai report run-3" in page.text
    assert page.text.count("Would you paste this?") == len(runs)
    assert sum(name == "svg" for name, _ in page.tags) == 2
    assert {link for link in page.having("href") if link != "data:,"} <= {f"#{name}" for name in page.having("id")}


# --- the command


def test_where_the_page_goes(finished: Path, tmp_path: Path) -> None:
    called = scai("report", finished)
    assert (called.code, called.out) == (0, "tiny.html\n")
    assert re.fullmatch(r"\d+ kB about tiny\n", called.err)
    assert Path("tiny.html").read_text(encoding="utf-8").startswith("<!doctype html>\n<html")
    assert scai("report", finished, "-o", "x.html").out == "x.html\n"
    assert Path("x.html").read_bytes() == Path("tiny.html").read_bytes()
    lost = scai("report", finished, "-o", "no/such/folder/x.html")
    assert (lost.code, lost.out) == (4, "")
    assert len(lost.lines) == 1
    assert scai("report", finished / "nothing").code == 2


@pytest.mark.parametrize("module", ["altair", "vl_convert"])
def test_without_the_extra_it_says_how_to_get_it(finished: Path, monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    called = scai("report", finished)
    assert (called.code, called.out) == (2, "")
    name = {"altair": "altair", "vl_convert": "vl-convert-python"}[module]
    assert called.lines == [f"scai: a report's charts need {name}: pip install 'scai-cli[report]'"]


def test_the_command_that_it_prints_makes_the_run_again(page: Page, finished: Path) -> None:
    command = next(text for text in page.texts if text.startswith("scai run runs/"))
    assert command.splitlines()[0] == "scai run runs/tiny/config.yaml --run-id tiny-again"
    assert scai("run", finished / "config.yaml", "--run-id", "tiny-again", "-q").out == "tiny-again\n"
    made = [(run / "system_message.txt").read_bytes() for run in (Path("runs/tiny-again"), finished)]
    assert made[0] == made[1]
