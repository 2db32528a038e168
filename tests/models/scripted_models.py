"""Chat models that talk to a scripted server."""

from typing import Any, cast

from langgraph_fusion.models.chat import FusionChat
from langgraph_fusion.models.factory import ModelOptions, chat_model
from langgraph_fusion.models.providers import ModelRef

SECRET = "sk-or-v1-0123456789abcdef-very-secret"
REF = ModelRef("openrouter", "vendor/one")


def openrouter(base_url: str, **options: Any) -> FusionChat:
    env = {"OPENROUTER_API_KEY": SECRET, "OPENROUTER_BASE_URL": base_url}
    return cast(FusionChat, chat_model(REF, ModelOptions(**options), env=env))


def vllm(base_url: str, **options: Any) -> FusionChat:
    ref = ModelRef("vllm", "qwen3")
    return cast(
        FusionChat, chat_model(ref, ModelOptions(**options), env={"VLLM_BASE_URL": base_url})
    )
