"""The measured error of the lexical baseline, where the labelled claims are at hand."""

import asyncio
from pathlib import Path

import pytest

from bench.verification.__main__ import verified
from bench.verification.wice import confusion, labelled_answer, read_rows, table
from langgraph_fusion.graph.settings import load_settings

ROWS = Path("/work/shared/data/samples/wice_claim_evidence.jsonl")
QUALITY = Path(__file__).parents[3] / "docs" / "quality.md"


@pytest.mark.skipif(not ROWS.exists(), reason="the labelled claims are not shipped")
def test_the_documented_table_is_what_the_lexical_baseline_gets_right() -> None:
    answer = labelled_answer(read_rows(ROWS))
    found = asyncio.run(verified(answer, load_settings({"preset": "offline", "verify": "lexical"})))
    assert len(found.citations) == 36
    counted = confusion(answer, found.citations)
    print(table(counted))
    assert table(counted) in QUALITY.read_text("utf-8")
    assert counted["not_found", "supported"] <= 2, "it seldom vouches for what nobody said"
