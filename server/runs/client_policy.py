"""What the operator lets clients choose: they spend the operator's keys and use this machine.

Not covered: how often and how much one client asks (see keys and admission), and what a provider
does with a request.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.mcp_file import check_widens_nothing
from langgraph_fusion.graph.preflight.named_docs import PREFIX
from langgraph_fusion.graph.preflight.readiness import BUILTIN_DOCS
from langgraph_fusion.graph.presets import DEFAULT_PRESET
from langgraph_fusion.graph.seat import ModelSeat
from langgraph_fusion.graph.settings import FusionSettings, load_settings
from langgraph_fusion.models.providers import providers
from langgraph_fusion.tools.search.engines import engines

_LOCAL, _OFFLINE = "local", "offline"
OF_THE_REQUEST = {
    "client_tools": "tools",
    "tool_choice": "tool_choice",
    "parallel_tool_calls": "parallel_tool_calls",
    "response_format": "response_format",
}
"""Settings that have a field of their own in OpenAI's requests."""
CLIENTS_OWN = frozenset({
    "preset", "panel", "judge", "synthesizer", "mode", "length", "revision", "verify",
    "panel_growth", "one_by_one", "max_rounds",
    "max_follow_ups", "min_answers", "quorum", "grace_s", "tools", "max_tool_calls", "search",
    "exclude", "require_sandbox", "deadline_s", "budget_usd", "unknown_cost", "seed",
})  # fmt: skip
"""Settings that a client may choose for its own run, within the limits below."""
OPERATORS_OWN = frozenset(FusionSettings.model_fields) - CLIENTS_OWN - OF_THE_REQUEST.keys()
"""The others reach into this machine; clients may set them only if the operator says so."""
SAFE_EXTRA = frozenset({
    "cache_control", "frequency_penalty", "min_p", "presence_penalty", "provider", "reasoning",
    "repetition_penalty", "seed", "top_k", "top_p", "transforms", "verbosity",
})  # fmt: skip
"""Members of a seat's `extra` that cannot name another model, add messages or add paid tools."""
_OF_A_PACKAGE = SAFE_EXTRA | {
    "betas", "effort", "logit_bias", "max_output_tokens", "max_tokens", "n", "presence_penalty",
    "response_mime_type", "safety_settings", "service_tier", "stop", "stop_sequences",
    "temperature", "thinking", "thinking_budget", "thinking_level",
}  # fmt: skip
"""Of a provider whose own package is called: what is not a field of a body there is an argument,
and what an argument can do is not known. Trusted clients have these too, and no others."""


