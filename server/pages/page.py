"""The page: ask a panel, watch it, read why the answer says what it says, find past runs again.

Everything is rendered here, from the templates of `web/`; one script of this server brings a run
that is under way to life. The content-security policy allows nothing else.
"""

from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from langgraph_fusion.graph.journal.detached_runs import Head
from langgraph_fusion.graph.journal.stored_result import stored_result
from langgraph_fusion.server.openai.models import listed_presets
from langgraph_fusion.server.pages.session import end_session, set_session
from langgraph_fusion.server.request_context import request_context
from langgraph_fusion.server.state import server_state

router = APIRouter(include_in_schema=False)
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": CSP,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_KINDS = {"page.css": "text/css", "page.js": "text/javascript"}
_PAGE = 20
_LINKS = {
    "/docs": "The API",
    "/v1/models": "Models",
    "/readyz": "Ready?",
    "/fusion/playground/": "LangServe",
    "/openapi.json": "OpenAPI",
}
_EXAMPLE = """from openai import OpenAI

client = OpenAI(base_url="{url}v1", api_key="none")
reply = client.chat.completions.create(
    model="fusion", messages=[{{"role": "user", "content": "Which heat pump suits a 1930s house?"}}]
)
print(reply.choices[0].message.content)"""


@router.get("/")
async def home(
    request: Request,
    q: Annotated[str, Query(max_length=200)] = "",
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    """Show the form that asks, and past runs; without a key the form that takes one."""
    from langgraph_fusion.web.ask_form import ask_fields, attach_limits

    state = server_state(request)
    if _is_stranger(request):
        return _shown(request, "sign_in.html", wrong=False)
    runs, more = await _past_runs(request, q, offset)
    presets = await listed_presets(state.config.policy)
    return _shown(
        request,
        "home.html",
        presets=presets,
        default=state.config.policy.default_preset,
        fields=ask_fields(trusted=state.config.policy.any_setting),
        limits=attach_limits(state.config.max_body_bytes),
        runs=runs,
        more=more,
        next=offset + _PAGE,
        q=q,
        kept=state.store is not None,
        example=_EXAMPLE.format(url=request.base_url),
        links={path: about for path, about in _LINKS.items() if _is_served(path)},
    )


@router.get("/runs/{run_id}")
async def run_page(run_id: Annotated[str, Path(max_length=100)], request: Request) -> Response:
    """Show a run: live while it works, whole when it has finished."""
    from langgraph_fusion.graph.result import FusionResult
    from langgraph_fusion.web.ask_form import attach_limits
    from langgraph_fusion.web.timeline import timeline_of
    from langgraph_fusion.web.view import ReportView

    state = server_state(request)
    if _is_stranger(request):
        return RedirectResponse("/", 303, _HEADERS)
    client = request_context(request, "page").client
    head = await state.detached.head(run_id, state.store) if state.store else None
    if head is None or state.store is None or head.response or head.client != client:
        return _shown(request, "gone.html", status=404)
    found = await stored_result(state.store, run_id) if head.now == "finished" else None
    if found is None:
        return _shown(request, "run.html", run=head, title=head.question, view=None, timeline=None)
    view = ReportView(FusionResult.model_validate(found))
    timeline = timeline_of(view.result.bill.calls)
    limits = attach_limits(state.config.max_body_bytes)
    return _shown(
        request, "run.html", run=head, title=view.title, view=view, timeline=timeline, limits=limits
    )


@router.get("/static/{name}")
async def static(name: str, request: Request) -> Response:
    """Give the style and the script of the pages."""
    if name not in _KINDS:
        return _shown(request, "gone.html", status=404)
    headers = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
    return Response(_asset(name), media_type=_KINDS[name], headers=headers)


@router.post("/session")
async def sign_in(request: Request) -> Response:
    """Take a key from the form and keep it in a cookie, if it is one of this server's."""
    state = server_state(request)
    given = parse_qs((await request.body()).decode("utf-8", "replace"))
    token = given.get("key", [""])[0].strip()
    if state.keys is None:
        return RedirectResponse("/", 303, _HEADERS)
    key = await state.keys.find(token) if token else None
    if key is None or key.for_metrics:
        return _shown(request, "sign_in.html", status=400, wrong=True)
    response = RedirectResponse("/", 303, _HEADERS)
    set_session(response, token, secure=request.url.scheme == "https")
    return response


@router.post("/session/end")
async def sign_out(request: Request) -> Response:
    """Forget the browser's key."""
    response = RedirectResponse("/", 303, _HEADERS)
    end_session(response)
    return response


async def _past_runs(request: Request, q: str, offset: int) -> tuple[list[Head], bool]:
    state = server_state(request)
    if state.store is None:
        return [], False
    client = request_context(request, "page").client
    return await state.detached.listed(client, state.store, words=q, offset=offset, limit=_PAGE)


def _shown(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    from langgraph_fusion.web.templates import render

    signed_in = request.state.key is not None
    page = render(template, version=_version(), signed_in=signed_in, **values)
    return HTMLResponse(page, status, _HEADERS)


def _is_stranger(request: Request) -> bool:
    """Whether the server asks for keys and the browser has sent none that it knows."""
    return server_state(request).keys is not None and request.state.key is None


def _is_served(path: str) -> bool:
    return path != "/fusion/playground/" or find_spec("langserve") is not None


@cache
def _asset(name: str) -> bytes:
    return files("langgraph_fusion.web").joinpath("static", name).read_bytes()


@cache
def _version() -> str:
    """Changes with the assets, so that a browser does not use old ones."""
    from hashlib import sha256

    return sha256(b"".join(map(_asset, _KINDS))).hexdigest()[:12]
