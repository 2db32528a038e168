"""What the bench of several workers counts as lost, as paid twice, and as a wrong bill."""

import asyncio
import random
from contextlib import suppress
from dataclasses import replace

from bench.scaling.accounts import Answer, settle
from bench.scaling.model_server import Call
from bench.scaling.proxy import proxy

FIRST = Call(id=1, run=7, model="m/a", turn=0, asked=1.0, usd=0.25, delivered=2.0, ended=2.0)
AGAIN = replace(FIRST, id=2, asked=9.0, delivered=10.0, ended=10.0)
CUT = replace(FIRST, id=3, turn=1, delivered=None, ended=3.0)
PLACE = (7, "m/a", 0)


def test_a_reply_that_was_in_a_journal_before_it_was_asked_for_again_is_paid_twice() -> None:
    answers = [Answer(7, known_usd=0.25, unknown_calls=1)]
    kept = settle([FIRST, AGAIN], answers, {PLACE: 8.9}, [3.0])
    assert (kept.journaled_twice, kept.in_flight_twice) == (1, 0)
    in_flight = settle([FIRST, AGAIN], answers, {PLACE: 10.5}, [3.0])
    assert (in_flight.journaled_twice, in_flight.in_flight_twice) == (0, 1)
    assert in_flight.oldest_in_flight_s == 1.0
    assert in_flight.in_flight_usd == 0.25


def test_the_same_model_in_another_run_or_turn_is_another_call() -> None:
    others = [replace(AGAIN, run=8), replace(AGAIN, turn=1), replace(AGAIN, model="m/b")]
    found = settle([FIRST, *others], [], {PLACE: 2.1})
    assert (found.journaled_twice, found.in_flight_twice, found.calls) == (0, 0, 4)


def test_a_bill_is_what_was_paid_without_what_was_in_flight_and_says_that_something_was() -> None:
    def wrong(known_usd: float, unknown: int, *calls: Call) -> tuple[int, int]:
        found = settle(calls, [Answer(7, known_usd=known_usd, unknown_calls=unknown)], {})
        return found.wrong_bills, found.silent_bills

    assert wrong(0.25, 0, FIRST) == (0, 0)
    assert wrong(0.30, 0, FIRST) == (1, 0)
    assert wrong(0.25, 1, FIRST, AGAIN) == (0, 0)
    assert wrong(0.50, 0, FIRST, AGAIN) == (1, 1)
    assert wrong(0.25, 0, FIRST, CUT) == (0, 1)


def test_a_run_without_an_answer_is_lost_and_has_no_bill() -> None:
    found = settle([FIRST], [Answer(7, failure="502"), Answer(8)], {})
    assert (found.runs, found.lost, found.wrong_bills) == (2, 1, 0)


async def test_the_proxy_passes_on_holds_up_and_cuts_off() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(100):
                writer.write(piece)
        writer.transport.abort()

    async def ended(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        try:
            return await reader.read(100) == b""
        except ConnectionError:
            return True
        finally:
            writer.transport.abort()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with asyncio.timeout(60), proxy(port, random.Random(1)) as network:
            reader, writer = await asyncio.open_connection("127.0.0.1", network.port)
            network.change("slow")
            writer.write(b"one")
            assert await reader.read(100) == b"one"
            network.change("silent")
            writer.write(b"two")
            waiting = asyncio.create_task(reader.read(100))
            await asyncio.sleep(0.1)
            assert not waiting.done()
            network.change("fair")
            assert await waiting == b"two"
            network.change("cut")
            assert await ended(reader, writer)
            assert network.cuts == 1
            assert await ended(*await asyncio.open_connection("127.0.0.1", network.port))
