"""Ask from Python and follow the run.

Real models: set OPENROUTER_API_KEY and run `python examples/ask.py budget "your question"`.
"""

import asyncio
import sys

from langgraph_fusion import FusionResult, deliberate, load_settings

PRESET, QUESTION = (*sys.argv[1:], "offline", "What does the check verify?")[:2]


async def main() -> None:
    async for event in deliberate(QUESTION, load_settings({"preset": PRESET})):
        match event["type"]:
            case "member.tool":
                print(f"{event['seat']} {event['tool']}: {event['input']}")
            case "judge.finished":
                print("The judge has compared the answers.")
            case "run.finished":
                result = FusionResult.model_validate(event["result"])
                print(f"\n{result.answer}\n\nCost in US dollars: {result.bill.total.cost_usd}")


asyncio.run(main())
