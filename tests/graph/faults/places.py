"""Where a fault happens, and the runs in which it happens there.

All runs of one fault go to one server at the same time; `@` in a model's name says whose it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from langgraph_fusion.graph.result import FusionResult
from langgraph_fusion.graph.settings import FusionSettings
from tests.graph.cast import JUDGE, WRITER, A, B, Part, disputed, settings
from tests.graph.faults.ports import Departing
from tests.graph.faults.table import Fault, Place
from tests.scripted import Reply, Seen, structured, text, tool_calls

Variant = Literal["alone", "with a fallback", "once"]
SPARE = "x/spare"
PROVIDERS: dict[tuple[Place, Variant], str] = {
    ("mid-run", "alone"): "vllm",
    ("mid-run", "with a fallback"): "lmstudio",
    ("follow-up", "alone"): "ollama",
    ("follow-up", "with a fallback"): "local",
}

_ROLE: dict[Place, str] = {"judge": JUDGE, "writer": WRITER}
_SEAT: dict[Place, str] = {"judge": "judge", "writer": "synthesizer"}


@dataclass(frozen=True)
class Cell:
    """One run: a fault at a place, for good or once, with or without a fallback."""

    place: Place
    variant: Variant

    def model(self, role: str, provider: str = "openrouter") -> str:
        return f"{provider}:{role}@{self.place}/{self.variant}".replace(" ", "_")

    def owns(self, seen: Seen) -> bool:
        return seen.model.endswith(f"@{self.place}/{self.variant}".replace(" ", "_"))

    @property
    def role(self) -> str:
        """Whose model fails."""
        return _ROLE.get(self.place, A)

    @property
    def seat(self) -> str:
        return _SEAT.get(self.place, "A")

    @property
    def member(self) -> bool:
        return self.role == A

    @property
    def provider(self) -> str:
        """Of the model that fails, where its address is the fault: a member has one of its own."""
        return PROVIDERS.get((self.place, self.variant), "vllm")

    @property
    def begins(self) -> bool:
        """Whether the model that fails has answered before."""
        return self.place in ("mid-run", "follow-up")


def cells(fault: Fault) -> list[Cell]:
    """All places and variants that make sense; a fault that never passes does not happen once."""
    variants: tuple[Variant, ...] = ("alone", "with a fallback", "once")
    if fault.hedge_s:
        variants = ("with a fallback",)
    elif fault.attempts == 1 or fault.address:
        variants = ("alone", "with a fallback")
    return [Cell(place, variant) for place, variant in product(fault.places, variants)]


def settings_of(cell: Cell, fault: Fault, docs: str) -> FusionSettings:
    failing: dict[str, Any] = {
        "model": cell.model(cell.role, cell.provider if fault.address else "openrouter"),
        "timeout_s": fault.timeout_s,
        "hedge_s": fault.hedge_s,
    }
    if cell.variant == "with a fallback":
        failing["fallbacks"] = [cell.model(SPARE)]
    given: dict[str, Any] = {
        "panel": [cell.model(A), cell.model(B)],
        "judge": cell.model(JUDGE),
        "synthesizer": cell.model(WRITER),
        "max_rounds": int(cell.place == "follow-up"),
    }
    if cell.begins:
        given |= {"docs": docs, "tools": ["docs"], "max_tool_calls": 2}
    if cell.member:
        given["panel"] = [failing, {"model": cell.model(B), "max_tool_calls": 0}]
    else:
        given[cell.seat] = failing
    return settings(**given)


def script_of(fault: Fault, all_cells: Iterable[Cell], departing: Mapping[str, Departing]) -> Part:
    """What the server says to the models of all these runs."""
    runs = list(all_cells)
    failed: set[str] = set()

    async def part(seen: Seen) -> Reply:
        cell = next(one for one in runs if one.owns(seen))
        role = seen.model.partition("@")[0]
        if departing and cell.begins and role == cell.role:
            await departing[cell.provider].leave()
            return _good(cell, role, seen).and_close()
        over = cell.variant == "once" and seen.model in failed
        if role == cell.role and _is_there(cell.place, seen) and not over:
            failed.add(seen.model)
            return fault.reply
        return _good(cell, role, seen)

    return part


def _is_there(place: Place, seen: Seen) -> bool:
    if place == "mid-run":
        return bool(seen.tool_results) or "<tool_result" in seen.text
    return place != "follow-up" or "<your_earlier_answer>" in seen.text


def _good(cell: Cell, role: str, seen: Seen) -> Reply:
    if role == JUDGE or (role == SPARE and cell.place == "judge"):
        again = cell.place != "follow-up" or "<earlier_analysis>" in seen.last
        return structured({"best_answer": "B"} if again else disputed())
    if role == WRITER:
        return text("Done.")
    if role == A and cell.place == "mid-run" and not seen.tool_results:
        return tool_calls([("docs_search", {"query": "fusion"})])
    return text({A: "Alpha says 42.", B: "Beta says 42.", SPARE: "Spare says 42."}[role])


@dataclass(frozen=True)
class Outcome:
    """What a reader of the result can see of a fault."""

    who: str | None
    """Model that filled the place in the end, a seat's letter for a writer that gave up."""
    failure: tuple[str, int | None] | None
    """Reason and status of the failed member."""
    switches: tuple[str, ...]
    degraded: frozenset[str]
    calls: tuple[str | None, ...]
    """Every call of the seat at this place, the failed ones first: why, or None."""


