"""`fusion serve`: the OpenAI API over HTTP, in one process or in several on one socket."""

import asyncio
import errno
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated, Any

import typer

from langgraph_fusion.cli import options

if TYPE_CHECKING:
    from langgraph_fusion.server.config import ServerConfig

command = typer.Typer(rich_markup_mode=None)

_Keys = Annotated[
    str | None,
    typer.Option(
        "--keys", metavar="PLACE", envvar="FUSION_KEYS",
        help="Ask clients for a key of this file or postgresql:// URL.",
    ),
]  # fmt: skip


@command.command(
    epilog=options.examples(
        "fusion serve",
        "fusion serve -p budget --max-runs 50 --max-budget 0.50",
        "fusion serve --host 0.0.0.0 --port 80 --keys keys.db --workers 4",
        "fusion serve --keys postgresql://fusion@db.example/fusion --total-runs 100",
        "curl http://127.0.0.1:8000/v1/chat/completions -H 'Content-Type: application/json' \\",
        '  -d \'{"model": "fusion", "messages": [{"role": "user", "content": "..."}]}\'',
    )
)
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8000,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes; --max-runs and --queue are per process.")
    ] = 1,
    preset: options.Preset = None,
    keys: _Keys = None,
    max_runs: Annotated[
        int, typer.Option("--max-runs", min=1, help="Deliberations at the same time.")
    ] = 32,
    queue: Annotated[
        int, typer.Option(min=0, help="Requests that may wait; further ones get 429.")
    ] = 64,
    total_runs: Annotated[
        int | None,
        typer.Option("--total-runs", min=1, help="As --max-runs, of all that share --keys."),
    ] = None,
    total_queue: Annotated[
        int, typer.Option("--total-queue", min=0, help="As --queue, beside --total-runs.")
    ] = 64,
    max_connections: Annotated[
        int, typer.Option("--max-connections", min=1, help="Open connections; as many as fit.")
    ] = 1000,
    max_stored: Annotated[
        int, typer.Option("--max-stored", min=1, help="Stored runs and responses of one key.")
    ] = 1000,
    models: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Models clients may seat, as `openrouter:*`; else of the preset's providers.",
        ),
    ] = None,
    max_budget: Annotated[
        float | None, typer.Option("--max-budget", metavar="USD", help="No run costs more.")
    ] = None,
    max_deadline: Annotated[
        float | None, typer.Option("--max-deadline", metavar="S", help="No run takes longer.")
    ] = None,
    trust_clients: Annotated[
        bool,
        typer.Option("--trust-clients", help="Let clients set docs, networks and sandbox."),
    ] = False,
    cors_origins: Annotated[
        list[str] | None,
        typer.Option("--cors-origin", metavar="URL", help="A web page that may use this server."),
    ] = None,
    allowed_hosts: Annotated[
        list[str] | None,
        typer.Option("--allowed-hosts", metavar="NAMES", help="Without --keys: names it may have."),
    ] = None,
    runs: Annotated[
        str | None,
        typer.Option(metavar="PLACE", help="Where runs are kept for `fusion resume`; off."),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE",
            envvar="FUSION_ENGINE",
            help="Queue of `fusion work`: a postgresql:// URL or a SQLite file.",
        ),
    ] = None,
    take_up: Annotated[
        bool,
        typer.Option(
            help="Go on with runs and background responses that a dead server left behind."
        ),
    ] = True,
    grace: Annotated[
        float, typer.Option(min=0, metavar="S", help="After SIGTERM, time for runs to finish.")
    ] = 30.0,
    log_prompts: Annotated[
        bool, typer.Option("--log-prompts", help="Write questions and answers into the log.")
    ] = False,
    verbose: options.Verbose = False,
) -> None:
    """Serve the OpenAI API: /v1/chat/completions, /v1/responses and /v1/models.

    Any OpenAI client works: set its base URL, and a model such as `fusion` or `fusion/budget`. The
    log goes to standard error, one JSON object a line. Ctrl-C or SIGTERM stops taking requests and
    lets runs finish; a second one does not wait.
    """
    from langgraph_fusion.cli.errors import report_errors
    from langgraph_fusion.cli.input import split_list

    with report_errors(verbose=verbose):
        _serve_http(
            _Address(host, port, workers),
            preset=preset,
            keys=keys,
            max_runs=max_runs,
            queue=queue,
            total_runs=total_runs,
            total_queue=total_queue,
            max_connections=max_connections,
            max_stored=max_stored,
            models=models,
            max_budget_usd=max_budget,
            max_deadline_s=max_deadline,
            any_setting=trust_clients,
            cors_origins=tuple(cors_origins or ()),
            allowed_hosts=tuple(split_list(allowed_hosts or [])),
            runs=runs,
            engine=engine,
            take_up=take_up,
            grace_s=grace,
            log_prompts=log_prompts,
        )


