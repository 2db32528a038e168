"""How much one client may have stored: what a client has asked for stays until he deletes it."""

from langgraph_fusion.graph.journal.repository import RunRepository
from langgraph_fusion.server.errors import ApiError


async def is_full(store: RunRepository, client: str | None, most: int) -> bool:
    """Whether as many runs and responses are stored for the client as one may have."""
    return await store.stored.number(client, most) >= most


async def refuse_when_full(store: RunRepository, client: str | None, most: int) -> None:
    """Do nothing as long as the client may store one more.

    Raises:
        ApiError: 409, which a client does not repeat by itself.
    """
    if not await is_full(store, client, most):
        return
    refused = ApiError(
        409,
        f"{most} runs and responses are stored for this key, as many as one may have; delete some "
        "(`DELETE /v1/runs/ID`, `DELETE /v1/responses/ID`)",
        code="too_many_stored",
    )
    refused.headers["x-should-retry"] = "false"
    raise refused
