"""The suite `realism`: what turns look like, beside real people or published numbers."""

from __future__ import annotations

import json
import random
import statistics
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import scipy  # its parts are imported where they are used
from conftest import calls, scai

from scai_cli.errors import ConfigError
from scai_cli.evaluation.item import Item
from scai_cli.evaluation.row import EvaluationRow, SystemAnswer
from scai_cli.evaluation.suite import ResultSource, SuiteResult, SuiteSource
from scai_cli.evaluation.suites.realism import REAL, Realism
from scai_cli.evaluation.turns import MEASURES, distinct_share, turn_scores
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import load_experiment
from scai_cli.messages import Message
from scai_cli.populations.human.record import HumanConversation, HumanData
from scai_cli.stats.two_samples import difference_of_means

TEXT = """\
name: real
turns: 2
epochs: 1
seed: 5
personas:
  - {id: ann, description: Ann wants it short., preferences: {concise: 1, warm: 0.5, faith: -0.6}}
  - {id: bob, description: Bob wants it long., preferences: {detailed: 1, formal: 0.5, science: 0.7}}
  - {id: cid, description: Cid likes stories., preferences: {gives_example: 1, humorous: 0.7}}
  - {id: me, human: true}
tasks: [{id: tea, prompt: "How do I make tea?"}, {id: nap, prompt: "May I nap at work?"}]
limits: {concurrency: 1}
"""


def talk(*texts: str) -> list[Message]:
    """A conversation that the user begins."""
    return [Message("assistant" if n % 2 else "user", text) for n, text in enumerate(texts)]


def test_turns_are_counted_by_hand() -> None:
    first = talk(
        "Please tell me how to make tea?",
        "Boil water, then add the leaves.",
        "no, that's wrong. You boil water then add milk",
        "Sorry!",
        "ok thanks, that's all",
    )
    found = turn_scores([first, talk("What is the time?", "Noon.", " ")])
    assert found["turns"] == 2.0
    assert found["first_words"] == (7 + 4) / 2
    assert found["later_words"] == (10 + 5) / 2  # "that's" is two words
    assert found["questions"] == 2 / 4
    assert found["disagreement"] == 1 / 2
    assert found["polite"] == 2 / 4
    assert found["goodbye"] == 1.0  # a conversation of one turn has no end
    assert found["no_capitals"] == 1 / 4
    assert found["echoes"] == pytest.approx((2 / 8 + 0) / 2)  # "boil water then", "water then add"
    assert found["own_repeats"] == 0.0
    assert found["vocabulary"] is None


@pytest.mark.parametrize(
    ("measure", "text", "expected"),
    [
        ("disagreement", "I disagree with that and it is not what I asked for.", 1),
        ("disagreement", "this doesnt answer the question of the price", 1),
        ("disagreement", "No problem, this is what I wanted.", 0),
        ("disagreement", "Can you make it shorter for my boss?", 0),
        ("goodbye", "Thank you so much for this", 1),
        ("goodbye", "Thanks, but what about the rice?", 0),
        ("goodbye", "That is all the text of the letter, now shorten it", 0),
        ("role_flips", "I am glad to help. Is there anything else I can do for you?", 1),
        ("role_flips", "Is there anything else that I should do with the rice?", 0),
    ],
)
def test_what_a_later_turn_says(measure: str, text: str, expected: int) -> None:
    found = turn_scores([talk("?", "An answer.", text)])[measure]
    assert round((found or 0.0) * (2 if measure == "role_flips" else 1)) == expected


def test_english_words_are_looked_for_in_english_alone() -> None:
    found = turn_scores(
        [talk("怎么泡茶？", "用热水。", "不对，我不同意。"), talk("Wie koche ich Tee?", "So.", "Nein, danke.")]
    )
    assert [found[name] for name in ("disagreement", "polite", "goodbye", "role_flips")] == [None] * 4
    assert (found["english"], found["questions"]) == (0.0, 0.5)
    assert found["first_words"] == (2 + 4) / 2
    assert found["no_capitals"] == 0.0  # Han has none


def test_without_first_turns_a_task_is_read_and_not_counted() -> None:
    said = talk("Please, how do I make the tea?", "Boil it.", "Please tell me how do I make it")
    found = turn_scores([said], first_turns=False)
    assert (found["first_words"], found["turns"], found["questions"]) == (None, 2.0, 0.0)
    assert found["own_repeats"] == pytest.approx(2 / 6)
    assert turn_scores([said[:2]], first_turns=False) == dict.fromkeys((m.name for m in MEASURES), None)


def test_the_vocabulary_is_the_hypergeometric_expectation() -> None:
    counts = Counter({"the": 30, "tea": 12, "pot": 5} | {f"w{n}": 1 for n in range(20)})
    total = counts.total()
    expected = sum(1 - scipy.stats.hypergeom.pmf(0, total, n, 42) for n in counts.values()) / 42
    assert distinct_share(counts) == pytest.approx(expected, abs=1e-9)
    assert distinct_share(Counter(f"w{n}" for n in range(42))) == pytest.approx(1.0)
    assert distinct_share(Counter({"a": 41})) is None


