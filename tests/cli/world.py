"""A run over real HTTP that another process watches: its models, its search engine, its kill."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.cli.warm import Warm
from tests.graph.cast import JUDGE, WRITER, A, B, C, asked_again, cast, disputed, judge
from tests.scripted import Reply, Seen, scripted_server, status, text, tool_calls

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
