"""Traces reach an OTLP collector on a real socket, when the standard variables name it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.graph.cast import A, B, C, cast
from tests.scripted import status
from tests.server.asking import asking, until
from tests.server.conftest import Serving

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
async def spans(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Any]]:
    """What a collector has received."""
    received: list[Any] = []

    async def collect(request: web.Request) -> web.Response:
        sent = ExportTraceServiceRequest.FromString(await request.read())
        for resource in sent.resource_spans:
            for scope in resource.scope_spans:
                received.extend(scope.spans)
        return web.Response(content_type="application/x-protobuf")

    app = web.Application()
    app.router.add_post("/v1/traces", collect)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    yield received
    await runner.cleanup()


async def test_a_run_is_traced_with_its_stages_and_calls(
    spans: list[Any], serving: Serving
) -> None:
    served = await serving(cast())
    await served.client.chat.completions.create(
        **asking(), extra_headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    )
    await until(lambda: any(span.name == "fusion.run" for span in spans))
    names = sorted(span.name for span in spans)
    assert names == sorted(
        ["fusion.run", "fusion.panel", "fusion.judge", "fusion.synthesizer"]
        + [f"chat openrouter:{model}" for model in ("m/a", "m/b", "m/c", "j/judge", "w/writer")]
    )
    assert {span.trace_id.hex() for span in spans} == {TRACE}
    ids = {span.span_id: span.name for span in spans}
    assert ids[_one(spans, "chat openrouter:m/a").parent_span_id] == "fusion.panel"
    assert ids[_one(spans, "fusion.panel").parent_span_id] == "fusion.run"
    call = _attributes(_one(spans, "chat openrouter:m/a"))
    assert call["gen_ai.usage.output_tokens"].int_value > 0
    assert "What is it?" not in str(spans)


async def test_a_failed_run_is_a_failed_span(spans: list[Any], serving: Serving) -> None:
    served = await serving(cast({one: status(400) for one in (A, B, C)}))
    client = served.client
    with pytest.raises(Exception, match="no member answered"):
        await client.chat.completions.create(**asking())
    await until(lambda: any(span.name == "fusion.run" for span in spans))
    run = _one(spans, "fusion.run")
    assert _attributes(run)["error.type"].string_value == "all_panels_failed"
    assert run.status.code == 2


async def test_without_the_variables_nothing_is_traced(serving: Serving) -> None:
    served = await serving(cast())
    assert len(served.state.manager.observers) == 2


def _one(spans: list[Any], name: str) -> Any:
    return next(span for span in spans if span.name == name)


def _attributes(span: Any) -> dict[str, Any]:
    return {one.key: one.value for one in span.attributes}
