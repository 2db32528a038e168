"""What the commands of `fusion eval` do: estimate, ask, work, store, show."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from pydantic import ValidationError

from langgraph_fusion.cli.display.eval_result import print_estimate, print_result
from langgraph_fusion.cli.display.follow import stop_signals
from langgraph_fusion.cli.errors import error_json, exit_code
from langgraph_fusion.cli.output import is_terminal, say, silence_libraries, write_json
from langgraph_fusion.evals.errors import DataRefused
from langgraph_fusion.evals.place import evals_folder
from langgraph_fusion.evals.progress import Progress
from langgraph_fusion.evals.records import StoredResult
from langgraph_fusion.graph.errors import ConfigError

if TYPE_CHECKING:
    from langgraph_fusion.evals.datasets.dataset import DataSet
    from langgraph_fusion.evals.evaluate import Plan
    from langgraph_fusion.evals.limits import Limits
    from langgraph_fusion.evals.protocols.protocol import Protocol

Work = Callable[[Progress], Coroutine[Any, Any, StoredResult]]
HowGraded = tuple["Protocol | None", str | None]


@dataclass(frozen=True)
class Output:
    """How the user wants to be told, and where the result goes."""

    out: Path | None = None
    as_json: bool = False
    quiet: bool = False
    verbose: bool = False
    yes: bool = False


def run_plan(plan: "Plan", output: Output) -> int:
    """Run a plan, once the user has agreed to what it may cost; returns the exit code."""
    from langgraph_fusion.evals.estimate import estimate_evaluation
    from langgraph_fusion.evals.evaluate import check_plan, evaluate

    check_plan(plan)
    found = estimate_evaluation(plan)
    if not output.quiet:
        print_estimate(found)
    paid = found.total.high is None or found.total.high > 0
    if paid and not output.yes and not _agreed(plan.limits.budget_usd):
        say("Nothing was started.")
        return 2
    return _finish(lambda progress: evaluate(plan, progress), plan.data.name, output)


def replay_recorded(
    data: "DataSet", paths: Sequence[Path], how: HowGraded, limits: "Limits", output: Output
) -> int:
    """Score what others recorded; reports without verdicts are graded if a grader is named."""
    from langgraph_fusion.evals.regrade import replay

    protocol, model = how
    return _finish(
        lambda progress: replay(data, paths, protocol, model, limits, progress),
        data.name,
        output,
    )


def grade_again(
    stored: StoredResult,
    data: Path | None,
    how: tuple[str | None, str | None, int | None],
    limits: "Limits",
    output: Output,
) -> int:
    """Grade a result's answers by another judge."""
    from langgraph_fusion.evals.datasets.load import PINNED, load_dataset
    from langgraph_fusion.evals.protocols.published import protocol_named
    from langgraph_fusion.evals.regrade import regrade

    named, model, passes = how
    protocol = protocol_named(named or stored.protocol.id).with_passes(passes)
    known = stored.dataset.name in PINNED
    if not known and data is None:
        raise ConfigError(f"give the file of {stored.dataset.name} with --data")
    tasks = load_dataset(stored.dataset.name, data) if known else load_dataset(str(data))
    _check_priced(limits, model or protocol.judge)
    if not output.quiet:
        number = sum(len(task.criteria) for task in tasks.chosen(stored.dataset.chosen).tasks)
        own = sum(arm.kind not in ("oracle", "judge_picks") for arm in stored.arms)
        say(f"{number * own * protocol.passes} verdicts by {model or protocol.judge}.")
    if not output.yes and not _agreed(limits.budget_usd):
        say("Nothing was started.")
        return 2
    return _finish(
        lambda progress: regrade(
            stored, tasks, protocol, model or protocol.judge, limits, progress
        ),
        stored.dataset.name,
        output,
    )


def read_result(path: Path) -> StoredResult:
    """A stored result from its file.

    Raises:
        ConfigError: If it cannot be read or is none.
    """
    try:
        return StoredResult.from_json(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    except ValidationError as error:
        raise ConfigError(
            f"{path} is no result of `fusion eval run`: {error.error_count()} faults in it"
        ) from error


def _check_priced(limits: "Limits", judge: str) -> None:
    from langgraph_fusion.evals.evaluate import check_judge
    from langgraph_fusion.graph.preflight.readiness import user_prices
    from langgraph_fusion.models.providers import ModelRef

    check_judge(ModelRef.parse(judge))
    if limits.budget_usd is None or limits.unknown_cost != "refuse":
        return
    if user_prices().price_of(ModelRef.parse(judge)) is None:
        raise ConfigError(f"no price is listed for {judge}, so the cap cannot be kept")


def _agreed(budget_usd: float | None) -> bool:
    """Ask on a terminal; elsewhere nobody can agree, so --yes is needed.

    Raises:
        ConfigError: If there is no terminal.
    """
    if not is_terminal(sys.stdin):
        raise ConfigError("this may cost money and nobody can be asked here; give --yes")
    cap = "without a spend cap" if budget_usd is None else f"for at most ${budget_usd:g}"
    return typer.confirm(f"Go on {cap}?", err=True)


def _finish(work: Work, name: str, output: Output) -> int:
    """Work until there is a result or it is stopped; returns the exit code."""
    silence_libraries(verbose=output.verbose)
    result = asyncio.run(_followed(work, output))
    if not isinstance(result, StoredResult):
        return result
    place = output.out or _default_place(name)
    _write(place, result)
    if output.as_json:
        write_json(result.model_dump(mode="json"))
    else:
        print_result(result)
    if not output.quiet:
        say(f"The result is in {place}.")
    return 0


async def _followed(work: Work, output: Output) -> StoredResult | int:
    """The result, or the exit code if a signal came first."""
    from langgraph_fusion.cli.display.eval_progress import shown

    progress = Progress()
    with stop_signals() as stop, shown(progress, quiet=output.quiet or output.as_json):
        try:
            return await work(progress)
        except asyncio.CancelledError:
            if stop.received is None:
                raise
    say("Stopped. What was paid is kept: the same command goes on from here.")
    if output.as_json:
        write_json({"error": error_json(stop.received)})
    return exit_code(stop.received)


def _default_place(name: str) -> Path:
    now = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return evals_folder() / "results" / f"{name}-{now}.json"


def _write(path: Path, result: StoredResult) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(result.to_json(), encoding="utf-8")
    except OSError as error:
        raise DataRefused(f"{path} cannot be written: {error.strerror}") from error
