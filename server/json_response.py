"""JSON responses whose content may be large: what a client has stored, a whole result."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse

from langgraph_fusion.models.loop_share import off_loop, size_of


async def json_response(
    content: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The content as JSON, which is written in a thread if it is large."""
    return await off_loop(size_of(content), JSONResponse, content, status, headers)
