"""The lines of a run in the server's log."""

import logging
import time
from typing import Any

from langgraph_fusion.server.logging import log_event, log_surprise
from langgraph_fusion.server.request_context import RequestContext
from langgraph_fusion.server.runs.observers import Event, outcome
from langgraph_fusion.server.runs.run_request import RunRequest
from langgraph_fusion.server.runs.spend import RunCost


class RunLog:
    """An observer that writes a line when a run starts and one when it ends."""

    def __init__(self, *, with_texts: bool) -> None:
        self._with_texts = with_texts

    def observe(self, context: RequestContext, request: RunRequest) -> "_LoggedRun":
        return _LoggedRun(context, request, with_texts=self._with_texts)


class _LoggedRun:
    def __init__(self, context: RequestContext, request: RunRequest, *, with_texts: bool) -> None:
        self._facts: dict[str, Any] = {
            "request_id": context.request_id, "door": context.door, "key": context.key_name,
        }  # fmt: skip
        self._question = request.messages[-1].text if with_texts and request.messages else None
        self._with_texts = with_texts
        self._began = time.monotonic()
        self._cost = RunCost()
        self._result: dict[str, Any] = {}

    def event(self, event: Event) -> None:
        self._cost.event(event)
        if event["type"] == "run.started":
            self._facts["run_id"] = event["run_id"]
            seats = {one["seat"]: one["model"] for one in event["seats"]}
            judge, writer = event["judge"], event["synthesizer"]
            seats |= {"judge": judge, "synthesizer": writer}
            preset, question = event["preset"], self._question
            log_event("run.started", **self._facts, preset=preset, seats=seats, question=question)
        self._result = event.get("result", self._result)

    def ended(self, error: BaseException | None) -> None:
        how = outcome(error)
        if how == "unexpected_error":
            assert error is not None
            log_surprise(error, **self._facts)
        log_event(
            "run.ended",
            logging.INFO if how in ("ok", "abandoned", "invalid") else logging.WARNING,
            **self._facts,
            outcome=how,
            seconds=round(time.monotonic() - self._began, 3),
            calls=self._cost.calls,
            known_cost_usd=self._cost.known_usd,
            degraded=self._result.get("degraded") or None,
            answer=self._result.get("answer") if self._with_texts else None,
        )
