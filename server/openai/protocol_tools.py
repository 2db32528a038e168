"""The client's own tools, the choice among them, and the form of the answer, in both requests."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, JsonValue, Tag

from langgraph_fusion.server.openrouter.protocol import FusionTool, ReferenceToFusion


class Body(BaseModel):
    """Members that are not named are ignored, as newer clients send newer ones."""

    model_config = ConfigDict(extra="ignore", use_attribute_docstrings=True)


class Function(Body):
    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
    description: str | None = None
    parameters: dict[str, JsonValue] | None = None
    strict: bool | None = None


class ChatFunctionTool(Body):
    type: Literal["function"]
    function: Function


class ResponsesFunctionTool(Function):
    type: Literal["function"]


class OtherTool(Body):
    """A tool that the provider runs, such as `web_search`: left out, with a note in the result."""

    type: Annotated[str, Field(min_length=1, max_length=64)]


_BRANCHES = {"function": "as:function", "openrouter:fusion": "as:fusion"}


def _which_tool(value: Any) -> str:
    kind = value.get("type") if isinstance(value, Mapping) else getattr(value, "type", None)
    return _BRANCHES.get(str(kind), "as:other")


_Fusion = Annotated[FusionTool, Tag("as:fusion")]
_Other = Annotated[OtherTool, Tag("as:other")]
ChatTool = Annotated[
    Annotated[ChatFunctionTool, Tag("as:function")] | _Fusion | _Other, Discriminator(_which_tool)
]
ResponsesTool = Annotated[
    Annotated[ResponsesFunctionTool, Tag("as:function")] | _Fusion | _Other,
    Discriminator(_which_tool),
]


class FunctionName(Body):
    name: str


class ChatFunctionChoice(Body):
    type: Literal["function"]
    function: FunctionName


class ResponsesFunctionChoice(Body):
    type: Literal["function"]
    name: str


class OtherChoice(Body):
    """A choice of a tool that this server leaves out: the same as `auto`."""

    type: str


Words = Literal["none", "auto", "required"]


def _which_choice(value: Any) -> str:
    if isinstance(value, str):
        return "as:words"
    kind = value.get("type") if isinstance(value, Mapping) else getattr(value, "type", None)
    return _BRANCHES.get(str(kind), "as:other")


_ChoiceInWords = Annotated[Words, Tag("as:words")]
_ChoiceOfFusion = Annotated[ReferenceToFusion, Tag("as:fusion")]
_ChoiceOfOther = Annotated[OtherChoice, Tag("as:other")]
ChatChoice = Annotated[
    _ChoiceInWords
    | Annotated[ChatFunctionChoice, Tag("as:function")]
    | _ChoiceOfFusion
    | _ChoiceOfOther,
    Discriminator(_which_choice),
]
ResponsesChoice = Annotated[
    _ChoiceInWords
    | Annotated[ResponsesFunctionChoice, Tag("as:function")]
    | _ChoiceOfFusion
    | _ChoiceOfOther,
    Discriminator(_which_choice),
]


class JsonSchema(Body):
    """What a JSON answer must look like."""

    model_config = ConfigDict(
        extra="ignore", use_attribute_docstrings=True, serialize_by_alias=True
    )

    name: str = "answer"
    description: str | None = None
    schema_: dict[str, JsonValue] = Field(alias="schema")
    strict: bool | None = None


class TextFormat(Body):
    type: Literal["text"]


class JsonObjectFormat(Body):
    type: Literal["json_object"]


class ChatSchemaFormat(Body):
    type: Literal["json_schema"]
    json_schema: JsonSchema


class ResponsesSchemaFormat(JsonSchema):
    type: Literal["json_schema"]


_FORMS = {name: f"as:{name}" for name in ("text", "json_object", "json_schema")}


def _which_form(value: Any) -> str | None:
    kind = value.get("type") if isinstance(value, Mapping) else getattr(value, "type", None)
    return _FORMS.get(str(kind))


_ByForm = Discriminator(
    _which_form,
    custom_error_type="no_form",
    custom_error_message="write an object whose `type` is text, json_object or json_schema",
)
_Text = Annotated[TextFormat, Tag("as:text")]
_JsonObject = Annotated[JsonObjectFormat, Tag("as:json_object")]
ChatFormat = Annotated[
    _Text | _JsonObject | Annotated[ChatSchemaFormat, Tag("as:json_schema")], _ByForm
]
ResponsesFormat = Annotated[
    _Text | _JsonObject | Annotated[ResponsesSchemaFormat, Tag("as:json_schema")], _ByForm
]
