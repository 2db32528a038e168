"""The server's log: one JSON object a line on standard error, and nothing of anybody's text.

Every line has `at` (ISO 8601, UTC), `level` and `event`; those of a request have `request_id`,
those of a run `run_id`. Keys are named, never written. Questions and answers appear only when the
operator asks for them. Of an unexpected error its type and place are logged, not its message, which
may quote what a client sent.
"""

import json
import logging
import sys
import time
import traceback
from datetime import UTC, datetime
from typing import Any

from langgraph_fusion.server.openai.parse_request import RunRequest
from langgraph_fusion.server.request_context import RequestContext
from langgraph_fusion.server.runs.observers import Event, outcome
from langgraph_fusion.server.runs.spending import Spending

LOGGER = "langgraph_fusion.server"
_log = logging.getLogger(LOGGER)


def log_event(event: str, level: int = logging.INFO, **facts: Any) -> None:
    """Write one line; facts that are None are left out."""
    known = {name: value for name, value in facts.items() if value is not None}
    _log.log(level, event, extra={"facts": known})


def log_surprise(error: BaseException, **facts: Any) -> None:
    """Log where an unexpected error came from."""
    where = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)]
    log_event("unexpected_error", logging.ERROR, error=type(error).__name__, where=where, **facts)


class JsonLines(logging.Formatter):
    """Other libraries' lines get the same shape."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
        }
        facts = getattr(record, "facts", None)
        if facts is None:
            line |= {"event": "log", "logger": record.name, "message": record.getMessage()}
        else:
            line |= {"event": record.msg} | facts
        return json.dumps(line, ensure_ascii=False, default=str)


def log_to_stderr() -> None:
    """Send our lines from INFO and everybody else's from WARNING to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    _log.setLevel(logging.INFO)


class RunLog:
    """A watcher that writes a line when a run starts and one when it ends."""

    def __init__(self, *, with_texts: bool) -> None:
        self._with_texts = with_texts

    def watch(self, visit: RequestContext, wanted: RunRequest) -> "_OneRun":
        return _OneRun(visit, wanted, with_texts=self._with_texts)


class _OneRun:
    def __init__(self, visit: RequestContext, wanted: RunRequest, *, with_texts: bool) -> None:
        self._who: dict[str, Any] = {
            "request_id": visit.request_id, "door": visit.door, "key": visit.key_name,
        }  # fmt: skip
        self._question = wanted.messages[-1].text if with_texts and wanted.messages else None
        self._with_texts = with_texts
        self._began = time.monotonic()
        self._spending = Spending()
        self._result: dict[str, Any] = {}

    def event(self, event: Event) -> None:
        self._spending.event(event)
        if event["type"] == "run.started":
            self._who["run_id"] = event["run_id"]
            seats = {one["seat"]: one["model"] for one in event["seats"]}
            judge, writer = event["judge"], event["synthesizer"]
            seats |= {"judge": judge, "synthesizer": writer}
            preset, question = event["preset"], self._question
            log_event("run.started", **self._who, preset=preset, seats=seats, question=question)
        self._result = event.get("result", self._result)

    def ended(self, error: BaseException | None) -> None:
        how = outcome(error)
        if how == "unexpected_error":
            assert error is not None
            log_surprise(error, **self._who)
        log_event(
            "run.ended",
            logging.INFO if how in ("ok", "abandoned", "invalid") else logging.WARNING,
            **self._who,
            outcome=how,
            seconds=round(time.monotonic() - self._began, 3),
            calls=self._spending.calls,
            known_cost_usd=self._spending.known_usd,
            degraded=self._result.get("degraded") or None,
            answer=self._result.get("answer") if self._with_texts else None,
        )
