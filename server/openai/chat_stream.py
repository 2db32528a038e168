"""The chunks of a chat completion: the answer as it is written, progress beside it.

Every chunk but that of the usage has one choice, so that a client that reads
`choices[0].delta.content` works unchanged. Progress is one more member of a chunk, `fusion`: an
event of `graph.events`, without what comes whole in the end.
"""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

from langgraph_fusion.graph.result import FusionResult
from langgraph_fusion.graph.writing.streaming_answer import LiveAnswer
from langgraph_fusion.server.errors import api_error
from langgraph_fusion.server.logging import log_surprise
from langgraph_fusion.server.openai.chat_reply import (
    additions,
    annotations_of,
    finish_of,
    tool_calls_of,
    usage_of,
)
from langgraph_fusion.server.openai.parse_request import RunRequest
from langgraph_fusion.server.openrouter.result import EXTENSION, answer_text, is_plain
from langgraph_fusion.server.public_events import public
from langgraph_fusion.server.runs.managed_run import Event, ManagedRun
from langgraph_fusion.server.sse import DONE, frame

Json = dict[str, Any]


async def chat_frames(
    run: ManagedRun, wanted: RunRequest, head: Json, *, metadata: bool
) -> AsyncGenerator[bytes, None]:
    """Yield the chunks of a run; one that fails ends with an error object, as OpenAI's do."""
    chunks = _Chunks(wanted, head, metadata=metadata)
    yield chunks.chunk({"role": "assistant", "content": ""})
    try:
        async with aclosing(run.events()) as events:
            async for event in events:
                for data in chunks.of(event):
                    yield data
    except Exception as error:  # noqa: BLE001 - the status is sent, the stream has to say it
        said = api_error(error, run.run_id)
        if said.status == 500:
            log_surprise(error, run_id=run.run_id)
        yield frame(said.body)
    yield DONE


class _Chunks:
    def __init__(self, wanted: RunRequest, head: Json, *, metadata: bool) -> None:
        self._wanted = wanted
        self._metadata = metadata
        self._head = head | {"object": "chat.completion.chunk"}
        self._answer = LiveAnswer(plain=is_plain(wanted.settings))

    def of(self, event: Event) -> Iterator[bytes]:
        """The chunks that an event gives."""
        if text := self._answer.take(event):
            yield self.chunk({"content": text})
        if event["type"] == "run.finished":
            yield from self._last(FusionResult.model_validate(event["result"]))
        elif self._wanted.progress and (told := public(event)):
            yield self.chunk({}, further={EXTENSION: told})

    def chunk(
        self, delta: Json, finish_reason: str | None = None, further: Json | None = None
    ) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        return frame(self._head | {"choices": [choice]} | (further or {}))

    def _last(self, result: FusionResult) -> Iterator[bytes]:
        if result.mode == "analysis":
            yield self.chunk({"content": answer_text(result)})
        if result.tool_calls:
            calls = [{"index": i} | call for i, call in enumerate(tool_calls_of(result))]
            yield self.chunk({"tool_calls": calls})
        further = additions(result, self._wanted, metadata=self._metadata)
        if EXTENSION in further:
            further[EXTENSION] = {"type": "run.finished", "result": further[EXTENSION]}
        yield self.chunk(annotations_of(result), finish_of(result), further)
        if self._wanted.include_usage:
            yield frame(self._head | {"choices": []} | usage_of(result))
