"""Kill a real process at random points; another one goes on, and pays for nothing twice.

`KILL_SEED=123 pytest tests/cli/test_resume.py` repeats the points of a run that has failed.
"""

import asyncio
import itertools
import json
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from langgraph_fusion.graph.journal.run_store import open_runs
from langgraph_fusion.graph.journal.runs import Runs
from langgraph_fusion.graph.result import FusionResult
from tests.cli.warm import Warm, warm_fusion
from tests.graph.cast import JUDGE, WRITER, A, B, C, asked_again, cast, disputed, judge
from tests.scripted import Reply, Seen, scripted_server, status, text, tool_calls

KILLS = 20
ANSWER = "It is 42 according to the register [A1], and both members agree on it now [B1]."


def search(*queries: str) -> Reply:
    return tool_calls([("web_search", {"query": query}) for query in queries]).after(0.05)


def researcher(*turns: Reply) -> Any:
    """A member that makes these turns one after the other."""

    def part(seen: Seen) -> Reply:
        made = sum(message["role"] == "assistant" for message in seen.messages)
        turn: Reply = turns[made]
        return turn

    return part


def script() -> Any:
    return cast(
        {
            A: asked_again(
                researcher(
                    search("alpha one"),
                    search("alpha two", "alpha three"),
                    text("It is 42 [A1][A2].").after(0.05),
                ),
                researcher(search("alpha four"), text("The register says 42 [A4].").after(0.05)),
            ),
            B: asked_again(
                researcher(search("beta one"), text("It is 17 [B1].").after(0.1)),
                text("I was wrong: 42.").after(0.1),
            ),
            C: text("It is 42.").after(0.1),
            JUDGE: judge(
                disputed(), {"consensus": [{"claim": "42", "seats": ["A", "B"], "sources": ["A1"]}]}
            ),
            WRITER: text(ANSWER, pace=0.02).after(0.05),
        }
    )


@dataclass
class World:
    """The model server's and the search engine's own record, and the process to be killed."""

    happened: list[tuple[str, str]] = field(default_factory=list)
    """Who asked (a seat) and for what, in order."""
    kill_at: int = 0
    delay_s: float = 0.0
    process: Warm | None = None
    killed_after: int | None = None
    broke: bool = False
    """The account has no credit."""

    def note(self, who: str, what: str) -> None:
        self.happened.append((who, what))
        if len(self.happened) == self.kill_at and self.killed_after is None:
            asyncio.get_running_loop().call_later(self.delay_s, self._kill)

    def _kill(self) -> None:
        if self.process is not None and self.process.process.is_alive():
            self.process.send(signal.SIGKILL)
            self.killed_after = len(self.happened)

    @property
    def before(self) -> list[tuple[str, str]]:
        return self.happened[: self.killed_after]

    def repeated(self) -> list[tuple[str, str]]:
        """What the second process asked for although the first one had."""
        return [one for one in self.happened[self.killed_after :] if one in self.before]

    def under_way(self) -> set[tuple[str, str]]:
        """What may not have been finished at the kill: nothing that rests on it was asked for."""
        found: set[tuple[str, str]] = set()
        for place, (who, what) in enumerate(self.before):
            after = self.before[place + 1 :]
            rests = any(_rests_on(who, what, *later) for later in after)
            if not rests:
                found.add((who, what))
        return found


def _rests_on(who: str, what: str, later_who: str, later_what: str) -> bool:
    """A seat asks a model only when its earlier calls are done, the judge when all members are."""
    if later_who == who:
        return not later_what.startswith("search ") or not what.startswith("search ")
    return later_who in (JUDGE, WRITER) or who == JUDGE


@asynccontextmanager
async def running(world: World) -> AsyncIterator[dict[str, str]]:
    """Models and a search engine; yields the environment of a command that uses them."""
    played = script()

    async def models(seen: Seen) -> Any:
        world.note(seen.model, json.dumps(seen.messages))
        if world.broke:
            return status(402)
        return played(seen)

    async def found(request: web.Request) -> web.Response:
        query = request.query["q"]
        world.note({"alpha": A, "beta": B}[query.split()[0]], f"search {query}")
        await asyncio.sleep(0.05)
        url = f"https://example.org/{query.replace(' ', '-')}"
        hit = {"url": url, "title": query.title(), "content": f"The register on {query}."}
        return web.json_response({"results": [hit]})

    app = web.Application()
    app.router.add_get("/search", found)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    try:
        async with scripted_server(models) as server:
            yield {
                "OPENROUTER_API_KEY": "sk-or-secret-key",
                "OPENROUTER_BASE_URL": server.base_url,
                "SEARXNG_URL": f"http://127.0.0.1:{port}",
            }
    finally:
        await runner.cleanup()


ASK = (
    "ask", "What is it?", "--json", "-q",
    "--panel", ",".join((A, B, C)), "--judge", JUDGE, "--writer", WRITER,
    "--tools", "web_search", "--search", "searxng",
)  # fmt: skip


async def whole_run(folder: Path) -> tuple[FusionResult, World]:
    world = World()
    async with running(world) as env:
        env["FUSION_RUNS"] = str(folder / "runs.db")
        code, out, said = await warm_fusion(folder, env, *ASK).ended()
    assert code == 0, said
    return FusionResult.model_validate_json(out), world


