"""A run in a store of several hosts that brings files back to the host where it began."""

from pathlib import Path

import psycopg
import pytest

from langgraph_fusion.graph.api import aask
from langgraph_fusion.graph.errors import ConfigError, RunFailed
from langgraph_fusion.graph.journal.store import open_runs
from langgraph_fusion.graph.resume import stopped_run
from tests.graph.cast import PANEL, cast, settings
from tests.postgres_server import postgres
from tests.scripted import scripted_server, status

__all__ = ["postgres"]


async def test_a_run_that_brings_files_back_goes_on_only_where_they_belong(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-secret-key")
    out = tmp_path / "out"
    async with scripted_server(cast({model: status(402) for model in PANEL})) as models:
        monkeypatch.setenv("OPENROUTER_BASE_URL", models.base_url)
        async with open_runs(postgres) as runs:
            assert runs is not None
            with pytest.raises(RunFailed):
                await aask("Sum?", settings(tools=["bash"]), runs=runs, out=out)
            run_id = (await runs.latest()).id
            assert (await stopped_run(runs, run_id)).record.out == str(out)
    with psycopg.connect(postgres, autocommit=True) as db:
        changed = db.execute(
            r"""update store set value = regexp_replace(
                value::text, '\\"host\\": ?\\"[^"]*\\"', '\\"host\\":\\"host-a\\"')::jsonb
                where value::text like '%%host%%'"""
        )
        assert changed.rowcount
    async with open_runs(postgres) as runs:
        assert runs is not None
        with pytest.raises(ConfigError, match="on the host host-a: resume it there"):
            await stopped_run(runs, run_id)
