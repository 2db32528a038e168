"""What is stored of images: each once, whatever reads it; the result only names them."""

import asyncio
import base64
from typing import Any

import pytest
from langgraph.store.memory import InMemoryStore

from langgraph_fusion.graph.api import aask
from langgraph_fusion.graph.journal.repository import RunRepository
from langgraph_fusion.graph.resume import stopped_run
from tests.graph.cast import A, C, settings
from tests.graph.conftest import Serve
from tests.graph.images.test_who_sees import ALL_SEE, looking, looks, question
from tests.images import GREEN, RED, png, sees
from tests.scripted import Reply, Seen, text

BIG = png(RED, 700, 700)


def stored(store: InMemoryStore) -> str:
    return str([item.value for space in store.list_namespaces() for item in store.search(space)])


async def test_an_image_is_stored_once_and_leaves_with_the_texts(serve: Serve) -> None:
    store = InMemoryStore()
    data = base64.b64encode(BIG).decode()
    during: list[int] = []

    def last(seen: Seen) -> Reply:
        during.append(stored(store).count(data))
        return text("Done.")

    await serve(looking(**{"w/writer": last}), ALL_SEE)
    asked = question(BIG, BIG)
    result = await aask(asked, settings(), runs=store)
    assert during == [1]
    assert data not in result.model_dump_json()
    assert [one.sha256 for one in result.images] == [result.images[0].sha256] * 2
    assert data not in stored(store)
    assert result.images[0].sha256 not in stored(store)


async def test_a_run_that_is_kept_keeps_its_images_until_it_is_deleted(serve: Serve) -> None:
    store = InMemoryStore()
    data = base64.b64encode(BIG).decode()
    await serve(looking(), ALL_SEE)
    async with RunRepository(store, keep=True) as runs:
        result = await aask(question(BIG), settings(), runs=runs)
        assert stored(store).count(data) == 1
        await runs.delete(result.run_id)
    assert data not in stored(store)


async def test_a_resumed_run_shows_the_image_again_and_pays_no_description_twice(
    serve: Serve,
) -> None:
    store = InMemoryStore()
    hanging = asyncio.Event()

    async def stuck(seen: Seen) -> Reply:
        hanging.set()
        await asyncio.sleep(60)
        return text("never")

    parts: dict[str, Any] = {A: looks, C: looks, "j/judge": stuck}
    models = [sees(A), sees("m/b"), sees(C, images=False), sees("j/judge"), sees("w/writer")]
    server = await serve(lambda seen: looking(**parts)(seen), models)
    async with RunRepository(store) as runs:
        run = asyncio.ensure_future(aask(question(png(GREEN)), settings(), runs=runs))
        await hanging.wait()
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
        before = len(server.requests)
        del parts["j/judge"]
        (record,) = await runs.all()
        stopped = await stopped_run(runs, record.id)
        events = [event async for event in stopped.events(runs)]
    result = events[-1]["result"]
    later = server.requests[before:]
    assert [seen.model for seen in later if seen.path.endswith("completions")] == [
        "j/judge", "w/writer",
    ]  # fmt: skip
    assert result["answer"] == "I see green and was told nothing."
    assert result["images"][0]["seen_by"] == ["A", "B", "judge", "synthesizer"]
    assert result["images"][0]["described_to"] == ["C"]
    assert result["bill"]["stages"]["describe"]["calls"] == 1
    assert result["image_description"]["text"] == "Image 1 is all green."


async def test_another_image_under_the_same_words_is_another_conversation(serve: Serve) -> None:
    from langgraph_fusion.graph.errors import ConfigError
    from langgraph_fusion.graph.preflight.fetched_images import with_images_fetched

    await serve(looking(), ALL_SEE)
    tool = {"type": "function", "function": {"name": "look_up"}}
    chosen = settings(client_tools=[tool])
    store = InMemoryStore()

    async with RunRepository(store) as runs:
        from tests.scripted import tool_calls

        await serve(looking(**{"w/writer": tool_calls([("look_up", {})])}), ALL_SEE)
        result = await aask(question(png(RED)), chosen, runs=runs)
        other = await with_images_fetched(question(png(GREEN)), chosen)
        with pytest.raises(ConfigError, match="another conversation"):
            await aask(other, chosen, runs=runs, run_id=result.run_id)
