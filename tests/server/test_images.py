"""An image through every door of the server, to models that say which colour they see."""

import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from langchain_core.messages import HumanMessage
from openai import BadRequestError

from langgraph_fusion.server.runs.client_policy import ClientPolicy
from tests.files import base64_of
from tests.graph.cast import JUDGE, PANEL, WRITER, cast
from tests.graph.images.test_who_sees import looking
from tests.images import BLUE, GREEN, RED, colours, data_url, png
from tests.server.asking import PANEL as SEATS
from tests.server.conftest import Serving
from tests.server.mcp_clients import over_http, text_of
from tests.server.remote_runnable import remote_runnable

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # LangServe calls what is old
SAW = "I see {} and was told nothing."
FUSION: Any = {"extra_body": {"fusion": SEATS}}
LOCAL = SEATS | {"allow_networks": ["127.0.0.0/8"]}


@asynccontextmanager
async def picture_site(*, body: bytes | None = None, hop: str = "") -> AsyncIterator[str]:
    """A web site on this machine: its address, without a name of a picture."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/moved":
            raise web.HTTPFound(hop or "/it")
        asked.append(request.path)
        return web.Response(body=png(BLUE) if body is None else body, content_type="text/html")

    asked: list[str] = []
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def chat(*urls: str, says: str = "Which colour is it?") -> Any:
    parts: list[Any] = [{"type": "text", "text": says}]
    parts += [{"type": "image_url", "image_url": {"url": url, "detail": "low"}} for url in urls]
    return [{"role": "user", "content": parts}]


async def test_chat_completions_whole_and_streamed(serving: Serving) -> None:
    served = await serving(looking())
    asked = chat(data_url(png(GREEN)), data_url(png(RED)))
    whole: Any = await served.client.chat.completions.create(
        model="fusion", messages=asked, **FUSION
    )
    assert whole.choices[0].message.content == SAW.format("green and red")
    assert whole.fusion["images"][0]["seen_by"] == ["A", "B", "C", "judge", "synthesizer"]
    stream: Any = await served.client.chat.completions.create(
        model="fusion", messages=asked, stream=True, **FUSION
    )
    pieces = [one.choices[0].delta.content or "" async for one in stream if one.choices]
    assert SAW.format("green and red") in "".join(pieces)


async def test_an_address_is_fetched_once_for_all_and_no_provider_is_told_it(
    serving: Serving,
) -> None:
    policy = ClientPolicy(any_setting=True)
    served = await serving(looking(), policy=policy)
    async with picture_site() as site:
        whole: Any = await served.client.chat.completions.create(
            model="fusion", messages=chat(f"{site}/moved"), extra_body={"fusion": LOCAL}
        )
    assert whole.choices[0].message.content == SAW.format("blue")
    assert all(site not in str(seen.body) for seen in served.models.requests)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:9/it.png", "not on the public internet"),
        ("http://[::ffff:169.254.169.254]/latest", "not on the public internet"),
        ("{site}/it", "not on the public internet"),
    ],
)
async def test_an_address_inside_is_refused_before_any_call(
    serving: Serving, url: str, why: str
) -> None:
    served = await serving(looking())
    async with picture_site() as site:
        with pytest.raises(BadRequestError, match=why) as told:
            await served.client.chat.completions.create(
                model="fusion", messages=chat(url.format(site=site)), **FUSION
            )
    assert told.value.param == "messages"
    assert "image 1" in str(told.value)
    assert not served.models.requests


async def test_what_is_fetched_is_judged_by_its_bytes(serving: Serving) -> None:
    served = await serving(looking(), policy=ClientPolicy(any_setting=True))
    for body, why in (
        (b"<svg/>", "no image that models read"),
        (b"\x89PNG\r\n\x1a\n" + bytes(6 << 20), "larger than 5"),
    ):
        async with picture_site(body=body) as site:
            with pytest.raises(BadRequestError, match=why):
                await served.client.chat.completions.create(
                    model="fusion", messages=chat(f"{site}/it.png"), extra_body={"fusion": LOCAL}
                )
    assert not served.models.requests


async def test_a_stored_response_goes_on_although_the_images_address_is_gone(
    serving: Serving, tmp_path: Path
) -> None:
    policy = ClientPolicy(any_setting=True)
    served = await serving(looking(), policy=policy, runs=str(tmp_path / "runs.db"))
    fusion: Any = {"extra_body": {"fusion": LOCAL}}
    async with picture_site() as site:
        parts: list[Any] = [
            {"type": "input_text", "text": "Which colours are they?"},
            {"type": "input_image", "image_url": f"{site}/it", "detail": "auto"},
            {"type": "input_image", "image_url": data_url(png(RED)), "detail": "high"},
        ]
        first: Any = await served.client.responses.create(
            model="fusion", input=[{"role": "user", "content": parts}], store=True, **fusion
        )
    assert first.output_text == SAW.format("blue and red")
    again: Any = await served.client.responses.create(
        model="fusion", input="And now?", previous_response_id=first.id, **fusion
    )
    assert again.output_text == SAW.format("blue and red")
    items: Any = await served.client.responses.input_items.list(first.id)
    assert colours([part.image_url for part in items.data[0].content[1:]]) == "blue and red"
    with pytest.raises(BadRequestError, match="image 1 could not be fetched") as told:
        await served.client.responses.create(
            model="fusion", input=[{"role": "user", "content": parts}], **fusion
        )
    assert told.value.param == "input"


async def test_more_images_than_are_read_are_refused_by_their_number(serving: Serving) -> None:
    served = await serving(looking())
    with pytest.raises(BadRequestError, match="17 images are in it, and at most 16"):
        await served.client.chat.completions.create(
            model="fusion", messages=chat(*[data_url(png())] * 17), **FUSION
        )


async def test_a_run_in_which_nobody_sees_is_a_400_with_the_way_out(serving: Serving) -> None:
    served = await serving(looking())
    blind = {"sees_images": False}
    seats = SEATS | {
        "panel": [{"model": name, **blind} for name in PANEL],
        "judge": {"model": JUDGE, **blind}, "synthesizer": {"model": WRITER, **blind},
    }  # fmt: skip
    with pytest.raises(BadRequestError, match="sees_images: true") as told:
        await served.client.chat.completions.create(
            model="fusion", messages=chat(data_url(png())), extra_body={"fusion": seats}
        )
    assert told.value.code == "images_unsupported"
    assert not served.models.requests


async def test_langserve_takes_langchains_and_openais_blocks(serving: Serving) -> None:
    served = await serving(looking())
    standard = {"type": "image", "base64": data_url(png(RED)).partition(",")[2]}
    openais = {"type": "image_url", "image_url": {"url": data_url(png(GREEN))}}
    message = HumanMessage([{"type": "text", "text": "Which?"}, standard, openais])
    async with remote_runnable(served.url) as remote:
        out = await remote.ainvoke({"messages": [message]}, config={"configurable": SEATS})
    assert out["messages"][-1].text == SAW.format("red and green")
    assert len(out["fusion"]["images"]) == 2


async def test_mcp_takes_data_urls_and_names_what_it_cannot_read(serving: Serving) -> None:
    served = await serving(looking())
    async with over_http(f"{served.url}/mcp") as session:
        (tool, *_) = (await session.list_tools()).tools
        assert tool.inputSchema["properties"]["images"]["maxItems"] == 16
        asked = {"question": "Which colour?", "images": [data_url(png(BLUE))], **SEATS}
        told = await session.call_tool("deliberate", asked)
        wrong = await session.call_tool("deliberate", asked | {"images": ["/etc/passwd"]})
    assert text_of(told) == SAW.format("blue")
    assert told.structuredContent is not None
    assert told.structuredContent["images"][0]["sha256"]
    assert wrong.isError
    assert "image 1: an image is an https address" in text_of(wrong)
    assert colours(served.models.seen_by(JUDGE)[0].images) == "blue"


async def test_an_image_of_megabytes_goes_out_in_pieces_and_arrives_whole(serving: Serving) -> None:
    served = await serving(cast())
    big = png() + bytes(3 << 20)
    whole: Any = await served.client.chat.completions.create(
        model="fusion", messages=chat(data_url(big)),
        extra_body={"fusion": SEATS | {"mode": "direct"}},
    )  # fmt: skip
    assert served.models.seen_by(WRITER)[0].images == [data_url(big)]
    assert whole.fusion["images"][0]["bytes"] == len(big)


async def test_the_estimate_counts_images_and_files(serving: Serving) -> None:
    served = await serving(cast())
    file = {"type": "file", "file": {"filename": "a.txt", "file_data": base64_of(b"word " * 4000)}}
    found = []
    async with aiohttp.ClientSession() as session:
        for parts in ([], chat(data_url(png()))[0]["content"][1:], [file]):
            asked = [{"role": "user", "content": [{"type": "text", "text": "Which?"}, *parts]}]
            body = {"model": "fusion", "messages": asked, "fusion": SEATS}
            async with session.post(f"{served.url}/v1/estimate", json=body) as answer:
                found.append((await answer.json())["total"]["input_tokens"]["likely"])
    plain, image, text = found
    assert plain + 5 * 85 <= image
    assert plain + 3 * 4000 <= text
    assert not served.models.requests


@pytest.mark.parametrize("with_file", [False, True])
async def test_a_message_without_a_word_asks_every_seat_what_it_holds(
    serving: Serving, with_file: bool
) -> None:
    served = await serving(cast())
    parts = chat(data_url(png()))[0]["content"][1:]
    file = {"type": "file", "file": {"filename": "a.txt", "file_data": base64_of(b"some words")}}
    asked: Any = [{"role": "user", "content": [*parts, file] if with_file else parts}]
    await served.client.chat.completions.create(model="fusion", messages=asked, **FUSION)
    what = "Say what the attached " + ("files hold" if with_file else "images show")
    for model in (*PANEL, JUDGE, WRITER):
        assert what in served.models.seen_by(model)[0].text


async def test_langserve_and_mcp_take_images_of_megabytes_as_chat_does(serving: Serving) -> None:
    served = await serving(cast())
    big = data_url(png() + bytes(4 << 20))
    direct = SEATS | {"mode": "direct"}
    block = {"type": "image", "base64": big.partition(",")[2]}
    message = HumanMessage([{"type": "text", "text": "Which?"}, block])
    async with remote_runnable(served.url) as remote:
        out = await remote.ainvoke({"messages": [message]}, config={"configurable": direct})
        assert out["fusion"]["images"][0]["seen_by"] == ["synthesizer"]
    async with over_http(f"{served.url}/mcp") as session:
        asked = {"question": "Which colour?", "images": [big], **direct}
        told = await session.call_tool("deliberate", asked)
        assert told.structuredContent is not None
        assert told.structuredContent["images"][0]["seen_by"] == ["synthesizer"]
    assert [seen.images for seen in served.models.seen_by(WRITER)] == [[big], [big]]


@pytest.mark.parametrize(
    "sent",
    [
        {"jsonrpc": "2.0", "id": 1, "method": "x" * (2 << 20)},
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "x" * (2 << 20)}},
        {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"a": "x" * (2 << 20)}},
        ["x" * (2 << 20)],
    ],
)
async def test_what_is_large_and_no_call_is_refused_by_mcp(serving: Serving, sent: Any) -> None:
    served = await serving(cast())
    async with aiohttp.ClientSession() as session:
        body = io.BytesIO(json.dumps(sent).encode())
        headers = {"Content-Type": "application/json"}
        async with session.post(f"{served.url}/mcp", data=body, headers=headers) as answer:
            assert answer.status == 413
            assert "only a call of a tool" in (await answer.json())["error"]["message"]
