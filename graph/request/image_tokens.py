"""How many tokens an image takes in a prompt.

OpenAI's rule (platform.openai.com/docs/guides/images-vision, "calculating costs"): 85 tokens, and
170 for each tile of 512 pixels after the image was scaled into 2048 x 2048 and its shorter side to
768; 85 alone with `detail: low`. That is the likely figure, for whatever model.

The bound for a spend cap is the higher of that and one token for 750 pixels, as Anthropic counts
(platform.claude.com/docs, vision), up to the 16,384 that Qwen's models allow themselves at most.

Not covered: gpt-4o-mini, which counts 33 times as many tokens, each at a thirtieth of the price.
"""

import math

from langgraph_fusion.graph.request.images import Detail

_BASE, _TILE = 85, 170
_BOX, _SHORT_SIDE, _TILE_SIDE = 2048, 768, 512
_PIXELS, _MOST = 750, 16_384
_UNKNOWN = 2048
"""Pixels a side where the size is not known."""


def likely_tokens(width: int | None, height: int | None, detail: Detail | None = None) -> int:
    """Tokens by OpenAI's rule."""
    if detail == "low":
        return _BASE
    wide, high = float(width or _UNKNOWN), float(height or _UNKNOWN)
    fit = min(1.0, _BOX / max(wide, high))
    scale = fit * _SHORT_SIDE / max(1.0, min(wide, high) * fit)
    tiles = [math.ceil(min(side * scale, _BOX) / _TILE_SIDE) for side in (wide, high)]
    return _BASE + _TILE * tiles[0] * tiles[1]


def most_tokens(width: int | None, height: int | None) -> int:
    """More tokens than an image is known to take, whatever its `detail`."""
    pixels = (width or _UNKNOWN) * (height or _UNKNOWN)
    return max(likely_tokens(width, height), min(_MOST, math.ceil(pixels / _PIXELS)))
