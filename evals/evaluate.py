"""From a plan to a stored result: what it takes is opened, and the spend cap is kept."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from langgraph_fusion.evals.arms.answering import Answering
from langgraph_fusion.evals.arms.spec import ArmSpec, MemberSpec
from langgraph_fusion.evals.budget import EvalBudget
from langgraph_fusion.evals.contamination.content_guard import ContentGuard
from langgraph_fusion.evals.datasets.dataset import DataSet
from langgraph_fusion.evals.evaluation import Evaluation
from langgraph_fusion.evals.grading import Grader
from langgraph_fusion.evals.judge import Judge
from langgraph_fusion.evals.limits import BY_HAND_S, Limits
from langgraph_fusion.evals.place import evals_folder
from langgraph_fusion.evals.progress import Progress
from langgraph_fusion.evals.protocols.protocol import Protocol
from langgraph_fusion.evals.records import ArmResult, ProtocolRef, StoredResult, Task
from langgraph_fusion.evals.runs.context import EvalContext
from langgraph_fusion.evals.store import open_store
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.repository import RunRepository
from langgraph_fusion.graph.journal.stores.sqlite_store import sqlite_store
from langgraph_fusion.graph.preflight.readiness import check_settings, user_prices
from langgraph_fusion.graph.records import sum_costs
from langgraph_fusion.models.prices import PriceTable, prices_date
from langgraph_fusion.models.providers import ModelRef, missing_key

JOURNAL_DAYS = 365.0
"""How long a run that was stopped can be gone on with."""


@dataclass(frozen=True)
class Plan:
    """What is to be evaluated."""

    data: DataSet
    members: Mapping[str, MemberSpec]
    arms: Sequence[ArmSpec]
    protocol: Protocol | None = None
    """None where answers are expected and no judge is needed."""
    judge: str | None = None
    """The judge's model, unless it is the protocol's own."""
    limits: Limits = field(default_factory=Limits)

    @property
    def judge_model(self) -> str | None:
        return (self.judge or self.protocol.judge) if self.protocol else None


@dataclass(frozen=True)
class Workplace:
    """What is open while an evaluation, or a grading, is under way."""

    context: EvalContext
    prices: PriceTable
    limits: Limits
    progress: Progress

    def judge(self, protocol: Protocol, model: str) -> Judge:
        return Judge(
            protocol,
            model,
            self.context.store,
            self.context.budget,
            self.prices,
            asyncio.Semaphore(self.limits.verdicts),
            on_verdicts=self.progress.graded,
            on_paid=self.progress.paid,
            timeout_s=BY_HAND_S if self.limits.by_hand else 180.0,
        )


async def evaluate(plan: Plan, progress: Progress | None = None) -> StoredResult:
    """Run every arm on every task and grade it; what is stored already is not paid again.

    At the spend cap it ends with the tasks that all arms have finished, and says so.

    Raises:
        ConfigError: Before anything is paid, for example because a key or a price is missing.
    """
    progress = progress or Progress()
    check_plan(plan)
    async with open_workplace(plan.data, plan.limits, progress) as place:
        judge = None
        if plan.protocol is not None and plan.judge_model is not None:
            judge = place.judge(plan.protocol, plan.judge_model)
        answering = Answering(place.context, plan.members, plan.data.tasks)
        work = Evaluation(
            plan.data, plan.arms, answering, Grader(judge), plan.limits.tasks, progress
        )
        if await within_budget(place.context.budget, work.run):
            work.notes.append(f"The spend cap of ${plan.limits.budget_usd:g} was reached.")
        arms = work.results()
        finished = len(arms[0].outcomes) if arms else 0
        if finished < len(plan.data.tasks):
            work.notes.append(f"{finished} of {len(plan.data.tasks)} tasks were finished.")
        return stored_result(plan.data, work.grader.ref, arms, place, work.notes, judge)


def stored_result(
    data: DataSet,
    protocol: ProtocolRef,
    arms: Sequence[ArmResult],
    place: Workplace,
    notes: Sequence[str],
    judge: Judge | None,
) -> StoredResult:
    """Put the result together."""
    graded = {one.task for arm in arms for one in arm.outcomes}
    chosen = data.chosen([task.id for task in data.tasks if task.id in graded])
    judge_usd = sum_costs(judge.spent).total_usd if judge else 0.0
    return StoredResult(
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        version=version("langgraph-fusion"),
        dataset=chosen.ref,
        protocol=protocol,
        arms=tuple(arms),
        prices=prices_date(),
        served_by_hand=place.limits.by_hand,
        spent_usd=sum_costs([*place.context.spent, *(judge.spent if judge else ())]).total_usd,
        judge_usd=judge_usd,
        notes=tuple(note for note in notes if note),
    )


async def within_budget(
    budget: EvalBudget, work: Callable[[], Coroutine[None, None, None]]
) -> bool:
    """Do the work, and stop it when the spend cap is reached: whether it was."""
    task = asyncio.create_task(work())
    exhausted = asyncio.create_task(budget.exhausted.wait())
    try:
        await asyncio.wait({task, exhausted}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            _raise_first(task)
            return False
        return True
    finally:
        for one in (task, exhausted):
            one.cancel()
            with suppress(asyncio.CancelledError):
                await one


def _raise_first(task: asyncio.Task[None]) -> None:
    """What a group of tasks failed with, as one error."""
    try:
        task.result()
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None


@asynccontextmanager
async def open_workplace(
    data: DataSet, limits: Limits, progress: Progress, folder: Path | None = None
) -> AsyncIterator[Workplace]:
    """Open the stores for the length of the block."""
    folder = folder or evals_folder()
    prices = user_prices()
    with open_store(folder / "store.db") as store:
        async with _open_journals(folder / "runs.db") as runs:
            context = EvalContext(
                store=store,
                runs=runs,
                budget=EvalBudget(limits.budget_usd, limits.unknown_cost),
                folder=folder / "documents",
                at_once=asyncio.Semaphore(limits.runs),
                exclude=data.exclude,
                filter_of=_filter_of,
                on_run=progress.run_ended,
                on_paid=progress.paid,
            )
            try:
                yield Workplace(context, prices, limits, progress)
            finally:
                await context.close()


@asynccontextmanager
async def _open_journals(path: Path) -> AsyncIterator[RunRepository]:
    """Where runs are written down until they are stored: for longer than a user's own runs."""
    try:
        async with sqlite_store(path) as store, RunRepository(store, days=JOURNAL_DAYS) as runs:
            yield runs
    except (OSError, sqlite3.Error) as error:
        raise ConfigError(f"runs cannot be kept in {path}: {error}") from error


