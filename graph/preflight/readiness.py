"""Check that a run can start here, and choose the preset that fits this machine."""

from collections.abc import Iterable
from importlib.util import find_spec
from itertools import cycle
from pathlib import Path
from typing import Any

from langgraph_fusion.graph.calls.seat_bill import LOCAL_MAX_TOKENS
from langgraph_fusion.graph.errors import PRICE_UNKNOWN, ConfigError
from langgraph_fusion.graph.mcp_file import chosen_servers
from langgraph_fusion.graph.preflight.environment import check_environment
from langgraph_fusion.graph.preflight.named_docs import PREFIX, check_named, named_folder
from langgraph_fusion.graph.presets import DEFAULT_PRESET, user_file
from langgraph_fusion.graph.seat import ModelSeat
from langgraph_fusion.graph.settings import FusionSettings
from langgraph_fusion.models.errors import ModelConfigError
from langgraph_fusion.models.local import LocalServer, local_addresses, local_servers
from langgraph_fusion.models.prices import PriceTable, load_prices
from langgraph_fusion.models.providers import ModelRef, missing_key, missing_package
from langgraph_fusion.tools.context import SharedToolsSettings
from langgraph_fusion.tools.search.engines import engines

BUILTIN_DOCS = "builtin:docs"
_AUTO = "auto"
"""`local:auto` stands for whatever a local server serves."""
_PATIENCE_S = 10.0
"""How long a local server may take to list its models: a slow machine may be busy with one."""
_OUTPUT_PART = 4
"""A reply may take a fourth of a model's context; the prompt needs the rest. Ours."""
_LEAST_TOKENS = 128


async def check_ready(settings: FusionSettings, prices: PriceTable) -> FusionSettings:
    """Return the settings with local models named, once nothing is missing.

    Raises:
        ConfigError: Naming every missing key, folder or price and the way out.
    """
    if any(ref.provider == "local" and ref.name == _AUTO for ref in _models(settings)):
        settings = await _seat_local_models(settings)
    check_settings(settings, prices)
    if settings.docs and settings.docs.startswith(PREFIX):
        await check_named(settings.docs)
    return settings


def check_settings(settings: FusionSettings, prices: PriceTable) -> None:
    """Do the part of `check_ready` that needs no network; raises as it does."""
    if any(ref.provider != "offline" for ref in _models(settings)):
        check_environment()
    missing = [*_missing_keys(settings), *_missing_packages(settings)]
    missing += _missing_prices(settings, prices)
    if settings.members:
        missing += [*_missing_search(settings), *_missing_docs(settings)]
        missing += _missing_servers(settings)
    if missing:
        raise ConfigError.joined(missing)


async def default_preset() -> tuple[str, str]:
    """Choose the preset when none is named: its name, and why in a sentence."""
    if missing_key(ModelRef.parse("openrouter:any")) is None:
        return DEFAULT_PRESET, "OPENROUTER_API_KEY is set"
    if servers := await local_servers():
        return (
            "local",
            f"no OPENROUTER_API_KEY is set; a local server answers at {servers[0].base_url}",
        )
    return (
        "offline",
        "no OPENROUTER_API_KEY is set and no local server answers; set the key "
        "(export OPENROUTER_API_KEY=...) or start a local server to ask language models",
    )


def user_prices() -> PriceTable:
    """The shipped prices with the user's own over them.

    Raises:
        ConfigError: If the user's file is not a price table.
    """
    try:
        return load_prices(user_file("prices.toml", "FUSION_PRICES"))
    except ModelConfigError as error:
        raise ConfigError(str(error), field="prices") from error


def shared_tools_settings(settings: FusionSettings) -> SharedToolsSettings:
    """What the members' tools need of the settings."""
    docs = docs_folder(settings.docs) if settings.docs and settings.members else None
    return SharedToolsSettings(
        search=settings.search if settings.members else ("ddgs",),
        exclude=settings.exclude,
        docs=docs,
        allow_networks=settings.allow_networks,
    )


def docs_folder(docs: str) -> Path:
    """The folder that a `docs` setting names; raises ConfigError for a name that is not known."""
    if docs.startswith(PREFIX):
        return named_folder(docs)
    if docs != BUILTIN_DOCS:
        return Path(docs).expanduser()
    shipped = find_spec("langgraph_fusion.docs")
    assert shipped is not None
    assert shipped.submodule_search_locations
    return Path(next(iter(shipped.submodule_search_locations)))


