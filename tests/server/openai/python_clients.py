"""Python clients that are built on OpenAI's, with their defaults; prints what they got as JSON.

Run by `test_python_clients.py` in environments of their own: `python_clients.py URL CLIENT...`.
"""

import asyncio
import base64
import json
import os
import sys
from typing import Any

BASE_URL = sys.argv[1]
os.environ |= {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": BASE_URL, "INSPECT_DISPLAY": "none"}
QUESTION, TOOL_QUESTION = "What is it?", "CALL the tool"
LOOK = "Which colour is it?"
IMAGE = os.environ.get("IMAGE", "")
"""A data URL."""
DATA = IMAGE.partition(",")[2]
READ = "What does it say?"
FILE = os.environ.get("FILE", "")
"""A data URL of a PDF."""
PDF = base64.b64decode(FILE.partition(",")[2])


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
    parts: Any = [
        {"type": "input_text", "text": LOOK},
        {"type": "input_image", "image_url": IMAGE, "detail": "auto"},
    ]
    look: Any = [{"role": "user", "content": parts}]
    file: Any = {"type": "input_file", "filename": "report.pdf", "file_data": FILE}
    read: Any = [{"role": "user", "content": [{"type": "input_text", "text": READ}, file]}]
    return {
        "plain": (await Runner.run(plain, QUESTION)).final_output,
        "streamed": streamed.final_output,
        "tool": (await Runner.run(tooled, TOOL_QUESTION)).final_output,
        "seen": (await Runner.run(plain, look)).final_output,
        "read": (await Runner.run(plain, read)).final_output,
        "handoff": [handed.last_agent.name, handed.final_output],
    }


async def pydantic_ai() -> dict[str, Any]:
    from pydantic_ai import Agent, BinaryContent
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
        image = BinaryContent(base64.b64decode(DATA), media_type="image/png")
        seen = (await agent.run([LOOK, image])).output
        file = BinaryContent(PDF, media_type="application/pdf")
        read = (await agent.run([READ, file])).output
        found[kind.__name__] = [first.output, again.output, streamed, tool, seen, read]
    return found


async def litellm() -> dict[str, Any]:
    import litellm

    where: Any = {"model": "openai/fusion", "api_base": BASE_URL, "api_key": "none"}
    chat = await litellm.acompletion(messages=[{"role": "user", "content": QUESTION}], **where)
    responses = await litellm.aresponses(input=QUESTION, **where)
    text = "".join(
        part.text for item in responses.output if item.type == "message" for part in item.content
    )
    parts = [{"type": "text", "text": LOOK}, {"type": "image_url", "image_url": {"url": IMAGE}}]
    seen = await litellm.acompletion(messages=[{"role": "user", "content": parts}], **where)
    file = {"type": "file", "file": {"filename": "report.pdf", "file_data": FILE}}
    parts = [{"type": "text", "text": READ}, file]
    read = await litellm.acompletion(messages=[{"role": "user", "content": parts}], **where)
    return {
        "chat": chat.choices[0].message.content,
        "responses": text,
        "seen": seen.choices[0].message.content,
        "read": read.choices[0].message.content,
    }


async def langchain_openai() -> dict[str, Any]:
    from langchain_core.messages import HumanMessage
    from langchain_core.tools import tool
    from langchain_openai import ChatOpenAI

    @tool
    def lookup(id: int) -> str:
        """Look up a number."""
        return "the register says 42"

    found: dict[str, Any] = {}
    image = {"type": "image", "base64": DATA, "mime_type": "image/png"}
    look = HumanMessage([{"type": "text", "text": LOOK}, image])
    file = {"type": "file", "base64": FILE.partition(",")[2], "mime_type": "application/pdf"}
    file |= {"filename": "report.pdf"}
    read = HumanMessage([{"type": "text", "text": READ}, file])
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
            (await model.ainvoke([look])).text,
            (await model.ainvoke([read])).text,
        ]
    return found


async def llama_index() -> dict[str, Any]:
    from llama_index.core.agent.workflow import FunctionAgent
    from llama_index.core.llms import ChatMessage, DocumentBlock, ImageBlock, TextBlock
    from llama_index.core.tools import FunctionTool
    from llama_index.llms.openai import OpenAIResponses
    from llama_index.llms.openai_like import OpenAILike

    def lookup(id: int) -> str:
        """Look up a number."""
        return "the register says 42"

    found: dict[str, Any] = {}
    where: Any = {
        "model": "fusion",
        "api_base": BASE_URL,
        "api_key": "none",
        "context_window": 8000,
    }
    for model in (
        OpenAILike(**where, is_chat_model=True, is_function_calling_model=True),
        OpenAIResponses(**where),
    ):
        turn = [ChatMessage(role="user", content=QUESTION)]
        image = ImageBlock(image=base64.b64decode(DATA), image_mimetype="image/png")
        look = ChatMessage(role="user", blocks=[TextBlock(text=LOOK), image])
        file = DocumentBlock(data=PDF, document_mimetype="application/pdf", title="report.pdf")
        read = ChatMessage(role="user", blocks=[TextBlock(text=READ), file])
        pieces = [piece.delta or "" async for piece in await model.astream_chat(turn)]
        agent = FunctionAgent(tools=[FunctionTool.from_defaults(fn=lookup)], llm=model)
        found[type(model).__name__] = [
            (await model.achat(turn)).message.content,
            "".join(pieces),
            str(await agent.run(TOOL_QUESTION)),
            (await model.achat([look])).message.content,
            (await model.achat([read])).message.content,
        ]
    return found


async def inspect_ai() -> dict[str, Any]:
    """An evaluation with a tool, over both of OpenAI's APIs."""
    from inspect_ai import Task, eval_async
    from inspect_ai.dataset import Sample
    from inspect_ai.model import get_model
    from inspect_ai.scorer import includes
    from inspect_ai.solver import generate, system_message, use_tools
    from inspect_ai.tool import tool

    @tool
    def lookup() -> Any:
        async def execute(id: int) -> str:
            """Look up a number.

            Args:
                id: Which one.
            """
            return "the register says 42"

        return execute

    samples = [
        Sample(input=QUESTION, target="42"),
        Sample(input=TOOL_QUESTION, target="register says 42"),
    ]
    found: dict[str, Any] = {}
    for name, responses in (("chat", False), ("responses", True)):
        model = get_model("openai/fusion", base_url=BASE_URL, responses_api=responses)
        solver = [system_message("Be brief."), use_tools(lookup()), generate()]
        task = Task(dataset=samples, solver=solver, scorer=includes())
        [log] = await eval_async(task, model=model, log_dir="logs")
        assert log.status == "success", log.error
        scores = [score for one in log.samples or () for score in (one.scores or {}).values()]
        found[name] = [score.value for score in scores]
    return found


CLIENTS = (openai_agents, pydantic_ai, litellm, langchain_openai, llama_index, inspect_ai)


async def main() -> None:
    chosen = [client for client in CLIENTS if client.__name__ in sys.argv[2:]]
    print(json.dumps({client.__name__: await client() for client in chosen}))


asyncio.run(main())
