import asyncio
import gzip
import io
import ipaddress
import zlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pypdf
import pytest
from aiohttp import web

from langgraph_fusion.tools.errors import ExcludedUrl, ToolFailure
from langgraph_fusion.tools.exclude import Exclusion
from langgraph_fusion.tools.fetch.fetcher import Fetcher, open_fetcher
from langgraph_fusion.tools.fetch.limits import FetchLimits
from langgraph_fusion.tools.ssrf import Guard
from tests.tools.site import Handler, html, pdf, redirect, site

HERE = [ipaddress.ip_network("127.0.0.1/32")]
ARTICLE = "<h1>Tides</h1><p>The tide at Saint-Malo rises by up to thirteen metres in spring.</p>"


@asynccontextmanager
async def fetcher(*, exclude: tuple[str, ...] = (), **limits: float) -> AsyncIterator[Fetcher]:
    settings = FetchLimits.model_validate(limits)
    async with open_fetcher(settings, Guard(HERE), Exclusion(exclude)) as opened:
        yield opened


async def failure(url: str, opened: AbstractAsyncContextManager[Fetcher] | None = None) -> str:
    async with opened or fetcher() as fetch:
        with pytest.raises(ToolFailure) as failed:
            await fetch.fetch(url)
    return failed.value.reason


async def test_a_page_becomes_markdown_with_tables_and_links() -> None:
    body = ARTICLE + (
        '<p>See the <a href="/more">long report</a> of the port for all of the measurements.</p>'
        "<table><tr><th>Port</th><th>Metres</th></tr><tr><td>Saint-Malo</td><td>13</td></tr></table>"
    )
    async with site({"/p": html(body, "Tides &amp; ports")}) as server, fetcher() as fetch:
        page = await fetch.fetch(f"{server.base}/p#part")
    assert page.url == f"{server.base}/p"
    assert "# Tides" in page.text
    assert f"[long report]({server.base}/more)" in page.text
    assert "| Saint-Malo | 13 |" in page.text
    assert "---\ntitle" not in page.text
    assert page.note == ""


async def test_host_header_and_identity_are_the_sites_own() -> None:
    async with site({"/p": html(ARTICLE)}) as server, fetcher() as fetch:
        await fetch.fetch(f"http://user:secret@{server.base.removeprefix('http://')}/p")
    headers = server.seen[0].headers
    assert headers["Host"] == server.base.removeprefix("http://")
    assert "Authorization" not in headers


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.2:{port}/",
        "http://[::1]:{port}/",
        "http://0:{port}/",
        "http://0x7f.0.0.2:{port}/",
        "http://2130706434:{port}/",
        "http://[::ffff:127.0.0.2]:{port}/",
        "http://[::127.0.0.1]:{port}/",
        "http://[64:ff9b::127.0.0.2]:{port}/",
        "http://[2002:7f00:1::]:{port}/",
        "//10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://100.64.0.1/",
        "http://[fd00::1]/",
    ],
)
async def test_a_redirect_to_a_private_address_is_refused(target: str) -> None:
    async with site({"/": html("secret")}, "127.0.0.2") as other:
        port = other.base.rpartition(":")[2]
        async with site({"/go": redirect(target.format(port=port))}) as server:
            assert await failure(f"{server.base}/go") == "blocked_address"
    assert other.seen == []


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "127.0.0.1", "0x7f.1", "[::1]"])
async def test_production_reaches_no_server_of_its_own_machine(host: str) -> None:
    async with site({"/": html("secret")}) as server:
        url = server.base.replace("127.0.0.1", host)
        async with open_fetcher(FetchLimits(), Guard(), Exclusion()) as fetch:
            with pytest.raises(ToolFailure) as failed:
                await fetch.fetch(url)
    assert failed.value.reason == "blocked_address"
    assert server.seen == []


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://x.org/", "http://[/", "http://"])
async def test_a_redirect_to_something_else_than_the_web_is_refused(target: str) -> None:
    async with site({"/go": redirect(target)}) as server:
        assert await failure(f"{server.base}/go") in ("invalid_arguments", "http_status")


async def test_redirects_are_followed_to_the_last_page() -> None:
    pages = {"/1": redirect("/2", 301), "/2": redirect("3", 307), "/3": html(ARTICLE)}
    async with site(pages) as server, fetcher() as fetch:
        assert (await fetch.fetch(f"{server.base}/1")).url == f"{server.base}/3"


