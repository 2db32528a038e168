"""What each role is told, read from the requests of a run; and that the measured texts are kept."""

import hashlib
import re
from pathlib import Path

from langgraph_fusion.graph.prompts import PROMPTS_VERSION, prompt_texts
from tests.graph.cast import JUDGE, WRITER, A, cast, settings
from tests.graph.conftest import Fuse

QUALITY = Path(__file__).parents[3] / "docs" / "quality.md"
RULES = {
    A: (
        "Give every figure with its date, its unit",
        "what you looked for and did not find, and where you looked",
    ),
    JUDGE: (
        "Where an evidence block is empty, nothing of what its author read was recorded",
        "or a source that contradicts itself",
        "At most five findings are `high`",
        "Opposing recommendations are `contested`",
        "say why in `best_because`",
    ),
    WRITER: (
        "Take the strongest answer as the base",
        "every part of the question, named or implied",
        "and the judge's list: consensus, insights that must not be lost",
        "The answer to the question first, with a clear verdict",
        "give both sides, each with who says so, say what it hangs on, and say which one you would",
        "with the attribution its author gives",
        "You may calculate from given figures; show from what",
        "a widely accepted safety warning, marked as general knowledge",
        "Never print ids of findings or letters of answers",
    ),
}


async def test_every_role_is_told_what_the_measured_answers_rest_on(fuse: Fuse) -> None:
    fused = await fuse(cast(), settings())
    for model, rules in RULES.items():
        told = " ".join(fused.server.seen_by(model)[0].system.split())
        assert [rule for rule in rules if rule not in told] == []


def test_the_prompts_of_the_documented_version_are_the_shipped_ones() -> None:
    """Who changes one counts the version up, measures anew, and prints the new hash."""
    texts = dict(sorted(prompt_texts().items()))
    images = ("describe_images", "images_described", "images_seen", "images_unseen")
    optional = {
        role: texts.pop(role) for role in ("revise", "verify", "files", "server_tools", *images)
    }
    whole = "".join(f"{role}.md\0{text}\0" for role, text in texts.items())
    printed = re.search(r"version (\d+) .*?`([0-9a-f]{64})`", QUALITY.read_text(), re.S)
    assert all(optional.values())
    assert printed is not None
    assert int(printed[1]) == PROMPTS_VERSION
    assert printed[2] == hashlib.sha256(whole.encode()).hexdigest()
