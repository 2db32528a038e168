"""The client's own tools, the choice among them, and the form of the answer, in both requests."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, JsonValue, Tag, model_validator

from langgraph_fusion.server.openrouter.protocol import FusionTool


class Body(BaseModel):
    """Members that are not named are ignored, as newer clients send newer ones."""

    model_config = ConfigDict(extra="ignore", use_attribute_docstrings=True)


class Function(Body):
    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]
    description: str | None = None
    parameters: dict[str, JsonValue] | None = None
    strict: bool | None = None


class ChatFunctionTool(Body):
    type: Literal["function"]
    function: Function


class ResponsesFunctionTool(Function):
    type: Literal["function"]


class OtherTool(Body):
    """A tool that this server cannot run."""

    type: str

    @model_validator(mode="after")
    def _refuse(self) -> "OtherTool":
        raise ValueError(
            f"the tool {self.type!r} is not served here: send `function` tools or "
            "`openrouter:fusion`; tools of the panel belong into its `parameters.tools`"
        )


def _which_tool(value: Any) -> str:
    kind = value.get("type") if isinstance(value, Mapping) else getattr(value, "type", None)
    return {"function": "function", "openrouter:fusion": "fusion"}.get(str(kind), "other")


_Fusion = Annotated[FusionTool, Tag("fusion")]
_Other = Annotated[OtherTool, Tag("other")]
ChatTool = Annotated[
    Annotated[ChatFunctionTool, Tag("function")] | _Fusion | _Other, Discriminator(_which_tool)
]
ResponsesTool = Annotated[
    Annotated[ResponsesFunctionTool, Tag("function")] | _Fusion | _Other, Discriminator(_which_tool)
]


class FunctionName(Body):
    name: str


class ChatFunctionChoice(Body):
    type: Literal["function"]
    function: FunctionName


class ResponsesFunctionChoice(Body):
    type: Literal["function"]
    name: str


Words = Literal["none", "auto", "required"]


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
