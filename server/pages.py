"""Pages for people: what this server is, and what its API takes; they load nothing else."""

import json
from collections.abc import Iterator, Mapping
from html import escape
from importlib.util import find_spec
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

router = APIRouter(include_in_schema=False)
Json = Mapping[str, Any]
_HEAD = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>langgraph-fusion</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code,pre{background:#8882;border-radius:4px;padding:.1em .3em}pre{padding:1em;overflow:auto}
summary{cursor:pointer}</style>"""
_CSP = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
_EXAMPLE = """from openai import OpenAI

client = OpenAI(base_url="{url}v1", api_key="none")
reply = client.chat.completions.create(
    model="fusion", messages=[{{"role": "user", "content": "Which heat pump suits a 1930s house?"}}]
)
print(reply.choices[0].message.content)"""
_PLAYGROUND = "/fusion/playground/"
_LINKS = {
    _PLAYGROUND: "a form to ask in the browser",
    "/docs": "every path and body of the API",
    "/v1/models": "what may stand in <code>model</code>",
    "/readyz": "whether a deliberation can start now",
    "/metrics": "what was counted, for Prometheus",
    "/openapi.json": "the API for programs",
}


@router.get("/")
async def home(request: Request) -> HTMLResponse:
    """Say what this server is and where to go on."""
    known = [path for path in _LINKS if path != _PLAYGROUND or find_spec("langserve")]
    items = "".join(f'<li><a href="{path}">{path}</a>: {_LINKS[path]}</li>' for path in known)
    example = escape(_EXAMPLE.format(url=request.base_url))
    return HTMLResponse(
        f"{_HEAD}<h1>langgraph-fusion</h1><p>A panel of models researches a question, a judge "
        "compares their answers, and one answer is written with checked citations. Any OpenAI "
        f"client can ask here:</p><pre>{example}</pre><ul>{items}</ul>",
        headers=_CSP,
    )


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """Show the OpenAPI document as a page."""
    document = request.app.openapi()
    parts = "".join(_operations(document))
    return HTMLResponse(f"{_HEAD}<h1>The API</h1>{parts}", headers=_CSP)


def _operations(document: Json) -> Iterator[str]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            about = operation.get("description") or operation.get("summary") or ""
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            name = str(body.get("schema", {}).get("$ref", "")).rpartition("/")[2]
            yield f"<h2><code>{method.upper()} {escape(path)}</code></h2><p>{escape(about)}</p>"
            if schema := document.get("components", {}).get("schemas", {}).get(name):
                yield _fields(name, schema)


def _fields(name: str, schema: Json) -> str:
    shown = escape(json.dumps(schema, indent=2, ensure_ascii=False))
    return f"<details><summary>{escape(name)}</summary><pre>{shown}</pre></details>"
