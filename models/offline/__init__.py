"""Deterministic extractive chat models: a panel, a judge and a writer without network or key."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["OFFLINE_MODELS", "offline_model"]

OFFLINE_MODELS = ("keyword", "broad", "careful", "judge", "writer")


def offline_model(name: str) -> BaseChatModel:
    """Give the offline chat model called `name`, one of `OFFLINE_MODELS`.

    Every model is a pure function of the messages and the tools it is given.

    Raises:
        ValueError: If there is no such model.
    """
    from langgraph_fusion.models.offline.judge import JudgeModel
    from langgraph_fusion.models.offline.members import member_model
    from langgraph_fusion.models.offline.writer import WriterModel

    if name not in OFFLINE_MODELS:
        raise ValueError(f"No offline model `{name}`. Use one of: {', '.join(OFFLINE_MODELS)}.")
    if name == "judge":
        return JudgeModel(model=name)
    return WriterModel(model=name) if name == "writer" else member_model(name)
