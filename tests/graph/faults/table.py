"""Every fault of the suite: what the provider does, and what is made of it wherever it happens.

`docs/reliability.md` has one line for each name here, and a test compares the two.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from tests.graph.faults.ports import Address
from tests.scripted import (
    Reply,
    broken_stream,
    garbage,
    hang,
    keep_alive_only,
    status,
    text,
    tool_calls,
    upstream_error,
)

Place = Literal["first call", "mid-run", "judge", "writer", "follow-up"]
Cost = Literal["free", "known", "unknown"]
OUTSIDE_TOOLS: tuple[Place, ...] = ("first call", "judge", "writer")
WAIT = {"Retry-After-Ms": "20"}


@dataclass(frozen=True)
class Fault:
    """A model that fails in this way, every time."""

    name: str
    reply: Reply
    reason: str
    """What calls, failures and switches give as the reason."""
    status_code: int | None = None
    attempts: int = 3
    """Calls to one model before the seat gives it up."""
    cost: Cost = "unknown"
    """Of one failed call on the bill."""
    writes: bool = True
    """Whether a member that has learned something is asked once more, without tools."""
    judge_attempts: int | None = None
    """If a judge is asked another number of times."""
    judge_notes: tuple[str, ...] = ()
    """Further codes in `degraded` if it is the judge's fault."""
    timeout_s: float = 30.0
    address: Address | None = None
    """What becomes of the provider's address: then no request reaches it."""
    hedge_s: float | None = None
    apart_s: float = 0.0
    """Between the starts of two runs, where a good reply must not come late."""
    places: tuple[Place, ...] = get_args(Place)
    attempts_mid_run: int | None = None
    """Where the transcript has tool calls, which are then sent in plain words."""
    attempts_with_tools: int | None = None
    """If the only model of a member with tools is asked another number of times."""


def said(message: str, code: int) -> Reply:
    return status(code, body={"error": {"message": message, "code": code}})


HALF = 'data: {"choices": [{"index": 0, "delta": {"content": "Half of an"}}]}\n\n'
BROKEN_OFF = {"choices": [{"message": {"content": "Half of an"}, "finish_reason": "network_error"}]}
FAULTS = (
    Fault(
        "429 with Retry-After", status(429, headers=WAIT), "rate_limited", 429, cost="free",
        writes=False,
    ),
    Fault(
        "429 without Retry-After", status(429), "rate_limited", 429, cost="free", writes=False
    ),
    Fault("5xx of the provider", status(503, headers=WAIT), "upstream_error", 503, cost="free"),
    Fault("5xx of a gateway", garbage(code=502), "upstream_error", 502),
    Fault("gateway timeout", garbage(code=504), "timeout", 504),
    Fault("connection refused", text(""), "connection", attempts=1, address="refusing",
          writes=False, cost="free"),
    Fault("connect timeout", text(""), "timeout", attempts=1, address="deaf", timeout_s=1.5,
          apart_s=0.2, cost="free", judge_attempts=2, judge_notes=("judge_brief",)),
    Fault("read timeout", hang(), "timeout", attempts=1, timeout_s=1.5,
          apart_s=0.2, judge_attempts=2, judge_notes=("judge_brief",)),
    Fault("keep-alives only", keep_alive_only(), "timeout", attempts=1, timeout_s=1.5,
          apart_s=0.2, judge_attempts=2, judge_notes=("judge_brief",)),
    Fault("slow to begin", hang(), "slow", hedge_s=1.5, apart_s=0.4),
    Fault("dropped in the middle", broken_stream("Half an answer, and the rest"), "connection",
          writes=False),
    Fault("HTML instead of JSON", garbage(), "bad_response"),
    Fault("finish_reason error in a 200", upstream_error(), "upstream_error", 502, cost="free"),
    Fault("error object in a 200", upstream_error(shape="body"), "upstream_error", 502,
          cost="free"),
    Fault("error event in a stream", upstream_error(shape="event"), "upstream_error", 502,
          cost="free"),
    Fault("rate limit in a 200", upstream_error("Slow down", code=429, shape="body"),
          "rate_limited", 429, cost="free", writes=False),
    Fault("completion without a message", status(200, body={"choices": []}), "bad_response"),
    Fault("broken off without an end", status(200, body=HALF, content_type="text/event-stream"),
          "bad_response"),
    Fault("finish_reason of a failure", status(200, body=BROKEN_OFF), "bad_response"),
    Fault("empty completion", text(""), "empty", cost="known"),
    Fault("tool calls where none are offered", tool_calls([("web_search", {"query": "x"})]),
          "empty", places=OUTSIDE_TOOLS, cost="known"),
    Fault("nothing but tool markup", text('<tool_call>{"name": "x"}</tool_call>'), "empty",
          places=OUTSIDE_TOOLS, cost="known"),
    Fault("refusal", text("", refusal="I can't help with that."), "refused", attempts=1,
          cost="known"),
    Fault("content filter", text("", finish_reason="content_filter"), "content_filter",
          attempts=1, cost="known"),
    Fault("input filter", said("Your input was flagged by moderation", 403), "content_filter",
          403, attempts=1, cost="free"),
    Fault("output limit spent on thinking", text("", finish_reason="length"), "truncated",
          attempts=1, cost="known"),
    Fault("unknown model", said("vendor/x is not a valid model ID", 404), "invalid_model", 404,
          attempts=1, cost="free", writes=False),
    Fault("no credit", said("Insufficient credits", 402), "insufficient_credits", 402,
          attempts=1, cost="free", writes=False),
    Fault("bad key", said("No auth credentials found", 401), "unauthorized", 401,
          attempts=1, cost="free", writes=False),
    Fault("forbidden", said("Your region is not supported", 403), "forbidden", 403,
          attempts=1, cost="free", writes=False),
    Fault("request refused", said("messages: unexpected field", 400), "upstream_error", 400,
          attempts=1, attempts_mid_run=2, cost="free", judge_attempts=2),
    Fault("context too long", said("maximum context length is 8 tokens", 400),
          "context_too_long", 400, attempts=1, attempts_with_tools=2, writes=False, cost="free"),
    Fault("request too large", said("Request too large", 413),
          "context_too_long", 413, attempts=1, attempts_with_tools=2, writes=False, cost="free"),
)  # fmt: skip
