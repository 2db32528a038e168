"""The server's log: one JSON object a line on standard error, without users' text.

Every line has `at` (ISO 8601, UTC), `level` and `event`; those of a request have `request_id`,
those of a run `run_id`. Keys are named, never written. Questions and answers appear only when the
operator asks for them. Of an unexpected error its type and place are logged, not its message, which
may quote what a client sent.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

from langgraph_fusion.models.text import clean_json

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
    """Formats lines as JSON, those of other libraries too."""

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
        return clean_json(json.dumps(line, ensure_ascii=False, default=str))


def log_to_stderr() -> None:
    """Send our lines from INFO and everybody else's from WARNING to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    _log.setLevel(logging.INFO)
