"""A member's ReAct agent: built once with the graph; each turn gets the run's models and tools."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, cast

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain.tools.tool_node import ToolCallRequest
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.outputs import ChatResult
from langchain_core.tools import BaseTool
from langgraph.graph.state import CompiledStateGraph

from langgraph_fusion.graph.calls.deadline import TimeIsUp
from langgraph_fusion.graph.calls.tool_call_repair import summary_line
from langgraph_fusion.graph.events import tell
from langgraph_fusion.graph.members.member_context import NOT_RUN, MemberContext
from langgraph_fusion.graph.members.member_turn import MemberTurn, Sent
from langgraph_fusion.graph.members.repeats import OFTEN
from langgraph_fusion.graph.members.tool_budget import too_many
from langgraph_fusion.models.replies.tool_calls import UNNAMED
from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.mcp.offered import definition

_RECURSION_LIMIT = 250
"""Second brake behind the tool budget: steps of one agent run (100 calls take about 200)."""

Agent = CompiledStateGraph[Any, Any, Any, Any]
ModelHandler = Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
ToolHandler = Callable[[ToolCallRequest], Awaitable[Any]]
Turn = Callable[[Any, Any, Any], Coroutine[Any, Any, Any]]


def member_agent(letter: str, tools: Sequence[BaseTool]) -> Agent:
    """Build the agent of a seat. Model, tools and prompt are chosen per run, from its context."""
    return create_agent(
        _Unseated(),
        tools=list(tools),
        middleware=[MemberTurns()],
        context_schema=MemberContext,
        name=f"agent_{letter}",
    )


async def transcripts(
    agent: Agent, context: MemberContext, task: Sequence[AnyMessage]
) -> AsyncIterator[list[BaseMessage]]:
    """Run the member, and yield its transcript after every step.

    Without tools there is one turn and nothing to loop over: it is taken at once, because a graph
    for it costs as much CPU as the call itself.
    """
    if not context.allowed:
        yield [*task, await MemberTurn(context, task, (), _by_itself).reply()]
        return
    async for values in agent.astream(
        {"messages": task},
        {"recursion_limit": _RECURSION_LIMIT},
        context=context,
        stream_mode="values",
    ):
        yield values["messages"]


async def _by_itself(model: BaseChatModel, sent: Sent) -> AIMessage:
    return await model.ainvoke(sent.whole)


async def _by_agent(
    request: ModelRequest[Any], handler: ModelHandler, model: BaseChatModel, sent: Sent
) -> AIMessage:
    """Through the agent's own step, which gives the model its tools."""
    asked = request.override(
        model=model,
        system_message=sent.system,
        messages=cast("list[AnyMessage]", sent.messages),
        tools=sent.tools,
        tool_choice=sent.tool_choice,
    )
    said = (await handler(asked)).result[-1]
    assert isinstance(said, AIMessage)
    return said


def _on_this_thread(turn: Turn) -> Turn:
    """Hide from LangChain that a method is asynchronous; it awaits what comes back all the same.

    Around an `async def` LangSmith's `traceable` goes through a thread of the shared pool before
    and after every call, traced or not; when searches occupy the pool, models would wait for them.
    """

    def plain(self: Any, request: Any, handler: Any) -> Coroutine[Any, Any, Any]:
        return turn(self, request, handler)

    return plain


class MemberTurns(AgentMiddleware[Any, Any]):
    """Model calls go through the seat's client, tool calls through the context's budget."""

    @_on_this_thread
    async def awrap_model_call(self, request: ModelRequest[Any], handler: ModelHandler) -> Any:
        context = _context(request)
        if context.served:
            request = request.override(
                tools=[*request.tools, *map(definition, context.served.values())]
            )
        context.begin_turn(sum(isinstance(one, ToolMessage) for one in request.messages))
        if _money_is_short(context, request):
            context.wrap_up("budget")
        turn = MemberTurn(
            context, request.messages, request.tools, partial(_by_agent, request, handler)
        )
        reply = await turn.reply()
        context.repeats.note(reply.tool_calls)
        return ModelResponse(result=[reply])

    @_on_this_thread
    async def awrap_tool_call(self, request: ToolCallRequest, handler: ToolHandler) -> Any:
        context = _context(request)
        call = request.tool_call
        facts = {
            "seat": context.seat,
            "round": context.round,
            "call_id": call["id"],
            "tool": call["name"],
        }
        tell("member.tool", **facts, input=summary_line(call["args"]))
        began = time.monotonic()
        answer = context.tools.replay(request)
        if answer is None:
            work = partial(_answered, context, request, handler)
            answer = await context.tools.run(request, work)
        else:
            context.tool_calls = min(context.tool_calls + 1, context.max_tool_calls)
        context.count(call["name"], answer)
        tell(
            "member.tool_done",
            **facts,
            ok=answer.status != "error",
            seconds=round(time.monotonic() - began, 3),
            summary=summary_line(answer.text),
        )
        return answer


