"""From a `ModelRef` and options to a chat model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from langgraph_fusion.models.errors import MissingKey, MissingPackage, ModelConfigError
from langgraph_fusion.models.providers import (
    ModelRef,
    Provider,
    ReasoningEffort,
    is_server_address,
    missing_key,
    missing_package,
    providers,
)

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from openai import AsyncOpenAI
    from pydantic import SecretStr

    from langgraph_fusion.models.chat import FusionChat

CONNECT_TIMEOUT_S = 10.0
_NO_KEY = "no-key"  # the OpenAI SDK insists on one


@dataclass(frozen=True)
class ModelOptions:
    """How to call a model. What is None is left to the provider."""

    temperature: float | None = None
    reasoning_effort: ReasoningEffort | None = None
    max_tokens: int | None = None
    """Output tokens of one call, reasoning included."""
    timeout_s: float | None = 300.0
    """Seconds of silence after which a call is given up."""
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Further members of the request body."""


def chat_model(
    ref: ModelRef, options: ModelOptions | None = None, *, env: Mapping[str, str] = os.environ
) -> BaseChatModel:
    """Build the chat model; cheap enough to do for every run, and free of any event loop.

    Raises:
        ModelConfigError: If a key or a package is missing, or an option cannot be honoured.
    """
    options = options or ModelOptions()
    if ref.provider == "offline":
        from langgraph_fusion.models.offline import offline_model

        return offline_model(ref.name)
    if variable := missing_key(ref, env):
        raise MissingKey(ref, variable)
    provider = providers()[ref.provider]
    if provider.speaks_openai:
        return _openai_compatible(ref, provider, options, env)
    return _through_langchain(ref, provider, options)


def _openai_compatible(
    ref: ModelRef, provider: Provider, options: ModelOptions, env: Mapping[str, str]
) -> BaseChatModel:
    from pydantic import SecretStr

    key = SecretStr(env.get(provider.key or "", "").strip() or _NO_KEY)
    api = _api(provider.name, _checked(provider, provider.address(env) or ""), key)
    return _fusion_chat(ref, options, api)


def _checked(provider: Provider, url: str) -> str:
    """The address, if it is one; it is not shown, because it may hold a password."""
    if not is_server_address(url):
        raise ModelConfigError(
            f"`{provider.base_url_env}` holds no address of a server: write it as in "
            "`http://127.0.0.1:8080/v1`."
        )
    return url


@lru_cache(maxsize=256)
def _fusion_chat(ref: ModelRef, options: ModelOptions, api: AsyncOpenAI) -> FusionChat:
    """Build a model, or return the one built before: it keeps nothing of a call."""
    from pydantic import SecretStr

    from langgraph_fusion.models.chat import FusionChat

    provider = providers()[ref.provider]
    return FusionChat(
        model=ref.name,
        provider=provider.name,
        limit_name=provider.limit,
        idle_timeout_s=options.timeout_s,
        temperature=options.temperature,
        max_completion_tokens=options.max_tokens,
        reasoning_effort=_effort_field(ref, provider, options),
        extra_body=_extra_body(provider, options),
        api_key=SecretStr(api.api_key),
        base_url=str(api.base_url),
        openai_proxy=None,  # proxies come from HTTPS_PROXY and NO_PROXY
        use_responses_api=False,
        max_retries=0,
        stream_usage=True,
        stream_chunk_timeout=None,  # idle_timeout_s does it, also before the first chunk
        client=_AsyncOnly(),
        async_client=api.chat.completions,
        root_client=_AsyncOnly(),
        root_async_client=api,
    )


@lru_cache(maxsize=64)
def _api(provider: str, base_url: str, key: SecretStr) -> AsyncOpenAI:
    import httpx2
    from openai import AsyncOpenAI

    from langgraph_fusion.models.http import shared_client

    api = AsyncOpenAI(
        base_url=base_url,
        api_key=key.get_secret_value(),
        default_headers=providers()[provider].headers,
        http_client=shared_client(),
        max_retries=0,
        timeout=httpx2.Timeout(None, connect=CONNECT_TIMEOUT_S),
    )
    if provider != "openai":
        api.organization = api.project = None  # from OPENAI_ORG_ID, nobody else's business
    return api


def _extra_body(provider: Provider, options: ModelOptions) -> dict[str, Any] | None:
    body: dict[str, Any] = {}
    if provider.name == "openrouter":
        body["usage"] = {"include": True}
    if provider.effort == "body" and options.reasoning_effort:
        body["reasoning"] = {"effort": options.reasoning_effort}
    return body | dict(options.extra) or None


def _effort_field(ref: ModelRef, provider: Provider, options: ModelOptions) -> str | None:
    effort = options.reasoning_effort
    if effort is None or provider.effort == "body":
        return None
    if provider.effort is None:
        raise ModelConfigError(
            f"`reasoning_effort` cannot be set for `{ref}`: leave it out, or give the provider's "
            "own parameter in `extra`."
        )
    return provider.efforts.get(effort, effort)


def _through_langchain(ref: ModelRef, provider: Provider, options: ModelOptions) -> BaseChatModel:
    if package := missing_package(ref):
        raise MissingPackage(ref, package)
    from langchain.chat_models import init_chat_model

    given = {
        "temperature": options.temperature,
        "max_tokens": options.max_tokens,
        "timeout": options.timeout_s,
        "reasoning_effort": _effort_field(ref, provider, options),
    }
    given = {name: value for name, value in given.items() if value is not None}
    return init_chat_model(
        ref.name, model_provider=ref.provider, max_retries=0, **(given | dict(options.extra))
    )


class _AsyncOnly:
    """Stands where ChatOpenAI would build a synchronous client for every model."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("this model is asynchronous: use `ainvoke` or `astream`")
