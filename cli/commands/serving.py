"""The work of `fusion serve`: one process, or several on one socket."""

import asyncio
import errno
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from langgraph_fusion.cli.input import split
from langgraph_fusion.cli.output import say
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.store import default_place, open_runs
from langgraph_fusion.graph.preflight.readiness import check_ready, default_preset, user_prices
from langgraph_fusion.graph.settings import load_settings


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
    from langgraph_fusion.server.runs.client_policy import ClientPolicy

    name, why = (preset, "") if preset else asyncio.run(default_preset())
    asyncio.run(check_ready(load_settings({"preset": name}), user_prices()))
    permits = ClientPolicy(
        default_preset=name,
        models=tuple(split(models)) if models else ("*",),
        any_setting=any_setting,
        max_deadline_s=max_deadline_s,
        max_budget_usd=max_budget_usd,
    )
    config = ServerConfig(permits=permits, runs=runs or default_place(), **given)
    asyncio.run(_try_to_keep(config.runs))
    into_environment(config)
    from langgraph_fusion.server.workers import serve_until_stopped

    with _bound(at) as listening, _address_errors(at):
        serve_until_stopped(
            listening,
            workers=at.workers,
            grace_s=config.grace_s,
            announce=lambda: _announce(listening, name, why, config.keys),
        )


async def _try_to_keep(runs: str | None) -> None:
    """Raise here, in words, what would end every worker with a traceback."""
    async with open_runs(runs):
        pass


def _bound(at: Listening) -> socket.socket:
    """A socket with the address and not yet open: who comes too early is refused at once."""
    bound = socket.socket(socket.AF_INET6 if ":" in at.host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        with _address_errors(at):
            bound.bind((at.host, at.port))
    except ConfigError:
        bound.close()
        raise
    return bound


@contextmanager
def _address_errors(at: Listening) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(
                f"{at.port} is in use; choose another with --port", field="port"
            ) from None
        raise ConfigError(f"cannot listen on {at.host}: {error.strerror}", field="host") from None


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
