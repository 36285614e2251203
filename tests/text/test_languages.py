"""The language of a text: recognised by script and function words, and not at all where it cannot be."""

import re
from pathlib import Path

import pytest

from scai_cli.text.languages import LANGUAGES, languages_of, may_be_in

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("You could ask the neighbours.", {"en"}),
        ("Danke, das ist gut.", {"de"}),
        ("Puede usted probar una sopa con pan.", {"es"}),
        ("Vous pouvez essayer avec vos amis et la famille.", {"fr"}),
        ("Het is een goed idee om met je buren te praten.", {"nl"}),
        ("É uma boa ideia para você, mas não é fácil.", {"pt"}),
        ("Bu çok iyi bir fikir ve daha kolay.", {"tr"}),
        ("用 Python 和 numpy 来做这个", {"zh", "ja"}),
        ("漢字とかなの文章です", {"ja"}),
        ("안녕하세요", {"ko"}),
        ("สวัสดีครับ", {"th"}),
        ("Καλημέρα", {"el"}),
        ("مرحبا", {"ar", "fa", "ur", "ps"}),
        ("", set()),
        ("Hello!", set()),
        ("- rice\n- beans\n- Los Angeles", set()),
        ("12:30 😀", set()),
        ("ᚠᚢᚦ", set()),
    ],
)
def test_a_language_is_recognised(text: str, found: set[str]) -> None:
    assert languages_of(text) == found
    assert found <= LANGUAGES
    assert may_be_in(text, frozenset(("en",))) == (not found or "en" in found)


def test_english_is_taken_for_no_other_language() -> None:
    pages = [*ROOT.glob("docs/*.md"), *ROOT.glob("configs/**/*.yaml"), *ROOT.glob("personas/*.yaml")]
    parts = [part for page in pages for part in re.split(r"\n\s*\n", page.read_text(encoding="utf-8"))]
    prose = [part for part in parts if len(part.split()) >= 12 and part.isascii() and "`" not in part]
    assert len(prose) > 100
    assert [part for part in prose if not may_be_in(part, frozenset(("en",)))] == []
