"""A model server in a process of its own: every call takes a fixed time. Prints its address."""

import asyncio
import sys

from tests.scripted import Reply, Seen, scripted_server, structured, text


def script(seen: Seen) -> Reply:
    reply = structured({"best_answer": "A"}) if "judge" in seen.model else text("It is 42.")
    return reply.after(float(sys.argv[1]))


async def serve() -> None:
    async with scripted_server(script) as server:
        print(server.base_url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