def test_the_difference_is_welchs() -> None:
    chance = random.Random(3)
    first, second = [chance.gauss(1, 2) for _ in range(7)], [chance.gauss(0, 1) for _ in range(30)]
    found, expected = difference_of_means(first, second), scipy.stats.ttest_ind(first, second, equal_var=False)
    interval = expected.confidence_interval()
    assert found is not None
    assert (found.p, found.low, found.high) == pytest.approx((expected.pvalue, interval.low, interval.high))
    assert difference_of_means([], second) is None
    for few, many in (([1.0, 2.0], second), ([1.0] * 5, [3.0] * 9)):
        open_end = difference_of_means(few, many)
        assert open_end is not None
        assert open_end.low is None
    equal = difference_of_means([0.0] * 4, second)
    assert equal is not None
    assert equal.error == pytest.approx((statistics.variance(second) * (1 / 4 + 1 / 30)) ** 0.5)


# --- the suite


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("realism")
    (folder / "x.yaml").write_text(TEXT.replace("  - {id: me, human: true}\n", ""), encoding="utf-8")
    where = ("--runs-dir", folder / "runs")
    assert scai("run", folder / "x.yaml", "-q", *where).code == 0
    assert scai("evaluate", "real", "--suite", "realism", "-q", *where).code == 0
    return folder / "runs"


def test_the_turns_of_everyone_are_shown_beside_published_numbers(runs: Path) -> None:
    shown = scai("show", runs / "real-evaluation", "--json").json
    (result,) = shown["results"]
    values = {each["measure"]["name"]: each["values"] for each in result["measures"]}
    assert values["turns"] == {"real": 3.0}
    assert values["english"] == {"real": 1.0}
    beside, people = result["tables"]
    assert [row[0] for row in people["rows"]] == ["ann", "bob", "cid"]
    assert people["columns"] == ["", *(measure.short for measure in MEASURES if measure.short)]
    assert all(len(head) <= len("polite") for head in people["columns"])  # 80 columns have room for ten, and a name
    said = {row[0]: row[1] for row in beside["rows"]}
    for place, name in ((3, "turns with a question mark"), (6, "conversations whose last turn says goodbye")):
        mean = statistics.fmean(float(row[place]) for row in people["rows"])
        assert float(said[name].partition(" ")[0]) == pytest.approx(mean, abs=0.01)
    published = {row[0]: row[2:] for row in beside["rows"]}
    assert published["word triples of later turns said before"] == ["no published number", "", ""]
    assert all("arXiv" in where for _, data, where in published.values() if data)
    assert shown["findings"] == []
    made = Counter(call["purpose"] for call in calls(runs / "real-evaluation"))
    assert made == {"opening": 6, "answer": 12, "feedback": 12}
    planned = scai("evaluate", "real", "--suite", "realism", "--runs-dir", runs, "--dry-run", "--json").json
    assert planned["suites"][0]["calls"] == made


@pytest.mark.slow
def test_chats_of_a_file_are_compared_and_not_needed_again(runs: Path, tmp_path: Path) -> None:
    file, where = tmp_path / "chats.jsonl", ("--runs-dir", runs)
    said = [talk("how do i make tea", "Boil water.", f"no, that is {'really ' * n}wrong") for n in range(6)]
    rows = [
        {"user_id": f"u{n}", "messages": [{"role": m.role, "content": m.content} for m in t]}
        for n, t in enumerate(said)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    named = ("evaluate", "real", "--suite", "realism", "-q", "--human", file, "--run-id", "human", *where)
    stopped = scai(*named, "--set", "limits.calls=20")
    assert stopped.code == 3
    file.unlink()
    assert scai("resume", runs / "human", "-q", "--set", "limits.calls=null").code == 0
    shown = scai("show", runs / "human", "--json").json["results"][0]
    capitals = next(each for each in shown["measures"] if each["measure"]["name"] == "no_capitals")
    assert capitals["values"] == {"real": 0.0, REAL: 1.0}
    table, _ = shown["tables"]
    assert table["rows"][5][2] == "1.00"
    assert shown["verdict"].startswith("3 simulated people beside 6 real ones: outside what real people write in 0 of ")


def config_of(text: str) -> ExperimentConfig:
    Path("people.yaml").write_text(text, encoding="utf-8")
    return load_experiment(Path("people.yaml"))


def human(*people: Sequence[Sequence[Message]]) -> HumanData:
    talks = [
        HumanConversation(f"p{n}", f"p{n}/{m}", tuple(t)) for n, own in enumerate(people) for m, t in enumerate(own)
    ]
    return HumanData({}, conversations=tuple(talks), source="chats.jsonl", licence="CC BY 4.0")


def test_real_people_are_numbers_without_texts_or_names() -> None:
    data = human([talk("Secret tea?", "Yes.")], [talk("Hello, what is this?", "Tea."), talk("Bye")])
    items = Realism().items(SuiteSource(config_of(TEXT), {}, human=data))
    real = [item for item in items if item.scores is not None]
    assert [item.id for item in real] == ["~real/1", "~real/2"]
    assert {item.persona for item in items if item.scores is None} == {"ann", "bob", "cid"}
    assert {(item.source, item.licence) for item in real} == {("chats.jsonl", "CC BY 4.0")}
    assert real[1].scores == turn_scores([talk("Hello, what is this?", "Tea."), talk("Bye")])
    stored = "".join(item.model_dump_json(exclude_defaults=True) for item in real)
    assert "Secret" not in stored
    assert "p0" not in stored
    assert Item.model_validate_json(real[0].model_dump_json(exclude_defaults=True)) == real[0]
    assert Realism().calls(SuiteSource(config_of(TEXT), {}), items, 1) == {"opening": 6, "answer": 12, "feedback": 12}


def test_where_first_turns_are_tasks_those_of_real_people_do_not_count_either() -> None:
    said = talk("Please, what is the tea?", "Tea.", "I want more of the tea.")
    config = config_of(TEXT + "opening: task\n")
    items = Realism().items(SuiteSource(config, {}, human=human([said])))
    (real,) = (item for item in items if item.scores is not None)
    assert real.scores == turn_scores([said], first_turns=False) != turn_scores([said])


def test_data_without_conversations_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"chats\.jsonl has no conversations"):
        Realism().items(SuiteSource(config_of(TEXT), {}, human=human()))


