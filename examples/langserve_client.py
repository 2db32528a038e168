"""LangServe's RemoteRunnable. Start the server first: `fusion serve --preset offline`.

Real models: set OPENROUTER_API_KEY for the server and start it with `--preset budget`.
"""

import asyncio
import os

from langchain_core.messages import HumanMessage
from langserve import RemoteRunnable

URL = os.environ.get("FUSION_URL", "http://127.0.0.1:8000")
SETTINGS = {"configurable": {"max_rounds": 0}}


async def main() -> None:
    remote = RemoteRunnable(f"{URL}/fusion/")
    asked = {"messages": [HumanMessage("What does the check verify?")]}
    async for event in remote.astream_events(asked, config=SETTINGS, version="v2"):
        if event["event"] == "on_tool_start":
            print(event["name"], event["data"]["input"])
    out = await remote.ainvoke(asked, config=SETTINGS)
    print(out["messages"][-1].text)
    print("Calls:", out["fusion"]["bill"]["total"]["calls"])


asyncio.run(main())
