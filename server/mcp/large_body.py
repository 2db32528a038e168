"""Large bodies of MCP: calls of the tool, with images and files in them, and nothing else.

The SDK reads a body several times in the event loop. For texts that costs little, however long they
are; what is no call of a tool it writes into logs and errors whole.
"""

from starlette.types import Message, Receive

from langgraph_fusion.server.body_threads import BodyThreads
from langgraph_fusion.server.errors import ApiError
from langgraph_fusion.server.json_route import parse_json

LARGE = 1 << 20
"""Bytes above which a body has to be such a call."""
_CALL = "tools/call"


async def with_calls_alone(receive: Receive, threads: BodyThreads, client: str | None) -> Receive:
    """Read the body, and return a `receive` that gives it again.

    Raises:
        ApiError: 413, if it is large and no call of a tool.
    """
    messages = list[Message]()
    size, more = 0, True
    while more:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        more = message["type"] == "http.request" and message.get("more_body", False)
    if size > LARGE and messages[-1]["type"] == "http.request":
        body = b"".join(message.get("body", b"") for message in messages)
        if not await threads.run(client, _is_call, body):
            raise ApiError(
                413,
                f"only a call of a tool (`{_CALL}`) may have more than {LARGE >> 20} MiB, for "
                "images and files in its arguments",
                code="request_too_large",
            )
        messages = [{"type": "http.request", "body": body, "more_body": False}]
    return _again(messages, receive)


def _is_call(body: bytes) -> bool:
    try:
        given = parse_json(body)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is no call
        return False
    params = given.get("params") if isinstance(given, dict) else None
    if not isinstance(params, dict) or given.get("method") != _CALL:
        return False
    return isinstance(params.get("name"), str) and isinstance(params.get("arguments"), dict)


def _again(messages: list[Message], receive: Receive) -> Receive:
    left = iter(messages)

    async def give() -> Message:
        for message in left:
            return message
        return await receive()

    return give
