"""`store` and `previous_response_id`: a response that the client's next request goes on with.

Texts are stored only if the client sends `store: true`, or if the request leaves it out and the
operator keeps finished runs (`FUSION_KEEP_RUNS`). What is stored is the conversation, with the
answer, and the response as it was sent; the deliberation is no turn.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from langchain_core.messages import AIMessage, AnyMessage, ToolMessage

from langgraph_fusion.graph.journal.conversations import KeptConversation
from langgraph_fusion.graph.journal.repository import RunRepository
from langgraph_fusion.graph.result import FusionResult
from langgraph_fusion.models.loop_share import off_loop, size_of
from langgraph_fusion.server.errors import ApiError
from langgraph_fusion.server.keys.key import Key
from langgraph_fusion.server.logging import log_surprise
from langgraph_fusion.server.openai.messages import (
    FindItem,
    find_no_item,
    responses_turns,
    with_instructions,
)
from langgraph_fusion.server.openai.protocol import ResponsesBody
from langgraph_fusion.server.openrouter.result import answer_text
from langgraph_fusion.server.runs.stored_limit import is_full, refuse_when_full

Json = dict[str, Any]


@dataclass(frozen=True)
class Thread:
    """The conversation of one request, and where it is stored when there is an answer."""

    instructions: str | None
    turns: list[AnyMessage]
    client: str | None
    store: RunRepository | None
    """None if it is not to be stored."""

    @property
    def messages(self) -> list[AnyMessage]:
        return with_instructions(self.instructions, self.turns)

    @property
    def stored(self) -> bool:
        return self.store is not None

    async def keep(self, response: Json, result: Mapping[str, Any]) -> bool:
        """Store it with the answer; False if it is not stored, also for a store that fails."""
        if self.store is None:
            return False
        run_id = str(result["run_id"])
        kept = await off_loop(size_of(result), self._kept, run_id, response, result)
        try:
            await self.store.conversations.keep(response["id"], kept)
        except Exception as error:  # noqa: BLE001 - a store's failure must not cost the answer
            log_surprise(error, run_id=run_id)
            return False
        return True

    def _kept(self, run_id: str, response: Json, result: Mapping[str, Any]) -> KeptConversation:
        turns = [*self.turns, _answer(FusionResult.model_validate(result))]
        return KeptConversation.of(run_id, self.client, self.instructions, turns, response)


async def thread_of(
    body: ResponsesBody,
    store: RunRepository | None,
    key: Key | None,
    find_item: FindItem = find_no_item,
) -> Thread:
    """The conversation that the request continues or begins.

    Instructions are those of the request, as in OpenAI's API. Results of tools continue a run that
    had the earlier instructions, so these apply when the request has none.

    Raises:
        ApiError: 400, if the earlier response is not stored for this key.
    """
    client, turns, instructions = (
        key.id if key else None,
        responses_turns(body.input, find_item),
        None,
    )
    if body.previous_response_id is not None:
        earlier = await _earlier(body.previous_response_id, store, key)
        if turns and isinstance(turns[-1], ToolMessage):
            instructions = earlier.instructions
        turns = [*cast("list[AnyMessage]", earlier.messages), *turns]
    wanted = body.background if body.store is None and body.background else body.store
    kept_in = store if store is not None and _is_to_be_stored(wanted, store) else None
    return Thread(body.instructions or instructions, turns, client, kept_in)


async def within_limit(thread: Thread, body: ResponsesBody, most: int) -> Thread:
    """The thread; where as much is stored as may be, one that is not stored.

    Raises:
        ApiError: 409, then, if the request asks for its response to be stored.
    """
    if thread.store is None:
        return thread
    if body.store or body.background:
        await refuse_when_full(thread.store, thread.client, most)
        return thread
    full = await is_full(thread.store, thread.client, most)
    return replace(thread, store=None) if full else thread


def _is_to_be_stored(asked: bool | None, store: RunRepository) -> bool:
    return store.keep if asked is None else asked


async def _earlier(id: str, store: RunRepository | None, key: Key | None) -> KeptConversation:
    if store is None:
        raise _refused("this server keeps no responses; send the conversation so far in `input`")
    found = await stored_response(id, store, key)
    if found is None:
        raise _refused(
            f"no response {id!r} is stored for this key; send `store: true` with a request that is "
            "to be gone on with, or the conversation so far in `input`",
            code="previous_response_not_found",
        )
    return found


def _refused(why: str, code: str = "invalid_value") -> ApiError:
    name = "previous_response_id"
    return ApiError(400, f"{name}: {why}", code=code, param=name)


def _answer(result: FusionResult) -> AIMessage:
    calls: Any = [call.model_dump() for call in result.tool_calls]
    return AIMessage(answer_text(result), tool_calls=calls)


_ID = re.compile(r"resp_[0-9a-f]{32}")


async def stored_response(
    id: str, store: RunRepository | None, key: Key | None
) -> KeptConversation | None:
    """The response; None if there is none, also if it is another key's."""
    if store is None or not _ID.fullmatch(id):
        return None
    found = await store.conversations.find(id)
    return found if found and found.client == (key.id if key else None) else None
