"""Routes whose body is JSON of a client: large ones are parsed and checked outside of the loop."""

import json
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from langgraph_fusion.server.body_threads import LARGE
from langgraph_fusion.server.runs.cancellation import cancel_on_disconnect
from langgraph_fusion.server.state import server_state

T = TypeVar("T")
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class JsonRoute(APIRoute):
    """FastAPI's route; a large body comes to it as the model that it asks for."""

    def get_route_handler(self) -> Handler:
        answer = super().get_route_handler()
        if self.body_field is None:
            return answer
        kind: Any = self.body_field.field_info.annotation
        model: TypeAdapter[Any] = TypeAdapter(kind)

        async def answer_in_turn(request: Request) -> Response:
            with suppress(ClientDisconnect):  # FastAPI meets it again, and says so
                body = await request.body()
                if len(body) > LARGE and _is_json(request):
                    request._json = await _in_thread(request, _read, model, body)
            await server_state(request).manager.turns.turn()
            return await answer(request)

        return answer_in_turn


async def understand(request: Request, read: Callable[..., T], *args: Any, heavy: bool) -> T:
    """Call `read`, in a thread if the body is large or `heavy` to understand.

    Raises:
        ClientGone: If the client went before it had its turn.
    """
    if heavy or len(await request.body()) > LARGE:
        return await _in_thread(request, read, *args)
    return read(*args)


async def _in_thread(request: Request, work: Callable[..., T], *args: Any) -> T:
    key = request.state.key
    done = server_state(request).threads.run(key.id if key else None, work, *args)
    return await cancel_on_disconnect(request.receive, done)


def parse_json(body: bytes) -> Any:
    """The value of a JSON text.

    Raises:
        HTTPException: 400, if it is none.
    """
    try:
        return json.loads(body.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise HTTPException(400, "body: it cannot be read; send JSON in UTF-8") from None
    except ValueError as error:
        wrong = {"type": "json_invalid", "loc": ("body",), "msg": str(error), "input": {}}
        raise RequestValidationError([wrong]) from None


def _read(model: TypeAdapter[Any], body: bytes) -> Any:
    given = parse_json(body)
    try:
        return model.validate_python(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        placed = [{**one, "loc": ("body", *one["loc"])} for one in found]
        raise RequestValidationError(placed, body=given) from None


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind.startswith("application/") and kind.endswith(("/json", "+json"))
