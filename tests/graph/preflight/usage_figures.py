"""The figures of `graph/preflight/usage_profile.toml`, from the runs they come from.

300 runs of single models with tools on the 100 DRACO tasks, 100 fused reports on the same
(github.com/Lore-Hex/TrustedRouter-Fusion-Draco, Apache-2.0, commit f106858). Low, likely and high
are medians over the runs from the 5th to the 15th, the 45th to the 55th and the 85th to the 95th
percentile of a rank: for what a member reads, the prompt tokens of all its calls; else the figure
itself. Four characters are taken as one token.
"""

import json
import re
from collections.abc import Callable, Iterable
from statistics import median
from typing import Any

from tests.shared_data import rows

Row = dict[str, Any]
_SLICES = {"low": (0.05, 0.15), "likely": (0.45, 0.55), "high": (0.85, 0.95)}
_URL = re.compile(r"https?://[^\s)\]>\"']+")


def figures() -> dict[str, dict[str, dict[str, int]]]:
    """Part of a run -> figure -> low, likely, high."""
    members = [
        row for name in ("opus", "gpt55", "kimi") for row in rows(f"draco/solo-{name}.jsonl")
    ]
    fused = list(rows("draco/fusion-frontier-opus.jsonl"))
    reads: dict[str, Callable[[Row], float]] = {
        "turns": _turns,
        "tool_calls": lambda row: row["agentic"]["tool_calls_made"],
        "result_tokens": _result_tokens,
        "call_tokens": _call_tokens,
    }
    return {
        "member": {
            **{name: _typical(members, figure, _read) for name, figure in reads.items()},
            "answer_tokens": _typical(members, _written, _written),
            "cited_sources": _typical(members, _cited, _cited),
        },
        "judge": {"analysis_tokens": _typical(fused, _judged, _judged)},
        "writer": {"answer_tokens": _typical(fused, _written, _written)},
    }


def _typical(
    all_: Iterable[Row], figure: Callable[[Row], float], rank: Callable[[Row], float]
) -> dict[str, int]:
    ranked = sorted(all_, key=rank)
    cut = {name: [round(len(ranked) * edge) for edge in edges] for name, edges in _SLICES.items()}
    return {name: round(median(map(figure, ranked[a:b]))) for name, (a, b) in cut.items()}


def _turns(row: Row) -> int:
    """Model calls: the loop's, and the tool-free one after a loop that used up its budget."""
    return int(row["agentic"]["steps"]) + bool(row["agentic"]["truncated_loop"])


def _result_tokens(row: Row) -> float:
    tools = row["agentic"]["tools"]
    return sum(one["result_chars"] or 0 for one in tools) / 4 / max(1, len(tools))


def _call_tokens(row: Row) -> float:
    tools = row["agentic"]["tools"]
    return sum(len(json.dumps(one["args"])) for one in tools) / 4 / max(1, len(tools))


def _read(row: Row) -> float:
    """Prompt tokens of all calls, if results come evenly and every call reads all before it."""
    results = _result_tokens(row) * int(row["agentic"]["tool_calls_made"])
    return results * _turns(row) / 2


def _judged(row: Row) -> float:
    return float(row["fusion"]["judge_chars"]) / 4


def _cited(row: Row) -> float:
    return len(set(_URL.findall(row["final"]["content"] or "")))


def _written(row: Row) -> float:
    return float(row["final"]["output_tokens"])


if __name__ == "__main__":
    for part, known in figures().items():
        print(f"\n[{part}]")
        for name, tiers in known.items():
            shown = ", ".join(f"{tier} = {value}" for tier, value in tiers.items())
            print(f"{name} = {{ {shown} }}")
