"""From a `ModelRef` and options to a chat model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from langgraph_fusion.models.errors import MissingKey, MissingPackage, ModelConfigError
from langgraph_fusion.models.providers import (
    ModelRef,
    Provider,
    ReasoningEffort,
    missing_key,
    missing_package,
    providers,
)

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from langgraph_fusion.models.chat import FusionChat

_NO_KEY = "no-key"  # some local servers refuse a request without any
_USER_AGENT = "langgraph-fusion"
_ORGANIZATION = (("OpenAI-Organization", "OPENAI_ORG_ID"), ("OpenAI-Project", "OPENAI_PROJECT_ID"))


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
    key = env.get(provider.key or "", "").strip() or _NO_KEY
    address = _checked(provider, provider.address(env) or "")
    return _fusion_chat(ref, options, address, key, _of_organization(provider))


def _checked(provider: Provider, url: str) -> str:
    """The address, if it is one; it is not shown, because it may hold a password."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ModelConfigError(
            f"`{provider.base_url_env}` holds no address of a server: write it as in "
            "`http://127.0.0.1:8080/v1`."
        )
    return url


@lru_cache(maxsize=256)
def _fusion_chat(
    ref: ModelRef,
    options: ModelOptions,
    base_url: str,
    key: str,
    organization: tuple[tuple[str, str], ...],
) -> FusionChat:
    """Build a model, or return the one built before: it keeps nothing of a call."""
    from langgraph_fusion.models.chat import FusionChat
    from langgraph_fusion.models.http import Endpoint

    provider = providers()[ref.provider]
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "User-Agent": _USER_AGENT,
        "Authorization": f"Bearer {key}",
        **dict(organization),
        **provider.headers,
    }
    return FusionChat(
        model_name=ref.name,
        provider=provider.name,
        endpoint=Endpoint(f"{base_url}/chat/completions", headers),
        parameters=_parameters(ref, provider, options),
        idle_timeout_s=options.timeout_s,
    )


def _of_organization(provider: Provider) -> tuple[tuple[str, str], ...]:
    """Headers that say who of an organization asks OpenAI; nobody else's business."""
    if provider.name != "openai":
        return ()
    given = ((header, os.environ.get(name, "").strip()) for header, name in _ORGANIZATION)
    return tuple((header, value) for header, value in given if value)


def _parameters(ref: ModelRef, provider: Provider, options: ModelOptions) -> dict[str, Any]:
    """Members of every request to this model beside messages."""
    from langgraph_fusion.models.request_body import accepted_temperature

    effort = _effort_field(ref, provider, options)
    body: dict[str, Any] = {
        "temperature": accepted_temperature(ref.name, options.temperature, effort),
        "reasoning_effort": effort,
        provider.limit: options.max_tokens,
    }
    if provider.name == "openrouter":
        body["usage"] = {"include": True}
    if provider.effort == "body" and options.reasoning_effort:
        body["reasoning"] = {"effort": options.reasoning_effort}
    return {name: value for name, value in body.items() if value is not None} | dict(options.extra)


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
