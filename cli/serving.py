"""The work of `fusion serve`: one process, or several on one socket."""

import asyncio
import errno
import os
import socket
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langgraph_fusion.cli.given import split
from langgraph_fusion.cli.output import say
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.run_store import default_place
from langgraph_fusion.graph.preflight import check_ready, default_preset, user_prices
from langgraph_fusion.graph.settings import load_settings

if TYPE_CHECKING:
    from uvicorn import Config

_BACKLOG = 2048
_AFTER_GRACE_S = 5
"""For the last words to clients and the removal of containers."""


@dataclass(frozen=True)
class Listening:
    """Where to listen, with how many processes."""

    host: str
    port: int
    workers: int


def serve_http(
    at: Listening,
    *,
    preset: str | None,
    models: Sequence[str] | None,
    max_budget_usd: float | None,
    max_deadline_s: float | None,
    any_setting: bool,
    runs: str | None,
    **given: Any,
) -> None:
    """Serve until SIGINT or SIGTERM; `given` are fields of `ServerConfig`.

    Raises:
        ConfigError: If something is missing, or the address cannot be had.
    """
    if find_spec("fastapi") is None or find_spec("uvicorn") is None:
        raise ConfigError("the server is missing: pip install 'langgraph-fusion[serve]'")
    from langgraph_fusion.server.config import ServerConfig, into_environment
    from langgraph_fusion.server.permits import Permits

    name, why = (preset, "") if preset else asyncio.run(default_preset())
    asyncio.run(check_ready(load_settings({"preset": name}), user_prices()))
    permits = Permits(
        default_preset=name,
        models=tuple(split(models)) if models else ("*",),
        any_setting=any_setting,
        max_deadline_s=max_deadline_s,
        max_budget_usd=max_budget_usd,
    )
    config = ServerConfig(permits=permits, runs=runs or default_place(), **given)
    into_environment(config)
    with _socket(at) as listening:
        _announce(listening, name, why, config.keys)
        _run(at.workers, listening, config.grace_s)


def _socket(at: Listening) -> socket.socket:
    """Bound and listening, so that a client that comes early waits instead of failing."""
    family = socket.AF_INET6 if ":" in at.host else socket.AF_INET
    try:
        return socket.create_server((at.host, at.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(f"port: {at.port} is in use; choose another with --port") from None
        raise ConfigError(f"host: cannot listen on {at.host}: {error.strerror}") from None


def _announce(listening: socket.socket, preset: str, why: str, keys: Path | None) -> None:
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    say(
        f"fusion: serving preset {preset} on http://{shown}:{port}/v1 - set a client's base URL to "
        "it and its model to `fusion`" + (f" ({why})" if why else "")
    )
    if keys is None and not ip_address(host).is_loopback:
        say(
            "fusion: WARNING: whoever reaches this address can spend your money: no key is asked "
            "for. Make keys with `fusion keys add NAME --keys FILE` and serve with --keys FILE"
        )


def _run(workers: int, listening: socket.socket, grace_s: float) -> None:
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    config = uvicorn.Config(
        "langgraph_fusion.server.app:app_of_environment",
        factory=True,
        workers=workers,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=round(grace_s) + _AFTER_GRACE_S,
    )
    if workers == 1:
        _serve_until_stopped(config, listening)
        return
    with tempfile.TemporaryDirectory(prefix="fusion-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        Multiprocess(config, [listening]).run()


def _serve_until_stopped(config: "Config", listening: socket.socket) -> None:
    import uvicorn

    server = uvicorn.Server(config)
    try:
        server.run([listening])
    except KeyboardInterrupt:
        return  # uvicorn raises it again after it has stopped in good order