async def killed_and_resumed(world: World, folder: Path) -> FusionResult | None:
    """The result of the run that was killed; None if it was as good as finished."""
    async with running(world) as env:
        env["FUSION_RUNS"] = path = str(folder / "runs.db")
        world.process = warm_fusion(folder / "killed", env, *ASK)
        code, _, said = await world.process.ended()
        assert code in (0, -9), said
        async with open_runs(path) as runs:
            assert isinstance(runs, Runs)
            record = await runs.latest()
        if record.now == "finished":
            return None
        assert (code, record.now) == (-9, "interrupted")
        again = ("resume", record.id, "--json", "-q")
        code, out, said = await warm_fusion(folder / "resumed", env, *again).ended()
        assert code == 0, said
        async with open_runs(path) as runs:
            assert isinstance(runs, Runs)
            assert (await runs.get(record.id)).now == "finished"
    return FusionResult.model_validate_json(out)


def summary(result: FusionResult) -> Any:
    """What has to be the same however often a run was killed."""
    return {
        "answers": [(one.seat, one.round, one.text, one.status) for one in result.answers],
        "tool_calls": [(one.seat, one.round, one.tool_calls) for one in result.answers],
        "answer": result.answer,
        "sources": [(one.id, one.url, one.number) for one in result.sources],
        "follow_ups": [one.id for one in result.follow_ups],
        "failed": result.failed_members,
        "calls": Counter(
            (call.seat, call.round, call.model) for call in result.bill.calls if not call.error
        ),
    }


def check_one(world: World, result: FusionResult, whole: FusionResult) -> None:
    repeated = world.repeated()
    assert set(repeated) <= world.under_way(), "only what was under way is asked for again"
    assert max(Counter(repeated).values(), default=1) == 1
    assert summary(result) == summary(whole)
    assert result.bill.total.known_cost_usd == pytest.approx(whole.bill.total.known_cost_usd)
    lost = [call for call in result.bill.calls if call.error == "interrupted"]
    repeated_calls = [what for _, what in repeated if not what.startswith("search ")]
    assert len(repeated_calls) <= len(lost), "what may have been paid twice is on the bill"
    assert all(call.cost_usd is None for call in lost)


async def killed_somewhere(
    chance: random.Random, happenings: int, folder: Path
) -> tuple[World, FusionResult]:
    """One kill at a random moment; a moment after the end is no kill, and drawn again."""
    for draw in itertools.count():
        world = World(kill_at=chance.randint(1, happenings), delay_s=chance.uniform(0, 0.15))
        result = await killed_and_resumed(world, folder / str(draw))
        if result is not None:
            return world, result
    raise AssertionError("never reached")


@pytest.mark.timeout(300)
async def test_a_run_killed_at_twenty_random_points_goes_on_and_repeats_nothing_finished(
    tmp_path: Path,
) -> None:
    seed = int(os.environ.get("KILL_SEED") or random.randrange(2**32))
    print(f"KILL_SEED={seed}")
    whole, reference = await whole_run(tmp_path)
    side_by_side = asyncio.Semaphore(3)

    async def one(number: int) -> str | None:
        chance = random.Random(f"{seed} {number}")
        async with side_by_side:
            world, result = await killed_somewhere(
                chance, len(reference.happened), tmp_path / str(number)
            )
        try:
            check_one(world, result, whole)
        except AssertionError as error:
            return f"{world.delay_s:.3f} s after happening {world.kill_at}: {error}"
        return None

    found = await asyncio.gather(*map(one, range(KILLS)))
    assert not [wrong for wrong in found if wrong]


async def test_ctrl_c_says_how_to_go_on_and_resume_takes_the_last_run(tmp_path: Path) -> None:
    world = World()
    async with running(world) as env:
        env["FUSION_RUNS"] = str(tmp_path / "runs.db")
        asking = warm_fusion(tmp_path / "asked", env, *ASK)
        while not any(who == JUDGE for who, _ in world.happened):
            await asyncio.sleep(0.01)
        asking.send(signal.SIGINT)
        code, out, said = await asking.ended()
        stopped = json.loads(out)["partial"]
        assert code == 130
        assert [one["seat"] for one in stopped["answers"]] == ["C", "B", "A"]
        assert f"`fusion resume {stopped['run_id']}` goes on" in said
        made = len(world.happened)
        code, out, said = await warm_fusion(tmp_path / "resumed", env, "resume", "--json").ended()
    assert code == 0, said
    assert f"Going on with run {stopped['run_id']}" in said
    assert json.loads(out)["run_id"] == stopped["run_id"]
    assert C not in [who for who, _ in world.happened[made:]]


async def test_a_run_that_failed_is_resumed_once_the_cause_is_gone(tmp_path: Path) -> None:
    world = World(broke=True)
    async with running(world) as env:
        env["FUSION_RUNS"] = str(tmp_path / "runs.db")
        code, out, said = await warm_fusion(tmp_path / "asked", env, *ASK).ended()
        assert code == 1
        assert json.loads(out)["error"]["reason"] == "insufficient_credits"
        assert "goes on" in said
        world.broke = False
        code, out, said = await warm_fusion(
            tmp_path / "resumed", env, "resume", "--json", "-q"
        ).ended()
    assert code == 0, said
    assert [one["status"] for one in json.loads(out)["panel"]] == ["ok", "ok", "ok"]
