"""`scai compare`: what differs, how the same people fared, how alike the constitutions are."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Called, scai
from hypothesis import given, settings
from hypothesis import strategies as st
from loopback import Loopback, Reply, error
from rich.console import Console

from scai_cli.analysis.paired import Cells, Kind, paired, person_changes
from scai_cli.display.terminal.compare import _partners
from scai_cli.display.terminal.config_differences import setting_lines


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs of one experiment with other seeds and welfare, one with a holdout, one of other people."""
    folder = tmp_path_factory.mktemp("compared")
    from conftest import TINY

    (folder / "tiny.yaml").write_text(TINY, encoding="utf-8")
    other = TINY.replace("ann", "zoe").replace("bob", "yan").replace("cid", "xue").replace("name: tiny", "name: other")
    (folder / "other.yaml").write_text(other, encoding="utf-8")
    holdout = ["--set", "holdout.personas=0.34"]
    for name, file, options in (
        ("one", "tiny", []),
        ("two", "tiny", ["--seed", "8", "--set", "welfare=nash"]),
        ("held-one", "tiny", holdout),
        ("held-two", "tiny", [*holdout, "--set", "epochs=1"]),
        ("other", "other", []),
        ("short", "tiny", ["--set", "limits.calls=20"]),
    ):
        called = scai(
            "run", folder / f"{file}.yaml", "--runs-dir", folder / "runs", "--run-id", name, "--quiet", *options
        )
        assert called.code == (3 if name == "short" else 0), called.err
    return folder / "runs"


def compare(runs: Path, *arguments: object) -> Called:
    return scai("compare", *arguments, "--runs-dir", runs)


def test_the_json_is_the_contract(runs: Path) -> None:
    found = compare(runs, "one", "two", "--json").json
    assert [run["run_id"] for run in found["runs"]] == ["one", "two"]
    assert found["runs"][0]["status"] == "finished"
    for values in found["metrics"].values():
        assert list(values) == ["one", "two"]
    shown = {name: scai("show", runs / name, "--json").json for name in ("one", "two")}
    for name, run in shown.items():
        for at, end in ((0, "first"), (-1, "last")):
            for function, value in run["epochs"][at]["welfare"]["values"].items():
                assert found["metrics"][f"welfare.{function}.{end}"][name] == value
        product = run["epochs"][-1]["constitution"]
        assert [r["text"] for r in found["runs"][list(shown).index(name)]["constitution"]["principles"]] == [
            r["text"] for r in product["principles"]
        ]
    assert found["config_differences"] == {
        "seed": {"one": 3, "two": 8},
        "welfare": {"one": "utilitarian", "two": "nash"},
    }


@pytest.mark.slow
def test_the_paired_difference_is_that_of_the_products_cells(runs: Path) -> None:
    found = compare(runs, "one", "two", "--json").json
    difference = found["paired"]["differences"]["two"]["utilitarian"]
    metrics = found["metrics"]["welfare.utilitarian.product"]
    assert difference["estimate"] == pytest.approx(metrics["two"] - metrics["one"])
    assert difference["low"] <= difference["estimate"] <= difference["high"]
    assert difference["estimand"] == "these people and tasks again"
    assert found["paired"]["differences"]["two"]["rawlsian"]["low"] is None  # another person may be the worst off
    version = found["runs"][1]["constitution"]["version"]
    assert (difference["people"], difference["tasks"], difference["measured_on"]) == (
        3,
        2,
        f"version {version}, final play",
    )
    shown = compare(runs, "one", "two").out
    verdict = "no difference beyond chance (" if difference["low"] <= 0 <= difference["high"] else "95 % interval "
    assert " ".join(shown.split()).startswith(found["sentence"])
    plain, _, measured = found["sentence"].partition(". ")
    assert plain in (
        "two serves 3 simulated people (a small program and no language model) better than one",
        "two serves 3 simulated people (a small program and no language model) worse than one",
        "These ratings do not say which of one and two serves 3 simulated people (a small program and no language "
        "model) better",
    )
    assert f", two (version {version}, final play) minus one (version " in measured
    assert verdict in found["sentence"]
    assert "versions" in shown
    assert "0 -> " in shown
    assert found["paired"]["against"] == "one"
    again = compare(runs, "one", "two", "--json").json
    assert again == found


