"""What a run without an answer has learned all the same: it was paid for and is not thrown away."""

from collections.abc import Iterator
from typing import Any

from langgraph_fusion.cli.display.findings import as_markdown
from langgraph_fusion.cli.display.model import Board


def learned_markdown(board: Board) -> str:
    """The answers of members that had finished, the analysis and the begun answer, as Markdown.

    Empty if nothing was learned.
    """
    return "\n".join(_parts(board))


def learned_json(question: str, board: Board) -> dict[str, Any]:
    """The same with every model call so far; the fields are those of `FusionResult`."""
    return {
        "run_id": board.run_id,
        "question": question,
        "answers": list(board.answers),
        "analysis": board.analysis,
        "follow_ups": list(board.follow_ups),
        "draft": board.page,
        "calls": list(board.calls),
    }


def _parts(board: Board) -> Iterator[str]:
    for answer in board.answers:
        if answer.get("text"):
            yield f"## {_title(answer)}\n\n{answer['text'].strip()}\n"
    if board.analysis is not None:
        yield as_markdown(board.analysis, board.follow_ups)
    if board.page.strip():
        yield f"## The answer so far (unfinished, unchecked)\n\n{board.page.strip()}\n"


def _title(answer: Any) -> str:
    part = ", in part" if answer["status"] == "partial" else ""
    round_ = f", follow-up {answer['round']}" if answer.get("round") else ""
    return f"{answer['seat']} ({answer['model']}{round_}{part})"