def _models(settings: FusionSettings) -> Iterable[ModelRef]:
    for seat in settings.all_seats:
        yield from seat.models


def _missing_keys(settings: FusionSettings) -> Iterable[ConfigError]:
    needed: dict[str, list[str]] = {}
    for ref in dict.fromkeys(_models(settings)):
        if name := missing_key(ref):
            needed.setdefault(name, []).append(str(ref))
    for name, models in needed.items():
        yield ConfigError(
            f"{name} is not set, and {', '.join(models)} need it. "
            f"Set `{name}`, or use `--preset offline`."
        )


def _missing_search(settings: FusionSettings) -> Iterable[ConfigError]:
    for name in settings.search:
        engine = engines()[name]
        for variable in engine.missing():
            yield ConfigError(
                f"`{name}` needs {variable}. Set `{variable}`, or use `search=ddgs`.",
                field="search",
            )
        if engine.missing() or not (engine.address or engine.base_url):
            continue
        try:
            engine.url()
        except ValueError as error:
            yield ConfigError(str(error), field="search")


def _missing_docs(settings: FusionSettings) -> Iterable[ConfigError]:
    folder = docs_folder(settings.docs) if settings.docs else None
    if folder is None or folder.is_dir():
        return
    if folder.exists():
        why = f"{settings.docs!r} is a file; name its folder, {str(folder.parent)!r}."
    else:
        why = f"there is no folder {settings.docs!r}; name an existing one."
    yield ConfigError(why, field="docs")


def _missing_servers(settings: FusionSettings) -> Iterable[ConfigError]:
    try:
        chosen_servers(settings.tool_groups)
    except ConfigError as error:
        yield error


def _missing_packages(settings: FusionSettings) -> Iterable[ConfigError]:
    for ref in dict.fromkeys(_models(settings)):
        if package := missing_package(ref):
            yield ConfigError(
                f"{ref}: the package `{package}` is not installed. `pip install {package}`."
            )


def _missing_prices(settings: FusionSettings, prices: PriceTable) -> Iterable[ConfigError]:
    if settings.budget_usd is None or settings.unknown_cost != "refuse":
        return
    unpriced = [str(ref) for ref in dict.fromkeys(_models(settings)) if not prices.price_of(ref)]
    if unpriced:
        yield ConfigError(
            f"no price is known for {', '.join(unpriced)}, so the cap cannot be kept. "
            "Add the price to prices.toml in the configuration folder, set unknown_cost to "
            "worst_case or ignore, or drop budget_usd.",
            field="budget_usd",
            code=PRICE_UNKNOWN,
            about=unpriced,
        )


async def _seat_local_models(settings: FusionSettings) -> FusionSettings:
    """Put the models of the first local server in the place of `local:auto`, in turn."""
    servers = [one for one in await local_servers(timeout_s=_PATIENCE_S) if one.models]
    if not servers:
        raise ConfigError(
            "no OpenAI-compatible server with a model answers at "
            f"{', '.join(sorted(set(local_addresses().values())))}. Start Ollama, LM Studio or "
            "vLLM, or set LOCAL_BASE_URL; or use `--preset offline`."
        )
    server, served = servers[0], servers[0].models
    panel = [
        _named(seat, model, server)
        for seat, model in zip(settings.panel, cycle(served), strict=False)
    ]
    return settings.changed(
        panel=panel,
        judge=_named(settings.judge, served[0], server) if settings.judge else None,
        synthesizer=_named(settings.synthesizer, served[0], server),
        verify=_named(settings.verify, served[0], server)
        if isinstance(settings.verify, ModelSeat)
        else settings.verify,
    )


def _named(seat: ModelSeat, model: ModelRef, server: LocalServer) -> dict[str, Any]:
    """The seat with a served model, and an output limit that leaves room for the prompt."""
    ref = ModelRef.parse(seat.model)
    if ref.provider != "local" or ref.name != _AUTO:
        return seat.model_dump()
    context = server.contexts.get(model)
    fitting = min(LOCAL_MAX_TOKENS, context // _OUTPUT_PART) if context else None
    limit = seat.max_tokens or (fitting and max(_LEAST_TOKENS, fitting))
    return seat.model_dump() | {"model": str(model), "max_tokens": limit}
