import pytest

from langgraph_fusion import ConfigError, ask
from tests.graph.cast import settings


async def test_ask_inside_a_running_loop_says_what_to_write() -> None:
    with pytest.raises(ConfigError, match=r"write `await aask\(...\)`"):
        ask("What is it?", settings())
