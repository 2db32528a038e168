"""Responses that were stored, over OpenAI's API: read again, listed what they answered, deleted."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import JSONResponse

from langgraph_fusion.graph.journal.conversations import KeptConversation
from langgraph_fusion.server.errors import ApiError
from langgraph_fusion.server.openai.openapi import errors
from langgraph_fusion.server.openai.responses_items import input_items
from langgraph_fusion.server.openai.stored import stored_response
from langgraph_fusion.server.state import ServerState

router = APIRouter(prefix="/v1/responses/{response_id}", responses=errors())
Id = Annotated[str, Path(json_schema_extra={"pattern": "^resp_[0-9a-f]{32}$"})]
Json = dict[str, Any]


@router.get("")
async def retrieve_response(
    response_id: Id, request: Request, stream: bool = False
) -> JSONResponse:
    """Give a stored response again, as it was when it had ended."""
    if stream:
        raise ApiError(
            400,
            "stream: a stored response has ended and is not streamed again; leave it out",
            code="invalid_value",
            param="stream",
        )
    return JSONResponse((await _stored(response_id, request)).sent)


@router.get("/input_items")
async def list_input_items(
    response_id: Id,
    request: Request,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    order: Literal["asc", "desc"] = "desc",
    after: Annotated[str | None, Query(description="Id of the item before the first")] = None,
) -> JSONResponse:
    """List the turns that a stored response answered, those of earlier responses among them."""
    kept = await _stored(response_id, request)
    items = input_items(response_id, kept.messages[:-1])
    if order == "desc":
        items.reverse()
    rest = items[_place_after(after, items) :]
    page = rest[:limit]
    ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {}
    return JSONResponse({"object": "list", "data": page, "has_more": len(rest) > limit} | ends)


@router.delete("")
async def delete_response(response_id: Id, request: Request) -> JSONResponse:
    """Delete a stored response; those that went on with it hold its conversation still."""
    service: ServerState = request.app.state.service
    await _stored(response_id, request)
    assert service.store is not None
    await service.store.conversations.delete(response_id)
    return JSONResponse({"id": response_id, "object": "response", "deleted": True})


async def _stored(id: str, request: Request) -> KeptConversation:
    service: ServerState = request.app.state.service
    found = await stored_response(id, service.store, request.state.key)
    if found is None:
        raise ApiError(
            404,
            f"response_id: no response {id!r} is stored for this key; send `store: true` with a "
            "request whose response is to be read again",
            code="response_not_found",
            param="response_id",
        )
    return found


def _place_after(after: str | None, items: list[Json]) -> int:
    if after is None:
        return 0
    ids = [item["id"] for item in items]
    if after not in ids:
        message = f"after: the response has no input item {after!r}"
        raise ApiError(400, message, code="invalid_value", param="after")
    return ids.index(after) + 1
