"""The queue's place, as an operator writes it."""

import pytest

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.server.engine.queue import database_url, queue_client
from tests.cli.processes import FUSION, run


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s3cret@127.0.0.1:1/x",
        "postgres://me:s3cret@127.0.0.1:1/x",
        "postgresql://me:s3cret@[::1/x",
        "postgresql://me:a@s3cret@127.0.0.1:1/x",
        "postgresql://me:a/s3cret@127.0.0.1:1/x",
        "postgresql://me:s3cret@127.0.0.1:port/x",
        "postgresql://127.0.0.1:1/x?password=s3cret&user=me",
        "postgresql://me:s3cret@127.0.0.1:1/x?nonsense=1",
        "mysql://me:s3cret@127.0.0.1:1/x",
    ],
)
async def test_the_password_of_a_url_is_in_no_message(
    url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigError) as raised:
        async with queue_client(url):
            pass
    assert "s3cret" not in str(raised.value) + "".join(capfd.readouterr())
    assert "\n" not in str(raised.value)


def test_both_names_of_postgresql_mean_the_same() -> None:
    assert database_url("postgres://db.internal/x") == database_url("postgresql://db.internal/x")


def test_a_password_on_the_command_line_is_warned_of_and_one_in_a_variable_is_not() -> None:
    url = "postgresql://me:s3cret@127.0.0.1:1/x"
    ended = run(
        *FUSION, "work", "--runs", url, env={"FUSION_ENGINE": f"{url}-queue"}, timeout_s=150
    )  # a loaded machine takes a minute to import it all
    assert ended.returncode == 2
    assert "Put the URL into the variable FUSION_RUNS" in ended.stderr
    assert "--engine" not in ended.stderr
    assert "s3cret" not in ended.stderr
