"""Human messages as the graph writes them for judge, writer and follow-ups."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from html import escape
from typing import Any

from langchain_core.messages import HumanMessage

_TAGS = (
    "question|conversation|answer|evidence|source|failed|earlier_analysis|your_earlier_answer|"
    "follow_up|analysis"
)


def human(*blocks: str) -> list[HumanMessage]:
    return [HumanMessage("\n".join(blocks))]


def question_block(question: str) -> str:
    return f"<question>{_escaped(question)}</question>"


def source_block(
    source_id: str, text: str, title: str = "Guide", url: str = "docs:guide.md"
) -> str:
    attributes = f'id="{source_id}" title="{escape(title)}" url="{escape(url)}"'
    return f"<source {attributes}>\n{_escaped(text)}\n</source>"


def answer_block(seat: str, answer: str, sources: Sequence[str] = (), status: str = "ok") -> str:
    shown = "\n".join(sources)
    return (
        f'<answer seat="{seat}" status="{status}">\n{_escaped(answer)}\n</answer>\n'
        f'<evidence seat="{seat}">\n{shown}\n</evidence>'
    )


def follow_up_block(follow_up: dict[str, Any], seat: str, answer: str) -> str:
    question, about = escape(follow_up["question"]), follow_up["about"]
    return (
        f'<follow_up id="{follow_up["id"]}" seat="{seat}" question="{question}" about="{about}">'
        f"\n{_escaped(answer)}\n</follow_up>"
    )


def analysis_block(analysis: dict[str, Any], tag: str = "analysis") -> str:
    return f"<{tag}>{_escaped(json.dumps(analysis))}</{tag}>"


def _escaped(text: str) -> str:
    return re.sub(rf"<(?=/?(?:{_TAGS})\b)", "&lt;", text)
