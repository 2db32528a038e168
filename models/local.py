"""Find model servers on this machine, and what they serve."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from langgraph_fusion.models.depth import DEPTH, depth
from langgraph_fusion.models.providers import ModelRef, Provider, providers

if TYPE_CHECKING:
    from aiohttp import ClientSession

OWNER = "langgraph-fusion"
"""Who owns the models that `fusion serve` lists: they are panels, and sit in no panel."""


@dataclass(frozen=True)
class LocalServer:
    """A server that answered."""

    provider: str
    base_url: str
    models: tuple[ModelRef, ...]
    """What it serves, without embedding models, in the server's order."""
    contexts: Mapping[ModelRef, int] = field(default_factory=dict)
    """Tokens that prompt and reply of a model may have together, where the server says so."""


def local_addresses(env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return where a local server is looked for, by provider."""
    found = {p.name: p.address(env) for p in providers().values() if p.on_this_machine}
    return {name: url for name, url in found.items() if url}


async def local_servers(
    env: Mapping[str, str] = os.environ, *, timeout_s: float = 1.0
) -> list[LocalServer]:
    """Return the local servers that answer within the time, all asked at once."""
    import aiohttp

    limit = aiohttp.ClientTimeout(total=timeout_s)
    async with aiohttp.ClientSession(timeout=limit) as session:
        asked = [
            _ask(session, providers()[name], url, env) for name, url in local_addresses(env).items()
        ]
        return [server for server in await asyncio.gather(*asked) if server]


async def _ask(
    session: ClientSession, provider: Provider, url: str, env: Mapping[str, str]
) -> LocalServer | None:
    import aiohttp

    key = env.get(provider.key or "")
    headers = {DEPTH: str(depth.get() + 1)} | ({"Authorization": f"Bearer {key}"} if key else {})
    try:
        async with session.get(f"{url}/models", headers=headers) as response:
            response.raise_for_status()
            listed = await response.json()
    except (aiohttp.ClientError, TimeoutError, ValueError, OSError):
        return None  # nothing there, or no model server
    entries = [entry for entry in listed.get("data") or [] if isinstance(entry, dict)]
    if entries and all(entry.get("owned_by") == OWNER for entry in entries):
        return None
    named = [(str(entry.get("id") or ""), entry) for entry in entries]
    chat = {ModelRef(provider.name, name): one for name, one in named if _may_chat(name)}
    contexts = {ref: tokens for ref, entry in chat.items() if (tokens := _context(entry))}
    return LocalServer(provider.name, url, tuple(chat), contexts)


def _may_chat(name: str) -> bool:
    return bool(name) and "embed" not in name


def _context(entry: Mapping[str, Any]) -> int | None:
    """The context of a served model, as vLLM, LM Studio and llama.cpp state it in their lists."""
    meta = entry.get("meta")
    stated = meta if isinstance(meta, dict) else {}
    places = (
        entry.get("max_model_len"), entry.get("loaded_context_length"),
        entry.get("context_length"), stated.get("n_ctx"), stated.get("n_ctx_train"),
    )  # fmt: skip
    return next((one for one in places if type(one) is int and one > 0), None)
