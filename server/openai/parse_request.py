"""Turn the body of either OpenAI API into a `RunRequest`."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, get_args

from langchain_core.messages import AnyMessage

from langgraph_fusion.graph.errors import MODEL_NOT_FOUND, ConfigError
from langgraph_fusion.graph.presets import preset_descriptions, preset_values
from langgraph_fusion.graph.settings import FusionSettings, load_settings
from langgraph_fusion.server.openai.field_names import (
    CHAT_FIELDS,
    RESPONSES_FIELDS,
    errors_name,
)
from langgraph_fusion.server.openai.messages import (
    FindItem,
    chat_turns,
    find_no_item,
    responses_turns,
    with_instructions,
)
from langgraph_fusion.server.openai.protocol import ChatBody, FusionRequest, ResponsesBody
from langgraph_fusion.server.openai.protocol_tools import (
    ChatFunctionTool,
    OtherChoice,
    OtherTool,
    ResponsesFunctionTool,
)
from langgraph_fusion.server.openrouter import protocol as hosted
from langgraph_fusion.server.runs.client_policy import ClientPolicy
from langgraph_fusion.server.runs.run_request import (
    MAX_PRIORITY,
    RunRequest,
    ToolResults,
    UsageOf,
    writer_of,
)

ALIASES = {"fusion": None, "openrouter/fusion": None, "openrouter/fusion-flash": "fast"}
"""Names of the deliberation itself, and the preset that each stands for."""
_HOSTED_ALIAS = "openrouter/fusion"
PRESET_PREFIX = "fusion/"
"""Before the name of a preset."""
DIRECT = "fusion/direct"
"""The synthesizer of the operator's preset alone: for titles, tags and other small tasks."""
Json = dict[str, Any]


@dataclass(frozen=True)
class _Writing:
    """The request's options for the synthesizer, as settings."""

    seat: Json
    run: Json


def is_heavy(body: ChatBody | ResponsesBody) -> bool:
    """Whether a schema is in it, which may take half a second to check, however short it is."""
    form: object = body.response_format if isinstance(body, ChatBody) else body.text
    return form is not None or "response_format" in body.fusion or bool(body.tools)


def run_request_from_chat(body: ChatBody, policy: ClientPolicy) -> RunRequest:
    """Understand a chat request.

    Raises:
        ConfigError: If it asks for no deliberation, or a field is wrong or not permitted; nothing
            has been started.
    """
    reasoning = body.reasoning.effort if body.reasoning else None
    seat = {
        "temperature": body.temperature,
        "max_tokens": body.max_completion_tokens or body.max_tokens,
        "reasoning_effort": body.reasoning_effort or reasoning,
    }
    tools = [tool.model_dump(exclude_none=True) for tool in _functions(body)]
    schema = _dumped(body.response_format)
    run = {"seed": body.seed} | _last_step(body, tools, schema)
    usage = bool(body.stream_options and body.stream_options.include_usage)
    with errors_name(CHAT_FIELDS):
        request = _run_request(body, _Writing(seat, run), chat_turns(body.messages), policy)
    progress = body.fusion.get("progress") is not False
    usage_of: UsageOf = "run" if request.hosted else "answer"
    return replace(
        request,
        include_usage=usage,
        progress=progress,
        usage_of=_one_of(body, "usage", get_args(UsageOf), usage_of),
        stops=tuple(filter(None, body.stop)),
    )


def run_request_from_responses(
    body: ResponsesBody, policy: ClientPolicy, find_item: FindItem = find_no_item
) -> RunRequest:
    """Understand a Responses request; `find_item` gives the items that it refers to by id.

    Raises:
        ConfigError: As `run_request_from_chat`.
    """
    seat = {
        "temperature": body.temperature,
        "max_tokens": body.max_output_tokens,
        "reasoning_effort": body.reasoning.effort if body.reasoning else None,
    }
    tools = [_as_chat_tool(tool) for tool in _functions(body)]
    schema = _as_chat_format(_dumped(body.text.format if body.text else None))
    writing = _Writing(seat, _last_step(body, tools, schema))
    with errors_name(RESPONSES_FIELDS):
        turns = with_instructions(body.instructions, responses_turns(body.input, find_item))
        request = _run_request(body, writing, turns, policy)
    asked_for = body.fusion.get("progress") is True
    return replace(
        request,
        progress=body.fusion.get("progress") is not False and (request.hosted or asked_for),
        fusion_item=request.hosted or asked_for,
        usage_of=_one_of(body, "usage", get_args(UsageOf), "run"),
    )


