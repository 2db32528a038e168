"""An upper bound of a prompt's tokens, before a provider has counted them.

Two bytes of UTF-8 are taken as one token. English has about four characters to a token, code three,
Chinese about one character (three bytes), so this is more than any tokenizer is known to make of
ordinary text. Images count as `request.image_tokens` says. Not covered: files in a message.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

from langgraph_fusion.graph.request.image_tokens import most_tokens
from langgraph_fusion.graph.request.images import has_images, image_blocks, is_image

_BYTES_PER_TOKEN = 2
_TOKENS_PER_MESSAGE = 8


def prompt_tokens(prompt: Sequence[BaseMessage], along: Iterable[Any] = ()) -> int:
    """More tokens than a prompt has; `along` is what goes with it: tools, a schema."""
    size = sum(_bytes(message) for message in prompt) + sum(_bytes_of(one) for one in along)
    images = sum(_image_tokens(block) for block in image_blocks(prompt))
    return size // _BYTES_PER_TOKEN + _TOKENS_PER_MESSAGE * len(prompt) + images


def _image_tokens(block: Mapping[str, Any]) -> int:
    facts = block.get("extras") or {}
    return most_tokens(facts.get("width"), facts.get("height"))


def _bytes(message: BaseMessage) -> int:
    content = message.content
    said = [part for part in content if not is_image(part)] if has_images(message) else content
    parts: list[Any] = [said, *message.additional_kwargs.values()]
    if isinstance(message, AIMessage):
        parts += message.tool_calls
    return sum(_bytes_of(part) for part in parts)


def _bytes_of(part: Any) -> int:
    if hasattr(part, "get_input_schema"):
        from langchain_core.utils.function_calling import convert_to_openai_tool

        part = convert_to_openai_tool(part)
    text = part if isinstance(part, str) else json.dumps(part, default=str, ensure_ascii=False)
    return len(text.encode(errors="replace"))