def test_held_out_cells_are_taken_where_both_have_the_same(runs: Path) -> None:
    found = compare(runs, "held-one", "held-two", "one", "--json").json
    difference = found["paired"]["differences"]["held-two"]["utilitarian"]
    assert difference["measured_on"] == "holdout"
    held = [scai("show", runs / name, "--json").json["holdout"]["last_values"] for name in ("held-one", "held-two")]
    assert difference["estimate"] == pytest.approx(held[1]["utilitarian"] - held[0]["utilitarian"])
    assert found["paired"]["differences"]["one"]["utilitarian"]["measured_on"] == "version 2, final play"
    assert found["metrics"]["welfare.utilitarian.product"]["held-one"] == held[0]["utilitarian"]
    assert (difference["people"], difference["tasks"], difference["estimand"]) == (2, 2, "new people")
    assert (difference["low"], difference["high"]) == (None, None)  # it takes four
    shown = " ".join(compare(runs, "held-one", "held-two").out.split())
    assert "B - A (2 simulated people; B: holdout)" in shown
    assert "(cannot tell how sure: an interval takes 4 people held out, not 2)" in shown


def test_runs_of_other_people_are_compared_without_a_pair(runs: Path) -> None:
    found = compare(runs, "one", "other", "--json").json
    assert found["paired"]["differences"] == {"other": {}}
    assert found["config_differences"]["personas.ann"] == {"one": True, "other": None}
    assert "personas.ann.name" not in found["config_differences"]
    shown = compare(runs, "one", "other")
    assert "B - A: they share no user and task" in shown.out
    assert "personas not in all" in shown.out


def test_people_with_one_name_stay_apart() -> None:
    present = {"personas.ann": {"A": True, "B": None}, "personas.ann-2": {"A": None, "B": True}}
    names = {"ann": "Ann Smith", "ann-2": "Ann Smith"}
    console = Console(file=(screen := io.StringIO()), width=100)
    for part in setting_lines(present, {"A": "A", "B": "B"}, names):
        console.print(part)
    assert re.search(r"personas not in all +ann +ann-2\b", screen.getvalue())


def test_an_unfinished_run_is_compared_as_far_as_it_went(runs: Path) -> None:
    found = compare(runs, "one", "short", "--json").json
    assert found["runs"][1]["status"] == "stopped"
    assert found["runs"][1]["epochs_done"] == 0
    assert found["metrics"]["welfare.utilitarian.last"]["short"] is None
    assert found["metrics"]["calls"]["short"] == 20
    shown = compare(runs, "one", "short")
    assert shown.code == 0
    assert "B  short · stopped · 0 of 2 epochs" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80


def test_a_run_that_holds_nothing_yet_is_compared(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "runs" / "empty").mkdir(parents=True)
    (tmp_path / "runs" / "empty" / "config.yaml").write_bytes((runs / "one" / "config.yaml").read_bytes())
    for order in ((runs / "one", "empty"), ("empty", runs / "one")):
        called = scai("compare", *order)
        assert called.code == 0
        assert "no events yet" in called.out
        assert scai("compare", *order, "--json").json["metrics"]["epochs"]["empty"] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("one",), "compare needs two runs or more"),
        (("one", "one"), "compare needs two runs or more"),
        (("one", "nine"), "there is no run 'nine'"),
        (("one", "two", "--embedding-model", "tf-idf"), "write openai:NAME"),
        (("one", "two", "--embedding-model", "openai:"), "write openai:NAME"),
        (("one", "two", "--embedding-model", "openai:x"), "OPENAI_API_KEY is not set"),
    ],
)
def test_what_cannot_be_compared_is_one_line(runs: Path, arguments: tuple[str, ...], said: str) -> None:
    called = compare(runs, *arguments)
    assert (called.code, called.out, called.err.count("\n")) == (2, "", 1)
    assert said in called.err


def test_runs_of_one_name_in_two_folders_are_told_apart(runs: Path, tmp_path: Path) -> None:
    twin = tmp_path / "elsewhere" / "one"
    twin.mkdir(parents=True)
    for name in ("config.yaml", "events.jsonl", "outcome.json"):
        (twin / name).write_bytes((runs / "one" / name).read_bytes())
    found = compare(runs, "one", twin, "--json").json
    assert len({run["run_id"] for run in found["runs"]}) == 2
    assert found["config_differences"] == {}
    assert "Settings: all equal" in compare(runs, "one", twin).out
    assert found["paired"]["differences"][str(twin)]["utilitarian"]["estimate"] == 0


def test_without_an_embedding_model_no_similarity_is_said(runs: Path) -> None:
    assert compare(runs, "one", "two", "--json").json["similarity"] is None
    assert "imilar" not in compare(runs, "one", "two").out


