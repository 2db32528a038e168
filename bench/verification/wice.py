"""Claims of WiCE with their labels, as an answer that cites one source for each.

WiCE (Kamoi et al. 2023, github.com/ryokamoi/wice): sentences of Wikipedia, the pages they cite, and
whether people found the sentence supported, partially supported or not supported by the page.
"""

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langgraph_fusion.graph.records import CitationVerdict, Verdict
from langgraph_fusion.tools.sources import Source

LABELS: dict[str, Verdict] = {
    "supported": "supported",
    "partially_supported": "partly",
    "not_supported": "not_found",
}
VERDICTS: tuple[Verdict | None, ...] = (*LABELS.values(), None)
Confusion = Counter[tuple[Verdict, Verdict | None]]


@dataclass(frozen=True)
class LabelledAnswer:
    """Claims as one Markdown text, the pages they cite, and the label of each page's claim."""

    draft: str
    sources: dict[str, Source]
    labels: dict[str, Verdict]


def labelled_answer(rows: Sequence[dict[str, Any]]) -> LabelledAnswer:
    """Put the rows, in a fixed random order, under the titles of the articles they stand in."""
    shuffled = list(rows)
    random.Random(7).shuffle(shuffled)
    parts, sources, labels = [], {}, {}
    for number, row in enumerate(shuffled, start=1):
        id = f"A{number}"
        meta, text = row["meta"], "\n".join(row["evidence"])
        parts.append(f"## {meta['claim_title']}\n\n{_earlier(meta)}{row['claim']} [{id}]")
        sources[id] = _page(id, text)
        labels[id] = LABELS[row["label"]]
    return LabelledAnswer("\n\n".join(parts), sources, labels)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSON-lines file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def confusion(answer: LabelledAnswer, found: Sequence[CitationVerdict]) -> Confusion:
    """How often a label met a verdict."""
    return Counter((answer.labels[one.source], one.verdict) for one in found)


def table(counted: Confusion) -> str:
    """Labels down, verdicts across, as Markdown."""
    names = [verdict or "unchecked" for verdict in VERDICTS]
    lines = [f"| label | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for label in LABELS.values():
        cells = (str(counted[label, verdict]) for verdict in VERDICTS)
        lines.append(f"| {label} | {' | '.join(cells)} |")
    right = sum(number for (label, verdict), number in counted.items() if label == verdict)
    return "\n".join([*lines, "", f"right: {right} of {sum(counted.values())}"])


def _earlier(meta: dict[str, Any]) -> str:
    """The end of the paragraph before the claim, without which `he` is nobody."""
    text = " ".join(str(meta.get("claim_context") or "").split())
    return f"{text[-300:].partition('. ')[2]} " if len(text) > 300 else f"{text} " if text else ""


def _page(id: str, text: str) -> Source:
    url = f"https://example.org/{id}"
    return Source(
        id=id,
        seat="A",
        kind="page",
        url=url,
        canonical_url=url,
        title=f"Page {id}",
        retrieved_at="2026-01-01T00:00:00+00:00",
        sha256=id,
        text=text,
    )
