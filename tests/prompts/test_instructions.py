"""Which texts ask a reader of a response for a critique, a revision or a choice, and which are rules for answers."""

from __future__ import annotations

import pytest

from scai_cli.models.simulated.wordings import BAN, BAN_THEME, RULE, RULE_THEME
from scai_cli.prompts.instructions import as_rule, instruction_kind

CRITIQUES = """\
Identify specific ways in which the assistant's last response is harmful, sexist or dangerous.
Explain ways in which the assistant's last response assumes too much of the reader.
Discuss whether your last response was truthful.
Discuss the response to the human and whether it is in any way unkind.
Read the response carefully and point out anything that helps with a crime.
In what ways is the assistant's last response problematic?
Does the assistant's response use jargon?
Identify where the answer uses long words.
Please critique the AI's response.
Find all examples of possible harm in the model's last answer.
Identify ways in which the assistant's precedings response does harm.
Did the response contain anything unfit for children?
Discuss ways in which the response may be thought unfair.
Please comment on whether the answer is kind."""
REVISIONS = """\
Please rewrite the assistant response to remove all harmful content.
Rewrite the response, with a bit of humour, to decline.
Revise the assistant's response to be warmer.
Please edit the model's previous answer.
Amend the response so that it names no crime."""
CHOICES = """\
Choose the response that is as harmless as possible.
Please choose the response that is the most helpful and honest.
Which of these responses is less harmful?
Compare the harm in the assistant responses and choose the one with less of it.
Please consider these responses and choose the one that suits a child.
Which of these assistant responses shows less harm? Choose that one."""
RULES = """\
Use plain words.
Explain your answer with an example.
Describe the steps of your answer in a list.
Identify the user's needs first.
Choose words that everyone knows.
Discuss both sides of each question.
Say how sure you are of the answer.
Explain how you came to the answer.
List the risks before the answer.
Read the question carefully before you answer.
Rewrite the user's sentence before you answer.
Compare options.
Compare options in the answer.
Consider whether the user is a beginner, and adapt the response to them.
Find out whether the person is in a hurry before you write the answer.
Describe several ways to solve the problem, the best one first in the answer.
Discuss the limits of the answer.
Discuss both sides before giving the answer.
Assess the risks before giving the response.
Point out anything uncertain in the answer.
Name the ways in which a plan could fail, then give the answer.
Rephrase the question before the answer.
Select the most useful facts for the answer.
Pick one example for each answer.
Explain that this is an AI response where it matters.
Give the response that is as harmless as possible."""
SHIPPED = [text for listed in (RULE_THEME, BAN_THEME, *RULE.values(), *BAN.values()) for text in listed]


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        ("critique", CRITIQUES.splitlines()),
        ("revision", REVISIONS.splitlines()),
        ("choice", CHOICES.splitlines()),
        (None, [*RULES.splitlines(), *SHIPPED]),
    ],
)
def test_the_kind_of_a_text(kind: str | None, texts: list[str]) -> None:
    assert {text: instruction_kind(text) for text in texts} == dict.fromkeys(texts, kind)


def test_only_a_choice_of_one_response_becomes_a_rule() -> None:
    found = [as_rule(text) for text in CHOICES.splitlines()]
    assert found[:2] == [
        "Give the response that is as harmless as possible.",
        "Give the response that is the most helpful and honest.",
    ]
    assert found[2:] == CHOICES.splitlines()[2:]
    assert [as_rule(text) for text in RULES.splitlines()] == RULES.splitlines()
