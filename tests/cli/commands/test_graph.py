from pathlib import Path

from tests.cli.warm import fusion


def test_the_picture_shows_every_seat_and_the_way_back_from_the_judge() -> None:
    shown = fusion("graph", "--panel", "a/one*2", "--panel", "b/two")
    assert shown.returncode == 0
    for seat in "ABC":
        assert f"prepare -.-> member_{seat};" in shown.stdout
        assert f"judge -.-> member_{seat};" in shown.stdout
    assert "member_D" not in shown.stdout


def test_xray_opens_the_members() -> None:
    assert "subgraph member_A" in fusion("graph", "--xray", "-p", "offline").stdout


def test_the_picture_is_written_to_a_file(tmp_path: Path) -> None:
    ended = fusion("graph", "-o", str(tmp_path / "graph.mmd"))
    assert (ended.returncode, ended.stdout) == (0, "")
    assert "graph TD;" in (tmp_path / "graph.mmd").read_text()


def test_a_file_that_cannot_be_written_is_bad_input() -> None:
    ended = fusion("graph", "-o", "/nowhere/graph.mmd")
    assert ended.returncode == 2
    assert "cannot be written" in ended.stderr
