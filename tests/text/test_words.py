"""Words of every script: what they are, how long they are, and which texts are equal."""

from __future__ import annotations

import re
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scai_cli.text.near_duplicates import NEAR, NearDuplicateIndex, nameless
from scai_cli.text.word_changes import word_changes
from scai_cli.text.words import comparable, count, has_unspaced, length, stretches, usual, words

FORMS = ("NFC", "NFD")
LETTERS = st.text(
    st.sampled_from(
        "aéÉßİ ñÅ ﬁ²½ Ａ１ｱﾞ アガ한글ㄱ 王小明。はるか ภาษาไทยน้ำ ខ្មែរ မြန်မာ ນ້ຳ हिन्दी क्ष العربيةُ שָׁלוֹם -'.,\n\u200b\u00ad"
    )
)
TOKENS = st.lists(st.sampled_from(["tea", "don", "हिन्दी", "王", "は", "ย่", "မြ", "한글"]), max_size=60)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Don't STOP at 10_000!", ["don", "t", "stop", "at", "10_000"]),
        ("Straße CAFÉ", ["strasse", "café"]),
        ("ﬁne Ｔｅａ ﾃｰﾌﾞﾙ", ["fine", "tea", "テ", "ー", "ブ", "ル"]),
        ("请用AI写。", ["请", "用", "ai", "写"]),
        ("お茶をどうぞ、先生！", ["お", "茶", "を", "ど", "う", "ぞ", "先", "生"]),
        ("น้ำชา ๆ", ["น้ํ", "า", "ช", "า", "ๆ"]),
        ("ខ្មែរ។", ["ខ្", "មែ", "រ"]),
        ("မြန်မာ၊", ["မြ", "န်", "မာ"]),
        ("हिन्दी में क्षमा।", ["हिन्दी", "में", "क्षमा"]),
        ("مُحَمَّد، علي", ["مُحَمَّد", "علي"]),
        ("שָׁלוֹם עולם", [normalize("NFKC", "שָׁלוֹם"), "עולם"]),
        ("김하늘 씨는", ["김하늘", "씨는"]),
        ("co\u00adoperate ma\u200bke", ["cooperate", "make"]),
        ("Жить — хорошо", ["жить", "хорошо"]),
    ],
)
def test_words_of_a_script(text: str, found: list[str]) -> None:
    assert words(text) == found


@given(st.text(st.characters(codec="ascii")))
def test_words_of_plain_english_are_runs_of_letters_and_digits(text: str) -> None:
    assert words(text) == re.findall(r"\w+", text.lower())
    assert count(text) == len(text.split())
    assert usual(text) == text


@given(LETTERS)
def test_a_text_in_another_form_has_the_same_words(text: str) -> None:
    for form in FORMS:
        assert words(normalize(form, text)) == words(text)
        assert usual(normalize(form, text)) == usual(text)
        assert comparable(normalize(form, text)) == comparable(text)


def test_texts_that_mean_something_else_stay_different() -> None:
    assert usual("2⁵") != usual("25")
    assert usual("ｔｅａ　１") == "tea 1"
    assert comparable(" Cafe\u0301\nＡＵ ") == comparable("café au")
    assert comparable("cafe") != comparable("café")


@given(TOKENS, TOKENS, TOKENS, st.integers(1, 13))
def test_a_text_has_the_same_stretches_wherever_it_stands(
    before: list[str], inner: list[str], after: list[str], least: int
) -> None:
    outer = [list(stretch) for stretch in stretches([*before, *inner, *after], least)]
    for stretch in stretches(inner, least):
        assert list(stretch) in outer
        assert length(stretch) >= least > length(stretch[:-1])
    assert bool(list(stretches(inner, least))) == (length(inner) >= least)


def test_a_character_is_a_part_of_a_word() -> None:
    assert length(words("one two three")) == 3
    assert length(words("请用写好")) == 2
    assert length(words("ชาดี")) == 1
    assert [len(stretch) for stretch in stretches(words("茶" * 30), 13)] == [26] * 5
    assert list(stretches(words("a b c"), 4)) == []


@pytest.mark.parametrize(("text", "number"), [("Don't — stop", 3), ("请用AI写。 ok?", 5), ("", 0), ("김하늘 씨는", 2)])
def test_words_are_counted_between_spaces_or_by_character(text: str, number: int) -> None:
    assert count(text) == number
    assert has_unspaced(text) == ("写" in text)


@pytest.mark.parametrize(
    ("one", "other", "different"),
    [
        (
            "李娜在长沙开了一家旧书店，每天傍晚整理书架，希望助手说话像朋友一样，不要太客气。",
            "李娜在长沙开了一家旧书店，每天傍晚整理书架，希望助手说话像朋友一样，不要太啰嗦。",
            "周强在港口修理渔船，周末和邻居下棋，想要详细的步骤和数字，讨厌含糊的回答。",
        ),
        (
            "มาลีปลูกกล้วยไม้ที่เชียงรายและส่งขายทุกวันศุกร์เธออยากให้ผู้ช่วยตอบอย่างตรงไปตรงมาไม่อ้อมค้อม",
            "มาลีปลูกกล้วยไม้ที่เชียงรายและส่งขายทุกวันศุกร์เธออยากให้ผู้ช่วยตอบอย่างตรงไปตรงมาไม่วกวน",
            "วิชัยซ่อมเรือประมงที่ท่าเรือและเล่นหมากรุกกับเพื่อนบ้านเขาชอบตัวเลขและขั้นตอนละเอียด",
        ),
    ],
)
def test_near_duplicates_are_found_where_words_have_no_spaces(one: str, other: str, different: str) -> None:
    index = NearDuplicateIndex()
    index.add("one", one)
    found = index.most_similar(other)
    assert found is not None
    assert found[0] == "one"
    assert found[1] >= NEAR
    assert index.most_similar(different) is None


@pytest.mark.parametrize("form", FORMS)
def test_near_duplicates_are_found_in_any_form(form: str) -> None:
    text = "Amélie répète à Genève que l'été était très agréable et que la forêt brûlée renaît déjà"
    index = NearDuplicateIndex()
    index.add("one", text)
    assert index.most_similar(normalize(form, text).upper()) == ("one", 1.0)


@pytest.mark.parametrize(
    ("text", "name", "left"),
    [
        ("Ann Lee bakes. Lee sells bread to Ann.", "Ann Lee", "bakes sells bread to"),
        ("小李开小店。小李爱小狗。", "小李", "开 小 店 爱 小 狗"),
        ("田中 健一は田中に住む", "田中", "健 一 は に 住 む"),
        ("王王王", "王", ""),
        ("Tea.", "", "tea"),
    ],
)
def test_a_name_is_left_out_whole(text: str, name: str, left: str) -> None:
    assert nameless(text, name) == left


def test_a_change_of_one_character_is_shown_alone() -> None:
    changes = list(word_changes("保持诚实并简短。", "保持诚实并详细。"))
    assert changes == [("保持诚实并", "", ""), ("", "简短", "详细"), ("。", "", "")]
    assert list(word_changes("Be kind now", "Be brief now")) == [
        ("Be ", "", ""),
        ("", "kind", "brief"),
        ("now", "", ""),
    ]
