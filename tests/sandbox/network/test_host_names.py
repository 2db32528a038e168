"""One reading of a host, which is also the C library's."""

# ruff: noqa: RUF001

import contextlib
import re
import socket
from ipaddress import ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from langgraph_fusion.sandbox.network.host_names import InvalidHost, host_name
from langgraph_fusion.sandbox.network.web_url import web_url

PIECES = [
    *("a", "example", "127", "0x7f", "1", "0", "017", ".", "-", "xn--", ":", "::1", "[", "]", "%"),
    *(
        "%00",
        "%2e",
        "\0",
        "\n",
        " ",
        "\t",
        "/",
        "@",
        "#",
        "?",
        "\\",
        "_",
        "*",
        "ü",
        "ß",
        "。",
        "．",
    ),
    *("１", "ffff", "\u200d", "\u00ad", "A", "test", "localhost", "fe80::1", "%eth0"),
]
HOSTS = st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=8).map("".join))


@pytest.mark.parametrize(
    ("text", "host"),
    [
        *(("Example.ORG", "example.org"), ("example.org.", "example.org")),
        *(("%65xample.org", "example.org"), ("bücher.test", "xn--bcher-kva.test")),
        *(("ｅｘａｍｐｌｅ。org", "example.org"), ("xn--bcher-kva.test", "xn--bcher-kva.test")),
        *(("127.0.0.1", "127.0.0.1"), ("127.1", "127.0.0.1"), ("0x7f.1", "127.0.0.1")),
        *(("2130706433", "127.0.0.1"), ("0177.0.0.1", "127.0.0.1"), ("１２７.0.0.1", "127.0.0.1")),
        *(("[::1]", "::1"), ("::1", "::1"), ("[::ffff:127.0.0.1]", "127.0.0.1")),
        *(("[::FFFF:7f00:1]", "127.0.0.1"), ("2606:2800:21F::", "2606:2800:21f::")),
    ],
)
def test_every_spelling_of_a_host_is_one_host(text: str, host: str) -> None:
    assert host_name(text) == host


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "a..",
            "a b",
            " a",
            "a\t",
            "a\nb",
            "a\0b",
            "a%00b",
            "a%2500b",
        ),
        *(
            "a/b",
            "a\\b",
            "a@b",
            "a:80",
            "a?b",
            "a#b",
            "a*b",
            "*.a",
            "a_b.test",
            "-a.test",
            "a-.test",
        ),
        *("1.2.3.4.5", "a.1", "256.1.1.1", "1.2.3.0x100", "1.2.3.4 x", "127.0.0.1\0.below.test"),
        *("fe80::1%eth0", "[fe80::1%25eth0]", "[127.0.0.1]", "[::1", "::1]", "[a]", "1::2::3"),
        *(
            "a%",
            "a%ff",
            "a" * 64 + ".test",
            ".".join(["a" * 60] * 5),
            "\ud800",
            "\u3164",
            "a\u2024b",
        ),
    ],
)
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(InvalidHost):
        host_name(text)


def read_by_the_library(host: str) -> str | None:
    """The address it takes this for without asking anybody; None if it is a name or nothing."""
    try:
        found = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError):
        return None
    return str(found[0][4][0])


@given(HOSTS)
@example("0x7f.1")
@example("::127.0.0.1")
@example("127.0.0.1\0.below.test")
@example("1.2.3.4 x")
def test_the_library_reads_a_host_as_we_do(text: str) -> None:
    with contextlib.suppress(InvalidHost):
        host = host_name(text)
        assert host_name(host) == host
        read = read_by_the_library(host)
        if re.fullmatch(r"[0-9.]+|.*:.*", host):
            assert read is not None
            assert ip_address(read) == ip_address(host)
        else:
            assert read is None
            assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*", host)


@given(HOSTS)
def test_what_the_library_takes_for_an_address_is_that_address_or_refused(text: str) -> None:
    read = read_by_the_library(text)
    if read is not None:
        with contextlib.suppress(InvalidHost):
            assert host_name(text) == host_name(read)


@given(HOSTS)
def test_a_web_address_has_the_same_host(text: str) -> None:
    with contextlib.suppress(ValueError):
        url = web_url(f"http://{text}/")
        assert url.raw_host == host_name(url.raw_host or "")
