"""An MCP client: over standard input and output, or with FUSION_URL set over HTTP.

Real models: set OPENROUTER_API_KEY and change the preset to `fast`.
"""

import asyncio
import os
import sys
from contextlib import asynccontextmanager

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client


@asynccontextmanager
async def connected():
    if url := os.environ.get("FUSION_URL"):
        async with streamable_http_client(f"{url}/mcp") as (reads, writes, _):
            yield reads, writes
    else:
        arguments = ["-m", "langgraph_fusion.cli", "mcp", "--preset", "offline"]
        server = StdioServerParameters(command=sys.executable, args=arguments, env={**os.environ})
        async with stdio_client(server) as (reads, writes):
            yield reads, writes


async def progress(done: float, total: float | None, message: str | None) -> None:
    print(f"  {message}")


async def main() -> None:
    async with connected() as streams, ClientSession(*streams) as session:
        await session.initialize()
        asked = {"question": "What does the check verify?", "max_rounds": 0}
        result = await session.call_tool("deliberate", asked, progress_callback=progress)
        print(result.content[0].text)
        print("Sources:", [source["title"] for source in result.structuredContent["sources"]])


asyncio.run(main())
