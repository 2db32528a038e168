"""Notices between processes, through a real PostgreSQL."""

import asyncio
from contextlib import ExitStack
from functools import partial

import psycopg

from langgraph_fusion.server.engine.notices import Notices, notices_at
from tests.postgres_server import postgres
from tests.server.asking import until

__all__ = ["postgres"]


async def test_a_notice_is_heard_by_others_also_after_the_connections_were_cut(
    postgres: str,
) -> None:
    async with Notices(postgres).open() as one, Notices(postgres).open() as other:
        with other.listening("here") as heard:
            await until(lambda: one.hears and other.hears)
            one.tell("here")
            await heard.wait()
            _cut_all(postgres)
            await until(lambda: not other.hears)
            await until(lambda: one.hears and other.hears)
            called = asyncio.Event()
            with other.calling("here", called.set):
                one.tell("elsewhere")
                one.tell("here")
                await asyncio.wait_for(called.wait(), 60)


async def test_thousands_of_subjects_told_at_once_are_all_heard(postgres: str) -> None:
    missing = {f"events:{number:012d}" for number in range(3000)}
    async with Notices(postgres).open() as notices:
        await until(lambda: notices.hears)
        with ExitStack() as stack:
            for subject in [*missing]:
                call = partial(missing.discard, subject)
                stack.enter_context(notices.calling(subject, call))
                notices.tell(subject)
            await until(lambda: not missing)


async def test_without_a_database_of_several_hosts_whoever_waits_looks_again() -> None:
    async with notices_at("queue.db").open() as notices:
        with notices.listening("here") as heard:
            notices.tell("here")
            await heard.wait()
        assert not notices.hears


def _cut_all(postgres: str) -> None:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity "
                           "where query ilike 'listen%' or query like '%pg_notify%' "
                           "and pid <> pg_backend_pid()")  # fmt: skip
