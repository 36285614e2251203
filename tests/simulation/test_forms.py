"""Answers that must have a form: found in whatever a model writes around them, or refused in words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from growth import grows_linearly
from hypothesis import given
from hypothesis import strategies as st

from scai_cli.prompts.templates import CLAUSES, TEMPLATES, fill
from scai_cli.simulation.answer_forms import Ballot, CrossRating, Edits, Feedback, Rewrite, WrittenEdit, form_schema
from scai_cli.simulation.form_reader import read_form

SCALE = (0.0, 10.0)


def feedback(text: str) -> Feedback:
    return read_form(text, Feedback, SCALE)[0]


@pytest.mark.parametrize(
    "text",
    [
        '{"feedback": "fine", "rating": 7}',
        'Sure! Here it is:\n```json\n{"feedback": "fine", "rating": 7}\n```\nAnything else?',
        'I use {braces} and {"other": 1} before {"feedback": "fine", "rating": 7} and {after}',
        '{"rating": 7.0, "feedback": "fine", "mood": "sunny"}',
        '{"feedback": "fine", "rating": 7, "a": 1, "A": 2}',
        '{"feedback": "fine", "rating": "7"}',
        '{"feedback": "fine", "rating": " 7/10 "}',
        '{"feedback": "fine", "rating": "7 out of 10"}',
        '{"feedback": "broken"} {"feedback": "late", "rating": 1} {"feedback": "fine", "rating": 7}',
        '{"answer": {"feedback": "fine", "rating": 7}}',
        '\ufeff\u2028{"feedback":\n"fine",\r\n"rating":7}',
        "{" * 10 + '{"feedback": "fine", "rating": 7}' + "}" * 10,
    ],
)
def test_the_form_is_found(text: str) -> None:
    assert feedback(text) == Feedback(feedback="fine", rating=7.0)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no JSON object"),
        ("7", "no JSON object"),
        ("I would say 7/10.", "no JSON object"),
        ('["feedback", "rating"]', "no JSON object"),
        ('{"feedback": "fine", "rating": 7} {"feedback": "late", "rating": 11}', "from 0 to 10"),
        ('{"feedback": "fine", "rating": 7} or rather "rating": 3', "comes after"),
        ('{"feedback": "fine", "rating": 7} {**"feedback"**: "late", "rating": 8}', "comes after"),
        ('{"feedback": "...", "rating": 7}', "no JSON object"),
        ('{"feedback": "string", "rating": 0}', "no JSON object"),
        ('{"feedback": "{\\"feedback\\": \\"fine\\"}", "rating": 7}', "contains JSON"),
        ('{"feedback": "like {\\"rating\\": {}}", "rating": 7}', "contains JSON"),
        ('{"feedback": "fine", "rating": 7, "rating": 3}', "number"),
        ('{"feedback": "fine"}', "Field required"),
        ('{"rating": 7}', "Field required"),
        ('{"feedback": "fine", "rating": 10.5}', "from 0 to 10"),
        ('{"feedback": "fine", "rating": -1}', "from 0 to 10"),
        ('{"feedback": "fine", "rating": NaN}', "from 0 to 10"),
        ('{"feedback": "fine", "rating": Infinity}', "from 0 to 10"),
        ('{"feedback": "fine", "rating": 1e999}', "from 0 to 10"),
        ('{"feedback": "fine", "rating": true}', "from 0 to 10"),
        ('{"feedback": "fine", "rating": null}', "number"),
        ('{"feedback": "fine", "rating": [7]}', "number"),
        ('{"feedback": "fine", "rating": "high"}', "number"),
        ('{"feedback": "fine", "rating": "7 of 10 people"}', "number"),
        ('{"feedback": "fine", "rating": ' + "9" * 400 + "}", "."),
        ('{"feedback": "fine", "rating": ' + "9" * 5000 + "}", "."),
        ('{"feedback": 7, "rating": 7}', "valid string"),
    ],
)
def test_what_lacks_the_form_is_refused_in_words(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        feedback(text)


@pytest.mark.parametrize(
    "text",
    [
        lambda n: "x" * n,
        lambda n: "{" * n,
        lambda n: '{"a":' * (n // 5),
        lambda n: "[" * n,
        lambda n: '{"feedback": "' + "x" * n,
        lambda n: '{"' * (n // 2),
        lambda n: '{"feedback": ' + "[" * (n // 10) + "]" * (n // 10) + ', "rating": 7}',
    ],
)
def test_nonsense_is_refused_in_no_longer_than_its_length_says(text: Callable[[int], str]) -> None:
    def read(size: int) -> None:
        with pytest.raises(ValueError, match=r"\S"):
            feedback(text(size))

    assert grows_linearly(read, 250_000)


def test_a_megabyte_of_feedback_is_read() -> None:
    assert len(feedback(json.dumps({"feedback": "x" * 1_000_000, "rating": 1})).feedback) == 1_000_000


@pytest.mark.parametrize(
    ("form", "context"),
    [
        (Feedback, SCALE),
        (CrossRating, SCALE),
        *((form, clauses) for form in (Rewrite, Edits) for clauses in ("conditions", "people")),
        (Ballot, frozenset("A")),
    ],
)
@given(st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.sampled_from(["A", "add", "approve", "object"]),
    lambda leaf: st.lists(leaf, max_size=3)
    | st.dictionaries(st.sampled_from(["rating", "feedback", "critique", "principles", "contract", "edits", "op", "id",
                                       "ids", "text", "for", "when", "ask", "no_change", "ballot", "rule", "me",
                                       "everyone", "condition"]), leaf, max_size=5),
    max_leaves=15,
))  # fmt: skip
def test_any_json_is_a_form_that_can_be_recorded_or_refused(form: Any, context: Any, data: object) -> None:
    try:
        found = read_form(json.dumps(data), form, context)[0]
    except ValueError:
        return
    assert found.model_dump_json().encode()


@pytest.mark.parametrize("said", ['The word "rating" is vague.', 'The "rating" is {vague}.'])
def test_a_text_may_name_a_key_of_the_form(said: str) -> None:
    assert feedback(json.dumps({"feedback": said, "rating": 7})).feedback == said


def test_a_rule_that_contains_json_is_refused() -> None:
    rule = {"id": None, "text": 'Write {"critique": 1} often.'}
    with pytest.raises(ValueError, match="contains JSON"):
        read_form(json.dumps({"critique": "c", "principles": [rule]}), Rewrite)


def test_a_rating_on_another_scale_is_converted_and_marked() -> None:
    converted = Feedback(feedback="fine", rating=7)
    assert read_form('{"feedback": "fine", "rating": "35/50"}', Feedback, SCALE) == (converted, ("converted",))
    assert read_form('{"feedback": "fine", "rating": "35/50",}', Feedback, SCALE)[1] == ("repaired", "converted")


def test_lone_surrogates_are_cleaned_wherever_a_model_writes_them() -> None:
    bad = '"abc\\ud800def"'
    rule = f'{{"id": {bad}, "text": {bad}, "for": [{bad}]}}'
    text = f'{{"critique": {bad}, "principles": [{rule}], "contract": [{rule}]}}'
    rewrite = read_form(text, Rewrite)[0]
    assert rewrite.critique == rewrite.principles[0].text == rewrite.contract[0].users[0] == "abc\ufffddef"
    assert rewrite.model_dump_json()
    words = "".join(f', "{key}": {bad}' for key in ("id", "text", "reason"))
    lists = "".join(f', "{key}": [{bad}]' for key in ("ids", "for", "evidence"))
    edit = f'{{"op": "merge"{words}{lists}}}'
    text = f'{{"edits": [{edit}]}}'
    assert read_form(text, Edits)[0].model_dump_json()


# --- clauses

HURRY = "the user is in a hurry"


def written(**edit: Any) -> WrittenEdit:
    (found,) = read_form(json.dumps({"edits": [{"op": "add", "text": "Be brief.", **edit}]}), Edits, "conditions")[
        0
    ].edits
    return found


@pytest.mark.parametrize(
    "when",
    [
        HURRY,
        f"When {HURRY}",
        f"when  {HURRY} :",
        f"If {HURRY}.",
        f"  {HURRY},\n",
        f"WHEN\n{HURRY};",
        f"When {HURRY} ...",
    ],
)
def test_a_condition_completes_when_however_it_is_written(when: str) -> None:
    assert written(when=when).bound == {"when": HURRY, "kind": "rule", "users": ()}


@pytest.mark.parametrize("when", ["", " ", None, "When", "when:", "If."])
def test_a_condition_without_words_is_none(when: str | None) -> None:
    assert written(when=when).bound == {"when": None, "kind": "rule", "users": ()}


def test_a_condition_holds_no_colon_as_the_rule_follows_one() -> None:
    assert written(when="the user writes: hurry").when == "the user writes, hurry"
    assert written(when="Whenever: it suits").when == "it suits"
    assert written(when="whence it came").when == "whence it came"


@pytest.mark.parametrize(
    ("ask", "kind"), [(None, "rule"), (False, "rule"), (True, "ask"), ("true", "ask"), ("no", "rule")]
)
def test_a_question_is_marked_and_null_is_none(ask: Any, kind: str) -> None:
    assert written(when=None, ask=ask, **{"for": None}).bound == {"when": None, "kind": kind, "users": ()}


def test_what_the_other_kind_of_clauses_is_bound_to_is_ignored() -> None:
    both = {"op": "add", "text": "Be brief.", "when": HURRY, "ask": True, "for": ["ann"]}
    bound = {}
    for clauses in ("conditions", "people"):
        (found,) = read_form(json.dumps({"edits": [both]}), Edits, clauses)[0].edits
        bound[clauses] = found.bound
    assert bound["conditions"] == {"when": HURRY, "kind": "ask", "users": ()}
    assert bound["people"] == {"when": None, "kind": "rule", "users": ("ann",)}


def test_a_clause_for_people_needs_some_and_one_without_a_condition_is_for_everyone() -> None:
    text = json.dumps({"contract": [{"id": None, "text": "Be brief."}]})
    assert read_form(text, Rewrite, "conditions")[0].contract[0].bound["when"] is None
    with pytest.raises(ValueError, match='a clause needs "for", a list of user ids'):
        read_form(text, Rewrite, "people")


# --- ballots

OPINION = {"rule": "A", "me": "approve", "condition": "object", "everyone": "indifferent"}


def ballot(*opinions: dict[str, Any], letters: str = "A") -> Ballot:
    return read_form(json.dumps({"ballot": opinions}), Ballot, frozenset(letters))[0]


@pytest.mark.parametrize(
    ("word", "stance"),
    [("approve", "approve"), ("Approved", "approve"), (" OBJECT ", "object"), ("objects", "object"),
     ("Indifferent.", "indifferent")],
)  # fmt: skip
def test_a_stance_is_read_as_models_write_it(word: str, stance: str) -> None:
    (opinion,) = ballot({**OPINION, "me": word, "condition": word, "everyone": word}).ballot
    assert {opinion.me, opinion.condition, opinion.everyone} == {stance}


@pytest.mark.parametrize("word", ["", None, "yes", "I approve", "disapprove", "no objection", 1, True, ["approve"]])
def test_any_other_word_is_no_stance(word: Any) -> None:
    with pytest.raises(ValueError, match="approve"):
        ballot({**OPINION, "me": word})


@pytest.mark.parametrize("given", [{}, {"condition": None}, {"condition": ""}])
def test_a_rule_without_a_condition_needs_no_stance_on_it(given: dict[str, Any]) -> None:
    opinion = {key: value for key, value in OPINION.items() if key != "condition"}
    assert ballot({**opinion, **given}).ballot[0].condition is None


@pytest.mark.parametrize("letters", ["A", "AAB", "ABC", "AZ", ""])
def test_a_ballot_has_each_rule_once(letters: str) -> None:
    with pytest.raises(ValueError, match="must have the rules A, B, each once"):
        ballot(*({**OPINION, "rule": letter} for letter in letters), letters="AB")
    assert len(ballot(*({**OPINION, "rule": letter} for letter in "BA"), letters="AB").ballot) == 2


EXAMPLES = {
    name: "{"
    + fill(TEMPLATES[f"{name}_form"], {"low": "0", "high": "10", **CLAUSES["conditions"]}).rpartition("\n{")[2]
    for name in ("feedback", "cross_rating", "rewrite", "edits", "ballot")
}
RULE, DRAFT = "Answer in three sentences at most.", "Always agree with the user, even when they are wrong."
FORMS: dict[str, tuple[Any, object, str, str]] = {
    "feedback": (Feedback, SCALE, '{"feedback": "Fine.", "rating": 8}', '{"feedback": "Bad.", "rating": 1}'),
    "cross_rating": (CrossRating, SCALE, '{"reason": "Fine.", "rating": 8}', '{"reason": "Bad.", "rating": 1}'),
    "rewrite": (
        Rewrite,
        "conditions",
        json.dumps({"critique": "c", "principles": [{"id": None, "text": RULE}], "contract": []}),
        json.dumps({"critique": "d", "principles": [{"id": None, "text": DRAFT}], "contract": []}),
    ),
    "edits": (
        Edits,
        "conditions",
        json.dumps({"critique": "c", "edits": [{"op": "add", "text": RULE}]}),
        json.dumps({"critique": "d", "edits": [{"op": "add", "text": DRAFT}]}),
    ),
    "ballot": (
        Ballot,
        frozenset("A"),
        json.dumps({"ballot": [OPINION]}),
        json.dumps({"ballot": [{**OPINION, "me": "object"}]}),
    ),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize(
    "shape",
    [
        "{answer}",
        "The form is {example}\n\n{answer}",
        "Draft: {draft}\n\nFinal:\n{answer}",
        "<think>Maybe {draft}. The form: {example}</think>{answer}",
        "{answer}\n\nI used {example}; is there {anything} else?",
        "{example}\n{answer}\n{example}",
    ],
)
def test_the_answer_is_neither_the_example_nor_a_draft(name: str, shape: str) -> None:
    form, context, answer, draft = FORMS[name]
    parts = {"{answer}": answer, "{draft}": draft, "{example}": EXAMPLES[name]}
    text = re.sub("|".join(map(re.escape, parts)), lambda part: parts[part[0]], shape)
    found, marks = read_form(text, form, context, example=EXAMPLES[name])
    assert found == form.model_validate_json(answer, context=context)
    assert marks == ()


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize("shape", ["{}", "```json\n{}\n```", "{} {}", "Sure! {} Done."])
def test_the_example_alone_is_no_answer(name: str, quoted: bool, shape: str) -> None:
    form, context, *_ = FORMS[name]
    example = re.sub(r"<[^<>]*>", lambda place: json.dumps(place[0]), EXAMPLES[name]) if quoted else EXAMPLES[name]
    with pytest.raises(ValueError, match=r"\S"):
        read_form(shape.replace("{}", example), form, context, example=EXAMPLES[name])


@pytest.mark.parametrize("example", [json.dumps({"ballot": [OPINION]}), '{"feedback": "fine words", "rating": 0}'])
def test_an_example_of_the_experiments_own_is_no_answer_either(example: str) -> None:
    form: Any = Ballot if "ballot" in example else Feedback
    with pytest.raises(ValueError, match="no JSON object"):
        read_form(example, form, frozenset("A") if form is Ballot else SCALE, example=example)


def test_the_words_of_the_example_are_no_text_of_an_answer() -> None:
    example = '{"feedback": "<what you liked>", "rating": <number>}'
    copied = '{"feedback": "What you liked", "rating": 3}'
    assert read_form(f'{{"feedback": "fine", "rating": 7}} {copied}', Feedback, SCALE, example=example)[0].rating == 7
    with pytest.raises(ValueError, match="is a placeholder"):
        read_form(copied.replace("}", ', "mood": "sunny"}'), Feedback, SCALE, example=example)


@pytest.mark.parametrize(
    "text",
    [
        '{"feedback": "It\'s\nfine", "rating": 7}',
        '{"feedback": "It\'s fine", "rating": 7,}',
        "{'feedback': 'It's fine', 'rating': 7}",
        "{“feedback”: “It's fine”, “rating”: 7}",
        '{feedback: "It\'s fine", rating: 7}',
        '{"feedback": "It\'s fine", // as I said\n "rating": 7 /* of 10 */}',
        '{"feedback": "It\'s fine", "rating": 7',
        '```json\n{"feedback": "It\'s fine", "rating": 7\n```',
        '{"feedback": "It\'s fine", "rating": 7/10}',
        '{"feedback": "It\'s fine" "rating": 7}',
        '{{"feedback": "It\'s fine", \'rating\': 7}}',
    ],
)
def test_the_usual_faults_are_repaired_and_marked(text: str) -> None:
    found, marks = read_form(text, Feedback, SCALE)
    assert found.feedback.split() == ["It's", "fine"]
    assert found.rating == 7
    assert marks == ("repaired",)


@pytest.mark.parametrize(
    "text",
    [
        '{"feedback": "fine", "rating": 7 or 8}',
        '{"feedback": "fine", "rating": 7-8}',
        '{"feedback": "fine", "rating": eight}',
        '{"feedback": "fine", "rating": }',
        '{"feedback": "He wrote "x", "rating": 2 and", "rating": 8}',
        '{"feedback": "fine", "rating": 7, "rating": 2,}',
        '{"feedback": "fine',
    ],
)
def test_a_fault_that_allows_two_readings_is_missing(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        read_form(text, Feedback, SCALE)


def test_a_repaired_object_may_have_keys_of_its_own_if_they_are_names() -> None:
    assert feedback('{"feedback": "fine", "rating": 7, "mood": "sunny",}').rating == 7
    with pytest.raises(ValueError, match="odd keys"):
        feedback('{"feedback": "fine", "rating": 7, "and then": "sunny",}')


DRAFT = 'Draft: {"feedback": "bad", "rating": 2}\n\nFinal:\n'


@pytest.mark.parametrize(
    "answer",
    [
        '{"Feedback": "fine", "RATING": 7}',
        '{" feedback": "fine", "rating ": 7}',
        '{"answer": {"result": {"feedback": "fine", "rating": 7}}}',
        '{"answers": [{"feedback": "fine", "rating": 7}]}',
    ],
)
def test_an_answer_with_other_keys_or_deep_inside_counts_before_a_draft(answer: str) -> None:
    assert read_form(DRAFT + answer, Feedback, SCALE)[0].rating == 7


@pytest.mark.parametrize(
    "answer",
    [
        "- **feedback**: fine\n- **rating**: 7",
        "**Final rating:** 7",
        "feedback: fine\nrating: 7",
        "| feedback | rating |\n|---|---|\n| fine | 7 |\n| rating | 7 |",
        "<feedback>fine</feedback>\n<rating>7</rating>",
        "### Rating\n\n7",
        '{"score": 7}',
        '{"feedback": "x", "rating": 1, "Rating": 7}',
    ],
)
def test_a_draft_before_an_answer_without_the_form_is_no_answer(answer: str) -> None:
    with pytest.raises(ValueError, match="JSON object"):
        read_form(DRAFT + answer, Feedback, SCALE)


@pytest.mark.parametrize(
    "chatter",
    ["Rating: 2", "My rating is 2 since it is long.", "The rating shows my mood: 3 of 4 days.", "Rating notes follow."],
)
def test_chatter_that_gives_no_other_value_leaves_the_answer(chatter: str) -> None:
    assert read_form('{"feedback": "bad", "rating": 2}\n\n' + chatter, Feedback, SCALE)[0].rating == 2


def test_nothing_is_added_to_an_answer_that_was_cut_off() -> None:
    open_end = '{"feedback": "fine", "rating": 1'
    assert read_form(open_end, Feedback, SCALE)[0].rating == 1
    with pytest.raises(ValueError, match="faults"):
        read_form(open_end, Feedback, SCALE, whole=False)
    assert read_form('{"feedback": "fine", "rating": 7} And I wo', Feedback, SCALE, whole=False)[0].rating == 7
    with pytest.raises(ValueError, match="faults"):  # two brackets are missing
        read_form('{"critique": "c", "principles": [{"id": null, "text": "Be short and kind."}', Rewrite)


@pytest.mark.parametrize(
    "text", ["", "...", "…", "ok", "P1", "1234", "<one sentence>", "One sentence.", "string", "说短些"]
)
def test_what_says_nothing_is_no_rule(text: str) -> None:
    rule = json.dumps({"critique": "c", "principles": [{"id": None, "text": text}]})
    with pytest.raises(ValueError, match=r"rule|placeholder"):
        read_form(rule, Rewrite, example=EXAMPLES["rewrite"])
    with pytest.raises(ValueError, match=r"rule|placeholder"):
        read_form(json.dumps({"critique": "c", "edits": [{"op": "add", "text": text}]}), Edits)


@pytest.mark.parametrize("text", ["简短回答", "ตอบให้สั้น", "أجب باختصار", "Cite it", "短く答える。"])
def test_a_short_rule_in_any_script_is_a_rule(text: str) -> None:
    assert read_form(json.dumps({"principles": [{"id": None, "text": text}]}), Rewrite)[0].principles[0].text == text


def test_a_server_is_told_the_scale_and_the_letters() -> None:
    rating = form_schema(Feedback, (1.0, 5.0))["properties"]["rating"]
    assert (rating["minimum"], rating["maximum"]) == (1, 5)
    assert "enum': ['A', 'B']" in str(form_schema(Ballot, frozenset("BA")))
    assert "minimum" not in str(form_schema(Rewrite, "people"))


@pytest.mark.parametrize("form", [Rewrite, Edits])
def test_a_server_is_told_what_clauses_are_bound_to(form: Any) -> None:
    for clauses, keys, others in (("conditions", {"when", "ask"}, {"for"}), ("people", {"for"}, {"when", "ask"})):
        schema = form_schema(form, clauses)["$defs"]["WrittenClause" if form is Rewrite else "WrittenEdit"]
        assert keys <= set(schema["properties"]) == set(schema["required"])
        assert others.isdisjoint(schema["properties"])
