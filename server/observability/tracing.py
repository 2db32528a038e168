"""OpenTelemetry traces of runs: one span a run, a stage, a model call and a tool call.

Only when the standard variables ask for it (`OTEL_EXPORTER_OTLP_ENDPOINT`, or its form for traces),
and the extra `otel` is installed. A `traceparent` of the client becomes the parent. Names and
attributes of calls are those of OpenTelemetry's GenAI conventions; no text and no key is in them.
"""

import os
import time
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from langgraph_fusion.server.logging import log_event
from langgraph_fusion.server.request_context import RequestContext
from langgraph_fusion.server.runs.observers import STAGE_STARTS, Event, outcome
from langgraph_fusion.server.runs.run_request import RunRequest

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_NANO = 1_000_000_000


def tracing_is_configured() -> bool:
    """Whether the standard variables ask for traces; a missing extra is logged."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    if os.environ.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp":
        return False
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return False
    if find_spec("opentelemetry") and find_spec("opentelemetry.exporter.otlp.proto.http"):
        return True
    log_event("tracing.unavailable", fix="pip install 'langgraph-fusion[otel]'")
    return False


class Tracing:
    """An observer that sends a trace of every run; close it to send the last ones."""

    def __init__(self) -> None:
        self._provider = _provider()
        self._tracer = self._provider.get_tracer("langgraph_fusion", version("langgraph-fusion"))

    def observe(self, context: RequestContext, request: RunRequest) -> "RunTrace":
        return RunTrace(self._tracer, context)

    def close(self) -> None:
        """Send what has not been sent. Blocking."""
        self._provider.shutdown()


class RunTrace:
    """The spans of one run."""

    def __init__(self, tracer: "Tracer", context: RequestContext) -> None:
        from opentelemetry.propagate import extract

        self._tracer = tracer
        attributes = {"fusion.door": context.door, "fusion.request_id": context.request_id}
        self._run = tracer.start_span("fusion.run", extract(context.trace), attributes=attributes)
        self._stage: Span | None = None

    def event(self, event: Event) -> None:
        kind = event["type"]
        if kind == "run.started":
            self._run.set_attributes(
                {"fusion.run_id": event["run_id"], "fusion.preset": event["preset"]}
            )
        if kind in STAGE_STARTS:
            self._turn_to(STAGE_STARTS[kind])
        elif kind == "model.call" and event.get("kind") != "search" and not event.get("carried"):
            self._past(f"chat {event['model']}", event["seconds"], _of_call(event))
        elif kind == "member.tool_done":
            ok = {"error.type": None if event["ok"] else "tool_error"}
            tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": event["tool"]}
            who = {"fusion.seat": event["seat"], "fusion.round": event["round"]}
            self._past(f"execute_tool {event['tool']}", event["seconds"], tool | who | ok)

    def ended(self, error: BaseException | None) -> None:
        from opentelemetry.trace import StatusCode

        self._turn_to(None)
        how = outcome(error)
        self._run.set_attribute("fusion.outcome", how)
        if error is not None:
            self._run.set_attribute("error.type", how)
            self._run.set_status(StatusCode.ERROR, how)
        self._run.end()

    def _turn_to(self, stage: str | None) -> None:
        if self._stage is not None:
            self._stage.end()
        self._stage = self._child(f"fusion.{stage}", None) if stage else None

    def _past(self, name: str, seconds: float, facts: dict[str, Any]) -> None:
        """A span of something that has just ended."""
        from opentelemetry.trace import StatusCode

        span = self._child(name, time.time_ns() - int(seconds * _NANO))
        span.set_attributes({key: value for key, value in facts.items() if value is not None})
        if facts.get("error.type"):
            span.set_status(StatusCode.ERROR, facts["error.type"])
        span.end()

    def _child(self, name: str, began_ns: int | None) -> "Span":
        from opentelemetry.trace import set_span_in_context

        within = set_span_in_context(self._stage or self._run)
        return self._tracer.start_span(name, within, start_time=began_ns)


def _of_call(call: Event) -> dict[str, Any]:
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": call["model"],
        "gen_ai.usage.input_tokens": call["input_tokens"],
        "gen_ai.usage.output_tokens": call["output_tokens"],
        "fusion.seat": call["seat"],
        "fusion.stage": call["stage"],
        "fusion.round": call["round"],
        "fusion.cost_usd": call["cost_usd"],
        "error.type": call["error"],
    }


def _provider() -> "TracerProvider":
    """Name, sampling, headers and batching come from the standard variables."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    named = os.environ.get("OTEL_SERVICE_NAME") or "langgraph-fusion"
    provider = TracerProvider(resource=Resource.create({"state.name": named}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
