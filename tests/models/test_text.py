import pytest

from langgraph_fusion.models.text import MAX_DETAIL, clean_detail


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
