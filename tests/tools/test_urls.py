import pytest

from langgraph_fusion.tools.urls import canonical_url, web_url

SAME = [
    "https://example.org/a?a=1&b=2",
    "HTTP://WWW.Example.ORG.:80/a/?utm_source=x&b=2&a=1#part",
    "http://user:pw@ex%61mple.org/./x/../a?b=2&a=1&fbclid=1&gclid=2&msclkid=3&mc_cid=4",
    "https://example.org:443/%61?a=1&b=2#:~:text=x",
    "http://example\u3002org/a?a=1&b=2",
]
DIFFERENT = [
    "https://example.org/a",
    "https://example.org/A?a=1&b=2",
    "https://example.org:8443/a?a=1&b=2",
    "https://sub.example.org/a?a=1&b=2",
    "https://example.org/a?a=1&b=3",
    "https://example.org/a%2F?a=1&b=2",
    "https://example.org/a?a=1&b=2&source=7&reference=3",
]


@pytest.mark.parametrize("url", SAME)
def test_spellings_of_one_page_have_one_canonical_url(url: str) -> None:
    assert canonical_url(url) == "https://example.org/a?a=1&b=2"


def test_different_pages_keep_different_canonical_urls() -> None:
    assert len({canonical_url(url) for url in [SAME[0], *DIFFERENT]}) == len(DIFFERENT) + 1


def test_a_canonical_url_is_its_own_canonical_url() -> None:
    for url in [
        *SAME,
        *DIFFERENT,
        "https://b\u00fccher.de/\u00fc?\u00f6=\u00e4 &=",
        "http://[::1]:9/",
    ]:
        assert canonical_url(canonical_url(url)) == canonical_url(url)


def test_a_passage_of_a_document_keeps_its_lines() -> None:
    assert canonical_url("docs:a/b.md#L1-L9") == "docs:a/b.md#L1-L9"


@pytest.mark.parametrize("text", ["", "http://", "no url", "javascript:alert(1)", "http://[x/"])
def test_what_is_no_url_stays_as_it_is(text: str) -> None:
    assert canonical_url(text) == text


@pytest.mark.parametrize(
    "text", ["file:///etc/passwd", "ftp://x.org/", "http://", "//x.org", "x.org", "http://a b/",
             "http://example.org\\@other.org/", "http://x.org:99999/", "http://%00/"]
)  # fmt: skip
def test_only_absolute_http_addresses_are_web_urls(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        web_url(text)


@pytest.mark.parametrize(
    "host",
    ["0x7f.1", "2130706433", "127.1", "017700000001", "127.0.0.1.", "[::ffff:127.0.0.1]",
     "[::ffff:7f00:1]", "%31%32%37.1"],
)  # fmt: skip
def test_every_spelling_of_an_address_is_read_as_the_address(host: str) -> None:
    assert web_url(f"http://{host}/").host == "127.0.0.1"