def _run_request(
    body: Any,
    writing: _Writing,
    messages: list[AnyMessage],
    policy: ClientPolicy,
) -> RunRequest:
    ours = dict(body.fusion)
    details, _ = (_switch(ours, name) for name in ("details", "progress"))
    for name in ("usage", "tool_results", "priority"):
        ours.pop(name, None)
    policy.check_given(ours)
    settings = _settings(body, ours, writing, policy)
    return RunRequest(
        settings=settings,
        messages=messages,
        requested=body.model,
        model=writer_of(settings),
        stream=bool(body.stream),
        details=details,
        hosted=body.model.removeprefix("~").startswith(_HOSTED_ALIAS) or _form(body)[1],
        tool_results=_one_of(body, "tool_results", get_args(ToolResults), "direct"),
        notes=tuple(_notes(body)),
        priority=_priority(body),
    )


def _settings(
    body: ChatBody | ResponsesBody, ours: Json, writing: _Writing, policy: ClientPolicy
) -> FusionSettings:
    """Preset, then the hosted form, then our own field: the later wins."""
    given, asked = _form(body)
    named = _named_preset(body.model)
    outer = body.model if named == _OUTER else None
    if outer and not asked and not ours:
        raise ConfigError(
            f"there is no {body.model!r} here; use `fusion`, `fusion/<preset>` (GET "
            "/v1/models lists them), or send this model with the fusion plugin",
            field="model",
            code=MODEL_NOT_FOUND,
        )
    preset = _preset(body, ours, None if outer or named == DIRECT else named, policy)
    values = {"preset": preset} | _seats(given, outer)
    values |= hosted.run_fields(given, preset_values(preset).get("docs"))
    values |= {name: value for name, value in writing.run.items() if value is not None}
    if not _switched_on(body) or named == DIRECT:
        values["mode"] = "direct"
    settings = hosted.with_inner_calls(load_settings(values | ours), given, ours)
    policy.check_extras(settings, ours)
    return policy.apply_limits(_with_writer(settings, writing.seat, ours))


_OUTER = "an outer model"


def _named_preset(model: str) -> str | None:
    """The preset in the model's name; None means the operator's default."""
    name = model.removeprefix("~")
    if name == DIRECT and DIRECT.removeprefix(PRESET_PREFIX) not in preset_descriptions():
        return DIRECT
    if name.startswith(PRESET_PREFIX):
        return _known(name.removeprefix(PRESET_PREFIX))
    bare = name.partition(":")[0]  # `:free`, `:nitro` and the like
    return ALIASES.get(bare, _OUTER)


def _known(preset: str) -> str:
    names = preset_descriptions()
    if preset not in names:
        listed = ", ".join(PRESET_PREFIX + name for name in names)
        raise ConfigError(
            f"there is no {PRESET_PREFIX}{preset}; there are {listed}",
            field="model",
            code=MODEL_NOT_FOUND,
        )
    return preset


def _preset(
    body: ChatBody | ResponsesBody, ours: Json, named: str | None, policy: ClientPolicy
) -> str:
    plugin = _plugin(body)
    chosen = hosted.PRESETS[plugin.preset] if plugin and plugin.preset else None
    return str(ours.get("preset") or chosen or named or policy.default_preset)


def _seats(given: hosted.FusionParameters, outer: str | None) -> Json:
    """With the alias the judge's model writes as well; else the outer model does."""
    seats: Json = {}
    if given.analysis_models:
        seats["panel"] = given.analysis_models
    if judge := given.model or outer:
        seats["judge"] = judge
        seats["synthesizer"] = outer or judge
    return seats


def _form(body: FusionRequest) -> tuple[hosted.FusionParameters, bool]:
    """What the plugin or the server tool says (the plugin wins), and whether one is there."""
    tools: Any = getattr(body, "tools", None) or ()
    tool = next((one.parameters for one in tools if isinstance(one, hosted.FusionTool)), None)
    plugin = _plugin(body)
    if plugin is None:
        return tool or hosted.FusionParameters(), tool is not None
    values = (tool.model_dump(exclude_unset=True) if tool else {}) | plugin.model_dump(
        exclude_unset=True, include=set(hosted.FusionParameters.model_fields)
    )
    return hosted.FusionParameters.model_validate(values), True


