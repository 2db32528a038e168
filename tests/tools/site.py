"""Real web sites, PDF files and a scripted chat model for the tools' tests."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import PrivateAttr

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Site:
    """A web server on a loopback address; `seen` are the requests it got."""

    base: str
    seen: list[web.Request] = field(default_factory=list)


@asynccontextmanager
async def site(
    pages: Mapping[str, web.Response | Handler], host: str = "127.0.0.1"
) -> AsyncIterator[Site]:
    """Serve these paths; a response is sent as it is, a function is asked."""
    served = Site("")

    async def answer(request: web.Request) -> web.StreamResponse:
        served.seen.append(request)
        page = pages.get(request.path)
        if page is None:
            return web.Response(status=404)
        if isinstance(page, web.Response):
            return web.Response(body=page.body, status=page.status, headers=page.headers)
        return await page(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app, host=host) as server:
        served.base = f"http://{host}:{server.port}"
        yield served


def html(body: str, title: str = "A title") -> web.Response:
    text = f"<html><head><title>{title}</title></head><body><article>{body}</article></body></html>"
    return web.Response(text=text, content_type="text/html")


def redirect(location: str, status: int = 302) -> web.Response:
    return web.Response(status=status, headers={"Location": location})


def pdf(*pages: str) -> bytes:
    """A PDF of one line of text per page."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for n, text in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * n} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    return _assembled(objects)


def _assembled(objects: Sequence[str]) -> bytes:
    out, offsets = b"%PDF-1.4\n", list[int]()
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    return (
        out
        + (
            f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
            f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
        ).encode()
    )


class ScriptedModel(BaseChatModel):
    """Calls the given tools, one per turn, and then says "done"."""

    calls: list[tuple[str, dict[str, Any]]]
    _schemas: list[dict[str, Any]] = PrivateAttr(default_factory=list)
    _left: Iterator[tuple[str, dict[str, Any]]] = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        self._left = iter(self.calls)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    @property
    def schemas(self) -> list[dict[str, Any]]:
        return self._schemas

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> Runnable[Any, AIMessage]:
        self._schemas[:] = [convert_to_openai_tool(tool)["function"] for tool in tools]
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        message, call = AIMessage("done"), next(self._left, None)
        if call is not None:
            name, args = call
            message = AIMessage("", tool_calls=[{"name": name, "args": args, "id": name}])
        return ChatResult(generations=[ChatGeneration(message=message)])
