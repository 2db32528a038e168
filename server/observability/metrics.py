"""Prometheus metrics of the runs of one server, all taken from their events.

Labels are closed sets (seats, stages, tools, reasons), so no client can add time series without
end. docs/server.md lists every metric.
"""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import mark_process_dead

from langgraph_fusion.server.request_context import RequestContext
from langgraph_fusion.server.runs.admission import Admission
from langgraph_fusion.server.runs.observers import Event, StageTimes, outcome
from langgraph_fusion.server.runs.run_request import RunRequest
from langgraph_fusion.tools import TOOL_GROUPS

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1200)
_TOOLS = frozenset(name for group in TOOL_GROUPS.values() for name in group)


class Metrics:
    """The counts of one process, or with `MULTIPROCESS` of all workers."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._registry = registry = CollectorRegistry()
        disable_created_metrics()  # type: ignore[no-untyped-call]

        def counter(name: str, help: str, *labels: str) -> Counter:
            return Counter(name, help, labels, registry=registry)

        def seconds(name: str, help: str, *labels: str) -> Histogram:
            return Histogram(name, help, labels, registry=registry, buckets=_SECONDS)

        def gauge(name: str, help: str) -> Gauge:
            return Gauge(name, help, registry=registry, multiprocess_mode="livesum")

        self.requests = counter("fusion_http_requests", "HTTP requests", "route", "status")
        self.runs = counter("fusion_runs", "Deliberations that ended", "door", "outcome")
        self.run_seconds = seconds("fusion_run_seconds", "From admission to the end", "door")
        self.stage_seconds = seconds("fusion_stage_seconds", "Length of a stage", "stage")
        self.answers = counter("fusion_answers", "Answers of members", "seat", "status")
        self.failures = counter("fusion_member_failures", "Failed members", "reason")
        self.degraded = counter("fusion_degraded", "Finished runs that went worse", "code")
        self.calls = counter("fusion_model_calls", "Model calls", "stage", "outcome")
        self.call_seconds = seconds("fusion_model_call_seconds", "One model call", "stage")
        self.tokens = counter("fusion_tokens", "Tokens reported by providers", "stage", "kind")
        self.cost = counter("fusion_cost_usd", "Known cost in US dollars", "stage")
        self.unpriced = counter("fusion_calls_of_unknown_cost", "Calls without a cost", "stage")
        self.tools = counter("fusion_tool_calls", "Tool calls of members", "tool", "ok")
        self.running = gauge("fusion_runs_in_flight", "Deliberations that run now")
        self.waiting = gauge("fusion_queue", "Admitted requests that wait for their turn")
        self.sandboxes = gauge("fusion_sandboxes", "Members that have a sandbox now")

    def observe(self, context: RequestContext, request: RunRequest) -> "RunMetrics":
        self.update_admission_gauges()
        return RunMetrics(self, context.door)

    def update_admission_gauges(self) -> None:
        """Update the two gauges of admission."""
        self.running.set(self._admission.running)
        self.waiting.set(self._admission.waiting)

    def page(self) -> bytes:
        """What Prometheus scrapes."""
        if not os.environ.get(MULTIPROCESS):
            self.update_admission_gauges()
            return generate_latest(self._registry)
        from prometheus_client.multiprocess import MultiProcessCollector

        together = CollectorRegistry()
        forget_gone_workers(os.environ[MULTIPROCESS])
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)


class RunMetrics:
    """Counts one run."""

    def __init__(self, metrics: Metrics, door: str) -> None:
        self._metrics = metrics
        self._door = door
        self._began = time.monotonic()
        self._stages = StageTimes(self._stage_ended)
        self._sandboxed: set[str] = set()

    def event(self, event: Event) -> None:
        self._stages.event(event)
        match event["type"]:
            case "run.started":
                self._metrics.update_admission_gauges()
            case "member.started" if event["sandbox"]:
                self._sandbox(event["seat"])
            case "member.finished":
                self._answer(event["answer"])
            case "member.tool_done":
                tool = event["tool"] if event["tool"] in _TOOLS else "other"
                self._metrics.tools.labels(tool, str(event["ok"]).lower()).inc()
            case "model.call":
                self._call(event)
            case "run.finished":
                for code in event["result"]["degraded"]:
                    self._metrics.degraded.labels(code).inc()

    def ended(self, error: BaseException | None) -> None:
        self._stages.turn_to(None)
        self._metrics.runs.labels(self._door, outcome(error)).inc()
        self._metrics.run_seconds.labels(self._door).observe(time.monotonic() - self._began)
        self._metrics.sandboxes.dec(len(self._sandboxed))
        self._metrics.update_admission_gauges()

    def _stage_ended(self, stage: str, began: float, end: float) -> None:
        self._metrics.stage_seconds.labels(stage).observe(end - began)

    def _sandbox(self, seat: str) -> None:
        if seat not in self._sandboxed:
            self._sandboxed.add(seat)
            self._metrics.sandboxes.inc()

    def _answer(self, answer: dict[str, Any]) -> None:
        self._metrics.answers.labels(answer["seat"], answer["status"]).inc()
        if answer["error"]:
            self._metrics.failures.labels(answer["error"]["reason"]).inc()

    def _call(self, call: Event) -> None:
        if call.get("carried") or call.get("replayed"):
            return
        stage = call["stage"]
        if call.get("kind") == "search":
            return  # among the tool calls
        self._metrics.calls.labels(stage, call["error"] or "ok").inc()
        self._metrics.call_seconds.labels(stage).observe(call["seconds"])
        for kind in ("input", "output", "cached", "reasoning"):
            self._metrics.tokens.labels(stage, kind).inc(call[f"{kind}_tokens"] or 0)
        if call["cost_usd"] is None:
            self._metrics.unpriced.labels(stage).inc()
        else:
            self._metrics.cost.labels(stage).inc(call["cost_usd"])


MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names the folder; its name is prometheus_client's."""
_PREFIX = "fusion-metrics-"
_LOCK = "lock"
"""Locked as long as the process lives that made the folder, however it ends."""


@contextmanager
def shared_metrics() -> Iterator[None]:
    """Name a new folder to the workers; remove it at the end, and first those of killed servers."""
    _remove_left_over()
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as folder, _locked(Path(folder)):
        os.environ[MULTIPROCESS] = folder
        yield


def forget_gone_workers(folder: str) -> None:
    """Drop the gauges of workers that are gone; their counters stay."""
    for file in Path(folder).glob("gauge_live*_*.db"):
        found = re.search(r"_(\d+)\.db$", file.name)
        if found and not _lives(int(found[1])):
            mark_process_dead(int(found[1]), folder)  # type: ignore[no-untyped-call]


def _remove_left_over() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError), _locked(folder):  # another user's, or of a server that lives
            shutil.rmtree(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder of ours; raises OSError if another process holds it.

    The folder is in the directory for temporary files, where anybody may put a folder or a link of
    that name: no link is followed, nothing is emptied, and another user's folder is left alone.
    """
    import fcntl  # not on Windows, where everything else of the server works

    inside = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(inside).st_uid != os.geteuid():
            raise PermissionError(f"{folder} belongs to another user")
        how = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        with open(os.open(_LOCK, how, 0o600, dir_fd=inside), "rb+", 0) as file:  # noqa: PTH123
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
    finally:
        os.close(inside)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True  # a sibling: nobody else's process is in this folder