@dataclass(frozen=True)
class _Address:
    """Where to listen, with how many processes."""

    host: str
    port: int
    workers: int


def _serve_http(
    at: _Address,
    *,
    preset: str | None,
    models: Sequence[str] | None,
    max_budget_usd: float | None,
    max_deadline_s: float | None,
    max_connections: int,
    any_setting: bool,
    runs: str | None,
    **given: Any,
) -> None:
    """Serve until SIGINT or SIGTERM; `given` are fields of `ServerConfig`.

    Raises:
        ConfigError: If something is missing, or the address cannot be had.
    """
    from langgraph_fusion.cli.errors import missing_extra
    from langgraph_fusion.cli.input import split_list
    from langgraph_fusion.graph.journal.store import default_place
    from langgraph_fusion.graph.preflight.environment import check_environment
    from langgraph_fusion.graph.preflight.readiness import (
        check_ready,
        default_preset,
        user_prices,
    )
    from langgraph_fusion.graph.settings import load_settings

    if find_spec("fastapi") is None or find_spec("uvicorn") is None:
        raise missing_extra("serve")
    from langgraph_fusion.server.config import ServerConfig, config_into_environment
    from langgraph_fusion.server.connections import fitting_connections
    from langgraph_fusion.server.runs.client_policy import ClientPolicy

    check_environment()
    name, why = (preset, "") if preset else asyncio.run(default_preset())
    asyncio.run(check_ready(load_settings({"preset": name}), user_prices()))
    policy = ClientPolicy(
        default_preset=name,
        models=tuple(split_list(models)) if models else None,
        any_setting=any_setting,
        max_deadline_s=max_deadline_s,
        max_budget_usd=max_budget_usd,
    )
    config = ServerConfig(
        policy=policy,
        workers=at.workers,
        runs=runs or default_place(),
        max_connections=fitting_connections(max_connections),
        **given,
    )
    asyncio.run(_try_stores(config))
    asyncio.run(_check_documents())
    config_into_environment(config)
    from langgraph_fusion.server.workers import serve_until_stopped

    with _bound(at) as listening, _address_errors(at):
        serve_until_stopped(
            listening,
            workers=at.workers,
            connections=config.max_connections,
            grace_s=config.grace_s,
            announce=lambda: _announce(listening, name, why, config.keys),
        )


async def _try_stores(config: "ServerConfig") -> None:
    """Open keys and runs once, so that an error is a message here and no traceback of workers."""
    from langgraph_fusion.cli.visible_password import warn_of_password
    from langgraph_fusion.graph.errors import ConfigError
    from langgraph_fusion.graph.journal.store import VARIABLE, open_runs
    from langgraph_fusion.server.keys.key_ring import KeyRing

    warn_of_password(str(config.runs), "--runs", VARIABLE)
    async with open_runs(config.runs) as opened:
        if config.engine is not None and opened is None:
            raise ConfigError("workers take runs from where they are kept", field="runs")
    if config.engine is not None:
        from langgraph_fusion.server.engine.queue import queue_client

        warn_of_password(str(config.engine), "--engine", "FUSION_ENGINE")
        async with queue_client(config.engine):
            pass
    if config.keys is not None:
        warn_of_password(str(config.keys), "--keys", "FUSION_KEYS")
        async with KeyRing(config.keys).open():
            pass
    elif config.total_runs is not None:
        raise ConfigError("it is kept where the keys are; give --keys as well", field="total-runs")


async def _check_documents() -> None:
    """Raise ConfigError if documents with names are others on this host than the list says."""
    from langgraph_fusion.graph.errors import ConfigError
    from langgraph_fusion.graph.preflight.named_docs import look_at_all

    if wrong := [one.wrong for one in await look_at_all() if one.wrong]:
        raise ConfigError("; ".join(wrong), field="docs")


def _bound(at: _Address) -> socket.socket:
    """A socket bound to the address, not yet listening: early connections are refused."""
    from langgraph_fusion.graph.errors import ConfigError

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
def _address_errors(at: _Address) -> Iterator[None]:
    from langgraph_fusion.graph.errors import ConfigError

    try:
        yield
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(
                f"{at.port} is in use; choose another with --port", field="port"
            ) from None
        raise ConfigError(f"cannot listen on {at.host}: {error.strerror}", field="host") from None


def _announce(listening: socket.socket, preset: str, why: str, keys: object) -> None:
    from langgraph_fusion.cli.output import say

    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    say(
        f"fusion: serving preset {preset} on http://{shown}:{port}/v1 - set a client's base URL to "
        "it and its model to `fusion`" + (f" ({why})" if why else "")
    )
    if keys is None and not ip_address(host).is_loopback:
        say(
            "fusion: WARNING: whoever reaches this address can spend your money: no key is asked "
            "for. Make keys with `fusion keys add NAME --keys FILE` and serve with --keys FILE. "
            "Until then it answers to IP addresses, `localhost` and the names of --allowed-hosts"
        )
