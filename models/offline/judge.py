"""The judge: compares the answers sentence by sentence and returns an Analysis as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

from langgraph_fusion.models.offline.analysing import analyse
from langgraph_fusion.models.offline.case import read_case
from langgraph_fusion.models.offline.chat import OfflineChatModel, Tools, tool_calls
from langgraph_fusion.models.offline.updating import update


class JudgeModel(OfflineChatModel):
    """Emits one JSON object; bound to a tool that takes an analysis, it calls that tool."""

    def reply(self, messages: Sequence[BaseMessage], tools: Tools) -> AIMessage:
        case = read_case(messages)
        analysis: dict[str, Any] = update(case) if case.analysis else analyse(case)
        taker = next((name for name in tools if "consensus" in str(tools[name])), "")
        if taker:
            return tool_calls(0, [(taker, analysis)])
        return AIMessage(content=json.dumps(analysis, ensure_ascii=False, indent=1))
