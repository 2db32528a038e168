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
    from langgraph_fusion.models.offline.chat import OfflineChatModel
    from langgraph_fusion.models.offline.judge import JudgeModel
    from langgraph_fusion.models.offline.members import BroadModel, CarefulModel, KeywordModel
    from langgraph_fusion.models.offline.writer import WriterModel

    models: dict[str, type[OfflineChatModel]] = {
        "keyword": KeywordModel,
        "broad": BroadModel,
        "careful": CarefulModel,
        "judge": JudgeModel,
        "writer": WriterModel,
    }
    if name not in models:
        raise ValueError(f"No offline model `{name}`. Use one of: {', '.join(models)}.")
    return models[name](model=name)
