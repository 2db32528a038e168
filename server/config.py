"""What the operator decides once, for the life of a server process."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from langgraph_fusion.server.runs.client_policy import ClientPolicy

MIB = 2**20


@dataclass(frozen=True)
class ServerConfig:
    """Limits and switches of one server process; `fusion serve --help` explains them."""

    workers: int = 1
    """Processes that share the socket; each has limits, sessions and memory of its own."""
    max_runs: int = 32
    """Deliberations at the same time; more wait in the queue."""
    queue: int = 64
    """Requests that may wait for their turn; further ones get 429 at once."""
    max_connections: int = 1000
    """Open connections; the longest silent makes room for a new one. As many requests may be under
    way; further ones get 503."""
    max_body_bytes: int = 8 * MIB
    max_bodies_bytes: int = 256 * MIB
    """Of all requests under way; further ones get 503. One key may have half of it."""
    body_s: float = 60.0
    """A request's body has to come within this time."""
    keys: str | Path | None = None
    """Where API keys are, a file or a `postgresql://` URL; without one every request is served."""
    total_runs: int | None = None
    """Deliberations at the same time of all processes that share the keys; None is no limit."""
    total_queue: int = 64
    """Requests of all these processes that may wait, where `total_runs` is set."""
    runs: str | None = None
    """Where runs are kept: a file, a `postgresql://` URL, or nowhere. See docs/runs.md."""
    max_stored: int = 1000
    """Runs that outlive their connection and stored responses of one key; then 409."""
    engine: str | None = None
    """The queue that `fusion work` takes runs from: a `postgresql://` URL or a SQLite file."""
    take_up: bool = False
    """Go on with interrupted runs of `/v1/runs` and background responses that are in the store."""
    keep_alive_s: float = 10.0
    """A stream is never silent for longer: a comment line is sent."""
    unread_s: float = 60.0
    """A stream whose client reads nothing for so long is ended, and its run with it."""
    mcp_sessions: int = 100
    """Open MCP sessions of one key, or of everybody where no key is asked for; then 503."""
    mcp_idle_s: float = 900.0
    """An MCP session without a request for so long is ended."""
    grace_s: float = 30.0
    """After SIGTERM running deliberations have so many seconds to finish."""
    log_prompts: bool = False
    """Write questions and answers into the log."""
    cors_origins: tuple[str, ...] = ()
    """Web pages that may use this server, as `https://chat.example`; `*` is every page."""
    allowed_hosts: tuple[str, ...] = ()
    """Names a server without keys may be asked by, beside `localhost` and addresses."""
    policy: ClientPolicy = field(default_factory=ClientPolicy)
    """What clients may ask for."""


VARIABLE = "FUSION_SERVER_CONFIG"


def config_into_environment(config: ServerConfig) -> None:
    """Hand the configuration on to the workers; URLs in it may hold passwords."""
    os.environ[VARIABLE] = TypeAdapter(ServerConfig).dump_json(config).decode()


def config_from_environment() -> ServerConfig:
    """The configuration that `config_into_environment` has handed on, else the defaults."""
    return TypeAdapter(ServerConfig).validate_json(os.environ.get(VARIABLE, "{}"))
