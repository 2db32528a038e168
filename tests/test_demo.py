"""What `make demo` shows a newcomer: the very command, over the shipped documents."""

import re
import shlex
import subprocess
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from langgraph_fusion.graph.result import FusionResult
from tests.cli.processes import ROOT
from tests.cli.warm import fusion

OLD = "The weight limit of the Abbey Bridge is 7.5 tonnes"
NEW = "The weight limit of the Abbey Bridge is 3.5 tonnes"


@cache
def demo(*options: str) -> subprocess.CompletedProcess[str]:
    """Run what `make demo` runs."""
    shown = subprocess.run(
        ["make", "-n", "demo"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    command = next(line for line in shown.stdout.splitlines() if "fusion ask" in line)
    nowhere = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
    ended = fusion(*shlex.split(command)[1:], *options, cwd=ROOT, env=nowhere)
    assert ended.returncode == 0, ended.stderr
    return ended


@cache
def result() -> FusionResult:
    return FusionResult.model_validate_json(demo("--json", "--quiet").stdout)


def analysis() -> Any:
    assert result().analysis is not None
    return result().analysis


def test_the_first_sentence_answers_the_question() -> None:
    assert demo().stdout.startswith("The Abbey Bridge reopened on 14 September 2024 [[1]](")


def test_several_documents_agree() -> None:
    first = analysis().consensus[0]
    assert first.claim == "The Abbey Bridge reopened on 14 September 2024."
    assert len(first.seats) > 1
    known = {one.id: one.url.partition("#")[0] for one in result().sources}
    assert len({known[id] for id in first.sources}) == 3
    assert re.search(r"judge: \d agreements", demo().stderr)


def test_an_outdated_source_is_settled_by_its_date_after_a_follow_up() -> None:
    (settled,) = [one for one in analysis().contradictions if one.status == "resolved"]
    assert {stance.stance for stance in settled.stances} == {f"{OLD}.", f"{NEW}."}
    assert f"“{NEW}” holds" in settled.resolution
    assert "2 October 2024" in settled.resolution
    assert "3 March 2011" in settled.resolution
    assert settled.id in {one.about for one in result().follow_ups}
    assert result().rounds == 1


def test_the_outdated_figure_is_in_the_answer_only_as_the_side_that_lost() -> None:
    lead = demo().stdout.partition("\n\n")[0]
    assert "3.5 tonnes" in lead
    assert "7.5" not in lead
    (line,) = [line for line in demo().stdout.splitlines() if "7.5" in line]
    assert OLD in line
    assert "Settled" in line


def test_a_contradiction_that_stays_open_shows_both_sides() -> None:
    (open_one,) = [one for one in analysis().contradictions if one.status == "contested"]
    assert open_one.id in {one.about for one in result().follow_ups}
    (line,) = [line for line in demo().stdout.splitlines() if line.startswith("- **repair cost**")]
    for part in ("412,000 euros", "council-minutes.md", "486,000 euros", "weekly-courier.html"):
        assert part in line
    assert "stays open" in line


def test_a_gap_is_asked_about_and_named() -> None:
    (gap,) = analysis().blind_spots
    assert "lamps" in gap.gap
    assert gap.id in {one.about for one in result().follow_ups}
    assert "The sources say nothing about “lamps”." in demo().stdout


def test_the_progress_tells_of_the_follow_ups() -> None:
    asked = [line for line in demo().stderr.splitlines() if line.startswith("follow-up F")]
    assert len(asked) == 3
    assert "1 follow-up round" in demo().stderr
    assert "note:" not in demo().stderr


def test_every_link_of_the_answer_opens_a_document() -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", demo().stdout)
    listed = re.findall(r"^\d+\. \[.+\]\((.+)\)$", demo().stdout, re.MULTILINE)
    assert len(listed) == 6
    assert set(links) == set(listed)
    for link in links:
        assert (ROOT / unquote(link.partition("#")[0])).is_file(), link
    cited = [one for one in result().sources if one.number is not None]
    for one in cited:
        path = unquote(one.url.removeprefix("docs:").partition("#")[0])
        assert (ROOT / "examples/documents" / path).is_file(), one.url


def test_the_documents_come_as_markdown_html_and_pdf_and_all_are_dated() -> None:
    documents = sorted((ROOT / "examples/documents").iterdir())
    assert len(documents) == 12
    assert {each.suffix for each in documents} == {".md", ".html", ".pdf"}
    for each in documents:
        if each.suffix != ".pdf":
            assert re.search(r", \d{1,2} [A-Z][a-z]+ \d{4}$", _dateline(each)), each.name


def _dateline(document: Path) -> str:
    lines = document.read_text().splitlines()
    return next(
        re.sub("<[^>]+>", "", line) for line in lines if re.search(r", \d+ \w+ \d{4}", line)
    )


def test_the_same_documents_give_the_same_answer() -> None:
    assert result().answer == FusionResult.model_validate_json(demo("--json").stdout).answer
