"""Members of a seat's `extra` that decide where a request goes or with whose key.

An address and the key that is sent to it come from the same place, the environment: an address in a
preset, a request or a setting would carry the environment's key elsewhere. So these are refused
whoever writes them; a provider's package reads its own variables (`AZURE_OPENAI_ENDPOINT`).

Not covered: what a server does with the body that it is sent.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from langgraph_fusion.models.providers import ModelRef, providers

_REDIRECTS = re.compile(
    r"url|uri|endpoint|host|prox(y|ies)|headers?|api_?(base|version|key|token)|default_query"
    r"|extra_(query|body)|transport|session|(^|_)clients?(_|$)|client_(options|args)|credential"
    r"|secret|password|(^|_)auth|(^|_)(access|bearer|ad|hub|api)_?token|token_provider"
    r"|profile_name|organization|(^|_)region|^location$|(^|_)project|base_path|socket|cert"
    r"|(^|_)ssl|^config(urable_fields|_prefix|$)|^model_provider$"
    r"|service_account|aws_|azure_(?!deployment)|gateway|^(llm|backend|cache|callbacks?|http)$"
)
"""Of names in snake case; LangChain's packages have an alias of their own for most of them."""
_OF_A_BODY = re.compile(
    r"^(api_?(base|key|version|token)|base_?(url|model)|(azure_)?endpoint|(extra|default)_(headers"
    r"|query|body)|headers|prox(y|ies)|credentials?|custom_llm_provider|litellm_.*|model_list"
    r"|aws_.*|vertex_.*|azure_.*|organization|user_config|(async_)?client)$"
)
"""Of a request's body: what gateways such as LiteLLM take from it."""


def redirecting(ref: ModelRef, extra: Mapping[str, Any]) -> list[str]:
    """The names in `extra`, at any depth, that could send the provider's key elsewhere."""
    speaks_openai = providers()[ref.provider].speaks_openai
    pattern = _OF_A_BODY if speaks_openai else _REDIRECTS
    return sorted({name for name in _names(extra) if pattern.search(_snake(name))})


def _names(value: Any) -> Iterator[str]:
    """Every name of a JSON value, at any depth."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, Mapping):
            yield from map(str, one)
            left += one.values()
        elif isinstance(one, list | tuple):
            left += one


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[-\s.]+", "_", name.strip()).lower()
