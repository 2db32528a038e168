"""LangServe's routes over the deliberation: invoke, batch, stream, stream_events, playground.

LangServe is no longer developed (deprecated since November 2024); it is here for clients that have
a `RemoteRunnable`. It gives a graph no context, so settings travel under `configurable`.
"""

from types import UnionType
from typing import Annotated, Any, get_args, get_origin

from fastapi import APIRouter, FastAPI, Request
from langchain_core.messages import AIMessage
from langchain_core.runnables import ConfigurableFieldSpec, RunnableConfig, RunnableLambda
from langserve import add_routes
from pydantic import BaseModel, Field, WithJsonSchema

from langgraph_fusion.graph.fusion_tool import answer_or_analysis
from langgraph_fusion.graph.result import FusionResult
from langgraph_fusion.graph.settings import FusionSettings
from langgraph_fusion.server.langserve.input import Ask, CheckedRoute
from langgraph_fusion.server.request_context import request_context
from langgraph_fusion.server.runs.cancellation import cancel_on_disconnect, finish_cleanup_on_cancel
from langgraph_fusion.server.runs.client_policy import OF_THE_REQUEST, OPERATORS_OWN
from langgraph_fusion.server.runs.run_request import RunRequest
from langgraph_fusion.server.state import ServerState

PATH = "/fusion"
_ASKED = "__fusion_asked"
"""Settings and request, in `configurable`: LangGraph keeps two underscores out of metadata."""


class Reply(BaseModel):
    """What the graph itself returns."""

    messages: list[AIMessage]
    fusion: FusionResult


_TEXT = WithJsonSchema({"type": "string"})
_LISTS = ("panel", "tools", "exclude")
_ANNOTATIONS: dict[str, Any] = {
    **dict.fromkeys(_LISTS, Annotated[str | list[str | dict[str, Any]], _TEXT]),
    **dict.fromkeys(("judge", "synthesizer", "verify"), Annotated[str | dict[str, Any], _TEXT]),
}
"""Text for people, with commas between; a program may send lists and whole seats.

The playground sends every list that its form has, as `[]` where nobody filled it in.
"""
NO_TOOLS = "none"


def _drop_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


_LEFT_OUT = Field(json_schema_extra=_drop_default)
"""LangServe's default is null, which the playground would show as an error in every field."""


class Deliberation(RunnableLambda[Any, Any]):
    """Names the settings a client may choose: LangServe drops every other `configurable` key."""

    @property
    def config_specs(self) -> list[ConfigurableFieldSpec]:
        kept = OPERATORS_OWN | OF_THE_REQUEST.keys()
        return [
            ConfigurableFieldSpec(
                id=name,
                annotation=Annotated[
                    _ANNOTATIONS.get(name, _without_none(field.annotation)), _LEFT_OUT
                ],
                description=field.description,
            )
            for name, field in FusionSettings.model_fields.items()
            if name not in kept
        ]


def add_langserve(app: FastAPI, path: str = PATH) -> None:
    """Add the routes under the path; the page for people is `{path}/playground/`."""
    state: ServerState = app.state.server

    def permit(config: dict[str, Any], request: Request) -> dict[str, Any]:
        """Check the settings while a stream has sent no status and they can still be refused."""
        settings = state.config.policy.settings(_chosen(config["configurable"]))
        return config | {"configurable": {_ASKED: (settings, request)}}

    async def deliberate(given: Any, config: RunnableConfig) -> dict[str, Any]:
        settings, request = config["configurable"][_ASKED]
        messages = list[Any](Ask.model_validate(given).messages)
        run_request = RunRequest.of(settings, messages, requested="langserve")

        context = request_context(request, "langserve")

        async def run() -> dict[str, Any]:
            async with state.manager.run(run_request, context) as run:
                return await cancel_on_disconnect(request.receive, run.result())

        result = await finish_cleanup_on_cancel(run())
        return {"messages": [AIMessage(answer_or_analysis(result))], "fusion": result}

    served = Deliberation(deliberate, name="fusion").with_types(input_type=Ask, output_type=Reply)
    router = APIRouter(
        route_class=CheckedRoute
    )  # on the app itself LangServe registers start-up handlers, no lifespan
    add_routes(
        router,
        served,
        path=path,
        config_keys=("configurable",),
        disabled_endpoints=("config_hashes",),  # a path of 57 KB would unpack to 313 MB
        per_req_config_modifier=permit,
    )
    app.include_router(router)


def _chosen(configurable: dict[str, Any]) -> dict[str, Any]:
    """What was filled in, lists as lists; a LangGraph server adds keys of its own."""
    filled = {
        name: value
        for name, value in configurable.items()
        if value not in (None, "") and not name.startswith("__")
    }
    for name in _LISTS:
        if isinstance(text := filled.get(name), str):
            parts = [part.strip() for part in text.split(",")]
            filled[name] = [] if parts == [NO_TOOLS] else parts
    return filled


def _without_none(annotation: Any) -> Any:
    """`int | None` as `int`: the playground cannot show null, and an absent field means it."""
    if get_origin(annotation) is not UnionType:
        return annotation
    kept = [kind for kind in get_args(annotation) if kind is not type(None)]
    return kept[0] if len(kept) == 1 else annotation
