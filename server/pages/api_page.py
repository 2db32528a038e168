"""What the API takes, as a page that loads nothing else."""

import json
from collections.abc import Iterator, Mapping
from html import escape
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
