"""The search engines by name: what `engines.toml` says of each, and what of it is set here."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from langgraph_fusion.models.providers import is_server_address

EngineName = Literal[
    "ddgs", "searxng", "brave", "exa", "serper", "google", "kagi", "tavily", "langchain"
]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)


@dataclass(frozen=True)
class Engine:
    """One entry of `engines.toml`, which says what the fields mean."""

    name: EngineName
    title: str
    key: str | None = None
    address: str | None = None
    also: str | None = None
    base_url: str | None = None
    base_url_env: str | None = None
    usd: float | None = None
    price_source: str = ""

    @property
    def free(self) -> bool:
        """Whether nobody charges for a search."""
        return self.usd is None

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables without which it cannot be asked."""
        return tuple(name for name in (self.key, self.also, self.address) if name)

    def missing(self, env: Mapping[str, str] = os.environ) -> tuple[str, ...]:
        """Those of its variables that are not set."""
        return tuple(name for name in self.variables if not env.get(name, "").strip())

    def url(self, env: Mapping[str, str] = os.environ) -> str:
        """Its address, without a slash at the end.

        Raises:
            ValueError: If it is none; the message names the variable and not its value.
        """
        variable = self.address or self.base_url_env or ""
        given = env.get(variable, "").strip() or self.base_url or ""
        if not is_server_address(given):
            raise ValueError(
                f"`{variable}` holds no address of a server: write it as in `https://HOST/PATH`."
            )
        return given.rstrip("/")


@cache
def engines() -> dict[EngineName, Engine]:
    """Return all engines by name, in the order of `EngineName`."""
    raw = tomllib.loads(Path(__file__).with_name("engines.toml").read_text(encoding="utf-8"))
    return {name: Engine(name, **raw[name]) for name in ENGINES}


def named(value: object) -> object:
    """Names as settings give them, `"Brave,ddgs"` or a list, each once; what is neither stays."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        return value
    return tuple(dict.fromkeys(name.strip().lower() for name in value))


def search_keys() -> frozenset[str]:
    """The environment variables that hold keys of search engines."""
    return frozenset(engine.key for engine in engines().values() if engine.key)


def configured(env: Mapping[str, str] = os.environ) -> tuple[EngineName, ...]:
    """The engines that need a variable and have it."""
    return tuple(name for name, one in engines().items() if one.variables and not one.missing(env))
