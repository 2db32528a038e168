"""A report shows the whole run, and nothing that a model or a page wrote does anything in it."""

import json
import re
from pathlib import Path

import pytest
from lxml import html

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.web.report import read_result, report_html, report_markdown
from tests.web.results import recorded_result, with_every_text
from tests.web.safety import unsafe_parts

RUNS = Path(__file__).parents[2].parent / "shared/data/runs"
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "</style><script>x</script>",
    "{{ 7 * 7 }}{% raw %}",
    "![x](https://tracker.example/p.gif) [y](javascript:x) <svg onload=x>",
    "a\u202eb\u2066c\x1b[2Jd\x00e\u2028f",
    "</title><base href=//evil.example>",
]


def text_of(page: str) -> str:
    return " ".join(html.fromstring(page).text_content().split())


def test_it_shows_answer_findings_members_sources_and_bill() -> None:
    page = report_html(recorded_result())
    shown = text_of(page)
    for part in (
        "How many fish live in the lake?",
        "4,200",
        "number of fish",
        "3,900",
        "Resolved: 4,200: the census of 2024",
        "Nobody says when it froze.",
        "Half are perch.",
        "Answer of A",
        "its provider limits requests",
        "Census",
        "follow-ups",
    ):
        assert part in shown, part
    assert page.count('<rect class="bar') == len(recorded_result().bill.calls)
    tree = html.fromstring(page)
    anchors = {one.get("id") for one in tree.iter() if one.get("id")}
    led_to = {one.get("href", "")[1:] for one in tree.iter("a") if one.get("href", "")[:1] == "#"}
    assert led_to <= anchors
    assert "source-1" in led_to


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_run_does_anything(text: str) -> None:
    page = report_html(with_every_text(lambda before: f"{before} {text}"))
    assert list(unsafe_parts(page)) == []
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b]", page)
    assert "49" not in text_of(page) if "7 * 7" in text else True


def test_it_names_images_and_who_saw_them() -> None:
    shown = text_of(report_html(recorded_result()))
    for part in (
        "Image 1: image/png, 640 \u00d7 480 pixels, 2087 bytes",
        "seen by A, judge · in words to B · neither shown nor described to C",
        "5e" * 32,
        "A chart of fish.",
    ):
        assert part in shown, part
    told = report_markdown(recorded_result())
    assert "- Image 1: image/png, 640 x 480 pixels (sha256 5e5e" in told
    assert "seen by A, judge; in words to B; neither to C" in told


def test_it_says_which_citations_are_borne_out() -> None:
    citations = [
        {
            "source": "A1",
            "number": 1,
            "claim": "4,200 fish",
            "verdict": "supported",
            "quote": "4,200",
        },
        {
            "source": "A1",
            "number": 1,
            "claim": "in May",
            "verdict": "not_found",
            "missing": "no month",
        },
    ]
    checked = {"method": "model", "model": "v/cheap", "citations": citations}
    shown = text_of(report_html(recorded_result(verification=checked)))
    for part in (
        "1 of 2 citations borne out",
        "supported “4,200 fish”",
        "not found “in May” no month",
    ):
        assert part in shown


def test_it_loads_nothing_and_says_so_to_the_browser() -> None:
    page = report_html(recorded_result())
    policy = html.fromstring(page).xpath("//meta[@http-equiv]/@content")[0]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert not re.search(r"url\(|@import|src=", page)


@pytest.mark.parametrize(
    "changes",
    [
        {"answer": '{"fish": 4200}'},
        {"answer": "", "mode": "analysis", "written_by": None},
        {"analysis": None, "judged_by": None, "ended_by": "no_judge", "follow_ups": []},
        {"panel": [], "answers": [], "sources": [], "mode": "direct", "analysis": None},
        {"question": "x " * 4000},
        {"answer": "[" * 100_000},
    ],
)
def test_a_run_of_another_shape_has_a_report_too(changes: dict[str, object]) -> None:
    result = recorded_result(**changes)
    assert "<h2" in report_html(result)
    assert report_markdown(result).startswith("# ")


def test_a_result_without_times_has_no_timeline() -> None:
    result = recorded_result()
    calls = [call.model_copy(update={"began_s": None}) for call in result.bill.calls]
    bill = result.bill.model_copy(update={"calls": tuple(calls)})
    assert 'class="bar' not in report_html(result.model_copy(update={"bill": bill}))


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({}, "nothing, and no answer"),
        ({"object": "chat.completion", "choices": []}, "object, choices, and no answer"),
        ([], "the whole"),
        ({"answer": "x", "panel": 7}, "is not the result"),
    ],
)
def test_what_is_no_result_is_refused(value: object, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read_result(value)


@pytest.mark.skipif(not RUNS.is_dir(), reason="recorded runs are not there")
@pytest.mark.parametrize("name", ["cardiology", "heat-pumps", "peps-annotations"])
def test_a_recorded_run_of_an_earlier_version_has_a_report(name: str) -> None:
    result = read_result(json.loads((RUNS / f"{name}.json").read_text()))
    page = report_html(result)
    assert list(unsafe_parts(page)) == []
    numbers = [source for source in result.sources if source.number]
    assert len(html.fromstring(page).xpath("//*[@class='number']")) >= len(
        {source.number for source in numbers}
    )