def outcome_of(cell: Cell, result: FusionResult) -> Outcome:
    """Read it from the result, as a user would."""
    round_ = int(cell.place == "follow-up")
    answer = next(one for one in result.answers if one.seat == "A" and one.round == round_)
    failed = next((one for one in result.failed_members if one.round == round_), None)
    who = {"judge": result.judged_by, "writer": result.written_by}.get(
        cell.place, answer.model if answer.text and not answer.error else None
    )
    calls = [c.error for c in result.bill.calls if (c.seat, c.round) == (cell.seat, round_)]
    if cell.place == "mid-run":
        del calls[0]  # it asked for a tool
    return Outcome(
        who=who.partition(":")[2].partition("@")[0] if who and ":" in who else who,
        failure=(failed.reason, failed.status_code) if failed else None,
        switches=tuple(one.reason for one in answer.switches),
        degraded=frozenset(result.degraded),
        calls=tuple(sorted(calls, key=lambda error: error is None)),
    )


def expected(cell: Cell, fault: Fault) -> Outcome:
    """What the documentation says."""
    if cell.variant == "once":
        calls: tuple[str | None, ...] = (fault.reason, None)
        return Outcome(cell.role, None, (), frozenset(), calls)
    failed = [fault.reason] * _attempts(cell, fault)
    if cell.variant == "with a fallback":
        return _replaced(cell, fault, failed)
    degraded = {"judge": _JUDGE_CODES.get(fault.reason, "judge_upstream_error")}
    degraded["writer"] = f"synthesizer_{fault.reason}"
    writes = cell.place == "mid-run" and fault.writes
    again = [fault.reason] * fault.attempts if writes else []
    return Outcome(
        who="seat B" if cell.place == "writer" else None,
        failure=(fault.reason, fault.status_code) if cell.member else None,
        switches=(),
        degraded=_notes(cell, fault) | ({degraded[cell.place]} if not cell.member else set()),
        calls=(*failed, *again),
    )


_JUDGE_CODES = {"empty": "judge_empty_completion", "timeout": "judge_timeout"}


def _replaced(cell: Cell, fault: Fault, failed: list[str]) -> Outcome:
    return Outcome(
        who=SPARE,
        failure=None,
        switches=(fault.reason,) if cell.member else (),
        degraded=_notes(cell, fault) | (set() if cell.member else {f"{cell.seat}_switched"}),
        calls=("cancelled", None) if fault.hedge_s else (*failed, None),
    )


def _notes(cell: Cell, fault: Fault) -> frozenset[str]:
    return frozenset(fault.judge_notes if cell.place == "judge" else ())


def _attempts(cell: Cell, fault: Fault) -> int:
    if cell.place == "judge" and fault.judge_attempts:
        return fault.judge_attempts
    if cell.place == "mid-run" and fault.attempts_mid_run:
        return fault.attempts_mid_run
    tools = cell.place in ("mid-run", "follow-up") and cell.variant == "alone"
    if tools and fault.attempts_with_tools:
        return fault.attempts_with_tools
    return fault.attempts
