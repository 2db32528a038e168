"""A folder of prompts in the place of the shipped ones."""

from pathlib import Path

import pytest

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.prompts import prompt, prompts_from, prompts_sha256
from tests.graph.cast import WRITER, cast, settings
from tests.graph.conftest import Fuse


async def test_a_run_within_the_block_is_sent_the_variant(fuse: Fuse, tmp_path: Path) -> None:
    (tmp_path / "use_analysis.md").write_text("Treat the analysis as gossip.\n")
    shipped = prompts_sha256()
    with prompts_from(tmp_path):
        fused = await fuse(cast(), settings())
        assert prompts_sha256() != shipped
    assert prompts_sha256() == shipped
    (writer,) = fused.server.seen_by(WRITER)
    assert "Treat the analysis as gossip." in writer.system
    assert fused.result.prompts is not None
    assert fused.result.prompts.sha256 != shipped
    assert "gossip" not in prompt("use_analysis")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("writer.md", "Write.", "there is no role 'writer'"),
        ("write_now.md", "Write by $tomorrow.", r"\$tomorrow is no value"),
        ("write_now.md", "It costs 5 $.", r"write a dollar sign as"),
        ("notes.txt", "Nothing.", "holds no prompt"),
    ],
)
def test_a_variant_that_would_measure_nothing_is_refused(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=said), prompts_from(tmp_path):
        pass