def _filter_of(task: Task) -> ContentGuard | None:
    return ContentGuard(task) if task.criteria else None


def check_plan(plan: Plan) -> None:
    """Refuse what could not run to its end: a missing key or folder, a cap that cannot be kept.

    Raises:
        ConfigError: Naming what is missing and the way out.
    """
    prices = user_prices()
    distinct = {arm.settings.model_dump_json(): arm.settings for arm in plan.arms}
    for settings in distinct.values():
        check_settings(settings, prices)
    judges = [ModelRef.parse(plan.judge_model)] if plan.judge_model else []
    for judge in judges:
        check_judge(judge)
    if plan.limits.budget_usd is not None and plan.limits.unknown_cost == "refuse":
        used = [ref for one in distinct.values() for seat in one.all_seats for ref in seat.models]
        _check_priced([*used, *judges], prices)


def check_judge(judge: ModelRef) -> None:
    """Raise ConfigError when the grading model cannot be called here."""
    if variable := missing_key(judge):
        raise ConfigError(f"{variable} is not set, and the judge {judge} needs it")


def _check_priced(used: Iterable[ModelRef], prices: PriceTable) -> None:
    unknown = [str(ref) for ref in dict.fromkeys(used) if prices.price_of(ref) is None]
    if unknown:
        raise ConfigError(
            f"no price is listed for {', '.join(unknown)}, so the cap cannot be kept. Add it to "
            "prices.toml, or give --unknown-cost worst_case",
            field="budget_usd",
        )
