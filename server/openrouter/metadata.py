"""`openrouter_metadata`: which models a request was given to, for clients whose header asks."""

from collections.abc import Iterable, Mapping
from typing import Any

from langgraph_fusion.graph.result import FusionResult
from langgraph_fusion.server.errors import ApiError
from langgraph_fusion.server.openrouter.result import hosted_name, panel_models
from langgraph_fusion.server.runs.run_request import RunRequest

Json = dict[str, Any]
METADATA = "openrouter_metadata"
_HEADERS = ("x-openrouter-metadata", "x-openrouter-experimental-metadata")


def wants_metadata(headers: Mapping[str, str]) -> bool:
    """Whether the client asked for it; any other value means no."""
    values = [headers[name] for name in _HEADERS if name in headers]
    return bool(values) and values[0].strip().lower() == "enabled"


def router_metadata(request: RunRequest, result: FusionResult) -> Json:
    """Which models were seated and which of them wrote."""
    judge, writer = hosted_name(result.judged_by or ""), hosted_name(result.written_by or "")
    answered = sum(seat.status in ("ok", "partial") for seat in result.panel)
    summary = (
        f"panel={answered}/{len(result.panel)}, judge={judge or 'none'}, writer={writer or 'none'}"
    )
    models = (*panel_models(result).values(), judge, writer)
    return _metadata(request.requested, summary, models, writer)


def error_metadata(error: ApiError, requested: str) -> Json:
    """Which models were seated for a run that gave no answer; empty if no run was started."""
    settings = error.settings
    if settings is None:
        return _metadata(requested, f"no run: {error.code}", ())
    summary = f"panel={len(settings.members)}, no answer: {error.code}"
    models = (hosted_name(str(seat.models[0])) for seat in settings.all_seats)
    return _metadata(requested, summary, models)


def _metadata(requested: str, summary: str, models: Iterable[str], writer: str = "") -> Json:
    seated = [*dict.fromkeys(name for name in models if "/" in name or ":" in name)]
    return {
        "requested": requested,
        "strategy": "fusion",
        "region": None,
        "summary": summary,
        "attempt": 1,
        "is_byok": False,
        "endpoints": {
            "total": len(seated),
            "available": [_endpoint(name, name == writer) for name in seated],
        },
    }


def _endpoint(name: str, selected: bool) -> Json:
    provider = name.partition(":")[0] if "/" not in name.partition(":")[0] else "openrouter"
    return {"provider": provider, "model": name, "selected": selected}