async def test_an_endless_chain_of_redirects_is_given_up() -> None:
    async with site({"/": redirect("/")}) as server:
        assert await failure(f"{server.base}/", fetcher(max_redirects=2)) == "http_status"
    assert len(server.seen) == 3


async def test_cookies_are_kept_within_a_fetch_and_not_beyond() -> None:
    async def gate(request: web.Request) -> web.Response:
        if "seen" in request.cookies:
            return html(ARTICLE)
        return web.Response(status=302, headers={"Location": "/", "Set-Cookie": "seen=1"})

    loopback = Guard(ipaddress.ip_network(net) for net in ("127.0.0.0/8", "::1/128"))
    async with (
        site({"/": gate}) as server,
        open_fetcher(FetchLimits(), loopback, Exclusion()) as fetch,
    ):
        url = server.base.replace("127.0.0.1", "localhost")  # addresses have no cookies
        for _ in range(2):
            assert "thirteen" in (await fetch.fetch(url)).text
    assert len(server.seen) == 4


async def test_an_excluded_address_is_not_asked_for() -> None:
    async with site({"/open": redirect("/closed/x"), "/closed/x": html(ARTICLE)}) as server:
        rule = f"{server.base.removeprefix('http://')}/closed"
        async with fetcher(exclude=(rule,)) as fetch:
            for path, where in (("/closed/x", "fetch"), ("/open", "redirect")):
                with pytest.raises(ExcludedUrl) as stopped:
                    await fetch.fetch(server.base + path)
                assert (stopped.value.where, stopped.value.rule) == (where, rule)
                assert stopped.value.url == f"{server.base}/closed/x"
                assert stopped.value.reason == "excluded"
    assert [request.path for request in server.seen] == ["/open"]


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await response.prepare(request)
    while True:
        await response.write(b"more and more " * 4096)


