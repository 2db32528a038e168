import os

import pytest
from aiohttp import web
from yarl import URL

from langgraph_fusion.models.proxies import proxy_for
from tests.models.scripted_models import vllm
from tests.scripted import scripted_server, text


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("variable", "value", "url", "proxy"),
    [
        ("HTTPS_PROXY", "http://gate:3128", "https://a.example/v1", "http://gate:3128"),
        ("https_proxy", "gate:3128", "https://a.example/v1", "http://gate:3128"),
        ("HTTPS_PROXY", "http://gate:3128", "http://a.example/v1", None),
        ("HTTP_PROXY", "http://u:p@gate:3128", "http://a.example/v1", "http://u:p@gate:3128"),
        ("ALL_PROXY", "http://gate:3128", "https://a.example/v1", "http://gate:3128"),
        ("NO_PROXY", "a.example", "https://a.example/v1", None),
    ],
)
def test_the_environment_names_the_proxy(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, url: str, proxy: str | None
) -> None:
    monkeypatch.setenv(variable, value)
    assert proxy_for(URL(url)) == (URL(proxy) if proxy else None)


@pytest.mark.parametrize(
    ("entry", "reached", "not_reached"),
    [
        ("*", ["http://a.example", "http://127.0.0.1"], []),
        ("a.example", ["http://a.example", "http://b.a.example"], ["http://ba.example"]),
        (".a.example", ["http://b.a.example"], ["http://a.example", "http://ba.example"]),
        ("*.a.example", ["http://b.a.example"], ["http://a.example"]),
        ("A.Example", ["http://a.EXAMPLE"], []),
        ("a.example:8080", ["http://a.example:8080"], ["http://a.example"]),
        ("127.0.0.1", ["http://127.0.0.1:9"], ["http://127.0.0.2"]),
        ("0.0.1", [], ["http://127.0.0.1"]),
        ("10.0.0.0/8", ["http://10.1.2.3"], ["http://11.0.0.1", "http://ten.example"]),
        ("::1", ["http://[::1]:9"], ["http://[::2]"]),
        ("[::1]", ["http://[::1]:9"], ["http://[::2]"]),
        ("fe80::/10", ["http://[fe80::1]"], ["http://[::1]"]),
        ("localhost", ["http://localhost:1"], ["http://127.0.0.1"]),
        ("http://a.example", ["http://a.example"], ["https://a.example"]),
        (" , b.example ,", ["http://b.example"], ["http://a.example"]),
    ],
)
def test_what_is_reached_directly(
    monkeypatch: pytest.MonkeyPatch, entry: str, reached: list[str], not_reached: list[str]
) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://gate:3128")
    monkeypatch.setenv("NO_PROXY", entry)
    assert [url for url in reached if proxy_for(URL(url))] == []
    assert [url for url in not_reached if not proxy_for(URL(url))] == []


async def test_a_call_goes_through_the_proxy_and_shows_it_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[str, str]] = []

    async def pass_on(request: web.BaseRequest) -> web.Response:
        asked.append((str(request.url), request.headers.get("Proxy-Authorization", "")))
        reply = '{"choices": [{"message": {"content": "Yes."}, "finish_reason": "stop"}]}'
        return web.Response(text=reply, content_type="application/json")

    runner = web.ServerRunner(web.Server(pass_on))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    monkeypatch.setenv("HTTP_PROXY", f"http://ann:secret@127.0.0.1:{port}")
    assert (await vllm("http://models.example/v1").ainvoke("Why?")).text == "Yes."
    assert asked == [("http://models.example/v1/chat/completions", "Basic YW5uOnNlY3JldA==")]
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    async with scripted_server(lambda seen: text("No.")) as server:
        assert (await vllm(server.base_url).ainvoke("Why?")).text == "No."
    await runner.cleanup()
