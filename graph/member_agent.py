"""A member's ReAct agent: built once with the graph, told at every turn who sits in it."""

import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain.tools.tool_node import ToolCallRequest
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.outputs import ChatResult
from langchain_core.tools import BaseTool
from langgraph.graph.state import CompiledStateGraph

from langgraph_fusion.graph.caller import Caller
from langgraph_fusion.graph.events import tell
from langgraph_fusion.graph.prompts import prompt
from langgraph_fusion.graph.tool_calls import mended, shown, without_tool_calls
from langgraph_fusion.tools.desk import Desk
from langgraph_fusion.tools.failure import ToolFailure

Agent = CompiledStateGraph[Any, Any, Any, Any]
ModelHandler = Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
ToolHandler = Callable[[ToolCallRequest], Awaitable[Any]]
Turn = Callable[[Any, Any, Any], Coroutine[Any, Any, Any]]


@dataclass(kw_only=True)
class MemberDesk(Desk):
    """A member's desk in one round: its tools' things, its models, its budget."""

    round: int
    caller: Caller
    system: str
    allowed: frozenset[str]
    """Names of the tools it may call."""
    max_tool_calls: int
    soft_end: float
    """`time.monotonic()` from which it has to write."""
    tool_calls: int = 0
    tool_errors: int = 0
    loops: bool = False
    """It went on calling tools in its tool-free turn."""
    short_of_money: bool = False
    """It had to write because another turn with tools might have passed the spend cap."""

    @property
    def must_write(self) -> bool:
        spent = self.tool_calls >= self.max_tool_calls
        return bool(self.allowed) and (spent or time.monotonic() > self.soft_end)


def member_agent(letter: str, tools: Sequence[BaseTool]) -> Agent:
    """Build the agent of a seat. Model, tools and prompt are chosen per run, from its desk."""
    return create_agent(
        _Unseated(),
        tools=list(tools),
        middleware=[MemberTurns()],
        context_schema=MemberDesk,
        name=f"agent_{letter}",
    )


def _on_this_thread(turn: Turn) -> Turn:
    """Hide from LangChain that a method is asynchronous; it awaits what comes back all the same.

    Around an `async def` LangSmith's `traceable` goes through a thread of the shared pool before and
    after every call, traced or not; when searches occupy the pool, models would wait for them.
    """

    def plain(self: Any, request: Any, handler: Any) -> Coroutine[Any, Any, Any]:
        return turn(self, request, handler)

    return plain


class MemberTurns(AgentMiddleware[Any, Any]):
    """Model calls go through the seat's caller, tool calls through the desk's budget."""

    @_on_this_thread
    async def awrap_model_call(self, request: ModelRequest[Any], handler: ModelHandler) -> Any:
        desk = _desk(request)
        final = desk.must_write or _money_is_short(desk, request)
        asked = request.override(
            tools=[] if final else [tool for tool in request.tools if _name(tool) in desk.allowed],
            system_message=SystemMessage(desk.system),
            messages=[*request.messages, HumanMessage(prompt("write_now"))]
            if final
            else request.messages,
        )

        async def send(model: BaseChatModel) -> AIMessage:
            answer = await handler(asked.override(model=model))
            message = mended(_ai(answer.result))
            if not final:
                return message
            desk.loops = bool(message.tool_calls)
            return without_tool_calls(message)

        whole: list[BaseMessage] = [SystemMessage(desk.system), *asked.messages]
        return ModelResponse(result=[await desk.caller.reply(whole, send, asked.tools)])

    @_on_this_thread
    async def awrap_tool_call(self, request: ToolCallRequest, handler: ToolHandler) -> Any:
        desk = _desk(request)
        call = request.tool_call
        told = {
            "seat": desk.seat, "round": desk.round, "call_id": call["id"], "tool": call["name"],
        }  # fmt: skip
        tell("member.tool", **told, input=shown(call["args"]))
        began = time.monotonic()
        answer = await _answered(desk, request, handler)
        desk.tool_errors += answer.status == "error"
        tell(
            "member.tool_done",
            **told,
            ok=answer.status != "error",
            seconds=round(time.monotonic() - began, 3),
            summary=shown(answer.text),
        )
        return answer


async def _answered(
    desk: MemberDesk, request: ToolCallRequest, handler: ToolHandler
) -> ToolMessage:
    """The tool's answer, or why there is none, in words for the model."""
    if desk.tool_calls >= desk.max_tool_calls:
        return _refusal(request, "The tool budget is used up. Write your answer now.")
    desk.tool_calls += 1
    if request.tool_call["name"] not in desk.allowed:
        return _refusal(
            request, f"There is no such tool. Tools: {', '.join(sorted(desk.allowed))}."
        )
    try:
        answer: ToolMessage = await handler(request)
    except ToolFailure as failure:
        return _refusal(request, f"{failure.reason}: {failure}")
    except Exception as error:  # noqa: BLE001 - a tool may raise anything; the member goes on
        return _refusal(request, f"The tool failed ({type(error).__name__}).")
    return answer


def _money_is_short(desk: MemberDesk, request: ModelRequest[Any]) -> bool:
    """Whether another turn with tools might leave nothing to write the answer with."""
    whole = [SystemMessage(desk.system), *request.messages]
    if desk.allowed and not desk.caller.affords_another(whole, request.tools):
        desk.short_of_money = True
    return desk.short_of_money


def _refusal(request: ToolCallRequest, text: str) -> ToolMessage:
    call = request.tool_call
    return ToolMessage(text, tool_call_id=call["id"] or "", name=call["name"], status="error")


def _desk(request: ModelRequest[Any] | ToolCallRequest) -> MemberDesk:
    desk: Any = request.runtime.context
    assert isinstance(desk, MemberDesk)
    return desk


def _name(tool: Any) -> str:
    return str(tool.get("name", "") if isinstance(tool, dict) else tool.name)


def _ai(messages: Sequence[BaseMessage]) -> AIMessage:
    message = messages[-1]
    assert isinstance(message, AIMessage)
    return message


class _Unseated(BaseChatModel):
    """Stands in the agent until a run seats a model; never called."""

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