def _plugin(body: FusionRequest) -> hosted.FusionPlugin | None:
    return next((p for p in body.plugins or () if isinstance(p, hosted.FusionPlugin)), None)


def _switched_on(body: ChatBody | ResponsesBody) -> bool:
    plugin = _plugin(body)
    return body.tool_choice != "none" and (plugin is None or plugin.enabled)


def _functions(body: ChatBody | ResponsesBody) -> list[Any]:
    kinds = (ChatFunctionTool, ResponsesFunctionTool)
    return [tool for tool in body.tools or () if isinstance(tool, kinds)]


def _choice(body: ChatBody | ResponsesBody) -> Any:
    """The choice for the client's own tools.

    With the server tool in the list the deliberation itself is the call that `required` asks for.
    """
    choice: Any = body.tool_choice
    if choice is None or isinstance(choice, str):
        served = any(isinstance(tool, hosted.FusionTool) for tool in body.tools or ())
        return "auto" if choice == "required" and served else choice
    if isinstance(choice, hosted.ReferenceToFusion | OtherChoice):
        return "auto"
    name = choice.function.name if hasattr(choice, "function") else choice.name
    return {"type": "function", "function": {"name": name}}


def _last_step(body: ChatBody | ResponsesBody, tools: list[Json], schema: Json | None) -> Json:
    """Settings of the synthesizer's turn: the client's tools and the form of the answer."""
    choice = _choice(body)
    if isinstance(choice, dict):
        names = [tool["function"]["name"] for tool in tools]
        if choice["function"]["name"] not in names:
            raise ConfigError(
                f"{choice['function']['name']!r} is not among `tools`", field="tool_choice"
            )
    fields: Json = {}
    if tools:
        fields["client_tools"] = tools
        fields["tool_choice"] = choice
        fields["parallel_tool_calls"] = body.parallel_tool_calls
    if schema and schema["type"] != "text":
        fields["response_format"] = schema
    return fields


def _with_writer(settings: FusionSettings, seat: Json, ours: Json) -> FusionSettings:
    changes = {name: value for name, value in seat.items() if value is not None}
    if not changes or "synthesizer" in ours:
        return settings
    return settings.changed(synthesizer=settings.synthesizer.model_dump() | changes)


def _one_of(body: FusionRequest, name: str, allowed: tuple[Any, ...], default: Any) -> Any:
    """A choice of words in our own field.

    Raises:
        ConfigError: If it is another word.
    """
    value = body.fusion.get(name, default)
    if value not in allowed:
        raise ConfigError(f"say one of {', '.join(allowed)}", field=f"fusion.{name}")
    return value


def _priority(body: FusionRequest) -> int:
    """How urgent the client says that it is.

    Raises:
        ConfigError: If it is no such number.
    """
    value = body.fusion.get("priority", 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_PRIORITY:
        raise ConfigError(f"say a number from 0 to {MAX_PRIORITY}", field="fusion.priority")
    return value


def _notes(body: ChatBody | ResponsesBody) -> Iterator[str]:
    """What of the request is left out although the client may count on it."""
    others = [tool.type for tool in body.tools or () if isinstance(tool, OtherTool)]
    if others:
        names = ", ".join(f"`{name}`" for name in dict.fromkeys(others))
        yield (
            f"Tools that this server does not run were left out: {names}. The panel has its own; "
            "a request chooses them with the setting `tools`."
        )


def _switch(ours: Json, name: str) -> bool:
    value = ours.pop(name, True)
    if not isinstance(value, bool):
        raise ConfigError("say true or false", field=f"fusion.{name}")
    return value


def _dumped(format: Any) -> Json | None:
    return None if format is None else dict(format.model_dump(exclude_none=True, by_alias=True))


def _as_chat_tool(tool: ResponsesFunctionTool) -> Json:
    function = tool.model_dump(exclude_none=True, exclude={"type"})
    return {"type": "function", "function": function}


def _as_chat_format(format: Json | None) -> Json | None:
    if format is None or format["type"] != "json_schema":
        return format
    schema = {name: value for name, value in format.items() if name != "type"}
    return {"type": "json_schema", "json_schema": schema}
