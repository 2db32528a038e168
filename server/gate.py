"""What every request passes, whichever door it goes to: an id, a size limit, one error shape."""

import uuid

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from langgraph_fusion.server.errors import TooLarge
from langgraph_fusion.server.service import Service

REQUEST_ID = "x-request-id"


class Gate:
    """Plain ASGI: Starlette's `BaseHTTPMiddleware` would hide disconnects from the doors."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = f"req_{uuid.uuid4().hex}"
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (REQUEST_ID.encode(), request_id.encode()),
                ]
            await send(message)

        await self._app(scope, _limited(receive, self._service.config.max_body_bytes), send_with_id)


def _limited(receive: Receive, limit: int) -> Receive:
    read = 0

    async def receive_within_limit() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > limit:
            raise TooLarge(limit)
        return message

    return receive_within_limit
