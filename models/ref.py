"""`provider:name` strings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from langgraph_fusion.models.errors import BadModelRef
from langgraph_fusion.models.providers import DEFAULT_PROVIDER, provider_names

_UNUSABLE = re.compile(r"[\s*`\"']")


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
        if colon and provider in provider_names():
            return cls(provider, _named(rest, text))
        if "/" in prefix:
            return cls(DEFAULT_PROVIDER, said)
        if colon:
            known = ", ".join(sorted(provider_names()))
            raise BadModelRef(f"`{text}`: `{prefix}` is no provider. Known: {known}.")
        raise BadModelRef(f"`{text}` does not say whose model it is: write it as in {_EXAMPLES}.")


_EXAMPLES = "`openrouter:vendor/name`, `openai:name` or `ollama:name`"


def _named(name: str, text: str) -> str:
    if not name.strip("/"):
        raise BadModelRef(f"`{text}` names no model after the provider: write {_EXAMPLES}.")
    return name
