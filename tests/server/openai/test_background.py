"""`background: true` with OpenAI's own client: retrieve, stream again, cancel."""

import asyncio
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.graph.cast import WRITER, A, B, C, cast
from tests.scripted import Seen, hang, status, text
from tests.server.asking import PANEL, until
from tests.server.conftest import Served, Serving

ANSWER = "It is forty-two, says everybody who was asked about it."


def asking(**given: Any) -> Any:
    base = {"model": "fusion", "input": "What is it?", "extra_body": {"fusion": PANEL}}
    return base | {"background": True} | given


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(tmp_path / "runs.db")


async def ended(served: Served, id: str) -> Any:
    async with asyncio.timeout(60):
        while True:
            found = await served.client.responses.retrieve(id)
            if found.status not in ("queued", "in_progress"):
                return found
            await asyncio.sleep(0.05)


async def test_a_response_is_asked_for_until_it_is_complete(serving: Serving, store: str) -> None:
    served = await serving(cast({WRITER: text(ANSWER)}), runs=store)
    begun = await served.client.responses.create(**asking())
    assert (begun.status, begun.background, begun.output) == ("queued", True, [])
    found = await ended(served, begun.id)
    assert (found.status, found.output_text, found.id) == ("completed", ANSWER, begun.id)
    later = await served.client.responses.create(
        **asking(previous_response_id=begun.id, input="And?", background=False)
    )
    assert later.output_text == ANSWER


async def test_its_events_are_streamed_again_after_any_of_them(
    serving: Serving, store: str
) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def wait(seen: Seen) -> Any:
        asked.set()
        await go_on.wait()
        return text("Gamma says 42.")

    served = await serving(cast({C: wait, WRITER: text(ANSWER, pace=0.01)}), runs=store)
    stream = await served.client.responses.create(**asking(stream=True))
    first = [await anext(stream), await anext(stream)]
    await asked.wait()
    await stream.close()  # the connection drops in mid-run
    assert served.models.in_flight
    go_on.set()
    id = first[0].response.id
    again = await served.client.responses.retrieve(
        id, stream=True, starting_after=first[-1].sequence_number
    )
    rest = [event async for event in again]
    numbers = [event.sequence_number for event in (*first, *rest)]
    assert numbers == list(range(len(numbers)))
    assert rest[-1].type == "response.completed"
    deltas = [event.delta for event in rest if event.type == "response.output_text.delta"]
    assert "".join(deltas) == ANSWER
    whole = await served.client.responses.retrieve(id, stream=True)
    assert [event.type async for event in whole] == [event.type for event in (*first, *rest)]


async def test_a_response_is_cancelled_and_stays_so(serving: Serving, store: str) -> None:
    served = await serving(cast({C: hang()}), runs=store)
    begun = await served.client.responses.create(**asking())
    await until(lambda: served.models.in_flight == 1)
    cancelled = await served.client.responses.cancel(begun.id)
    assert (cancelled.status, cancelled.id) == ("cancelled", begun.id)
    await until(lambda: served.models.in_flight == 0)
    assert (await served.client.responses.cancel(begun.id)).status == "cancelled"
    assert (await served.client.responses.retrieve(begun.id)).status == "cancelled"


async def test_one_that_fails_says_why(serving: Serving, store: str) -> None:
    served = await serving(cast({one: status(400) for one in (A, B, C)}), runs=store)
    begun = await served.client.responses.create(**asking())
    found = await ended(served, begun.id)
    assert found.status == "failed"
    assert "no member" in found.error.message.lower()
    stream = await served.client.responses.retrieve(begun.id, stream=True)
    assert [event.type async for event in stream][-1] == "response.failed"


async def test_a_finished_one_can_be_cancelled_without_harm_and_deleted(
    serving: Serving, store: str
) -> None:
    served = await serving(cast({WRITER: text(ANSWER)}), runs=store)
    begun = await served.client.responses.create(**asking())
    await ended(served, begun.id)
    assert (await served.client.responses.cancel(begun.id)).output_text == ANSWER
    await served.client.responses.delete(begun.id)
    with pytest.raises(openai.NotFoundError):
        await served.client.responses.retrieve(begun.id)


@pytest.mark.parametrize(
    ("given", "runs", "says"),
    [({"store": False}, True, "has to be stored"), ({}, False, "keeps no runs")],
)
async def test_where_nothing_can_be_stored_it_is_refused(
    serving: Serving, store: str, given: dict[str, Any], runs: bool, says: str
) -> None:
    served = await serving(cast(), runs=store if runs else None)
    with pytest.raises(openai.BadRequestError, match=says):
        await served.client.responses.create(**asking(**given))
    assert not served.models.requests


async def test_a_response_in_the_foreground_cannot_be_cancelled(
    serving: Serving, store: str
) -> None:
    served = await serving(cast(), runs=store)
    made = await served.client.responses.create(**asking(background=False, store=True))
    with pytest.raises(openai.BadRequestError, match="only a response in the background"):
        await served.client.responses.cancel(made.id)
