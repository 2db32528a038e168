"""Tools whose description is their docstring, without the source's indentation."""

import inspect
from collections.abc import Awaitable, Callable

from langchain_core.tools import BaseTool, tool


def described_tool(function: Callable[..., Awaitable[str]]) -> BaseTool:
    """Return the function as a tool. Before Python 3.13 a docstring keeps its indentation."""
    return tool(description=inspect.getdoc(function))(function)
