"""`scai dataset describe`: every format is read, every measure against its definition, bad files are one line."""

from __future__ import annotations

import csv
import json
import math
import random
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from conftest import Called, scai
from format_samples import FORMATS, KEEP, LABELLED, a_pair, a_rating, a_sample, a_trace, an_answer, made, turns
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from pyarrow import parquet

from scai_cli.datasets.describe.description import describe
from scai_cli.datasets.describe.row_files import cell
from scai_cli.datasets.export.row_writers import guarded
from scai_cli.datasets.formats.format import Format, find_format
from scai_cli.datasets.samples.duplicates import Dedupe, DuplicateIndex
from scai_cli.datasets.samples.row_texts import row_texts
from scai_cli.datasets.samples.sample import Sample, Trace
from scai_cli.datasets.samples.text_measures import Reservoir, mean_interval, self_bleu, share


def written(path: Path, rows: Iterable[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def answered(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def dpo(prompt: str, chosen: str, rejected: str) -> dict[str, Any]:
    return {"prompt": said(prompt), "chosen": answered(chosen), "rejected": answered(rejected)}


def found(*arguments: object) -> Any:
    called = scai("dataset", "describe", *arguments, "--json")
    assert (called.code, called.err) == (0, "")
    return called.json


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_every_format_is_read_as_what_it_says(tmp_path: Path, name: str, suffix: str) -> None:
    rows = made(name, a_sample(find_format(name)), KEEP)
    path = written(tmp_path / "rows.jsonl", rows)
    if suffix == ".csv":
        path = tmp_path / "rows.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(
                {k: v if isinstance(v, str | float | None) else json.dumps(v) for k, v in r.items()} for r in rows
            )
    told = found(path)
    same = {"openai-sft": "sft", "hh": "reward"}
    assert told["formats"] == {same.get(name, name): 1}
    assert told["lengths"]["answer"]["characters"]["longest"] == len("Boil water.")
    if find_format(name).kind in ("pairs", "traces"):
        assert told["lengths"]["rejected"]["characters"]["longest"] == len("Go away.")
        assert told["length_bias"]["chosen_longer"]["estimate"] == 1.0
        assert told["length_bias"]["difference"] == {"estimate": 3.0, "low": None, "high": None}
    assert (told["labels"] is not None) is (name in LABELLED)


def test_parquet_is_read(tmp_path: Path) -> None:
    rows = [dpo(f"q{n}", "yes", "no") for n in range(3)]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "rows.parquet")
    assert found(tmp_path / "rows.parquet")["formats"] == {"dpo": 3}
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no")
    assert scai("dataset", "describe", tmp_path / "bad.parquet").code == 2


def test_lengths_labels_and_bias_are_what_they_are_called(tmp_path: Path) -> None:
    pairs = [dpo("q", "a" * 10, "b" * 4), dpo("q", "a" * 3, "b" * 9), dpo("q", "abc", "cba"), dpo("q", "aaaa", "b")]
    bias = found(written(tmp_path / "p.jsonl", pairs))["length_bias"]
    assert (bias["pairs"], bias["same_length"]) == (4, 1)
    assert bias["chosen_longer"]["estimate"] == pytest.approx(2 / 3)
    assert bias["difference"]["estimate"] == pytest.approx((6 - 6 + 0 + 3) / 4)
    kto = [{"prompt": said("q"), "completion": answered("a"), "label": n < 3} for n in range(4)]
    labels = found(written(tmp_path / "k.jsonl", kto))["labels"]
    assert (labels["good"], labels["bad"], labels["share_good"]["estimate"]) == (3, 1, 0.75)


def test_which_answer_won_is_told_from_the_provenance(tmp_path: Path) -> None:
    ids = [
        ("r1/final", "r1/initial"),
        ("r2/initial", "r2/s1"),
        ("r3/s2", "r3/s10"),
        ("e2/a/t/m1", "e1/a/t/m1"),
        ("x", "y"),
    ]
    rows = [dpo("q", "yes", "no") for _ in ids]
    columns = [{**row, "provenance": {"messages": pair}} for row, pair in zip(rows, ids, strict=True)]
    assert found(written(tmp_path / "columns.jsonl", columns))["later_chosen"]["estimate"] == 0.5
    as_text = [{**row, "provenance": json.dumps(row["provenance"])} for row in columns]
    assert found(written(tmp_path / "text.jsonl", as_text))["later_chosen"]["estimate"] == 0.5
    written(tmp_path / "rows.meta.jsonl", [{"messages": pair} for pair in ids])
    assert found(written(tmp_path / "rows.jsonl", rows))["later_chosen"]["estimate"] == 0.5
    assert found(written(tmp_path / "none.jsonl", rows))["later_chosen"] is None


def test_the_files_of_a_folder_are_counted_apart(tmp_path: Path) -> None:
    written(tmp_path / "train.jsonl", [dpo(f"q{n}", "yes", "no") for n in range(10)])
    written(tmp_path / "test.jsonl", [dpo("q3", "si", "no"), dpo("q3", "oui", "no"), dpo("q99", "si", "no")])
    written(tmp_path / "train.meta.jsonl", [{"run": "x"}])
    told = found(tmp_path)
    assert [file["name"] for file in told["files"]] == ["test.jsonl", "train.jsonl"]
    assert [file["rows"] for file in told["files"]] == [3, 10]


def test_repetition_and_refusals(tmp_path: Path) -> None:
    long = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    answers = [long, long, f"{long} seventeen", "I’m sorry, but no.", "As an AI, I do not drink tea.", "Boil water."]
    rows = [{"prompt": said("q"), "completion": answered(answer)} for answer in answers]
    told = found(written(tmp_path / "rows.jsonl", rows))
    assert told["duplicates"] == {"rows": 1, "share": pytest.approx(1 / 6)}
    assert told["near_duplicates"] == {"of": 6, "share": pytest.approx(2 / 6)}
    assert told["refusals"] == {"answers": pytest.approx(2 / 6), "rejected": None}


@pytest.mark.parametrize(
    "text",
    [
        "第{}个学生认为学校的午饭应该更健康一些，可是大家都喜欢吃甜的东西，所以校长决定每星期五做一次蛋糕，其他日子只有水果。",
        "นักเรียนคนที่{}คิดว่าอาหารกลางวันควรดีต่อสุขภาพมากขึ้นแต่ทุกคนชอบของหวานครูใหญ่จึงให้มีขนมทุกวันศุกร์และวันอื่นมีแต่ผลไม้",
        "Pupil {} thinks that the lunch at school has to be healthier, but as all of them love sweet things, the head "
        "of the school lets them bake a cake on every Friday, while on other days there is only fruit.",
    ],
)
def test_rows_that_differ_in_one_character_are_near_duplicates_in_any_script(tmp_path: Path, text: str) -> None:
    rows = [{"prompt": said("q"), "completion": answered(text.format(n))} for n in range(10)]
    described = found(written(tmp_path / "rows.jsonl", rows))
    assert described["near_duplicates"] == {"of": 10, "share": 0.9}
    assert described["duplicates"]["rows"] == 0
    assert described["diversity"]["self_bleu"] > 0.8


def nearly_alike(draw: random.Random, form: Format) -> list[Sample]:
    """Samples whose texts are copies of a few, some with another word, white space or name of a role in them."""
    words = ("tea", "pot", "warm", "leaf", "boil", "wait", "Human:", "Assistant:", "sleep", "bike")
    texts = [" ".join(draw.choices(words, k=n)) for n in (2, 9, 40, 60)]

    def text() -> str:
        parts = draw.choice(texts).split(" ")
        parts[draw.randrange(len(parts))] = draw.choice(["tea", "tea", "other", "\n"])
        return " ".join(parts)

    made_of = {"pairs": a_pair, "traces": lambda *given: Trace(a_pair(*given), a_trace().steps, "Go away.")}
    rating = a_rating()
    samples: list[Sample] = []
    for _ in range(60):
        prompt = turns(*[text() for _ in range(draw.choice((1, 3)))])
        if form.kind == "ratings":
            score = replace(rating.score, rater=draw.choice(("ann", "bob")))
            samples.append(replace(rating, prompt=prompt[0].content, answer=text(), score=score))
        else:
            kind = made_of.get(form.kind, lambda before, said, _: an_answer(before, said))
            samples.append(kind(prompt, text(), text()))
    return samples


@pytest.mark.parametrize("dedupe", ["exact", "near"])
@pytest.mark.parametrize("name", FORMATS)
def test_after_dedupe_no_row_is_counted_as_a_repeat(tmp_path: Path, name: str, dedupe: Dedupe) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    form = find_format(name)
    index, kept, whole = DuplicateIndex(dedupe), [], []
    for sample in nearly_alike(random.Random(seed), form):
        rows = made(name, sample, KEEP)
        whole += rows
        if rows and index.reason_against(row_texts(sample), "") is None:
            kept += rows
    before = describe(written(tmp_path / "whole.jsonl", whole)).as_object()
    after = describe(written(tmp_path / "kept.jsonl", kept)).as_object()
    assert after["duplicates"]["rows"] == 0
    if dedupe == "near":
        assert after["near_duplicates"] == {"of": len(kept), "share": 0}
        assert before["near_duplicates"]["share"] == pytest.approx(1 - len(kept) / len(whole))


WORDS = st.lists(st.lists(st.sampled_from("abcde"), max_size=9), max_size=6)


def ngrams(text: Sequence[str], n: int) -> Iterable[tuple[str, ...]]:
    return zip(*(text[start:] for start in range(n)), strict=False)


def bleu(hypothesis: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """BLEU-4 by the book (Papineni et al. 2002), 0.1 for no match (Chen & Cherry 2014, method 1)."""
    logs = []
    for n in range(1, 5):
        counts = Counter(ngrams(hypothesis, n))
        clipped = sum(min(c, max(Counter(ngrams(r, n))[g] for r in references)) for g, c in counts.items())
        logs.append(math.log((clipped or 0.1) / max(1, counts.total())))
    closest = min((abs(len(r) - len(hypothesis)), len(r)) for r in references)[1]
    brevity = 1.0 if len(hypothesis) > closest else math.exp(1 - closest / len(hypothesis))
    return brevity * math.exp(sum(logs) / 4)


@given(WORDS)
def test_self_bleu_by_its_definition(texts: list[list[str]]) -> None:
    kept = [text for text in texts if text]
    if len(kept) < 2:
        assert self_bleu(texts) is None
    else:
        means = [bleu(text, [*kept[:n], *kept[n + 1 :]]) for n, text in enumerate(kept)]
        assert self_bleu(texts) == pytest.approx(sum(means) / len(means))


def test_the_same_text_over_and_over_has_a_self_bleu_of_one() -> None:
    assert self_bleu([["how", "do", "you", "make", "a", "pot", "of", "tea"]] * 3) == pytest.approx(1.0)
    assert (self_bleu([["a", "b", "c", "d", "e"], ["f", "g", "h", "i", "j"]]) or 1) < 0.2


def test_the_intervals_cover_what_they_should() -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    draw = random.Random(seed)
    covered, means = 0, 0
    for _ in range(400):
        n = sum(draw.random() < 0.3 for _ in range(80))
        interval = share(n, 80)
        assert interval is not None
        covered += interval["low"] <= 0.3 <= interval["high"]  # type: ignore[operator]
        spread = mean_interval(array("q", [round(draw.gauss(2, 5)) for _ in range(80)]))
        assert spread is not None
        means += spread["low"] <= 2 <= spread["high"]  # type: ignore[operator]
    assert 360 <= covered <= 398  # of 400; a share with 80 draws is a little uneven
    assert 355 <= means <= 398
    assert share(0, 0) is None
    assert mean_interval(array("q")) is None


def test_a_sample_holds_each_text_with_the_same_chance() -> None:
    counts = Counter[str]()
    for seed in range(600):
        sample = Reservoir[str](2, seed)
        for text in "abcdef":
            sample.add(lambda text=text: text)  # type: ignore[misc]
        counts.update(sample.items)
    assert all(140 <= counts[text] <= 260 for text in "abcdef")  # 200 expected, spread about 12


def test_the_same_rows_are_told_the_same(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.jsonl", [dpo(f"q{n}", f"yes {n}", "no") for n in range(700)])
    assert describe(path, 3).as_object() == describe(path, 3).as_object()
    assert found(path, "--seed", 3)["diversity"]["self_bleu_of"] == 500


def test_it_fits_a_terminal_and_obeys_nothing_in_the_rows(tmp_path: Path) -> None:
    evil = "\x1b[31m[bold]x[/bold]\u202e" * 9
    folder = tmp_path / "a-folder-with-a-rather-long-name"
    for name in ("train.jsonl", "test-with-a-very-long-name-indeed.jsonl"):
        written(folder / name, [{**dpo(evil, evil, "no"), evil: 1, "c" * 90: 2} for _ in range(3)])
    called = scai("dataset", "describe", folder)
    assert called.code == 0
    assert "\x1b" not in called.out
    assert "\u202e" not in called.out
    assert "[bold]" in called.out  # shown, not obeyed
    _, *rest = called.out.splitlines()
    assert max(map(len, rest)) <= 80
    assert "6 rows in the format dpo" in " ".join(called.out.split())


@pytest.mark.parametrize(("name", "content", "said"), [
    ("gone.jsonl", None, "there is no such file"),
    ("rows.txt", "x", "name a .jsonl, .csv or .parquet file"),
    ("rows.jsonl", "", "no row"),
    ("rows.jsonl", '{"a": 1}\n', "rows.jsonl:1: no format of `scai export`"),
    ("rows.jsonl", '{"messages": []}\n', "rows.jsonl:1: is not a valid row of the format sft"),
    ("rows.jsonl", '{"messages": [{"role": "user", "content": "x"}]}\n{"mess', "rows.jsonl:2: is not a JSON object"),
    ("rows.jsonl", "[1]\n", "rows.jsonl:1: is not a JSON object"),
    ("rows.jsonl", '{"prompt": 3, "completion": 4}\n', "rows.jsonl:1: is not a valid row"),
    ("rows.jsonl", '{"messages": [{"role": "user", "content": null}]}\n', "rows.jsonl:1: is not a valid row"),
    ("rows.csv", "a,b\n1,2\n", "rows.csv:2: no format of `scai export`"),
    ("rows.csv", "prompt,completion\n", "no row"),
])  # fmt: skip
def test_what_cannot_be_described_is_one_line(tmp_path: Path, name: str, content: str | None, said: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    called = scai("dataset", "describe", tmp_path / name)
    assert called.code == 2
    assert len(called.lines) == 1
    assert said in called.err


def test_a_folder_without_rows_and_bytes_that_are_no_text_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "rows.csv").write_bytes(b"prompt,completion\n\xff\xfe,x\n")
    (tmp_path / "rows.jsonl").write_bytes(b'{"prompt": "\xff"}\n')
    for name in ("empty", "rows.csv", "rows.jsonl"):
        called = scai("dataset", "describe", tmp_path / name)
        assert (called.code, len(called.lines)) == (2, 1), called


def test_a_run_is_no_export(finished: Path) -> None:
    called = scai("dataset", "describe", finished)
    assert (called.code, len(called.lines)) == (2, 1)
    assert "scai export" in called.err


@pytest.mark.parametrize("text", ["=1+1", " -1", "＝1+1", "﹢1", "plain", "'quoted'"])
def test_what_a_cell_is_guarded_with_is_taken_off_again(text: str) -> None:
    assert cell(guarded(text)) == text


def test_a_guarded_cell_of_a_csv_is_read_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("prompt,completion\nq,'=1+1\n", encoding="utf-8")
    assert found(tmp_path / "rows.csv")["lengths"]["answer"]["characters"]["longest"] == len("=1+1")
    assert scai("dataset").code in (0, 2)
    assert scai("dataset", "describe") != Called(0, "", "")
