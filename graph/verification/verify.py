"""The stage `verify`: do the cited passages bear out the sentences? It annotates, no more."""

from collections import Counter
from collections.abc import Sequence

from langchain_core.runnables import RunnableConfig

from langgraph_fusion.graph.events import tell
from langgraph_fusion.graph.records import CitationVerdict, Verification
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.graph.state import FusionState, Json
from langgraph_fusion.graph.taken_up import run_of
from langgraph_fusion.graph.verification.evidence import Citation, citations_of
from langgraph_fusion.graph.verification.lexical import lexical_verdict
from langgraph_fusion.graph.verification.verifier import Verdicts, verdicts_of
from langgraph_fusion.tools.sources import Source, Sources


async def verify(state: FusionState, config: RunnableConfig) -> Json:
    """Give every citation of the draft a verdict, in the way that the settings name."""
    run = await run_of(state, config)
    sources = Sources(Source(**one) for one in state["sources"].values())
    citations = list(citations_of(state["draft"], sources))
    seat = run.settings.verifier
    method = "lexical" if seat is None else "model"
    model = None if seat is None else str(seat.models[0])
    tell("verify.started", method=method, model=model, citations=len(citations))
    if seat is None:
        found, calls = Verification(method="lexical", citations=_by_words(citations)), []
    else:
        verdicts = await verdicts_of(run, seat, citations)
        _degrade(run, citations, verdicts)
        annotated = _by_model(citations, verdicts)
        found = Verification(method="model", model=verdicts.model, citations=annotated)
        calls = verdicts.calls
    tell("verify.finished", **counts(found))
    return {
        "verification": found.model_dump(mode="json"),
        "bill": [call.model_dump(mode="json") for call in calls],
        "degraded": list(run.degraded),
        "notes": list(run.notes),
    }


def counts(found: Verification) -> dict[str, int]:
    """How many citations got which verdict; `unchecked` none."""
    counted: Counter[str] = Counter(one.verdict or "unchecked" for one in found.citations)
    names = ("supported", "partly", "not_found", "unchecked")
    return {name: counted[name] for name in names}


def _by_words(citations: Sequence[Citation]) -> tuple[CitationVerdict, ...]:
    return tuple(
        CitationVerdict(
            source=one.source.id,
            claim=one.claim.text,
            verdict=lexical_verdict(one.claim.text, one.passages()),
        )
        for one in citations
    )


def _by_model(citations: Sequence[Citation], verdicts: Verdicts) -> tuple[CitationVerdict, ...]:
    return tuple(
        CitationVerdict(
            source=one.source.id,
            claim=one.claim.text,
            verdict=found.verdict if found else None,
            quote=found.quote if found else "",
            missing=found.missing if found else "",
        )
        for place, one in enumerate(citations)
        for found in [verdicts.found.get(place)]
    )


def _degrade(run: Run, citations: Sequence[Citation], verdicts: Verdicts) -> None:
    unchecked = len(citations) - len(verdicts.found)
    if unchecked:
        why = "; ".join(dict.fromkeys(verdicts.failures))
        run.degrade("verify_failed", f"{unchecked} of {len(citations)} citations unchecked: {why}.")