async def dripping(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await response.prepare(request)
    while True:
        await response.write(b"drop ")
        await asyncio.sleep(0.05)


async def silent(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    raise AssertionError("the client waited")


async def test_an_endless_page_is_given_up() -> None:
    async with site({"/": endless}) as server:
        assert await failure(server.base, fetcher(max_bytes=1 << 20)) == "too_large"


@pytest.mark.parametrize("slow", [dripping, silent])
async def test_a_slow_page_is_given_up(slow: Handler) -> None:
    async with site({"/": slow}) as server:
        assert await failure(server.base, fetcher(timeout_s=0.3)) == "timeout"


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_zip_bomb_is_given_up(coding: str) -> None:
    zeros = b"0" * (64 << 20)
    bomb = gzip.compress(zeros) if coding == "gzip" else zlib.compress(zeros)
    headers = {"Content-Type": "text/plain", "Content-Encoding": coding}
    async with site({"/": web.Response(body=bomb, headers=headers)}) as server:
        assert len(bomb) < 1 << 20
        assert await failure(server.base, fetcher(max_bytes=1 << 20)) == "too_large"


async def test_a_compressed_page_is_read() -> None:
    body = gzip.compress(b"plain words")
    headers = {"Content-Type": "text/plain", "Content-Encoding": "gzip"}
    async with site({"/": web.Response(body=body, headers=headers)}) as server, fetcher() as fetch:
        assert (await fetch.fetch(server.base)).text == "plain words"


@pytest.mark.parametrize("media_type", ["image/png", "video/mp4", "application/zip", "font/woff2"])
async def test_a_type_without_text_is_refused(media_type: str) -> None:
    async with site({"/": web.Response(body=b"x", content_type=media_type)}) as server:
        assert await failure(server.base) == "unsupported_type"


@pytest.mark.parametrize("media_type", ["text/plain", "application/octet-stream", "text/html"])
async def test_binary_data_under_a_harmless_type_is_refused(media_type: str) -> None:
    page = web.Response(body=b"\x7fELF\x00\x01", content_type=media_type)
    async with site({"/": page}) as server:
        assert await failure(server.base) == "unsupported_type"


@pytest.mark.parametrize(
    ("status", "reason"),
    [(404, "not_found"), (410, "not_found"), (403, "http_status"), (429, "rate_limited"),
     (500, "http_status"), (304, "http_status")],
)  # fmt: skip
async def test_a_status_is_told_as_it_is(status: int, reason: str) -> None:
    async with site({"/": web.Response(status=status)}) as server:
        assert await failure(server.base) == reason


async def test_no_server_and_no_host_are_unavailable() -> None:
    assert await failure("http://127.0.0.1:1/") == "unavailable"
    assert await failure("http://no-such-host.invalid/") == "unavailable"


async def test_a_pdf_becomes_text_under_any_type() -> None:
    for media_type in ("application/pdf", "application/octet-stream", "text/html"):
        page = web.Response(body=pdf("First page", "Second page"), content_type=media_type)
        async with site({"/": page}) as server, fetcher() as fetch:
            assert (await fetch.fetch(server.base)).text == "First page\n\nSecond page"


async def test_what_a_limit_leaves_of_a_pdf_is_said() -> None:
    page = web.Response(body=pdf("one", "two", "three"), content_type="application/pdf")
    async with site({"/": page}) as server, fetcher(max_pdf_pages=2) as fetch:
        read = await fetch.fetch(server.base)
    assert (read.text, read.note) == ("one\n\ntwo", "[only the first 2 of 3 pages could be read]")


async def test_a_damaged_or_locked_pdf_is_refused() -> None:
    locked, writer = io.BytesIO(), pypdf.PdfWriter()
    writer.add_blank_page(10, 10)
    writer.encrypt("password", algorithm="RC4-128")
    writer.write(locked)
    for data in (b"%PDF-1.4 nothing", pdf("x")[:120], locked.getvalue()):
        page = web.Response(body=data, content_type="application/pdf")
        async with site({"/": page}) as server:
            assert await failure(server.base) == "unsupported_type"


@pytest.mark.parametrize(
    ("body", "header"),
    [
        ("<p>Größe 5 €</p>".encode(), "text/html"),
        ("<p>Größe 5 €</p>".encode("cp1252"), "text/html"),
        ("<p>Größe 5 €</p>".encode("iso8859-15"), "text/html; charset=iso-8859-15"),
        ('<meta charset="utf-16"><p>Größe 5 €</p>'.encode(), "text/html"),
        ('<meta charset="iso-8859-15"><p>Größe 5 €</p>'.encode("iso8859-15"), "text/html"),
        ("<p>Größe 5 €</p>".encode(), "text/html; charset=nonsense"),
        ("<p>Größe 5 €</p>".encode("utf-16"), "text/html"),
        ('<?xml version="1.0" encoding="utf-8"?><html><p>Größe 5 €</p></html>'.encode(),
         "application/xhtml+xml"),
        ("Größe 5 €".encode("utf-8-sig"), "text/plain"),
        ("Größe 5 €".encode(), "application/json"),
    ],
)  # fmt: skip
async def test_text_survives_its_encoding(body: bytes, header: str) -> None:
    page = web.Response(body=body, headers={"Content-Type": header})
    async with site({"/": page}) as server, fetcher() as fetch:
        assert (await fetch.fetch(server.base)).text == "Größe 5 €"


async def test_a_page_of_scripts_alone_says_so() -> None:
    page = web.Response(text="<html><script>app()</script></html>", content_type="text/html")
    async with site({"/": page}) as server, fetcher() as fetch:
        assert "without running its scripts" in (await fetch.fetch(server.base)).note


async def test_cancelling_a_fetch_closes_its_connection() -> None:
    closed = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        try:
            while request.transport and not request.transport.is_closing():
                await asyncio.sleep(0.01)
        finally:
            closed.set()
        return web.Response()

    async with site({"/": hang}) as server, fetcher() as fetch:
        task = asyncio.create_task(fetch.fetch(server.base))
        while not server.seen:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait_for(closed.wait(), 2)
        assert task.cancelled()


@pytest.mark.parametrize(
    "headers",
    [
        [("Content-Security-Policy", "default-src 'self'; " * 500)],
        [("Link", ", ".join(f"</a{n}.js>; rel=preload" for n in range(700)))],
        [("Set-Cookie", f"c{n}=v") for n in range(200)],
        [(f"X-{n}", "v" * 9000) for n in range(10)],
    ],
    ids=["a long policy", "many links", "many cookies", "many long ones"],
)
async def test_a_page_with_large_headers_is_read(headers: list[tuple[str, str]]) -> None:
    async def answer(_: web.Request) -> web.Response:
        response = web.Response(text=ARTICLE, content_type="text/html")
        for name, value in headers:
            response.headers.add(name, value)
        return response

    async with site({"/p": answer}) as server, fetcher() as fetch:
        assert "Saint-Malo" in (await fetch.fetch(f"{server.base}/p")).text


@pytest.mark.parametrize("body", [b"<p>a word" * 150_000, b"<div><p>a word" * 50_000])
async def test_a_page_of_endless_elements_is_read_as_words_while_others_go_on(body: bytes) -> None:
    pages = {
        "/hostile": web.Response(body=body, content_type="text/html"),
        "/small": web.Response(text="plain words"),
    }
    async with site(pages) as server, fetcher() as fetch:
        hostile = asyncio.create_task(fetch.fetch(f"{server.base}/hostile"))
        for _ in range(5):
            assert (await fetch.fetch(f"{server.base}/small")).text == "plain words"
        assert (await hostile).text.startswith("a word")


@pytest.mark.parametrize(
    ("header", "codec", "declared"),
    [
        ("", "cp1251", "windows-1251"),
        ("; charset=koi8-r", "koi8-r", "utf-8"),
        ("", "utf-8", "utf-7"),
    ],
)
async def test_the_header_counts_more_than_the_page_and_both_are_read_as_browsers_do(
    header: str, codec: str, declared: str
) -> None:
    text = "Москва стоит на реке Москве."
    body = f"<html><head><meta charset={declared}></head><body><p>{text}</p>".encode(codec)
    page = web.Response(body=body, headers={"Content-Type": f"text/html{header}"})
    async with site({"/": page}) as server, fetcher() as fetch:
        assert (await fetch.fetch(server.base)).text == text


def _raw(body: bytes, *headers: str, status: str = "HTTP/1.1 200 OK") -> bytes:
    head = "\r\n".join([status, "Content-Type: text/plain", *headers, "Connection: close"])
    return f"{head}\r\n\r\n".encode("latin-1") + body


PLAIN = b"plain words"
TWICE = gzip.compress(gzip.compress(PLAIN))
LENGTH = f"Content-Length: {len(PLAIN)}"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (_raw(TWICE, "Content-Encoding: gzip, gzip"), "compressed twice"),
        (_raw(TWICE, "Content-Encoding: GZIP,gzip"), "compressed twice"),
        (_raw(gzip.compress(PLAIN), "Content-Encoding: x-gzip"), "compressed twice"),
        (_raw(b"\x0b\x02\x80hello\x03", "Content-Encoding: br"), "compressed twice"),
        (_raw(PLAIN, "Content-Encoding: compress"), "compressed twice"),
        (_raw(PLAIN, "Content-Encoding: gzip"), "not compressed as it says"),
        (_raw(PLAIN, f"Content-Length: {len(PLAIN) + 50}"), "cut off"),
        (_raw(b"5\r\nplain\r\n", "Transfer-Encoding: chunked"), "cut off"),
        (_raw(PLAIN, LENGTH, LENGTH), "rules of HTTP"),
        (_raw(PLAIN, LENGTH, "Transfer-Encoding: chunked"), "rules of HTTP"),
        (_raw(PLAIN, LENGTH, "X Foo: bar"), "rules of HTTP"),
        (_raw(PLAIN, LENGTH, "garbage"), "rules of HTTP"),
        (_raw(PLAIN, LENGTH, status="ICY 200 OK"), "rules of HTTP"),
        (PLAIN, "rules of HTTP"),
        (b"", "closed the connection"),
    ],
)
async def test_what_is_wrong_with_an_answer_is_said_truly(answer: bytes, said: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, fetcher() as fetch:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ToolFailure) as failed:
            await fetch.fetch(f"http://127.0.0.1:{port}/")
    assert failed.value.reason == "unavailable"
    assert said in str(failed.value)


@pytest.mark.parametrize("encoding", ["", "identity", "none", "utf-8"])
async def test_an_encoding_that_is_none_hinders_nothing(encoding: str) -> None:
    headers = {"Content-Type": "text/plain", "Content-Encoding": encoding}
    page = web.Response(body=PLAIN, headers=headers)
    async with site({"/": page}) as server, fetcher() as fetch:
        assert "plain words" in (await fetch.fetch(server.base)).text