async def _answered(
    context: MemberContext, request: ToolCallRequest, handler: ToolHandler
) -> ToolMessage:
    """The tool's answer, or why there is none, in words for the model."""
    if why := too_many(request.state["messages"], request.tool_call, context.max_tool_calls):
        return _refusal(request, why)
    context.tool_calls += 1
    if request.tool_call["name"] not in context.allowed:
        nameless = request.tool_call["name"] == UNNAMED
        why = "The call had no name." if nameless else "There is no such tool."
        return _refusal(request, f"{why} Tools: {', '.join(sorted(context.allowed))}.")
    if context.schedule.over:
        return _refusal(request, "There is no time left for tools. Write your answer now.")
    if (
        times := context.repeats.times(request.tool_call["name"], request.tool_call["args"])
    ) >= OFTEN:
        return _repeated(context, request, times)
    try:
        async with context.schedule.tool():
            answer = await _called(context, request, handler)
        await context.shared.screen(context.seat, request.tool_call["name"], answer.text)
    except TimeIsUp:
        return _refusal(request, "The tool was interrupted: time is up. Write your answer now.")
    except ToolFailure as failure:
        refused = failure.reason == "invalid_arguments"
        return (_refusal if refused else _error)(request, f"{failure.reason}: {failure}")
    except Exception as error:  # noqa: BLE001 - a tool may raise anything; the member goes on
        return _error(request, f"The tool failed ({type(error).__name__}).")
    return _refusal(request, answer.text) if answer.status == "error" else answer


async def _called(
    context: MemberContext, request: ToolCallRequest, handler: ToolHandler
) -> ToolMessage:
    """What the tool returns: one of a server by its connection, any other by the agent."""
    call, servers = request.tool_call, context.servers
    served = context.served.get(call["name"])
    if served is None or servers is None:
        answer: ToolMessage = await handler(request)
        return answer
    text = await servers.call(served, call["args"], context)
    return ToolMessage(text, tool_call_id=call["id"] or "", name=call["name"])


def _repeated(context: MemberContext, request: ToolCallRequest, times: int) -> ToolMessage:
    tool = request.tool_call["name"]
    tell("member.loop", seat=context.seat, round=context.round, tool=tool, times=times)
    return _refusal(
        request,
        f"You have made this very call {times} times, and its result stays the same. It was not "
        "run again. Use what you have, try something else, or write your answer.",
    )


def _money_is_short(context: MemberContext, request: ModelRequest[Any]) -> bool:
    """Whether another turn with tools might leave nothing to write the answer with."""
    if not context.allowed:
        return False
    whole = [SystemMessage(context.system), *request.messages]
    client = context.client
    return not client.bill.affords_another(client.model, whole, request.tools)


def _refusal(request: ToolCallRequest, text: str) -> ToolMessage:
    return _error(request, text).model_copy(update={"additional_kwargs": {NOT_RUN: True}})


def _error(request: ToolCallRequest, text: str) -> ToolMessage:
    call = request.tool_call
    return ToolMessage(text, tool_call_id=call["id"] or "", name=call["name"], status="error")


def _context(request: ModelRequest[Any] | ToolCallRequest) -> MemberContext:
    context: Any = request.runtime.context
    assert isinstance(context, MemberContext)
    return context


class _Unseated(BaseChatModel):
    """Placeholder model of the agent until a run provides one; never called."""

    @property
    def _llm_type(self) -> str:
        return "unseated"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise RuntimeError("no model sits here: run the agent through the graph")

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._generate(messages)
