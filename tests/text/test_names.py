"""The name that texts about one person begin with."""

from __future__ import annotations

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scai_cli.text.names import begins_name, common_name


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("Mary Alberti", ["Mary Alberti is calm.", "Mary Alberti, 38, swims.", "Mary Alberti bakes."]),
        ("Mary", ["Mary is calm.", "Mary Alberti swims."]),
        ("", ["She is calm.", "A baker swims."]),
        ("", ["the baker", "the baker"]),
        ("José", ["Jose\u0301 pinta.", "José corre."]),
        ("Ольга", ["Ольга печёт.", "Ольга поёт."]),
        ("გიორგი", ["გიორგი ცხობს.", "გიორგი მღერის."]),
        ("박서준", ["박서준 씨는 대전에서 일합니다.", "박서준 씨는 책을 읽습니다."]),
        ("박서준", ["박서준 씨는 대전에서 일합니다.", "박서준 씨가 책을 읽습니다."]),
        ("박서준", ["박서준은 매일 일합니다.", "박서준은 매일 읽습니다."]),
        ("이나은", ["이나은, 41세", "이나은 (제빵사)"]),
        ("이나은", ["이나은 씨는 빵을 굽는다.", "이나은은 책을 읽는다."]),
        ("鈴木一郎", ["鈴木一郎は慎重だ。", "鈴木一郎は札幌に住む。"]),
        ("鈴木一郎", ["鈴木一郎は日本人だ。", "鈴木一郎は日頃走る。"]),
        ("鈴木一郎", ["鈴木一郎は、走る。", "鈴木一郎は、読む。"]),
        ("鈴木 一郎", ["鈴木 一郎は走る。", "鈴木　一郎が読む。"]),
        ("高橋はるか", ["高橋はるかは走る。", "高橋はるかは読む。"]),
        ("高橋はるか", ["高橋はるかは走る。", "高橋はるかの店。"]),
        ("ジョン・リー", ["ジョン・リーは走る。", "ジョン・リーは読む。"]),
        ("李小红", ["李小红在昆明开店。", "李小红喜欢爬山。"]),
        ("李小红", ["李小红是一位护士。", "李小红是一位母亲。"]),
        ("", ["今天下午李小红看书和听", "今天下午李小红看书和写"]),
        ("प्रिया नायर", ["प्रिया नायर एक शिक्षिका हैं।", "प्रिया नायर एक दुकान चलाती हैं।"]),
        ("سارة حسن", ["سارة حسن تعمل في متجر.", "سارة حسن، 30 عامًا"]),
        ("มาลี", ["มาลีเป็นครู", "มาลีเดินป่า"]),
        ("มาลี ใจงาม", ["มาลี ใจงาม ปลูกข้าว", "มาลี ใจงาม อ่านหนังสือ"]),
    ],
)
def test_a_name_in_any_script(name: str, texts: list[str]) -> None:
    assert common_name(texts) == name
    assert common_name([normalize("NFD", text) for text in texts]) == name
    assert common_name(texts[:1]) == ""


@given(st.lists(st.text(st.sampled_from("Aa 王は、เมี 김은 आरती.・"), max_size=12), max_size=4))
def test_a_name_begins_every_text(texts: list[str]) -> None:
    name = common_name(texts)
    assert name == " ".join(name.split())
    for text in texts:
        assert text.strip().startswith(name.split()[0] if name else "")


@pytest.mark.parametrize(("word", "can"), [("Ann", True), ("ann", False), ("आरती", True), ("3rd", False), ("", False)])
def test_a_word_of_a_name_has_a_capital_if_its_script_has(word: str, can: bool) -> None:
    assert begins_name(word) is can