class Embeddings(Loopback):
    """Answers `/v1/embeddings`: by default the counts of `e` and of all characters."""

    broken: bytes | None = None
    status = 200

    def reply(self, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        assert path.endswith("/v1/embeddings")
        asked: dict[str, Any] = json.loads(body)
        self.requests.append((headers, asked))  # type: ignore[arg-type]
        if self.status != 200:
            return error(self.status, "Incorrect API key provided: sk-secret-123")
        data = [
            {"object": "embedding", "index": n, "embedding": [float(text.count("e")), float(len(text))]}
            for n, text in enumerate(asked["input"])
        ]
        return Reply(body=self.broken or json.dumps({"object": "list", "data": data[::-1]}).encode())


def test_embeddings_come_from_any_endpoint(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Embeddings() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-123")
        called = compare(runs, "one", "two", "--embedding-model", "openai:embedder", "--json")
        assert called.code == 0, called.err
        found = called.json["similarity"]
        assert found["method"] == "openai:embedder"
        assert [v["run"] for v in found["versions"]] == sorted(v["run"] for v in found["versions"])
        size = len(found["versions"])
        assert [len(row) for row in found["matrix"]] == [size] * size
        assert all(found["matrix"][n][n] == 1 for n in range(size))
        last = {v["run"]: v["version"] for v in found["versions"]}  # the product stands last
        assert {run["run_id"]: run["constitution"]["version"] for run in called.json["runs"]} == last
        headers, asked = server.requests[0]  # type: ignore[misc]
        assert headers["authorization"] == "Bearer sk-secret-123"
        assert asked["model"] == "embedder"
        assert all(asked["input"])  # nothing empty is sent: endpoints refuse it
        assert "openai:embedder" in compare(runs, "one", "two", "--embedding-model", "openai:embedder").out
    texts = [
        "\n".join(rule["text"] for kind in ("principles", "contract") for rule in run["constitution"][kind])
        for run in called.json["runs"]
    ]
    vectors = [(text.count("e"), len(text)) for text in texts]
    (a, b), (c, d) = vectors
    at = [max(n for n, v in enumerate(found["versions"]) if v["run"] == run) for run in ("one", "two")]
    expected = (a * c + b * d) / (a**2 + b**2) ** 0.5 / (c**2 + d**2) ** 0.5
    assert found["matrix"][at[0]][at[1]] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("status", "broken", "said"),
    [
        (401, None, "HTTP 401"),
        (500, None, "HTTP 500"),
        (200, b'{"data": []}', "0 embeddings"),
        (200, b"<html>", "contains no embeddings"),
        (200, b'{"data": [{"embedding": [], "index": 0}]}', "embeddings for"),
        (200, b'{"object": "list"}', "contains no embeddings"),
    ],
)
def test_a_bad_answer_is_one_line_without_the_key(
    runs: Path, monkeypatch: pytest.MonkeyPatch, status: int, broken: bytes | None, said: str
) -> None:
    with Embeddings() as server:
        server.status, server.broken = status, broken
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-123")
        called = compare(runs, "one", "two", "--embedding-model", "openai:embedder")
    assert (called.code, called.out, called.err.count("\n")) == (4, "", 1)
    assert said in called.err
    assert "sk-secret-123" not in called.err


def test_an_endpoint_that_is_not_there_is_one_line(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    called = compare(runs, "one", "two", "--embedding-model", "openai:embedder")
    assert (called.code, called.err.count("\n")) == (4, 1)
    assert "check that the server is up" in called.err


def test_people_of_different_models_need_care(runs: Path, tmp_path: Path) -> None:
    assert "Take care" not in compare(runs, "one", "two").out
    changed = tmp_path / "changed"
    shutil.copytree(runs / "two", changed)
    config = yaml.safe_load((changed / "config.yaml").read_text(encoding="utf-8"))
    config.setdefault("roles", {})["user"] = {"provider": "openai", "name": "other-rater"}
    (changed / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    said = " ".join(compare(runs, "one", changed).out.split())
    assert "Take care: different models play the people (simulated and other-rater)" in said


# --- the values beneath


@given(st.dictionaries(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), st.floats(0, 1)))
def test_nothing_has_changed_between_the_same_cells(cells: dict[tuple[str, str], float]) -> None:
    side = Cells("epoch 1", cells, {})
    found = paired(side, side)
    assert (found is None) == (not cells)
    if found is not None:
        assert found.interval.estimate == 0


def test_only_what_both_have_is_paired() -> None:
    before = Cells("epoch 1", {("a", "x"): 0.2, ("b", "x"): 0.4, ("c", "x"): 1.0}, {"a": 1, "b": 1, "c": 1})
    after = Cells("epoch 3", {("a", "x"): 0.3, ("b", "x"): 0.8, ("d", "x"): 0.0}, {"a": 1, "b": 1, "d": 1})
    found = paired(before, after)
    assert found is not None
    assert found.interval.estimate == pytest.approx((0.1 + 0.4) / 2)
    assert (found.interval.people, found.interval.tasks, found.people) == (2, 1, ("a", "b"))
    assert paired(before, Cells("epoch 1", {("z", "x"): 1.0}, {})) is None
    assert person_changes(before, after).keys() == {"a", "b"}
    weighted = Cells(before.where, before.cells, {"a": 3.0, "b": 1.0})
    assert paired(weighted, after).interval.estimate == pytest.approx(0.75 * 0.1 + 0.25 * 0.4)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("held_out", "tasks", "estimand"),
    [
        (((), ()), 3, "these people and tasks again"),
        ((("people",), ("people", "tasks")), 3, "new people"),
        ((("tasks",), ("tasks",)), 3, "new tasks"),
        ((("people", "tasks"), ("people", "tasks")), 3, "new people and tasks"),
        ((("people", "tasks"), ("people", "tasks")), 2, "new people"),
        ((("people", "tasks"), ()), 3, "these people and tasks again"),
    ],
)
def test_an_interval_is_for_those_who_were_held_out_in_both(
    held_out: tuple[Sequence[Kind], Sequence[Kind]], tasks: int, estimand: str
) -> None:
    cells = {(f"p{p}", f"t{t}"): ((p * 7 + t * 3) % 5) / 5 for p in range(4) for t in range(tasks)}
    before, after = (Cells("", cells, {}, frozenset(kinds)) for kinds in held_out)
    found = paired(before, after)
    assert found is not None
    assert found.interval.estimand == estimand


def test_rules_are_put_beside_those_they_are_most_like() -> None:
    base = ["Be brief with everyone.", "Name the sources of every claim."]
    other = ["Name the sources of every number.", "Something else altogether", "Be brief with everyone."]
    assert _partners(base, other) == {0: 1, 2: 0}
    assert _partners([], other) == {} == _partners(base, [])


def test_a_section_that_one_run_leaves_out_is_compared_key_by_key(tiny: Path) -> None:
    assert scai("run", tiny, "-q", "--run-id", "one").code == 0
    assert scai("run", tiny, "-q", "--run-id", "two", "--set", "generate.k=2").code == 0
    assert scai("compare", "one", "two", "--json").json["config_differences"] == {"generate.k": {"one": 1, "two": 2}}


@pytest.mark.slow
def test_many_runs_stand_below_each_other(tiny: Path) -> None:
    names = [f"s{seed}" for seed in range(1, 7)]
    for seed, name in enumerate(names, 1):
        if name == "s6":
            tiny.write_text(re.sub(r"  - .id: bob.*\n", "", tiny.read_text()))
        assert scai("run", tiny, "-q", "--run-id", name, "--seed", seed).code == 0
    shown = scai("compare", *names)
    lines = shown.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "A 1 · B 2 · C 3 · D 4 · E 5 · F 6" in shown.out
    assert re.search(r"personas not in all +Bob Jones A B C D E\b", shown.out)
    metrics = scai("compare", *names, "--json").json["metrics"]
    for letter, name in zip("ABCDEF", names, strict=True):
        first, last = (metrics[f"welfare.utilitarian.{end}"][name] for end in ("first", "product"))
        row = next(line for line in lines if re.match(rf"{letter} +0 -> \d ", line))
        assert f"{first:.2f} -> {last:.2f}" in row


# --- keys that one run has and the other lacks

_MAPPINGS = {
    "attributes": st.dictionaries(st.sampled_from(["age", "from here"]), st.sampled_from([30, True, "yes", 1.5])),
    "stances": st.dictionaries(st.sampled_from(["tea", "Sleep"]), st.just("It matters.")),
    "preferences": st.dictionaries(st.sampled_from(["concise", "warm"]), st.sampled_from([-1.0, 0.5])),
    "model": st.none() | st.sampled_from([{}, {"temperature": 0.5}, {"options": {"a": [1]}}]),
    "source": st.sampled_from(["fictional", {"name": "x", "licence": "cc"}, {}]),
    "weight": st.sampled_from([1.0, 2.5]),
    "split": st.sampled_from([None, "train"]),
    "name": st.sampled_from(["", "Somebody"]),
    "description": st.just(""),
}
_TASK = {key: _MAPPINGS[key] for key in ("source", "split")} | {"topic": st.just("Sleep"), "kind": st.just("essay")}
_TOP = {
    "roles": st.sampled_from(
        [{}, {"meta": {"temperature": 0.5}}, {"user": {"options": {"x": {"y": [1, {}]}}}}, {"judge": {"top_p": 0.5}}]
    ),
    "prices": st.sampled_from([{}, {"m": {"input": 1, "output": 2}}]),
    "welfare": st.sampled_from(["nash", {"atkinson": {"epsilon": 2}}]),
    "generate": st.sampled_from([{}, {"votes": 3}]),
    "force": st.sampled_from([False, True, "all"]),
    "limits": st.sampled_from([{}, {"usd": 3.5}]),
    "prompts": st.just({}),
    "constitution": st.sampled_from(
        [{}, {"principles": ["Be brief."]}, {"contract": [{"text": "Ask.", "for": ["ann"]}]}]
    ),
    "revision": st.sampled_from([{}, {"strategy": "grounded"}]),
    "holdout": st.sampled_from([{}, {"tasks": []}]),
    "model": st.sampled_from([{}, {"options": {"a": {"b": []}}}]),
}


def _some(keys: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=keys)


_PERSON = ("ann", "bob", "cid")
_CONFIGS = st.builds(
    lambda top, people, tasks, group: (
        top
        | {"personas": {"inline": [{"id": name, **keys} for name, keys in zip(_PERSON, people, strict=True)], **group}}
        | {
            "tasks": {
                "inline": [{"id": n, "prompt": "Say.", **k} for n, k in zip(("tea", "sleep"), tasks, strict=True)]
            }
        }
    ),
    _some(_TOP),
    st.tuples(*[_some(_MAPPINGS)] * 3),
    st.tuples(*[_some(_TASK)] * 2),
    st.sampled_from([{}, {"per_epoch": 1}, {"where": {}}]),
)


def _pair(finished: Path, folder: Path, configs: Sequence[Mapping[str, Any]]) -> list[Path]:
    """Copies of a finished run whose saved experiments have these keys alone."""
    paths = [folder / f"r{n}" for n in range(len(configs))]
    for path, config in zip(paths, configs, strict=True):
        shutil.copytree(finished, path, dirs_exist_ok=True)
        (path / "config.yaml").write_text(yaml.safe_dump({"name": "tiny", **config}), encoding="utf-8")
    return paths


@pytest.mark.slow
@settings(max_examples=4)
@given(st.tuples(_CONFIGS, _CONFIGS))
def test_a_key_that_one_run_lacks_is_a_difference_like_others(
    finished: Path, tmp_path_factory: pytest.TempPathFactory, configs: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    runs = _pair(finished, tmp_path_factory.mktemp("pair"), configs)
    found = scai("compare", *runs, "--json")
    assert found.code == 0, found.err
    for key, values in found.json["config_differences"].items():
        one, other = (values[run.name] for run in runs)
        assert one != other, key
        assert {} not in (one, other), key
    for command in (["compare", *runs], ["export", *runs, "--format", "ratings", "-o", "-"]):
        called = scai(*command)
        assert (called.code, "Traceback" in called.err) == (0, False), called.err


@pytest.mark.slow
@pytest.mark.parametrize("empty", [0, 1])
def test_a_report_of_two_runs_of_which_one_lacks_a_persona_s_keys(finished: Path, tmp_path: Path, empty: int) -> None:
    keys = {"attributes": {"age": 30}, "stances": {"t": "Hot."}, "preferences": {"warm": 1.0}, "model": {"top_p": 0.5}}
    tasks = [{"id": "tea", "prompt": "Say."}, {"id": "sleep", "prompt": "Say."}]
    pair = [{"personas": [{"id": name, **given} for name in _PERSON], "tasks": tasks} for given in (keys, {})]
    called = scai("report", *_pair(finished, tmp_path, pair if empty else pair[::-1]), "-o", tmp_path / "page.html")
    assert called.code == 0, called.err
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert all(f"personas.ann.{key}.{next(iter(value))}" in page for key, value in keys.items())
