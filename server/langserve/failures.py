"""How a LangServe stream ends when its run fails: with the reason, in the words of every door.

LangServe sends an error that says nothing, since any exception may hold a secret, and raises on.
"""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, cast

from sse_starlette import EventSourceResponse
from starlette.responses import Response

from langgraph_fusion.server.errors import api_error
from langgraph_fusion.server.logging import log_surprise

Events = AsyncGenerator[Any, None]


def naming_failures(response: Response) -> Response:
    """The same response; a stream in it names why it failed."""
    if isinstance(response, EventSourceResponse):
        response.body_iterator = _named(cast("Events", response.body_iterator))
    return response


async def _named(events: Events) -> Events:
    try:
        async with aclosing(events):
            async for event in events:
                if event["event"] != "error":
                    yield event
    except Exception as error:  # noqa: BLE001 - the status is sent, the stream has to say it
        said = api_error(error)
        if said.status == 500:
            log_surprise(error)
        data = {"status_code": said.status, "message": str(said)} | said.body
        yield {"event": "error", "data": json.dumps(data)}
