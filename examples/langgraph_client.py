"""A LangGraph server through its SDK. Start it first: `langgraph dev --no-browser`.

Real models: set OPENROUTER_API_KEY for the server and change the preset to `budget`.
"""

import asyncio
import os

from langgraph_sdk import get_client

URL = os.environ.get("FUSION_URL", "http://127.0.0.1:2024")


async def main() -> None:
    client = get_client(url=URL)
    settings = {"preset": "offline", "tools": ["docs"], "max_rounds": 0}
    assistant = await client.assistants.create("fusion", context=settings, name="my panel")
    thread = await client.threads.create()
    for question in ("What does the check verify?", "And what is a seat?"):
        print(f"\n> {question}")
        async for part in client.runs.stream(
            thread["thread_id"],
            assistant["assistant_id"],
            input={"messages": [{"role": "user", "content": question}]},
            stream_mode=["custom", "values"],
        ):
            if part.event == "custom":
                print(f"[{part.data['type']}]")
    state = await client.threads.get_state(thread["thread_id"])
    print(state["values"]["messages"][-1]["content"])


asyncio.run(main())
