"""Measure the verdicts of the stage `verify` on labelled claims.

    python -m bench.verification wice.jsonl                          # lexical
    python -m bench.verification wice.jsonl --verify openai:gpt-5.5  # a model, at its price

The file holds rows of WiCE's `data/entailment_retrieval/claim/dev.jsonl`.
"""

import argparse
import asyncio
from pathlib import Path
from typing import Any

from langgraph.graph import END, START, StateGraph

from bench.verification.wice import LabelledAnswer, confusion, labelled_answer, read_rows, table
from langgraph_fusion.graph.preflight.readiness import check_ready, user_prices
from langgraph_fusion.graph.records import Verification
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.graph.settings import FusionSettings, load_settings
from langgraph_fusion.graph.state import FusionState
from langgraph_fusion.graph.verification.verify import verify


async def verified(answer: LabelledAnswer, settings: FusionSettings) -> Verification:
    """What the stage finds, in a graph of its own."""
    prices = user_prices()
    settings = await check_ready(settings, prices)
    graph = StateGraph(FusionState)
    graph.add_node("verify", verify)
    graph.add_edge(START, "verify")
    graph.add_edge("verify", END)
    run = Run.unopened("verification", settings, prices)
    run.prepared = True  # this graph begins with `verify`: nothing is taken up
    sources = {id: one.model_dump() for id, one in answer.sources.items()}
    state: Any = {"messages": [], "draft": answer.draft, "sources": sources}
    ended = await graph.compile().ainvoke(state, run.into({}))
    for note in run.notes:
        print(note)
    return Verification(**ended["verification"])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.verification", description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--verify", default="lexical", help="lexical, or a model's name")
    parser.add_argument("--timeout", type=float, default=180.0, help="seconds without a word")
    given = parser.parse_args()
    way: Any = given.verify
    if way != "lexical":
        way = {"model": way, "timeout_s": given.timeout}
    settings = load_settings(
        {"preset": "offline", "verify": way, "deadline_s": max(900.0, given.timeout)}
    )
    answer = labelled_answer(read_rows(given.rows))
    print(table(confusion(answer, asyncio.run(verified(answer, settings)).citations)))


if __name__ == "__main__":
    main()
