"""Who serves models: `provider:name` strings, and what `providers.toml` says of each provider."""

from __future__ import annotations

import importlib.util
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from langgraph_fusion.models.errors import BadModelRef

ReasoningEffort = Literal["max", "xhigh", "high", "medium", "low", "minimal", "none"]
DEFAULT_PROVIDER = "openrouter"
_EXAMPLES = "`openrouter:vendor/name`, `openai:name` or `ollama:name`"
_UNUSABLE = re.compile(r"[\s*`\"']")
_LOCAL_EFFORTS = {"max": "high", "xhigh": "high", "minimal": "low"}


def is_server_address(url: str) -> bool:
    """Whether it is the address of a server: http or https, a host, a port that can be."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


@dataclass(frozen=True, order=True)
class ModelRef:
    """A model by provider and the provider's own name for it."""

    provider: str
    name: str

    def __str__(self) -> str:
        return f"{self.provider}:{self.name}"

    @classmethod
    @lru_cache(maxsize=1024)  # a run asks for the same few names dozens of times
    def parse(cls, text: str) -> ModelRef:
        """Read `provider:name`, or `vendor/name` of OpenRouter.

        A colon after the provider belongs to the name (`vendor/name:free`, `ollama:qwen3:8b`).

        Raises:
            BadModelRef: If the text is empty, has blanks, names an unknown provider, or is a bare
                name that does not say whose model it is.
        """
        said = text.strip()
        if not said or _UNUSABLE.search(said):
            raise BadModelRef(f"`{text}` is not a model: write `provider:name`, as in {_EXAMPLES}.")
        prefix, colon, rest = said.partition(":")
        provider = prefix.lower().replace("-", "_")
        if colon and provider in providers():
            return cls(provider, _named(rest, text))
        if "/" in prefix:
            return cls(DEFAULT_PROVIDER, said)
        if colon:
            known = ", ".join(sorted(providers()))
            raise BadModelRef(f"`{text}`: `{prefix}` is no provider. Known: {known}.")
        raise BadModelRef(f"`{text}` does not say whose model it is: write it as in {_EXAMPLES}.")


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


def _named(name: str, text: str) -> str:
    if not name.strip("/"):
        raise BadModelRef(f"`{text}` names no model after the provider: write {_EXAMPLES}.")
    return name


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
