"""Kill a real process at random points; another one goes on, and pays for nothing twice."""

import asyncio
import json
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
from tests.cli.processes import FUSION, ROOT, environment
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
    process: asyncio.subprocess.Process | None = None
    killed_after: int | None = None
    broke: bool = False
    """The account has no credit."""

    def note(self, who: str, what: str) -> None:
        self.happened.append((who, what))
        if len(self.happened) == self.kill_at and self.killed_after is None:
            asyncio.get_running_loop().call_later(self.delay_s, self._kill)

    def _kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
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


async def fusion(world: World, env: dict[str, str], *words: str) -> tuple[int | None, str, str]:
    """Run the command to its end, or to the kill: exit code, output, what it said."""
    world.process = await asyncio.create_subprocess_exec(
        *FUSION,
        *words,
        env=environment() | env,
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, said = await world.process.communicate()
    return world.process.returncode, out.decode(), said.decode()


async def asked(world: World, env: dict[str, str]) -> tuple[int | None, str, str]:
    return await fusion(
        world, env, "ask", "What is it?", "--json", "-q",
        "--panel", ",".join((A, B, C)), "--judge", JUDGE, "--writer", WRITER,
        "--tools", "web_search", "--search", "searxng",
    )  # fmt: skip


async def whole_run(folder: Path) -> tuple[FusionResult, World]:
    world = World()
    async with running(world) as env:
        code, out, said = await asked(world, env | {"FUSION_RUNS": str(folder / "whole.db")})
    assert code == 0, said
    return FusionResult.model_validate_json(out), world


async def killed_and_resumed(world: World, path: Path) -> FusionResult:
    async with running(world) as env:
        env["FUSION_RUNS"] = str(path)
        code, _, said = await asked(world, env)
        assert code == -9, said
        async with open_runs(path) as runs:
            assert isinstance(runs, Runs)
            record = await runs.latest()
        assert record.now == "interrupted"
        code, out, said = await fusion(world, env, "resume", record.id, "--json", "-q")
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


@pytest.mark.timeout(900)
async def test_a_run_killed_at_any_of_twenty_points_goes_on_and_repeats_nothing_finished(
    tmp_path: Path,
) -> None:
    whole, reference = await whole_run(tmp_path)
    chance = random.Random(42)
    happenings = len(reference.happened)
    points = [1 + place * (happenings - 1) // (KILLS - 1) for place in range(KILLS)]
    side_by_side = asyncio.Semaphore(2)

    async def one(number: int, point: int) -> str | None:
        delay = chance.uniform(0, 0.1 if point < happenings else 0.3)
        world = World(kill_at=point, delay_s=delay)
        async with side_by_side:
            result = await killed_and_resumed(world, tmp_path / f"{number}.db")
        try:
            check_one(world, result, whole)
        except AssertionError as error:
            return f"kill {number} ({delay:.3f} s after happening {point}): {error}"
        return None

    found = await asyncio.gather(*(one(n, point) for n, point in enumerate(points)))
    assert not [wrong for wrong in found if wrong]


async def test_ctrl_c_says_how_to_go_on_and_resume_takes_the_last_run(tmp_path: Path) -> None:
    world = World()
    async with running(world) as env:
        env["FUSION_RUNS"] = str(tmp_path / "runs.db")
        asking = asyncio.create_task(asked(world, env))
        while not any(who == JUDGE for who, _ in world.happened):
            await asyncio.sleep(0.01)
        assert world.process is not None
        world.process.send_signal(signal.SIGINT)
        code, out, said = await asking
        stopped = json.loads(out)["partial"]
        assert code == 130
        assert [one["seat"] for one in stopped["answers"]] == ["C", "B", "A"]
        assert f"`fusion resume {stopped['run_id']}` goes on" in said
        made = len(world.happened)
        code, out, said = await fusion(world, env, "resume", "--json")
    assert code == 0, said
    assert f"Going on with run {stopped['run_id']}" in said
    assert json.loads(out)["run_id"] == stopped["run_id"]
    assert C not in [who for who, _ in world.happened[made:]]


async def test_a_run_that_failed_is_resumed_once_the_cause_is_gone(tmp_path: Path) -> None:
    world = World(broke=True)
    async with running(world) as env:
        env["FUSION_RUNS"] = str(tmp_path / "runs.db")
        code, out, said = await asked(world, env)
        assert code == 1
        assert json.loads(out)["error"]["reason"] == "insufficient_credits"
        assert "goes on" in said
        world.broke = False
        code, out, said = await fusion(world, env, "resume", "--json", "-q")
    assert code == 0, said
    assert [one["status"] for one in json.loads(out)["panel"]] == ["ok", "ok", "ok"]
