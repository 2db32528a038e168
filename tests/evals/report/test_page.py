"""The report: everything is in it, nothing in it runs, and a browser shows it."""

import re
from pathlib import Path

from lxml import html

from langgraph_fusion.evals.records import Calibration, StoredResult, Trace
from langgraph_fusion.evals.report.analysis import Analysed, analyse
from langgraph_fusion.evals.report.page import report_page
from langgraph_fusion.evals.report.pareto import on_front
from tests.browser import browser_page
from tests.evals.report.invented import TASKS, arm, panel_result, result, scored
from tests.web.safety import unsafe_parts

HOSTILE = (
    '</script><script>alert(1)</script><img src=x onerror=alert(2)> "quoted" & $x^2$ {{ 7 * 7 }}'
)
TRACE = Trace(answers=(), writer_prompt="", draft="")


def analysed(found: StoredResult | None = None) -> Analysed:
    return analyse(found or panel_result(), {task.id: task for task in TASKS}, lambda _: TRACE)


def text_of(page: str) -> str:
    return " ".join(html.fromstring(page).text_content().split())


def hostile_result() -> StoredResult:
    """A result every text of which tries to become markup."""
    base = panel_result()
    arms = [
        one.model_copy(
            update={
                "name": f"{one.name} {HOSTILE}",
                "members": tuple(f"{name} {HOSTILE}" for name in one.members),
                "outcomes": tuple(
                    each.model_copy(update={"domain": HOSTILE + each.domain})
                    for each in one.outcomes
                ),
            }
        )
        for one in base.arms
    ]
    return base.model_copy(
        update={
            "arms": tuple(arms),
            "notes": (HOSTILE,),
            "dataset": base.dataset.model_copy(update={"name": HOSTILE}),
            "protocol": base.protocol.model_copy(update={"judge": HOSTILE}),
            "calibrations": (
                Calibration(against=HOSTILE, tasks=1, verdicts=1, agreement=1, kappa=1, bias=0),
            ),
        }
    )


def test_it_shows_every_arm_difference_domain_and_loss() -> None:
    page = report_page(analysed())
    shown = text_of(page)
    for part in (
        "panel − solo C: +19.4 points",  # noqa: RUF001
        "24 of 24 tasks",
        "placebo <b>",
        "Law & <order>",
        "Better than the best member?",
        "What was lost, and where",
        "behind the best member",
        "Invented criterion",
        "All members below 50",
        "not calibrated",
    ):
        assert part in shown, part
    assert page.count("<svg") == 8
    assert "NaN" not in page
    assert "None" not in shown


def test_the_copy_for_others_quotes_no_criterion() -> None:
    page = report_page(analysed(), with_rubric=False)
    assert "Invented criterion" not in page
    assert "answer key" not in page
    assert "quotes criteria" in report_page(analysed())


def test_nothing_in_it_runs_or_is_loaded() -> None:
    for found in (analysed(), analysed(hostile_result())):
        page = report_page(found)
        unsafe = [
            one
            for one in unsafe_parts(page)
            if not re.match(r"<(use>|use xlink:href='#|\w+ style=)", one)
        ]
        assert unsafe == []
        assert "url(http" not in page
        (policy,) = html.fromstring(page).xpath("//meta[@http-equiv]/@content")
        assert policy.startswith("default-src 'none'; style-src 'unsafe-inline';")


def test_hostile_texts_are_shown_as_they_are() -> None:
    shown = text_of(report_page(analysed(hostile_result())))
    assert HOSTILE in shown
    assert "49" not in shown.split(HOSTILE)[1][:5]


def test_the_same_result_gives_the_same_page() -> None:
    assert report_page(analysed()) == report_page(analysed())


def test_a_result_with_little_in_it_still_has_a_page() -> None:
    one = report_page(analyse(result(scored("x", {"a": 50.0})), {}, lambda _: None))
    assert "x 50.0, n = 1" in text_of(one)
    nothing = report_page(analyse(result(scored("x", {})), {}, lambda _: None))
    assert "nothing could be scored" in text_of(nothing)
    assert report_page(analyse(result(), {}, lambda _: None))
    mixed = result(scored("x", {}), scored("y", {"a": 50.0, "b": 60.0}), scored("z", {"a": 1.0}))
    shown = text_of(report_page(analyse(mixed, {}, lambda _: None)))
    assert "nothing could be scored" in shown
    assert "too few tasks" in shown


def test_an_incomplete_result_has_no_headline() -> None:
    base = panel_result()
    panel = base.arms[4]
    cut = panel.outcomes[0].model_copy(update={"verdicts": (), "score": None})
    arms = [*base.arms]
    arms[4] = panel.model_copy(update={"outcomes": (cut, *panel.outcomes[1:])})
    shown = text_of(report_page(analysed(base.model_copy(update={"arms": tuple(arms)}))))
    assert "No headline: verdicts are missing" in shown
    assert "95.8% of the verdicts" in shown


def test_several_passes_show_the_judges_noise() -> None:
    page = report_page(analyse(result(arm("x", "recorded", 0.5, passes=3)), {}, lambda _: None))
    assert "SD within a task" in page


def test_nothing_on_the_front_is_beaten() -> None:
    points = [(1.0, 50.0), (2.0, 60.0), (2.0, 55.0), (3.0, 60.0), (0.5, 10.0), (2.0, 60.0)]
    assert on_front(points) == [True, True, False, False, True, True]
    assert on_front([]) == []


async def test_a_browser_shows_pictures_as_wide_as_the_text(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(report_page(analysed(hostile_result())), "utf-8")
    async with browser_page(file.as_uri(), tmp_path / "profile") as page:
        await page.until("This file loads nothing")
        sizes = await page.run(
            "[...document.querySelectorAll('svg.plot')].map(s => s.getBoundingClientRect())"
            ".map(r => [r.width, r.height, r.right])"
        )
        width = await page.run("document.documentElement.clientWidth")
        overflow = await page.run("document.documentElement.scrollWidth")
    assert len(sizes) == 8
    assert all(wide > 400 and high > 60 and right <= width for wide, high, right in sizes)
    assert overflow <= width
