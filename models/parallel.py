"""How many calls a provider is sent at the same time.

`FUSION_PARALLEL` says it for any provider: `local=4,ollama=2,openrouter=8`. Where it does not, a
server on this machine is asked: llama.cpp states its slots, LM Studio what a loaded model takes;
vLLM and SGLang make batches of whatever comes. Ollama says nothing, but reads OLLAMA_NUM_PARALLEL.
A server that says nothing gets one call at a time. Other providers have no limit here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from langgraph_fusion.models.depth import DEPTH, depth
from langgraph_fusion.models.errors import ModelConfigError
from langgraph_fusion.models.providers import ModelRef, Provider, providers
from langgraph_fusion.models.server_queue import ServerQueue

if TYPE_CHECKING:
    from aiohttp import ClientSession

VARIABLE = "FUSION_PARALLEL"
_OLLAMA = "OLLAMA_NUM_PARALLEL"
_ASK_TIMEOUT_S = 2.0
_FRESH_S = 300.0
"""How long what a server said is believed: it may be started anew with other slots. Ours."""
_BATCHING = ("vllm", "sglang")
_UNLIMITED = 10_000
_MOST = 10_000


@lru_cache(maxsize=8)
def chosen_limits(text: str) -> Mapping[str, int]:
    """Read `FUSION_PARALLEL`.

    Raises:
        ModelConfigError: If it names no provider or no number from 1.
    """
    found: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = (piece.strip() for piece in part.partition("="))
        name = name.lower().replace("-", "_")
        fine = number.isascii() and number.isdigit() and 0 < int(number[:9]) <= _MOST
        if name not in providers() or not fine:
            raise ModelConfigError(
                f"`{VARIABLE}` has `{part}`: write provider=calls, as in `local=2,ollama=1`."
            )
        found[name] = int(number)
    return found


async def queue_for(ref: ModelRef, env: Mapping[str, str] = os.environ) -> ServerQueue | None:
    """Return the queue in which calls of this model stand; None for a provider without a limit.

    Raises:
        ModelConfigError: If `FUSION_PARALLEL` cannot be read.
    """
    given, provider = env.get(VARIABLE, ""), providers()[ref.provider]
    if not given and not provider.on_this_machine:
        return None
    chosen = chosen_limits(given).get(ref.provider)
    if chosen is None and not provider.on_this_machine:
        return None
    return await _queues().of(provider, provider.address(env) or "", chosen, env)


class _Queues:
    """The queues of this process, by address."""

    def __init__(self) -> None:
        self._queues: dict[str, ServerQueue] = {}
        self._asked: dict[str, float] = {}

    async def of(
        self, provider: Provider, address: str, chosen: int | None, env: Mapping[str, str]
    ) -> ServerQueue:
        queue = self._queues.get(address)
        if chosen is not None:
            return self._set(address, chosen)
        fresh = time.monotonic() - self._asked.get(address, -_FRESH_S) < _FRESH_S
        if queue is not None and fresh:
            return queue
        said = await learned_limit(provider, address, env)
        if said is not None:
            self._asked[address] = time.monotonic()
        return self._set(address, said or (queue.limit if queue else 1))

    def _set(self, address: str, limit: int) -> ServerQueue:
        queue = self._queues.setdefault(address, ServerQueue(limit))
        if queue.limit != limit:
            queue.set_limit(limit)
        return queue


@cache
def _queues() -> _Queues:
    return _Queues()


async def learned_limit(
    provider: Provider, address: str, env: Mapping[str, str] = os.environ
) -> int | None:
    """Ask a server on this machine how many calls it works on at a time; None: no answer."""
    import aiohttp

    if provider.name == "ollama":
        number = env.get(_OLLAMA, "").strip()
        return int(number) if number.isascii() and number.isdigit() and int(number) > 0 else 1
    key = env.get(provider.key or "", "").strip()
    headers = {DEPTH: str(depth.get() + 1)} | ({"Authorization": f"Bearer {key}"} if key else {})
    limit = aiohttp.ClientTimeout(total=_ASK_TIMEOUT_S)
    root = address.removesuffix("/v1")
    async with aiohttp.ClientSession(timeout=limit, headers=headers) as session:
        props = await _json(session, f"{root}/props")
        if slots := _positive(props.get("total_slots")):
            return slots
        listed = await _json(session, f"{address}/models")
        rows = [row for row in _list(listed.get("data")) if isinstance(row, dict)]
        if rows and all(row.get("owned_by") in _BATCHING for row in rows):
            return _UNLIMITED
        if provider.name == "lmstudio":
            loaded = await _json(session, f"{root}/api/v1/models")
            if parallel := _least_parallel(loaded):
                return parallel
        return 1 if listed else None


def _least_parallel(loaded: Mapping[str, Any]) -> int | None:
    """LM Studio's `parallel` of the loaded models, the smallest."""
    models = [one for one in _list(loaded.get("models")) if isinstance(one, dict)]
    instances = [each for one in models for each in _list(one.get("loaded_instances"))]
    configs = [each.get("config") for each in instances if isinstance(each, dict)]
    said = [_positive(one.get("parallel")) for one in configs if isinstance(one, dict)]
    return min((one for one in said if one), default=None)


async def _json(session: ClientSession, url: str) -> Mapping[str, Any]:
    """What the server says there; nothing if it says nothing that can be read."""
    import aiohttp

    try:
        async with session.get(url, allow_redirects=False) as response:
            found = await response.json(content_type=None) if response.status == 200 else None
    except (aiohttp.ClientError, TimeoutError, ValueError, OSError):
        return {}
    return found if isinstance(found, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _positive(value: object) -> int | None:
    return value if type(value) is int and 0 < value <= _MOST else None
