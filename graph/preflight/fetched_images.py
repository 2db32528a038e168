"""Fetch the images of a conversation once, and put them into it: every seat then sees the same.

A provider is never told to fetch an address. We fetch it through the guard of `web_fetch`: no
private address, also after redirects, and within limits of time and size.
"""

import asyncio
import ipaddress
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages import AnyMessage

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.request.images import (
    MAX_BYTES,
    MAX_IMAGES,
    MAX_TOTAL_BYTES,
    MIB,
    Image,
    given_in,
    has_images,
    image_blocks,
    is_image,
)
from langgraph_fusion.graph.settings import FusionSettings
from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.exclude import Exclusion
from langgraph_fusion.tools.fetch.limits import FetchLimits

if TYPE_CHECKING:  # HTTP is loaded when something is to be fetched
    from langgraph_fusion.tools.fetch.fetcher import Fetcher

_LIMITS = FetchLimits(timeout_s=20)


async def with_images_fetched(
    messages: Sequence[AnyMessage], settings: FusionSettings
) -> list[AnyMessage]:
    """The conversation with every image checked and in it as data.

    Raises:
        ConfigError: If there are too many, or one cannot be fetched or is none that may be sent.
    """
    parts = list(image_blocks(messages))
    if not parts:
        return [*messages]
    if len(parts) > MAX_IMAGES:
        raise _wrong(
            f"{len(parts)} images are in it, and at most {MAX_IMAGES} are read; send fewer"
        )
    images = await _all(parts, settings)
    if (total := sum(image.size for image in images)) > MAX_TOTAL_BYTES:
        raise _wrong(
            f"its images have {total / MIB:.1f} MiB together, and at most "
            f"{MAX_TOTAL_BYTES // MIB} MiB are sent to a model; make them smaller or send fewer"
        )
    blocks = iter([image.block for image in images])
    return [_filled(message, blocks) if has_images(message) else message for message in messages]


def _filled(message: AnyMessage, blocks: Any) -> AnyMessage:
    if message.type != "human":
        raise _wrong(f"an image is in a message of type `{message.type}`; send it in a user's")
    content = [next(blocks) if is_image(part) else part for part in message.content]
    return message.model_copy(update={"content": content})


async def _all(parts: Sequence[Mapping[str, Any]], settings: FusionSettings) -> list[Image]:
    from langgraph_fusion.tools.fetch.fetcher import open_fetcher
    from langgraph_fusion.tools.ssrf import Guard

    guard = Guard(ipaddress.ip_network(network) for network in settings.allow_networks)
    async with open_fetcher(_LIMITS, guard, Exclusion(settings.exclude)) as fetcher:
        found = await asyncio.gather(
            *(_one(number, part, fetcher) for number, part in enumerate(parts, start=1)),
            return_exceptions=True,
        )
    for one in found:
        if isinstance(one, BaseException):
            raise one
    return cast("list[Image]", found)


async def _one(number: int, part: Mapping[str, Any], fetcher: "Fetcher") -> Image:
    try:
        given = given_in(part)
        if not given.is_remote:
            return await asyncio.to_thread(given.image)
        body = await fetcher.download(given.url, MAX_BYTES)
        return Image.of(body.data, given.detail)
    except ToolFailure as failure:
        raise _wrong(f"image {number} could not be fetched: {_why(failure)}") from None
    except ValueError as error:
        raise _wrong(f"image {number}: {error}") from None


def _why(failure: ToolFailure) -> str:
    """The failure in words for a caller, who is no member of a panel."""
    if failure.reason == "too_large":
        return f"it is larger than {MAX_BYTES // MIB} MiB, the most that is sent to a model"
    if failure.reason == "timeout":
        return f"it took longer than {_LIMITS.timeout_s:g} s; send the image itself"
    if failure.reason == "excluded":
        return "its address is excluded from this run"
    return str(failure).replace("The page", "It").replace("cannot be read", "is not fetched")


def _wrong(why: str) -> ConfigError:
    return ConfigError(why, field="messages")
