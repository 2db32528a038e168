"""Python clients that are built on OpenAI's, with their defaults; prints what they got as JSON.

Run by `test_python_clients.py` in an environment of its own, with the server's address.
"""

import asyncio
import json
import os
import sys
from typing import Any

BASE_URL = sys.argv[1]
os.environ |= {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": BASE_URL}
QUESTION, TOOL_QUESTION = "What is it?", "CALL the tool"


async def openai_agents() -> dict[str, Any]:
    """Its default is the Responses API: a plain turn, a tool turn, a handoff."""
    from agents import Agent, Runner, function_tool, set_tracing_disabled

    set_tracing_disabled(True)

    @function_tool
    def lookup(id: int) -> str:
        return "the register says 42"

    plain = Agent(name="plain", model="fusion", instructions="Be brief.")
    tooled = Agent(name="tooled", model="fusion", instructions="Be brief.", tools=[lookup])
    second = Agent(name="second", model="fusion", instructions="You are another.")
    first = Agent(name="first", model="fusion", instructions="HANDOFF", handoffs=[second])
    streamed = Runner.run_streamed(plain, QUESTION)
    async for _ in streamed.stream_events():
        pass
    handed = await Runner.run(first, QUESTION)
    return {
        "plain": (await Runner.run(plain, QUESTION)).final_output,
        "streamed": streamed.final_output,
        "tool": (await Runner.run(tooled, TOOL_QUESTION)).final_output,
        "handoff": [handed.last_agent.name, handed.final_output],
    }


async def pydantic_ai() -> dict[str, Any]:
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel

    found: dict[str, Any] = {}
    for kind in (OpenAIChatModel, OpenAIResponsesModel):
        agent = Agent(kind("fusion"), instructions="Be brief.")

        @agent.tool_plain
        def lookup(id: int) -> str:
            return "the register says 42"

        first = await agent.run(QUESTION)
        again = await agent.run("And then?", message_history=first.all_messages())
        async with agent.run_stream(QUESTION) as stream:
            streamed = await stream.get_output()
        tool = (await agent.run(TOOL_QUESTION)).output
        found[kind.__name__] = [first.output, again.output, streamed, tool]
    return found


async def litellm() -> dict[str, Any]:
    import litellm

    where: Any = {"model": "openai/fusion", "api_base": BASE_URL, "api_key": "none"}
    chat = await litellm.acompletion(messages=[{"role": "user", "content": QUESTION}], **where)
    responses = await litellm.aresponses(input=QUESTION, **where)
    text = "".join(
        part.text for item in responses.output if item.type == "message" for part in item.content
    )
    return {"chat": chat.choices[0].message.content, "responses": text}


async def langchain_openai() -> dict[str, Any]:
    from langchain_core.tools import tool
    from langchain_openai import ChatOpenAI

    @tool
    def lookup(id: int) -> str:
        """Look up a number."""
        return "the register says 42"

    found: dict[str, Any] = {}
    for name, responses in (("chat", False), ("responses", True)):
        model = ChatOpenAI(model="fusion", use_responses_api=responses)
        calling = await model.bind_tools([lookup]).ainvoke(TOOL_QUESTION)
        result = lookup.invoke(calling.tool_calls[0])
        turns = [("user", TOOL_QUESTION), calling, result]
        pieces = [piece.text async for piece in model.astream(QUESTION)]
        found[name] = [
            (await model.ainvoke(QUESTION)).text,
            "".join(map(str, pieces)),
            (await model.bind_tools([lookup]).ainvoke(turns)).text,
        ]
    return found


async def main() -> None:
    clients = (openai_agents, pydantic_ai, litellm, langchain_openai)
    print(json.dumps({client.__name__: await client() for client in clients}))


asyncio.run(main())
