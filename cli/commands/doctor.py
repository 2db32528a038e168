"""`fusion doctor`: what is there on this machine, what is not, and how to get it."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from langgraph_fusion.cli import options

if TYPE_CHECKING:
    from langgraph_fusion.tools.mcp.settings import ServerSettings
    from langgraph_fusion.tools.search.engines import Engine, EngineName

command = typer.Typer(rich_markup_mode=None)

SEARCH_TIMEOUT_S = 6.0
ENGINE_TIMEOUT_S = 8.0


@dataclass(frozen=True)
class Check:
    """One line of the report; `fix` says what to do when something is missing."""

    name: str
    ok: bool | None
    """None if it was not looked at."""
    found: str
    fix: str = ""


@command.command(
    epilog=options.examples("fusion doctor", "fusion doctor --offline", "fusion doctor --json")
)
def doctor(
    as_json: options.AsJson = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask nothing beyond this machine.")
    ] = False,
    verbose: options.Verbose = False,
) -> None:
    """Check keys, local servers, Docker, the sandbox image, search and documents, with each fix.

    Exit code 0 unless no panel at all can run here.
    """
    from langgraph_fusion.cli.errors import FAILED, report_errors

    with report_errors(as_json=as_json, verbose=verbose):
        from langgraph_fusion.cli.output import silence_libraries, write_json

        silence_libraries(verbose=verbose)
        checks = asyncio.run(diagnose(offline=offline))
        if as_json:
            found = {"checks": [asdict(check) for check in checks], "can_run": can_run(checks)}
            write_json(found)
        else:
            _print_lines(checks)
    raise typer.Exit(0 if can_run(checks) else FAILED)


async def diagnose(*, offline: bool) -> list[Check]:
    """Run all checks concurrently; with `offline` none leaves this machine."""
    checks: list[Callable[[], Awaitable[list[Check]]]] = [
        _environment,
        _keys,
        _local_servers,
        _sandbox,
        _search_skipped if offline else _search,
        _tool_servers_skipped if offline else tool_servers,
        _documents,
        _panel,
    ]
    found = await asyncio.gather(*(_guarded(check) for check in checks))
    return [check for part in found for check in part]


def can_run(checks: list[Check]) -> bool:
    """Whether any preset can answer here: the offline one needs nothing but this package."""
    return all(check.ok for check in checks if check.name == "panel")


async def _guarded(check: Callable[[], Awaitable[list[Check]]]) -> list[Check]:
    try:
        return await check()
    except Exception as error:  # noqa: BLE001 - one broken part must not hide the others
        name = check.__name__.strip("_").replace("_", " ")
        return [Check(name, False, f"{type(error).__name__}: {error}", "reinstall this package")]


async def _environment() -> list[Check]:
    """Variables that would break every call, and what a file of variables did."""
    from langgraph_fusion.cli.env_file import loaded_file
    from langgraph_fusion.graph.preflight.environment import environment_problems

    checks = [Check("environment", False, str(one), _UNSET) for one in environment_problems()]
    checks += addresses_in(os.environ, _files())
    if loaded := loaded_file.get():
        fix = f"use `fusion --env-file {loaded.path} …`, or export them"
        doubtful = bool(loaded.problem or loaded.ignored)
        checks += [Check("variables", not doubtful, note, fix) for note in loaded.notes()]
    return checks


_UNSET = "set it right, or unset it"


def addresses_in(env: Mapping[str, str], files: Mapping[str, str]) -> list[Check]:
    """What is set that decides where keys and questions go, with its place; never a value."""
    from langgraph_fusion.graph.wording import listed
    from langgraph_fusion.models.providers import providers

    ours = {one.base_url_env for one in providers().values() if one.base_url_env}
    names = sorted(
        name
        for name, value in env.items()
        if value.strip() and (name in ours | _DECIDING or name.upper().endswith(_ENDINGS))
    )
    if not names:
        return []
    named = listed([_with_origin(name, files) for name in names])
    return [Check("addresses", True, f"{named} set")]


_DECIDING = frozenset({
    "OLLAMA_HOST", "SEARXNG_URL", "GOOGLE_CSE_ID", "DOCKER_HOST", "DOCKER_CONTEXT",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "FUSION_MCP", "FUSION_PRESETS", "FUSION_PRICES", "FUSION_RUNS",
    "XDG_CONFIG_HOME", "LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2",
})  # fmt: skip
_ENDINGS = ("_PROXY", "_BASE_URL", "_ENDPOINT", "_API_BASE")


def _files() -> dict[str, str]:
    """The file that each variable has its value from, of those that have it from a file."""
    from langgraph_fusion.cli.env_file import loaded_file

    loaded = loaded_file.get()
    return dict.fromkeys(loaded.set, str(loaded.path)) if loaded else {}


async def _keys() -> list[Check]:
    return keys_in(os.environ, _files())


def keys_in(env: Mapping[str, str], files: Mapping[str, str] | None = None) -> list[Check]:
    """The main key, and which others are set, with the files they come from; never a key itself."""
    from langgraph_fusion.graph.wording import listed
    from langgraph_fusion.models.providers import providers
    from langgraph_fusion.tools.search.engines import search_keys

    names = {one.key for one in providers().values() if one.key and one.key != _MAIN_KEY}
    names |= search_keys()
    others = [_with_origin(n, files) for n in sorted(names) if env.get(n, "").strip()]
    main = bool(env.get(_MAIN_KEY, "").strip())
    checks = [
        Check(
            "key",
            main,
            f"{_with_origin(_MAIN_KEY, files)} is set" if main else f"{_MAIN_KEY} is not set",
            "" if main else f"export {_MAIN_KEY}=… (or put it in .env); offline works without",
        )
    ]
    return [*checks, Check("other keys", True, f"{listed(others)} set")] if others else checks


_MAIN_KEY = "OPENROUTER_API_KEY"


def _with_origin(name: str, files: Mapping[str, str] | None) -> str:
    return f"{name} (from {files[name] if files and name in files else 'the environment'})"


async def _local_servers() -> list[Check]:
    from langgraph_fusion.graph.wording import count
    from langgraph_fusion.models.local import local_servers

    servers = await local_servers()
    if not servers:
        return [
            Check(
                "local server",
                False,
                "no OpenAI-compatible server answers on this machine",
                "start Ollama, LM Studio or vLLM, or set LOCAL_BASE_URL",
            )
        ]
    return [
        Check("local server", True, f"{one.base_url}: {count(len(one.models), 'model')}")
        for one in servers
    ]


async def _sandbox() -> list[Check]:
    from langgraph_fusion.sandbox import SandboxSettings
    from langgraph_fusion.sandbox.status import status

    try:
        async with asyncio.timeout(ENGINE_TIMEOUT_S):
            found = await status(SandboxSettings())
    except TimeoutError:
        hangs = f"the Docker engine gave no answer in {ENGINE_TIMEOUT_S:.0f}s"
        return [Check("sandbox engine", False, hangs, "restart Docker")]
    return [Check(f"sandbox {one.name}", one.ok, one.detail, one.fix) for one in found.checks]


async def _search() -> list[Check]:
    """One search with every engine that is set up here; those with a price cost it."""
    from langgraph_fusion.tools.search.engines import configured

    return list(await asyncio.gather(*map(_search_with, ("ddgs", *configured()))))


async def _search_with(name: "EngineName") -> Check:
    from langgraph_fusion.graph.wording import count
    from langgraph_fusion.tools.errors import ToolFailure
    from langgraph_fusion.tools.search import SearchQuery, open_search
    from langgraph_fusion.tools.search.engines import engines

    engine = engines()[name]
    began = time.monotonic()
    try:
        async with (
            asyncio.timeout(SEARCH_TIMEOUT_S),
            open_search([name], timeout_s=SEARCH_TIMEOUT_S) as search,
        ):
            found = await search.search(SearchQuery("langgraph", max_results=1))
    except TimeoutError:
        return Check(f"search {name}", False, f"{engine.title} took too long.", _SEARCH_FIX)
    except (ToolFailure, ValueError) as error:
        return Check(f"search {name}", False, str(error), _fix(engine, error))
    cost = f", ${found.cost_usd:.3f}" if found.cost_usd else ""
    hits, seconds = count(len(found.hits), "hit"), time.monotonic() - began
    asked = f"asked for `langgraph`: {hits} in {seconds:.1f} s{cost}"
    return Check(f"search {name}", True, f"{engine.title} answers ({asked})")


def _fix(engine: "Engine", error: Exception) -> str:
    match getattr(error, "reason", None):
        case "unauthorized":
            return f"set {engine.key} anew"
        case "insufficient_credits":
            return f"add credit at {engine.title}, or choose another engine with --search"
        case "rate_limited":
            return "wait, or name a second engine: --search LIST"
        case _:
            return _SEARCH_FIX


_SEARCH_FIX = "check the network, or set the key of another engine and name it with --search"


async def _search_skipped() -> list[Check]:
    return [Check("search", None, "not asked (--offline)")]


async def tool_servers() -> list[Check]:
    """Every configured server and its tools, or why there are none."""
    from langgraph_fusion.graph.errors import ConfigError
    from langgraph_fusion.graph.mcp_file import configured_servers

    try:
        configured = configured_servers()
    except ConfigError as error:
        return [Check("tool servers", False, str(error), "see docs/mcp-tools.md")]
    return list(await asyncio.gather(*(_tool_server(*one) for one in configured.items())))


async def _tool_server(name: str, settings: "ServerSettings") -> Check:
    from langgraph_fusion.graph.mcp_file import missing_extra
    from langgraph_fusion.graph.wording import count, listed
    from langgraph_fusion.tools.mcp.connection import Connection, ServerUnavailable
    from langgraph_fusion.tools.mcp.offered import offer_of

    what = f"tool server {name}"
    if why := missing_extra():
        return Check(what, False, "not asked", why)
    if missing := settings.missing():
        return Check(what, False, f"{listed(missing)} not set", "export it, or change mcp.toml")
    connection = Connection(settings)
    try:
        offer = offer_of(name, await connection.tools(), settings.tools)
    except ServerUnavailable as gone:
        return Check(what, False, str(gone), "see docs/mcp-tools.md")
    finally:
        await connection.close()
    names = ", ".join(tool.tool for tool in offer.tools)
    left_out = f"; left out: {'; '.join(offer.left_out)}" if offer.left_out else ""
    return Check(what, True, f"{count(len(offer.tools), 'tool')}: {names}{left_out}")


async def _tool_servers_skipped() -> list[Check]:
    from langgraph_fusion.graph.presets import user_file

    configured = user_file("mcp.toml", "FUSION_MCP")
    return [Check("tool servers", None, "not asked (--offline)")] if configured else []


async def _documents() -> list[Check]:
    from langgraph_fusion.graph.preflight.named_docs import look_at_all
    from langgraph_fusion.graph.preflight.readiness import BUILTIN_DOCS, docs_folder
    from langgraph_fusion.tools.docs_index.database import index_file

    named = [
        Check(f"docs {one.name}", not one.wrong, one.wrong or f"{one.folder}: sha256 {one.sha256}")
        for one in await look_at_all()
    ]
    folder = docs_folder(BUILTIN_DOCS)
    cache = index_file(folder).parent
    existing = next(parent for parent in (cache, *cache.parents) if parent.exists())
    if os.access(existing, os.W_OK):
        return [Check("documents", True, f"indexes are kept in {cache}"), *named]
    return [
        Check(
            "documents",
            False,
            f"{cache} cannot be written: a folder is indexed anew for every run",
            "set XDG_CACHE_HOME to a folder of yours",
        ),
        *named,
    ]


async def _panel() -> list[Check]:
    from langgraph_fusion.graph.preflight.readiness import check_ready, default_preset, user_prices
    from langgraph_fusion.graph.settings import load_settings

    preset, why = await default_preset()
    await check_ready(load_settings({"preset": "offline"}), user_prices())  # always has to work
    return [Check("panel", True, f"`fusion ask` uses the preset `{preset}`: {why}")]


def _print_lines(checks: list[Check]) -> None:
    from rich.table import Table
    from rich.text import Text

    from langgraph_fusion.cli.output import terminal
    from langgraph_fusion.models.text import one_line

    marks = {True: Text("ok", "green"), False: Text("missing", "yellow"), None: Text("skipped")}
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for check in checks:
        text = Text(one_line(check.found))
        if check.fix and not check.ok:
            text.append(f"\n→ {one_line(check.fix)}", "cyan")
        grid.add_row(marks[check.ok], Text(check.name, "bold"), text)
    terminal().print(grid)
