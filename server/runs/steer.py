"""Do what a client asks of a run."""

from collections.abc import Mapping
from typing import Any

from langgraph_fusion.graph.calls.steering import Steering


def steer(steering: Steering, action: Mapping[str, Any]) -> None:
    """Carry out an action of the runs API.

    Raises:
        ConfigError: If it cannot be done, or not any more.
    """
    match action["action"]:
        case "answer_now":
            steering.answer_now()
        case "stop_member":
            steering.stop_member(action.get("seat", ""))
        case "follow_up":
            steering.follow_up(action.get("question", ""), action.get("seats") or ())
        case "raise_budget":
            steering.raise_budget(action.get("budget_usd") or 0.0)
