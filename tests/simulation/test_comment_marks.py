"""Comments that no user would write are marked, and those of users are not."""

from __future__ import annotations

import pytest

from scai_cli.experiment.personas import Persona
from scai_cli.simulation.comment_marks import comment_marks
from scai_cli.simulation.people import People

ANN, BOB, CID = (Persona(id=name[:3].lower(), name=name) for name in ("Ann Smith", "Bob Jones", "Cid"))
NAMELESS = Persona(id="farmer")


def marks(comment: str) -> tuple[str, ...]:
    return comment_marks(comment, ANN, People((ANN, BOB, CID, NAMELESS)))


@pytest.mark.parametrize(
    "comment",
    [
        "As an AI language model I have no feelings about this. Goodbye!",
        "As an AI, I cannot rate this.",
        "I’m an AI assistant, so I have no opinion.",
        "Your feedback was very helpful, and I will use it.",
        "Thank you for your feedback!",
        "Is there anything else I can help you with?",
        "Feel free to ask if something is unclear.",
        "Dear Ann, here is a better plan.",
        "Hi Ann Smith! Here it is.",
    ],
)
def test_a_comment_as_the_assistants_is_marked(comment: str) -> None:
    assert marks(comment) == ("speaks_as_assistant",)


@pytest.mark.parametrize("comment", ["Dear Bob, I liked it.", "hello Bob Jones, fine.", "Thanks, Cid!"])
def test_a_comment_to_another_person_is_marked(comment: str) -> None:
    assert marks(comment) == ("addresses_other",)


@pytest.mark.parametrize(
    "comment",
    [
        "Good and short, but name a source.",
        "As an AI, you should know that I need a source.",
        "You are an AI and not a doctor: say so.",
        "Thanks, that helps. I want it shorter, though.",
        "Thank you for the list, I am glad you asked back.",
        "Bob would mind this, and Cid, too.",
        "Hello! I am Ann, and I want it short.",
        "Dear farmer friends of mine would laugh.",
        "",
    ],
)
def test_a_users_comment_is_not_marked(comment: str) -> None:
    assert marks(comment) == ()