@dataclass(frozen=True)
class ClientPolicy:
    """The operator's limits for every request of a client."""

    default_preset: str = DEFAULT_PRESET
    """What `fusion` and `openrouter/fusion` mean."""
    models: tuple[str, ...] | None = None
    """Patterns such as `openrouter:*` or `ollama:qwen*`: every model of a run must match one.

    None: every model of the providers that the default preset uses, and of no others, whose keys
    and servers are there for the operator's own use.
    """
    any_setting: bool = False
    """Clients are trusted with `docs`, `allow_networks`, `sandbox` and any `extra`."""
    max_deadline_s: float | None = None
    """No run of a client takes longer; a longer or missing `deadline_s` is shortened to it."""
    max_budget_usd: float | None = None
    """No run of a client costs more; a higher or missing `budget_usd` is lowered to it.

    Models without a known price are refused then, whatever `unknown_cost` says.
    """

    def settings(
        self, given: Mapping[str, Any], base: Mapping[str, Any] | None = None
    ) -> FusionSettings:
        """Settings of a client over the operator's own `base`, within the limits.

        Raises:
            ConfigError: If a setting is wrong or not permitted.
        """
        self.check_given(given)
        settings = load_settings({"preset": self.default_preset, **(base or {}), **given})
        self.check_extras(settings, given, base)
        return self.apply_limits(settings)

    def check_given(self, fusion: Mapping[str, Any]) -> None:
        """Raise ConfigError if a client's `fusion` field holds what only the operator may set."""
        for name, field in OF_THE_REQUEST.items():
            if name in fusion:
                raise ConfigError(
                    f"send it as `{field}` of the request itself", field=f"fusion.{name}"
                )
        if self.any_setting:
            return
        for name in sorted(OPERATORS_OWN & fusion.keys()):
            if name == "docs" and _is_by_name(fusion[name]):
                continue
            raise ConfigError(
                "only the operator of this server may set it, in a preset; leave it out",
                field=f"fusion.{name}",
            )

    def apply_limits(self, settings: FusionSettings) -> FusionSettings:
        """The settings within the operator's limits.

        Raises:
            ConfigError: If a model or a seat's `extra` is not permitted.
        """
        permitted = self.permitted_models()
        for seat in settings.all_seats:
            _check_models(seat, permitted)
        limits = dict(self._limits(settings))
        return settings.changed(**limits) if limits else settings

    def check_extras(
        self,
        settings: FusionSettings,
        given: Mapping[str, Any],
        base: Mapping[str, Any] | None = None,
    ) -> None:
        """Do `check_extra` for every seat that the client named itself, and look at its tools."""
        if not self.any_setting:
            check_widens_nothing(settings, base)
        if "search" in given:
            self._check_search(settings, base)
        if "panel" in given:
            for seat in settings.panel:
                self.check_extra(seat, "panel")
        for name in ("judge", "synthesizer", "verify"):
            seat = getattr(settings, name)
            if name in given and isinstance(seat, ModelSeat):
                self.check_extra(seat, name)

    def _check_search(
        self, settings: FusionSettings, base: Mapping[str, Any] | None = None
    ) -> None:
        """Raise ConfigError for an engine that costs the operator money and is not his choice."""
        if self.any_setting:
            return
        own = load_settings({"preset": self.default_preset, **(base or {})}).search
        for name in settings.search:
            if not engines()[name].free and name not in own:
                permitted = [one for one in engines() if engines()[one].free or one in own]
                raise ConfigError(
                    f"this server does not permit `{name}`; it permits {', '.join(permitted)}",
                    field="fusion.search",
                )

    def check_extra(self, seat: ModelSeat, field: str) -> None:
        """Raise ConfigError if the seat's `extra` could go around the other limits."""
        safe = SAFE_EXTRA
        if self.any_setting:
            if all(providers()[ref.provider].speaks_openai for ref in seat.models):
                return
            safe = _OF_A_PACKAGE
        if unsafe := sorted(seat.extra.keys() - safe):
            raise ConfigError(
                f"this server does not pass on {', '.join(unsafe)}; it passes on "
                f"{', '.join(sorted(safe))}",
                field=f"fusion.{field}.extra",
            )

    def permitted_models(self) -> tuple[str, ...]:
        """Patterns of the models that clients may seat."""
        if self.models is not None:
            return self.models
        seats = load_settings({"preset": self.default_preset}).all_seats
        used = {ref.provider for seat in seats for ref in seat.models}
        if _LOCAL in used:  # what it finds may be any of them
            used |= {one.name for one in providers().values() if one.on_this_machine}
        return tuple(f"{name}:*" for name in sorted(used | {_OFFLINE}))

    def _limits(self, settings: FusionSettings) -> Iterable[tuple[str, Any]]:
        if self.max_deadline_s is not None and settings.deadline_s > self.max_deadline_s:
            yield "deadline_s", self.max_deadline_s
        budget = settings.budget_usd
        if self.max_budget_usd is not None and (budget is None or budget > self.max_budget_usd):
            yield "budget_usd", self.max_budget_usd
        if self.max_budget_usd is not None:
            yield "unknown_cost", "refuse"  # no other cap can be kept


def _is_by_name(docs: object) -> bool:
    """Whether these are documents that the operator has named, or none."""
    named = isinstance(docs, str) and docs.startswith(PREFIX)
    return named or docs in (None, BUILTIN_DOCS)


def _check_models(seat: ModelSeat, permitted: Sequence[str]) -> None:
    for ref in seat.models:
        if not any(fnmatchcase(str(ref), pattern) for pattern in permitted):
            raise ConfigError(
                f"this server does not permit `{ref}`; it permits {', '.join(permitted)}, and "
                "others when its operator starts it with --models",
                field="model",
            )
