"""`make eval-offline`: the evaluation checked without a key, through the very command.

1. Recorded reports and verdicts of others (../shared/data) are replayed: the recorded means.
2. RAMDocs with the preset `offline`: programs that quote the documents.
3. RAMDocs with scripted models whose errors are known: the score is worked out a second time.
4. The content guard: its false alarms on real reports, and the leaks it catches.

Every figure is printed with n and its interval. What needs data that is not there is skipped, and
said to be.
"""

import asyncio
import random
import subprocess
import tempfile
from pathlib import Path

from langgraph_fusion.evals.contamination.content_guard import DEFAULT, STRICT
from langgraph_fusion.evals.datasets.load import load_dataset
from langgraph_fusion.evals.records import StoredResult, Task
from langgraph_fusion.evals.report.words import share
from langgraph_fusion.evals.statistics.shares import share_of
from tests.cli.processes import FUSION, ROOT, environment
from tests.evals.contamination.leaks import DRAWS, measured, recorded_tasks
from tests.scripted import Reply, Seen, scripted_server, structured, text
from tests.shared_data import FOLDER

DRACO, RAMDOCS = FOLDER / "draco", FOLDER / "samples" / "ramdocs_conflict.jsonl"
REPLAYS = (
    "rejudge-sota5-frontier-opusfuser.jsonl",
    "fusion-frontier-opus.jsonl",
    "rejudge-sota5-frontier-glmfuser.jsonl",
    "rejudge-fusion-client-budget-opus-full100.jsonl",
    "openrouter_harness/262b3145.verdicts.json",
)
RECORDED = {
    "fusion_sota5_opus": (100, 70.64674309, 70.64674309),
    "fusion_sota5_glmfuser": (99, 71.83256621, 71.11424055),
    "fusion_client_budget_opus": (100, 60.75425411, 60.75425411),
    "gpt-5.5-solo": (1, 74.78991596638656, 74.78991596638656),
}
"""n, the mean of what is scored, and the mean with refusals as zero."""
RIGHT = {"m/careful": (0.9, 0.1), "m/hasty": (0.6, 0.4)}
"""How likely a scripted member is to name a right answer, and a wrong one."""


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        if DRACO.is_dir():
            check_replay(place)
            check_guard()
        else:
            print(f"skipped: {DRACO} is not here")
        if RAMDOCS.is_file():
            check_extractive(place)
            await check_scripted(place)
        else:
            print(f"skipped: {RAMDOCS} is not here")


def check_replay(place: Path) -> StoredResult:
    """The recorded means, through the command."""
    files = [part for name in REPLAYS for part in ("--replay", str(DRACO / name))]
    heading("Recorded reports and verdicts, replayed")
    result = evaluated(place, "draco", "--data", str(DRACO / "test.jsonl"), *files)
    for name, (n, mean, with_zeros) in RECORDED.items():
        arm = result.arm(name)
        assert arm is not None, name
        assert len(arm.scores) == n, name
        assert abs(mean_of(arm.scores) - mean) < 1e-8, name
        assert abs(mean_of(arm.scores_with_zeros) - with_zeros) < 1e-8, name
    return result


def check_guard() -> None:
    """The rates that docs/evaluation.md gives."""
    heading("The content guard, on 400 real reports and made-up leaks")
    tasks = recorded_tasks()
    for rule, most in ((DEFAULT, 3), (STRICT, 0)):
        found = measured(tasks, rule)
        print(
            f"{rule.name}: flags {share(share_of(found.false_alarms, 400))} of the reports, "
            f"{share(share_of(found.pages, 100))} of the leak pages, "
            + ", ".join(
                f"with {count} criteria {share(share_of(caught, DRAWS))} of the snippets"
                for count, caught in found.snippets.items()
            ),
            flush=True,
        )
        assert found.false_alarms <= most
        assert found.pages >= 99


def check_extractive(place: Path) -> StoredResult:
    """Programs that quote: their panel names no less than a member does."""
    heading("RAMDocs with the preset offline")
    result = evaluated(place, "ramdocs", "--data", str(RAMDOCS), "-p", "offline")
    for arm in result.arms:
        assert len(arm.scores) == 48, arm.name
    return result


async def check_scripted(place: Path) -> StoredResult:
    """Members with known errors; the writer keeps what all of them say, or what one says alone."""
    heading("RAMDocs with scripted models")
    tasks = {task.question.splitlines()[0]: task for task in load_dataset("ramdocs", RAMDOCS).tasks}
    async with scripted_server(lambda seen: played(seen, tasks)) as server:
        env = {"OPENROUTER_API_KEY": "sk-or-offline", "OPENROUTER_BASE_URL": server.base_url}
        arguments = ("--panel", ",".join(RIGHT), "--judge", "j/judge", "--writer", "w/writer")
        command = ("ramdocs", "--data", str(RAMDOCS), *arguments, "--yes")
        result = await asyncio.to_thread(evaluated, place, *command, env=env)
    for arm in result.arms:
        for task in tasks.values():
            named = said_by_arm(arm.name, task)
            if named is not None:
                assert arm.scores[task.id] == strict_score(task, named), (arm.name, task.id)
    return result


def played(seen: Seen, tasks: dict[str, Task]) -> Reply:
    task = next(one for question, one in tasks.items() if question in seen.text)
    if seen.model in RIGHT:
        return text(listed(said(seen.model, task)))
    if seen.model == "j/judge":
        return structured({"consensus": [], "best_answer": "A"})
    return text(listed(written(task)))


def said(model: str, task: Task) -> set[str]:
    """What a member names: seeded, so that every run says the same."""
    right, wrong = RIGHT[model]
    dice = random.Random(f"{model} {task.id}")
    named = {one for one in task.expected if dice.random() < right}
    return named | {one for one in task.wrong if dice.random() < wrong}


def written(task: Task) -> set[str]:
    """The writer believes what both say, and the careful one where they differ."""
    careful, hasty = (said(model, task) for model in RIGHT)
    return careful & hasty or careful


def said_by_arm(arm: str, task: Task) -> set[str] | None:
    known = {"solo careful": "m/careful", "solo hasty": "m/hasty"}
    if arm in known:
        return said(known[arm], task)
    return written(task) if arm == "panel" else None


def listed(answers: set[str]) -> str:
    return "The documents name:\n\n" + "\n".join(f"- {one}" for one in sorted(answers))


def strict_score(task: Task, named: set[str]) -> float:
    """Worked out from the sets; an answer may be a part of another one's words."""
    words = listed(named).casefold()
    right = all(one.casefold() in words for one in task.expected)
    return 100.0 if right and not any(one.casefold() in words for one in task.wrong) else 0.0


def evaluated(place: Path, *arguments: str, env: dict[str, str] | None = None) -> StoredResult:
    """Run `fusion eval run`, print its table, and return the result."""
    out = place / "result.json"
    variables = environment({"FUSION_EVALS": str(place / "evals"), **(env or {})})
    command = [*FUSION, "eval", "run", *arguments, "--out", str(out), "-q"]
    ran = subprocess.run(command, env=variables, cwd=ROOT, capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit(f"fusion eval run failed: {ran.stderr}")
    print(ran.stdout, flush=True)
    return StoredResult.from_json(out.read_text())


def mean_of(scores: dict[str, float]) -> float:
    return sum(scores.values()) / len(scores)


def heading(said: str) -> None:
    print(f"\n== {said}\n", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
