"""Panels made of the labelled documents of RAMDocs: one seat per document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langgraph_fusion.models.offline import offline_model
from tests.models.offline.prompts import answer_block, human, question_block, source_block

SAMPLE = Path(__file__).parents[4] / "shared/data/samples/ramdocs_conflict.jsonl"

Document = dict[str, Any]


def rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in SAMPLE.read_text().splitlines()]


def analysis_of(question: str, documents: Sequence[Document]) -> dict[str, Any]:
    """Let a keyword member answer from each document alone, then ask the judge."""
    member, judge = offline_model("keyword"), offline_model("judge")
    blocks = [question_block(question)]
    for seat, document in zip("ABCDEFGH", documents, strict=False):
        source = source_block(f"{seat}1", document["text"])
        call: Any = {"name": "docs_search", "args": {"query": question}, "id": "call_0_0"}
        shown = [
            HumanMessage(question),
            AIMessage("", tool_calls=[call]),
            ToolMessage(source, tool_call_id="call_0_0", name="docs_search"),
        ]
        blocks.append(answer_block(seat, str(member.invoke(shown).text), [source]))
    return dict(json.loads(str(judge.invoke(human(*blocks)).text)))


def conflicting_seats(analysis: dict[str, Any]) -> list[set[str]]:
    return [{stance["seat"] for stance in each["stances"]} for each in analysis["contradictions"]]
