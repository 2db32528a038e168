import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langgraph_fusion.models.text import (
    MAX_DETAIL,
    clean_detail,
    clean_json,
    clean_text,
    one_line,
    well_formed,
)

HOSTILE = (
    "a\x1b[31mred\x1b[0m \x1b]0;title\x07b \x1b]8;;http://x\x1b\\link\x9b2J \x1bc\r\x08"
    "\x7f\u202egnp\u2066z"
)


@pytest.mark.parametrize(
    "secret",
    [
        "sk-or-v1-0123456789abcdef",
        "sk-proj-AbCd1234EfGh5678",
        "gsk_0123456789abcdef",
        "AIzaSyA1234567890abcdefg",
        "Bearer abcdef",
        "sk-abc1********wxyz",
        "0123456789abcdef0123456789abcdef0123456789abcdef",
    ],
)
def test_what_looks_like_a_key_is_hidden(secret: str) -> None:
    assert clean_detail(f"Key {secret} is wrong.", {}) == "Key [hidden] is wrong."


def test_the_value_of_a_secret_variable_is_hidden_whatever_it_looks_like() -> None:
    env = {"VLLM_API_KEY": "open sesame", "HOME": "/root/x"}
    assert clean_detail("no open sesame at /root/x", env) == "no [hidden] at /root/x"


def test_a_page_becomes_its_title() -> None:
    page = "<!DOCTYPE html><html><head><title>502 &amp; gone</title></head><body>x</body></html>"
    assert clean_detail(page, {}) == "HTML page: 502 & gone"
    assert clean_detail("<html><body><h1>Nginx</h1> down</body>", {}) == "HTML page: Nginx down"


def test_a_detail_is_one_short_line() -> None:
    detail = clean_detail("word\n" * 500, {})
    assert len(detail) == MAX_DETAIL
    assert "\n" not in detail


def test_ordinary_words_survive() -> None:
    text = "vendor/claude-opus-4.8-20260101 has no key-value-store; token limit is 128000 < 200000"
    assert clean_detail(text, {}) == text


def test_escape_sequences_and_controls_are_removed() -> None:
    assert clean_text(HOSTILE) == "ared b link \ngnpz"


def test_an_unfinished_sequence_hides_no_escape() -> None:
    assert clean_text("before \x1b[31") == "before 31"
    assert "\x1b" not in clean_text("x\x1b]52;c;aGk=")


def test_lines_and_tabs_and_other_alphabets_stay() -> None:
    assert clean_text("eins\tzwei\r\n三 🐟 é") == "eins\tzwei\n三 🐟 é"


def test_half_a_character_becomes_the_replacement_character() -> None:
    assert clean_text("x\ud83dy") == "x\ufffdy"


def test_one_line_has_no_line_breaks() -> None:
    assert one_line(" a\n\n b\r\n\tc ") == "a b c"


def test_cleaned_json_is_the_same_json_and_safe_to_print() -> None:
    value = {"text": HOSTILE + "\ud83d \U000e0041 é"}
    printed = clean_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(printed) == value
    assert clean_text(printed) == printed
    assert "é" in printed


@pytest.mark.parametrize("end", ["\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_every_line_end_of_unicode_becomes_a_newline(end: str) -> None:
    assert clean_text(f"one{end}two") == "one\ntwo"


def test_an_unfinished_title_takes_no_more_than_its_line() -> None:
    assert clean_text("a \x1b]0;title\nthe rest") == "a \nthe rest"


def test_two_halves_are_one_character_and_a_lone_one_is_replaced() -> None:
    assert well_formed({"a\ud83d": ["\ud83d\ude00", "x\ud83d", 1, None]}) == {
        "a\ufffd": ["\U0001f600", "x\ufffd", 1, None]
    }


def test_what_is_nested_too_deeply_is_left_out() -> None:
    deep: object = "leaf"
    for _ in range(50_000):
        deep = [deep]
    kept = json.dumps(well_formed({"a": deep, "b": [["leaf"]]}))
    assert '"b": [["leaf"]]' in kept
    assert kept.count("[") < 110


@given(st.text(alphabet="\x1b\x9b\x9d[]0;mP\x07\n\r\u202e\ud83d\x00\ufeffa<>/", max_size=60))
def test_nothing_a_terminal_obeys_is_left_of_any_text(text: str) -> None:
    shown = clean_text(text)
    assert all(char in "\n\t" or char.isprintable() for char in shown)
    assert clean_text(shown) == shown
    assert "\n" not in one_line(text)


@pytest.mark.parametrize(
    "piece", ["<title", "<script", "<style>x", "sk-", "sk-a", "<a", "<html>", "Bearer ", "a" * 41]
)
def test_an_error_page_of_any_size_is_cut_in_time(piece: str) -> None:
    assert len(clean_detail("<html>" + piece * 100_000, {})) <= MAX_DETAIL
