"""An application with busy sandboxes, to be killed: python application.py RUN_ID MEMBERS."""

import asyncio
import sys

from langgraph_fusion.sandbox import SandboxPool, SandboxSettings


async def main(run_id: str, members: int) -> None:
    async with SandboxPool(SandboxSettings(), run_id=run_id, members=members) as pool:
        print("open", flush=True)
        sandboxes = [pool.start(f"M{seat}") for seat in range(members)]
        await asyncio.gather(*(sandbox.run("true") for sandbox in sandboxes))
        print("busy", flush=True)
        await asyncio.gather(*(sandbox.run("yes & sleep 100") for sandbox in sandboxes))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
