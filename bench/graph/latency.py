"""How long a model call takes: distributions by name, drawn from a seeded generator.

constant:0.5          every call 0.5 s
lognormal:0.5:0.6     median 0.5 s, sigma 0.6 of the logarithm
tail:0.5:20:20        0.5 s, and one call in 20 takes 20 times as long
panel-tail:0.5:20:20  the same, but only the calls of members; others take 0.5 s
hang:m/b:0.5          model m/b never answers, the others take 0.5 s
"""

import math
import random
from collections.abc import Callable

Latency = Callable[[str], float]
"""Seconds that a call to this model takes."""


def latency_of(text: str, seed: int) -> Latency:
    """Read a distribution; raises ValueError if there is no such thing."""
    kind, *given = text.split(":")
    draw = random.Random(seed)
    if kind == "constant":
        return lambda model: float(given[0])
    if kind == "lognormal":
        median, sigma = map(float, given)
        return lambda model: draw.lognormvariate(math.log(median), sigma)
    if kind in ("tail", "panel-tail"):
        usual, one_in, times = map(float, given)
        everywhere = kind == "tail"
        return lambda model: (
            usual * (times if _late(draw, one_in) and (everywhere or _member(model)) else 1)
        )
    if kind == "hang":
        model_that_hangs, usual = given[0], float(given[1])
        return lambda model: math.inf if model == model_that_hangs else usual
    raise ValueError(f"{text!r}: write a distribution as in {__doc__}")


def _late(draw: random.Random, one_in: float) -> bool:
    return draw.random() < 1 / one_in


def _member(model: str) -> bool:
    return model.startswith("m/")
