"""Who serves models: addresses, keys and peculiarities, read from `providers.toml`."""

from __future__ import annotations

import importlib.util
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from langgraph_fusion.models.ref import ModelRef

DEFAULT_PROVIDER = "openrouter"
_LOCAL_EFFORTS = {"max": "high", "xhigh": "high", "minimal": "low"}


@dataclass(frozen=True)
class Provider:
    """One entry of `providers.toml`, which says what the fields mean."""

    name: str
    base_url: str | None = None
    base_url_env: str | None = None
    key: str | None = None
    key_optional: bool = False
    on_this_machine: bool = False
    effort: Literal["body", "field"] | None = None
    efforts: Mapping[str, str] = field(default_factory=dict)
    limit: str = "max_tokens"
    headers: Mapping[str, str] = field(default_factory=dict)
    package: str | None = None
    vendor: str | None = None

    @property
    def speaks_openai(self) -> bool:
        """Whether our own client serves it, rather than a LangChain package."""
        return self.base_url_env is not None

    def address(self, env: Mapping[str, str] = os.environ) -> str | None:
        """Return the base URL, with `/v1` added to a local server's bare address."""
        given = env.get(self.base_url_env or "", "").strip()
        if not given and self.name == "ollama" and env.get("OLLAMA_HOST"):
            given = _ollama_address(env["OLLAMA_HOST"].strip())
        url = (given or self.base_url or "").rstrip("/")
        if self.on_this_machine and url and not urlsplit(url).path:
            url += "/v1"
        return url or None


@cache
def providers() -> dict[str, Provider]:
    """Return all known providers by name."""
    raw = tomllib.loads(Path(__file__).with_name("providers.toml").read_text(encoding="utf-8"))
    return {name: Provider(name, **_with_defaults(entry)) for name, entry in raw.items()}


@cache
def provider_names() -> frozenset[str]:
    """Return what may stand before the colon of a `provider:name`."""
    return frozenset(providers())


def missing_key(ref: ModelRef, env: Mapping[str, str] = os.environ) -> str | None:
    """Return the environment variable that this model needs and that is not set."""
    provider = providers()[ref.provider]
    if provider.key and not provider.key_optional and not env.get(provider.key, "").strip():
        return provider.key
    if provider.speaks_openai and provider.address(env) is None:
        return provider.base_url_env
    return None


def missing_package(ref: ModelRef) -> str | None:
    """Return the pip name of the package that this model needs and that is not installed."""
    package = providers()[ref.provider].package
    if package and importlib.util.find_spec(package.replace("-", "_")) is None:
        return package
    return None


def _with_defaults(entry: dict[str, Any]) -> dict[str, Any]:
    if not entry.get("on_this_machine"):
        return entry
    return {"effort": "field", "efforts": _LOCAL_EFFORTS} | entry


def _ollama_address(host: str) -> str:
    """Read `OLLAMA_HOST`, which is what the server binds: a host, a port, or both, or a URL."""
    if "://" in host:
        return host
    name, _, port = host.rpartition(":") if host.rpartition(":")[2].isdigit() else (host, "", "")
    name = "127.0.0.1" if name in ("", "0.0.0.0", "[::]", "::") else name
    return f"http://{name}:{port or 11434}"