def compared(simulated: Sequence[str], real: Sequence[str]) -> SuiteResult:
    """The results of people who say one more thing each after an answer."""
    config, said = config_of(TEXT), [talk("What is the tea?", "Tea.", text) for text in simulated]
    found = Realism().items(
        SuiteSource(config, {}, human=human(*([talk("What is the tea?", "Tea.", t)] for t in real)))
    )
    items = {item.id: item for item in found if item.scores is not None}
    rows = [EvaluationRow(key, "item", "realism", key, {"a": SystemAnswer({})}) for key in items]
    for n, messages in enumerate(said):
        key = f"s{n}/tea"
        items[key] = Item(id=key, suite="realism", prompt="?", cluster=f"s{n}", source="s", licence="l")
        answer = SystemAnswer(turn_scores([messages]), tuple((m.role, m.content) for m in messages))
        rows.append(EvaluationRow(key, "item", "realism", key, {"a": answer}))
    return Realism().results(ResultSource(config, ["a"], items, rows))


def verdicts_of(result: SuiteResult) -> dict[str, Any]:
    table, _ = result.tables
    return {row[0]: row[-1] for row in table.rows}


def test_what_lies_outside_real_people_is_named() -> None:
    chance = random.Random(1)
    rude = ["No, that is wrong.", "I disagree with you on this."]
    kind = ["Thank you for the tea.", "Please tell me more of it."]
    simulated = [chance.choice(kind) for _ in range(12)] + rude[:1]
    result = compared(simulated, [chance.choice(rude) for _ in range(40)] + kind[:1])
    found = verdicts_of(result)
    assert found["later turns that disagree or complain"] == "outside: less"
    assert found["turns with please or thanks"] == "outside: more"
    assert found["turns in a conversation"] == ""
    assert found["turns that speak as an assistant"] == "none of either"
    assert found["different words among 42 of a person"] == "cannot tell"
    assert result.notes[0].startswith("Outside what real people write: ")
    (words,) = (each for each in result.measures if each.measure.name == "later_words")
    assert words.values.keys() == {"a", REAL}


def test_people_of_one_kind_are_alike_if_they_are_many_and_cannot_be_told_if_few() -> None:
    chance = random.Random(2)
    texts = [f"I want {'more ' * n}of the tea." for n in range(8)]
    many = compared([chance.choice(texts) for _ in range(300)], [chance.choice(texts) for _ in range(300)])
    assert verdicts_of(many)["words of a later turn"] == "alike"
    assert many.verdict.startswith("300 simulated people beside 300 real ones: outside what real people write in 0 of ")
    assert not any("languages" in note for note in many.notes)
    chinese = compared(texts, ["这种茶太苦了，我想要别的，因为我不喜欢这个味道。" * 3] * 8)
    assert any("of different languages cannot be compared" in note for note in chinese.notes)
    few = compared(texts[:3], texts[1:5])
    assert verdicts_of(few)["words of a later turn"] == "cannot tell"


@pytest.mark.slow
def test_a_statistic_that_does_not_differ_is_outside_in_one_of_twenty() -> None:
    chance = random.Random(4)
    missed = 0
    for _ in range(2000):
        first, second = ([chance.random() ** 3 for _ in range(n)] for n in (12, 60))
        found = difference_of_means(first, second)
        assert found is not None
        assert found.p is not None
        missed += found.p < 0.05
    assert 0.03 < missed / 2000 < 0.08


def test_the_evaluation_prints_json_of_plain_numbers(runs: Path) -> None:
    with (runs / "real-evaluation/rows.jsonl").open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    scores = [row["answers"]["real"]["scores"] for row in rows if row["kind"] == "item"]
    assert all(each.keys() == {measure.name for measure in MEASURES} for each in scores)
    assert all(0 <= each[m.name] <= 1 for each in scores for m in MEASURES if m.share and each[m.name] is not None)
