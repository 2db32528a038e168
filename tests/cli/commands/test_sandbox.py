import pytest

from tests.cli.warm import fusion
from tests.docker_engine import require_docker

__all__ = ["require_docker"]


@pytest.mark.docker
@pytest.mark.usefixtures("require_docker")
def test_pruning_says_how_much_was_removed() -> None:
    ended = fusion("sandbox", "prune")
    assert ended.returncode == 0
    assert ended.stdout.startswith("removed ")


@pytest.mark.parametrize("command", ["build", "prune"])
def test_without_an_engine_the_user_learns_how_to_get_one(command: str) -> None:
    ended = fusion("sandbox", command, env={"DOCKER_HOST": "unix:///nowhere/docker.sock"})
    assert ended.returncode == 1
    assert "No Docker engine answers. Start Docker, or set `DOCKER_HOST`" in ended.stderr
    assert "Traceback" not in ended.stderr
