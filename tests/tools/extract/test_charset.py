import pytest
from hypothesis import given
from hypothesis import strategies as st

from langgraph_fusion.tools.extract.charset import decode

RUSSIAN = "Москва стоит на реке Москве, и население её растёт каждый год."
JAPANESE = "東京は日本の首都であり、世界最大級の都市のひとつである。①㈱"
CHINESE = "风铃草指数在二零二四年为七十七点四。比上一年有所上升。镕"
KOREAN = "서울은 대한민국의 수도이자 최대 도시이다. 똠방각하"
GERMAN = "Über den Flüssen liegt Nebel, für 5 €, „größer“ als früher."


@pytest.mark.parametrize(
    ("label", "codec", "text"),
    [
        ("iso-8859-1", "cp1252", GERMAN), ("latin1", "cp1252", GERMAN), ("ascii", "cp1252", GERMAN),
        ("windows-1251", "cp1251", RUSSIAN), ("koi8-r", "koi8-r", RUSSIAN),
        ("cp866", "cp866", RUSSIAN),
        ("shift_jis", "cp932", JAPANESE), ("x-sjis", "cp932", JAPANESE),
        ("gb2312", "gb18030", CHINESE), ("GBK", "gb18030", CHINESE),
        ("euc-kr", "cp949", KOREAN), ("ks_c_5601-1987", "cp949", KOREAN),
        ("utf-8", "utf-8", CHINESE), ("utf-16", "utf-8", CHINESE),
    ],
)  # fmt: skip
def test_a_declared_encoding_is_read_as_browsers_do(label: str, codec: str, text: str) -> None:
    for meta in (
        f"<meta charset={label}>",
        f'<META  content="text/html; charset={label}" http-equiv=Content-Type>',
    ):
        page = f"<!-- <meta charset=koi8-u> --><html><head>{meta}</head><p>{text}"
        assert text in decode(page.encode(codec), html=True)
    if label != "utf-16":
        assert decode(text.encode(codec), label) == text


@pytest.mark.parametrize(
    ("codec", "text"),
    [("cp1251", RUSSIAN), ("koi8-r", RUSSIAN), ("cp932", JAPANESE),
     ("euc_jp", JAPANESE[:-2] + "人口は約千四百万人。"),
     ("iso2022_jp", JAPANESE[:-2]), ("gb18030", CHINESE), ("cp949", KOREAN), ("cp1252", GERMAN),
     ("cp1252", "A naïve word in long English text. " + "More of it follows. " * 30),
     ("utf-8", CHINESE), ("utf-8-sig", RUSSIAN), ("utf-16", KOREAN)],
)  # fmt: skip
def test_an_encoding_that_nothing_declares_is_guessed(codec: str, text: str) -> None:
    assert decode(text.encode(codec)) == text


@pytest.mark.parametrize("text", [RUSSIAN, JAPANESE, CHINESE, KOREAN, GERMAN * 3])
@pytest.mark.parametrize("broken", [b"\xff", b"\x80", b"\xe4\xb8", b"\xc0\xaf"])
@pytest.mark.parametrize("declared", [None, "utf-8"])
def test_one_bad_byte_costs_one_character(text: str, broken: bytes, declared: str | None) -> None:
    data = text.encode()
    at = len(text[:20].encode())
    found = decode(data[:at] + broken + data[at:], declared)
    assert found.replace("\ufffd", "") == text


def test_a_page_that_says_utf_8_and_is_not_is_read_all_the_same() -> None:
    assert decode(GERMAN.encode("cp1252"), "utf-8") == GERMAN


@pytest.mark.parametrize("label", ["utf-7", "unicode_escape", "hex", "rot13", "idna", "\x00", "x"])
def test_encodings_that_no_browser_knows_are_not_used(label: str) -> None:
    assert decode(b"+ADw-script+AD4- \\x41 61", label) == "+ADw-script+AD4- \\x41 61"


@given(st.binary(max_size=200), st.text(max_size=20) | st.none(), st.booleans())
def test_any_bytes_are_text(data: bytes, charset: str | None, html: bool) -> None:
    assert isinstance(decode(data, charset, html=html), str)
