"""The opening of a conversation: in the user's own words, checked against the task, one for all that is compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import calls, events, scai
from hypothesis import given
from hypothesis import strategies as st
from scripted import cut_off
from scripted_runs import TASKS, clauses, experiment, ran

from scai_cli.experiment.load import load_saved
from scai_cli.experiment.tasks import is_document
from scai_cli.messages import Completion
from scai_cli.simulation.opening import checked

SLEEP = (
    "For three weeks I have been waking up at four in the morning and cannot fall asleep again. "
    "What should I try first?"
)
REWORDED = "For 3 weeks now I keep waking at 4 am and then lie there. What would be the first thing to try?"
NAMES = 'Ann from Leeds said "never again" about our thirty-four chairs. Should I tell Bob?'
NEIGHBOUR = "Ich möchte meinen Nachbarn bitten, nach zehn Uhr leiser zu sein. Wie schreibe ich ihm freundlich?"
DOCUMENT = "def f():\n    return 1\n"


@pytest.mark.parametrize(
    ("task", "text"),
    [
        (SLEEP, REWORDED),
        (SLEEP, f'"{REWORDED}"'),
        (SLEEP, "It has been three weeks of waking around four. Please tell me where to start in the morning."),
        (NAMES, 'About the 34 chairs: when Ann (from Leeds) said "never again", should I tell Bob\'s wife or Bob?'),
        (
            "Should our city put a ceiling on rents?",
            "We argue about rents at home. Is a ceiling on them a good idea for a city?",
        ),
        ("Plan a dinner for 1,200 people.", "Good morning, I need a plan for a dinner. There will be 1200 of us."),
        ("Plan for two hundred guests.", "We expect 200 guests, so I need a plan."),
        ("My son is sad.", "It is about my son, who has been sad since May."),
        ("Wie koche ich Tee?", "Guten Tag, ich möchte endlich guten Tee kochen. Wie geht das?"),
        ("怎么泡茶？", "你好，我想请教一下，怎么泡茶？"),
        ("Should I tell René or Zoe\u0308?", "I wonder whether to tell Zoë or Rene\u0301. Should I?"),
        (
            NEIGHBOUR,
            "Der Mann über mir ist nach zehn noch so laut. Wie bitte ich ihn schriftlich und freundlich um Ruhe?",
        ),
        ("Wie kürze ich einen Brief?", "Mein Schreiben ist zu lang, ein langer Brief. Wie mache ich es kürzer?"),
        ("Wéi soen ech mengem Noper Nee?", "Moien! Wéi soen ech dem Mann niewendrun am beschten: nee?"),
        (
            "How Do I Ask My Neighbour To Be Quieter At Night?",
            "The man upstairs is so loud at night. How would I ask him to be quieter?",
        ),
        (
            "我怎样才能礼貌地请邻居晚上十点以后安静一点？",
            "楼上的邻居总是很吵，我睡不着。我该怎么好好跟他们说？",
        ),
        (
            "隣人に夜十時以降は静かにしてもらうには、どう頼めばよいですか？",
            "夜になると上の階の隣人がうるさくて眠れません。どう伝えたらいいですか。",
        ),
        ("이웃에게 밤에 조용히 해 달라고 어떻게 부탁할까요?", "윗집 이웃이 너무 시끄러워요. 어떻게 말하면 좋을까요?"),
        ("كيف أطلب من جاري أن يكون أهدأ ليلا؟", "الجار فوقي مزعج، كيف أكلمه بلطف؟"),
        ('Should I choose "A" or "B"?', 'I have to choose today: "B", or rather "A"?'),
        ('Is "" or "x" empty?', 'Would you say that "x" is empty, or ""?'),
        (DOCUMENT, "Here is a function of mine. I only have a minute."),
    ],
)
def test_a_message_that_keeps_the_meaning_passes(task: str, text: str) -> None:
    assert checked(Completion(text), task) == text.strip('"')


@pytest.mark.parametrize(
    ("task", "text", "problem"),
    [
        (SLEEP, "", "not a whole message"),
        (SLEEP, " \n", "not a whole message"),
        (SLEEP, f"<persona>\nName: Ann\n</persona>\n{REWORDED}", "a tag, a fence or JSON"),
        (SLEEP, f"```\n{REWORDED}\n```", "a tag, a fence or JSON"),
        (SLEEP, f'{{"message": "{REWORDED}"}}', "a tag, a fence or JSON"),
        (SLEEP, f"{REWORDED} {'I am tired. ' * 40}", "words, and 86 are enough"),
        (SLEEP, "For three weeks I wake at four in the morning and do not fall asleep.", "does not ask"),
        (SLEEP, REWORDED.replace("3", "2"), "the number 3"),
        (SLEEP, REWORDED.replace(" at 4 am", ""), "the number 4"),
        (SLEEP, "I like 3 teas and 4 cakes. Do you?", "something else"),
        (SLEEP, "You should try to get up at the same hour. Do you wake at four, three weeks on?", "answers"),
        (SLEEP, "Sure! For three weeks, waking at four in the morning: what helps?", "answers"),
        (SLEEP, "In the morning of the 3 weeks at 4:\n- get up\n- read\nWould you?", "answers"),
        (NAMES, 'Ann said "never again" about our 34 chairs. Should I tell Bob?', "'Leeds'"),
        (NAMES, "Ann from Leeds said that she won't, about our 34 chairs. Should I tell Bob?", "'never again'"),
        (NAMES, 'Ann from Leeds said "never again" about our 34 chairs. Should I tell him?', "'Bob'"),
        (NAMES, 'Ann from Leeds said "never again" about our 30 chairs. Should I tell Bob?', "the number 34"),
        (NEIGHBOUR, "Ich suche ein Rezept für Apfelkuchen. Wie lange muss er backen?", "something else"),
        ("Should I move from Paris to Rome?", "I would like to move from Paris. Is that wise?", "'Rome'"),
        ("Je dois écrire à Marie. Que dire ?", "Je dois écrire à une amie. Que dire ?", "'Marie'"),
        ("我怎样才能请邻居安静一点？", "番茄炒蛋要放多少糖？", "something else"),
        ("隣人に静かにしてもらうには、どう頼みますか？", "美味しい紅茶のいれ方を教えてください？", "something else"),
        ('Should I choose "A" or "Ω"?', 'Should I choose "A"?', "'Ω'"),
        (DOCUMENT, "word " * 61, "61 words, and 60 are enough"),
    ],
)
def test_a_message_that_does_not_is_refused_with_the_reason(task: str, text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        checked(Completion(text), task)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("250", "two hundred and fifty"),
        ("250", "two hundred fifty"),
        ("1,250", "one thousand two hundred and fifty"),
        ("1250", "twelve hundred fifty"),
        ("31", "thirty-one"),
        ("a hundred", "one hundred"),
    ],
)
def test_a_number_is_kept_in_digits_and_in_words(one: str, other: str) -> None:
    for task, text in ((one, other), (other, one)):
        said = f"We are going to build {text} new flats. Where should they stand?"
        assert checked(Completion(said), f"Our city plans {task} new flats. Where should they stand?") == said


@pytest.mark.parametrize("reason", ["length", "content_filter", "error"])
def test_a_message_that_did_not_end_is_refused(reason: str) -> None:
    with pytest.raises(ValueError, match="not a whole message"):
        checked(Completion(REWORDED, reason), SLEEP)


@given(st.text(min_size=1))
def test_the_task_itself_always_passes(task: str) -> None:
    text = task.strip()
    if text and not is_document(task):
        assert checked(Completion(text), task) in (text, text[1:-1].strip())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What now?", False),
        ("a" * 601, True),
        ("One.\nTwo.", True),
        ("One.\n", False),
        ("Run `ls`.", True),
        ("f() fails", True),
    ],
)
def test_long_texts_lines_and_code_are_documents(text: str, expected: bool) -> None:
    assert is_document(text) == expected


def said(found: list[dict[str, Any]], place: str) -> dict[str, Any]:
    return next(event for event in found if event["type"] == "message" and event["id"] == place)


def planned() -> int:
    """The calls that `scai plan` expects, without those of a product that is not known to be played."""
    plan = scai("plan", "t.yaml", "--json").json
    return int(plan["calls"]["total"] - plan["product"]["calls"])


def test_the_opening_is_what_everybody_sees(tmp_path: Path) -> None:
    opening = "It is cold here. How do I make a good pot of tea at home, would you say?"
    found = ran(tmp_path, script=[{"at": "e1/ann/tea/m0/user$", "say": opening}])
    event = said(found, "e1/ann/tea/m0")
    assert (event["content"], event["verbatim"]) == (opening, TASKS[0]["prompt"])
    assert "marks" not in event
    logged = {call["id"]: call for call in calls(tmp_path / "runs" / "t")}
    asked = logged["e1/ann/tea/m0/user"]
    assert (asked["role"], asked["purpose"]) == ("user", "opening")
    assert "Ann Smith" in asked["request"]["messages"][0]["content"]
    assert TASKS[0]["prompt"] in asked["request"]["messages"][1]["content"]
    assert logged["e1/ann/tea/m1/assistant"]["request"]["messages"][1] == {"role": "user", "content": opening}
    for call in ("e1/ann/tea/m2/user", "e1/ann/tea/cross/bob/user", "e1/revision/meta"):
        assert opening in logged[call]["request"]["messages"][1]["content"], call
    assert "verbatim" not in said(found, "e1/ann/tea/m2")
    assert planned() == len(logged)


def test_with_opening_task_the_text_of_the_task_is_sent_without_a_call(tmp_path: Path) -> None:
    found = ran(tmp_path, opening="task")
    assert said(found, "e1/ann/tea/m0")["content"] == TASKS[0]["prompt"]
    assert not {"verbatim", "marks"} & said(found, "e1/ann/tea/m0").keys()
    assert [call["id"] for call in calls(tmp_path / "runs" / "t") if "/m0/" in call["id"]] == []
    assert planned() == len(calls(tmp_path / "runs" / "t"))


def test_a_message_that_cannot_be_sent_is_asked_for_again_with_the_reason(tmp_path: Path) -> None:
    bad = [{"at": "ann/tea/m0/user$", "say": "You should try Assam."}]
    event = said(ran(tmp_path, script=bad), "e1/ann/tea/m0")
    assert event["verbatim"]
    again = next(c for c in calls(tmp_path / "runs" / "t") if c["id"] == "e1/ann/tea/m0/user/retry1")
    assert again["request"]["messages"][2] == {"role": "assistant", "content": "You should try Assam."}
    assert "This cannot be sent: it answers instead of asking." in again["request"]["messages"][3]["content"]


def test_without_any_that_can_be_sent_the_text_of_the_task_is_sent_and_counted(tmp_path: Path) -> None:
    lines = [cut_off("ann/tea/m0/user"), {"at": "bob/tea/m0/user", "say": "<persona>"}]
    found = ran(tmp_path, script=lines, format_retries=1)
    assert said(found, "e1/ann/tea/m0")["marks"] == ["cut", "not_reworded"]
    assert said(found, "e1/bob/tea/m0")["marks"] == ["not_reworded"]
    for place in ("ann", "bob"):
        event = said(found, f"e1/{place}/tea/m0")
        assert (event["content"], "verbatim" in event) == (TASKS[0]["prompt"], False)
    assert len([call for call in calls(tmp_path / "runs" / "t") if "/m0/" in call["id"]]) == 5
    roles = scai("show", "t", "--json").json["health"]["roles"]
    assert roles["openings"] == {"answers": 3, "cut": 1, "not_reworded": 2}
    assert "2 openings in the task's own words" in " ".join(scai("show", "t").out.split())


def test_a_document_follows_its_introduction_word_for_word(tmp_path: Path) -> None:
    task = {"id": "tea", "prompt": "First line <b>.\n\nSecond line `x`.\n"}
    found = ran(tmp_path, tasks=[task], script=[{"at": "m0/user$", "say": "This is my text.\nSay what you think."}])
    event = said(found, "e1/bob/tea/m0")
    assert event["content"] == f"This is my text.\nSay what you think.\n\n{task['prompt']}"
    assert event["verbatim"] == task["prompt"]


def test_a_trial_a_side_of_the_holdout_and_a_variant_of_explain_open_as_their_counterparts(tmp_path: Path) -> None:
    """The provider draws other words for each call, as a real one without a seed does."""
    asks = "how do I make a good pot of tea at home, to help me sleep?"
    lines = [
        {"at": rf"^(e1|holdout/~first|explain/r1/~whole)/{who}/\w+/m0/user$", "say": f"{word}, {asks}"}
        for who, word in (("ann", "Hello"), ("bob", "Hey"), ("cid", "Dear all"))
    ]
    file = experiment(
        tmp_path,
        {"e1/revision": clauses(9, 9, 5)},
        lines,
        tasks=[*TASKS, *({"id": f"t{n}", "prompt": f"{TASKS[0]['prompt']} ({n})"} for n in range(5))],
        holdout={"tasks": ["sleep"]},
        revision={"acceptance": "improves"},
    )
    assert scai("run", file, "-q").code == 0
    assert scai("explain", "t", "--trust").code == 0
    run = tmp_path / "runs" / "t"
    logged = [*calls(run), *calls(run / "explain")]
    asked = {call["id"] for call in logged if call["purpose"] == "opening"}
    sides = {part for place in asked for part in place.split("/") if part.startswith("~")}
    assert sides == {"~first", "~whole"}
    opened = {c["id"]: c["request"]["messages"][1]["content"] for c in logged if c["id"].endswith("/m1/assistant")}
    trial, last, without = (
        {place: text for place, text in opened.items() if f"/{side}/" in place} for side in ("~1", "~last", "~C1")
    )
    assert trial
    assert last
    assert without
    for side, other, texts in (("e1/~1", "e1", trial), ("/~last", "/~first", last), ("/~C1", "/~whole", without)):
        for place, text in texts.items():
            assert text == opened[place.replace(side, other)]


def test_the_openings_of_a_run_are_those_of_its_config(tiny: Path) -> None:
    assert scai("run", tiny, "-q").code == 0
    config = tiny.parent / "runs" / "tiny" / "config.yaml"
    assert load_saved(config).opening == "own_words"
    changed = scai("resume", "tiny", "--set", "opening=task")
    assert (changed.code, "another value of opening" in changed.err) == (2, True)


def test_a_stopped_run_with_the_text_of_the_task_and_all_raters_continues_without_their_digests(tiny: Path) -> None:
    """As a run of 0.4 that was stopped: its digests are of the old defaults."""
    settings = ("--set", "opening=task", "--set", "ratings.cross_raters=all")
    assert scai("run", tiny, "-q", *settings, "--set", "limits.calls=20").code == 3
    run = tiny.parent / "runs" / "tiny"
    assert not {"opening", "ratings"} & events(run)[0]["digests"].keys()
    assert scai("resume", "tiny", "-q", "--set", "limits.calls=null").code == 0
    assert scai("run", tiny, "-q", *settings, "--run-id", "whole").code == 0
    assert [e["content"] for e in events(run) if e["type"] == "message"] == [
        e["content"] for e in events(run.parent / "whole") if e["type"] == "message"
    ]


def test_a_refused_opening_fails_its_conversation_alone(tmp_path: Path) -> None:
    found = ran(tmp_path, script=[{"at": "ann/tea/m0/user", "refuse": "no"}])
    assert [e["where"] for e in found if e["type"] == "problem"] == ["e1/ann/tea"]
    assert said(found, "e1/bob/tea/m0")["verbatim"]


def test_the_time_of_the_check_is_bounded_for_hostile_texts() -> None:
    for text in ("a" + "\n" * 400_000 + "b", "{" * 400_000, "- a\n" * 100_000, '"' * 400_000, "1 " * 200_000):
        with pytest.raises(ValueError, match="are enough"):
            checked(Completion(text), SLEEP)
