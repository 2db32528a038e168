"""Which models read images: what their provider's list of models says, else LangChain's profiles.

OpenRouter states `architecture.input_modalities` (openrouter.ai/docs, "list available models"),
Mistral `capabilities.vision`, llama.cpp `capabilities: ["completion", "multimodal"]`, LM Studio
`type: "vlm"`. LangChain's profiles are facts of models.dev that its packages ship. What neither
knows is None: unknown, not blind.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Mapping
from typing import Any

from langgraph_fusion.models.errors import ModelConfigError
from langgraph_fusion.models.providers import ModelRef, Provider, providers

TIMEOUT_S = 5.0
"""For a list of models; a run with images waits for it."""
_FRESH_S, _RETRY_S = 3600.0, 30.0
"""How long a list is taken as it was, and how long one that could not be had is not asked again."""
_SEES = frozenset({"image", "vision", "multimodal"})
_MOST_BYTES = 32 << 20

Facts = Mapping[str, bool]
"""By a provider's own name of a model."""
_lists: dict[tuple[str, str], tuple[float, Facts]] = {}
"""By provider and address: until when it holds, and what it says."""


async def models_that_read_images(
    refs: Iterable[ModelRef], env: Mapping[str, str] = os.environ
) -> dict[ModelRef, bool | None]:
    """What is known of each model; None where nothing is.

    Models of `offline` are programs and read none. Lists are fetched once an hour, side by side.
    """
    asked = list(dict.fromkeys(refs))
    known = await asyncio.to_thread(lambda: {ref: _profiled(ref, env) for ref in asked})
    open_ = dict.fromkeys(ref.provider for ref, seen in known.items() if seen is None)
    lists = await asyncio.gather(*(_listed(providers()[name], env) for name in open_))
    facts = dict(zip(open_, lists, strict=True))
    return {
        ref: _stated(ref.name, facts[ref.provider]) if seen is None else seen
        for ref, seen in known.items()
    }


def _profiled(ref: ModelRef, env: Mapping[str, str]) -> bool | None:
    """What a profile says of the model; loads the provider's package, so for a thread."""
    if ref.provider == "offline":
        return False
    provider = providers()[ref.provider]
    if ref.provider != "openai" and provider.speaks_openai:
        return None  # names of their own, which no profile knows
    profile: Any = getattr(_in_langchain(ref, env), "profile", None) or {}
    sees = profile.get("image_inputs")
    return sees if isinstance(sees, bool) else None


def _in_langchain(ref: ModelRef, env: Mapping[str, str]) -> Any:
    """The model in LangChain's own class, whose package has its profile; None if it has none."""
    from langgraph_fusion.models.factory import chat_model

    try:
        if ref.provider != "openai":
            return chat_model(ref, env=env)
        from langchain_openai import ChatOpenAI
        from pydantic import SecretStr

        return ChatOpenAI(model=ref.name, api_key=SecretStr("never sent"))
    except (ModelConfigError, ImportError, ValueError):
        return None  # the run itself says what is wrong


def _stated(name: str, facts: Facts) -> bool | None:
    """Of a name, or of the model without a variant such as `:free` or a `~` that floats."""
    bare = name.lstrip("~")
    names = (name, bare, bare.rpartition(":")[0])
    return next((facts[one] for one in names if one in facts), None)


async def _listed(provider: Provider, env: Mapping[str, str]) -> Facts:
    address = provider.address(env) if provider.speaks_openai else None
    if not address:
        return {}
    place = (provider.name, address)
    until, facts = _lists.get(place, (0.0, {}))
    if time.monotonic() < until:
        return facts
    found = await _fetched(provider, address, env)
    lasts = _RETRY_S if found is None else _FRESH_S
    _lists[place] = (time.monotonic() + lasts, found or facts)
    return found or facts


async def _fetched(provider: Provider, address: str, env: Mapping[str, str]) -> Facts | None:
    """What the list says; None if there is none."""
    import aiohttp

    from langgraph_fusion.models.depth import DEPTH, depth

    key = env.get(provider.key or "", "").strip()
    headers = {DEPTH: str(depth.get() + 1)} | ({"Authorization": f"Bearer {key}"} if key else {})
    limit = aiohttp.ClientTimeout(total=TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit, trust_env=not provider.on_this_machine) as session,
            session.get(f"{address}/models", headers=headers, allow_redirects=False) as response,
        ):
            response.raise_for_status()
            text = await response.content.read(_MOST_BYTES)
            while more := await response.content.read(_MOST_BYTES):
                text += more
                if len(text) > _MOST_BYTES:
                    return None
        return await asyncio.to_thread(_read, text)
    except (aiohttp.ClientError, TimeoutError, ValueError, OSError, RecursionError):
        return None


def _read(text: bytes) -> Facts:
    import json

    listed = json.loads(text)
    if not isinstance(listed, dict):
        return {}
    entries = [*_entries(listed.get("data")), *_entries(listed.get("models"))]  # llama.cpp has both
    facts: dict[str, bool] = {}
    for entry in entries:
        sees = reads_images(entry)
        name = entry.get("id") or entry.get("model") or entry.get("name")
        if sees is not None and isinstance(name, str):
            facts[name] = sees
    return facts


def reads_images(entry: Mapping[str, Any]) -> bool | None:
    """What an entry of a list of models says; None if nothing."""
    architecture = entry.get("architecture")
    within = architecture if isinstance(architecture, dict) else {}
    for stated in (within.get("input_modalities"), entry.get("input_modalities")):
        if isinstance(stated, list) and stated:
            return "image" in stated
    capabilities = entry.get("capabilities")
    if isinstance(capabilities, dict) and isinstance(capabilities.get("vision"), bool):
        return bool(capabilities["vision"])
    if isinstance(capabilities, list) and capabilities:
        return any(one in _SEES for one in capabilities)
    return {"vlm": True, "llm": False}.get(str(entry.get("type")))


def _entries(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
