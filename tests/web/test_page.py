"""The page as people use it: ask, watch, steer, lose the connection, come back, read."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from langgraph_fusion.server.keys.key import Caps
from tests.files import FACT
from tests.gate import Gate
from tests.graph.cast import JUDGE, WRITER, A, B, C, asked_again, cast, disputed, judge
from tests.images import BLUE, GREEN, RED, colours, png
from tests.scripted import Reply, Seen, hang, status, text
from tests.server.blocking_keys import BlockingKeys
from tests.server.conftest import Served, Serving
from tests.web.conftest import Line
from tests.web.test_report import HOSTILE

ANSWER = "## In short\n\nIt is **forty-two**.\n\n- one reason\n- another reason\n\nThat is all."
PRESET = f"""
[scripted]
description = "three scripted members"
panel = ["{A}", "{B}", "{C}"]
judge = "{JUDGE}"
synthesizer = "{WRITER}"
tools = []
deadline_s = 45
"""


@pytest.fixture
def site(serving: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Start a server with the preset `scripted`."""
    (tmp_path / "presets.toml").write_text(PRESET)
    monkeypatch.setenv("FUSION_PRESETS", str(tmp_path / "presets.toml"))

    async def start(script: Any = None, **config: Any) -> Served:
        return await serving(script or cast(), runs=str(tmp_path / "runs.db"), **config)

    return start


async def ask(page: Page, url: str, question: str = "What is it?") -> str:
    """Ask, and return the run's id once its page is there."""
    await page.goto(url)
    await page.get_by_label("Preset").select_option("scripted")
    await page.get_by_label("Question").fill(question)
    await page.get_by_role("button", name="Ask", exact=True).click()
    await page.wait_for_url("**/runs/*")
    return page.url.rpartition("/")[2]


async def finished(page: Page) -> None:
    await expect(page.get_by_role("heading", name="Bill")).to_be_visible()


async def test_a_whole_run_is_seen_as_it_happens(site: Any, page: Page) -> None:
    member, writer = Gate(text("Beta says 17.")), Gate(text(ANSWER, pace=0.01))
    later = Gate(text("I was wrong: 42."))
    script = cast(
        {
            A: asked_again(text("Alpha says **42**."), text("The register says 42.")),
            B: asked_again(member, later),
            C: status(400),
            JUDGE: judge(disputed(), disputed(blind_spots=[{"gap": "Nobody says when."}])),
            WRITER: writer,
        }
    )
    served = await site(script)
    await ask(page, served.url)
    panel = page.get_by_role("article", name="Seat A")
    await expect(panel).to_contain_text("answered")
    await expect(page.get_by_role("article", name="Seat B")).to_contain_text("working")
    await expect(page.get_by_role("article", name="Seat C")).to_contain_text("failed")
    member.opened.set()
    await expect(
        page.get_by_text("What is the number according to the register?").first
    ).to_be_visible()
    await expect(page.get_by_role("heading", name="the number open matters")).to_be_visible()
    later.opened.set()
    await writer.asked.wait()
    await expect(page.locator(".summary")).to_contain_text("follow-up round 1")
    writer.opened.set()
    await finished(page)
    await expect(page.locator("#answer")).to_contain_text("It is forty-two.")
    await expect(page.locator("#findings")).to_contain_text("17")
    await expect(page.locator("#panel")).to_contain_text("gave no whole answer")
    await expect(page.locator("#timeline rect")).to_have_count(len(served.models.requests))
    await page.goto(served.url)
    await expect(page.get_by_role("link", name="What is it?")).to_be_visible()


async def test_a_judge_that_fails_is_said(site: Any, page: Page) -> None:
    served = await site(cast({JUDGE: text("no JSON at all"), WRITER: text(ANSWER)}))
    await ask(page, served.url)
    await finished(page)
    notes = page.get_by_role("note").filter(has_text="not compared")
    await expect(notes).to_be_visible()
    await expect(page.locator("#findings")).to_have_count(0)


async def test_answer_now_ends_the_research(site: Any, page: Page) -> None:
    slow = Gate(text("Gamma says 42."))
    served = await site(cast({C: slow, JUDGE: judge(disputed()), WRITER: text(ANSWER)}))
    await ask(page, served.url)
    await slow.asked.wait()
    await page.get_by_role("button", name="Answer now").click()
    await expect(page.locator(".summary")).to_contain_text("answer now")
    slow.opened.set()
    await finished(page)
    assert len(served.models.seen_by(A)) == 1


async def test_a_member_is_stopped_and_a_question_is_added(site: Any, page: Page) -> None:
    served = await site(cast({C: hang(), WRITER: text(ANSWER)}))
    await ask(page, served.url)
    await expect(page.get_by_role("article", name="Seat A")).to_contain_text("answered")
    await page.get_by_text("More", exact=True).click()
    await page.get_by_label("One more round on").fill("And the almanac?")
    await page.get_by_role("button", name="Ask the panel").click()
    await page.get_by_role("button", name="Stop C").click()
    await finished(page)
    await expect(page.locator("#findings")).to_contain_text("And the almanac?")
    await expect(page.locator("#panel")).to_contain_text("stopped by the user")


async def test_a_run_is_cancelled_and_goes_on(site: Any, page: Page) -> None:
    slow = Gate(text("Gamma says 42."))
    served = await site(cast({C: slow, WRITER: text(ANSWER)}))
    await ask(page, served.url)
    await slow.asked.wait()
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("alert")).to_contain_text("cancelled")
    await expect(page.get_by_role("article", name="Seat C")).to_contain_text("stopped")
    assert not served.models.in_flight
    so_far = page.get_by_label("So far")
    await expect(so_far).to_contain_text("2 calls")
    slow.asked.clear()
    await page.get_by_role("button", name="Go on").click()
    await slow.asked.wait()
    await expect(page.get_by_role("article", name="Seat C")).to_contain_text("working")
    await expect(so_far).to_contain_text("3 calls")  # and the one that was broken off
    slow.opened.set()
    await finished(page)
    asked = [seen.model for seen in served.models.requests]
    assert (asked.count(A), asked.count(B)) == (1, 1)


async def test_whoever_loads_again_or_loses_the_connection_misses_nothing(
    site: Any, page: Page
) -> None:
    slow = Gate(text("Gamma says 42."))
    served = await site(cast({C: slow, WRITER: text(ANSWER)}))
    host, _, port = served.url.removeprefix("http://").partition(":")
    async with Line(host, int(port)) as line:
        await ask(page, line.url)
        await slow.asked.wait()
        await page.reload()
        await expect(page.get_by_role("article", name="Seat A")).to_contain_text("answered")
        line.cut()
        await expect(page.get_by_role("status")).to_contain_text("connection is lost")
        await expect(page.get_by_role("status")).to_be_hidden()
        slow.opened.set()
        await finished(page)
        assert line.cuts == 1
        await expect(page.locator("#answer")).to_contain_text("forty-two")


async def test_a_further_question_knows_the_conversation(site: Any, page: Page) -> None:
    served = await site(cast({WRITER: text(ANSWER)}))
    await ask(page, served.url)
    await finished(page)
    await page.get_by_label("Ask on").fill("And why?")
    await page.get_by_label("a small question").check()
    await page.get_by_role("button", name="Ask on").click()
    await expect(page.get_by_role("heading", name="And why?", level=1)).to_be_visible()
    await finished(page)
    last = served.models.requests[-1]
    assert last.model == WRITER
    assert [part in last.text for part in ("What is it?", "forty-two", "And why?")] == [True] * 3


@pytest.mark.parametrize("hostile", [" ".join(HOSTILE[:6]), HOSTILE[6], HOSTILE[7]])
async def test_text_of_models_and_questions_does_nothing(
    site: Any, page: Page, hostile: str
) -> None:
    writer = Gate(text(f"{ANSWER} {hostile}"))
    bad = disputed(
        consensus=[{"claim": hostile, "seats": ["A", "B"]}],
        blind_spots=[{"gap": hostile, "matters": "high"}],
        suspect_claims=[{"claim": hostile, "seats": ["A"], "why": hostile}],
        unique_insights=[{"insight": hostile, "seat": "A"}],
    )
    parts: dict[str, Any] = {A: text(f"{hostile} Alpha."), B: text(f"{hostile} Beta.")}
    served = await site(cast(parts | {JUDGE: judge(bad), WRITER: writer}))
    await ask(page, served.url, f"What is it? {hostile}".replace("\x00", ""))
    await writer.asked.wait()
    await expect(page.locator(".finding").first).to_be_visible()
    await only_ours(page)
    writer.opened.set()
    await finished(page)
    await only_ours(page)


async def only_ours(page: Page) -> None:
    """No element that runs or loads beside the page's own script and style, no handler."""
    found = await page.evaluate(
        """() => ({
            scripts: [...document.scripts].map(one => one.getAttribute('src')),
            loads: document.querySelectorAll('img,iframe,object,embed,base,video,audio').length,
            handlers: [...document.querySelectorAll('main *')].filter(
                one => [...one.attributes].some(each => each.name.startsWith('on'))).length,
            links: [...document.querySelectorAll('main a')].map(one => one.getAttribute('href')),
        })"""
    )
    assert len(found["scripts"]) == 1
    assert found["scripts"][0].startswith("/static/page.js")
    assert (found["loads"], found["handlers"]) == (0, 0)
    assert not [link for link in found["links"] if not re.match(r"https?://|mailto:|/|#", link)]


async def test_it_works_with_the_keyboard_alone(site: Any, page: Page) -> None:
    served = await site(cast({WRITER: text(ANSWER)}))
    await page.goto(served.url)
    await page.keyboard.press("Tab")
    await expect(page.get_by_text("Skip to the content")).to_be_focused()
    for _ in range(2):
        await page.keyboard.press("Tab")
    await expect(page.get_by_label("Question")).to_be_focused()
    await page.keyboard.type("What is it?")
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Add images or files")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Preset")).to_be_focused()
    await page.keyboard.type("scripted")
    await page.get_by_label("Question").press("Control+Enter")
    await page.wait_for_url("**/runs/*")
    await finished(page)


@pytest.mark.parametrize("width", [320, 390, 768])
async def test_a_narrow_screen_scrolls_one_way_only(site: Any, page: Page, width: int) -> None:
    """320 pixels are also a wide screen at 400 % zoom."""
    await page.set_viewport_size({"width": width, "height": 800})
    writer = Gate(text(ANSWER + "\n\n| a | b |\n|---|---|\n| " + "wide" * 60 + " | b |"))
    served = await site(cast({JUDGE: judge(disputed()), WRITER: writer}))
    await page.goto(served.url)
    await page.get_by_text("Settings", exact=True).click()
    await fits(page)
    await ask(page, served.url)
    await writer.asked.wait()
    await expect(page.locator(".finding").first).to_be_visible()
    await fits(page)
    writer.opened.set()
    await finished(page)
    await fits(page)


async def fits(page: Page) -> None:
    wide = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious(site: Any, page: Page, scheme: Any) -> None:
    await page.emulate_media(color_scheme=scheme)
    writer = Gate(text(ANSWER))
    served = await site(cast({C: status(400), JUDGE: judge(disputed()), WRITER: writer}))
    await page.goto(served.url)
    await page.get_by_text("Settings", exact=True).click()
    await accessible(page)
    await ask(page, served.url)
    await writer.asked.wait()
    await expect(page.locator(".finding").first).to_be_visible()
    await accessible(page)
    writer.opened.set()
    await finished(page)
    await accessible(page)


async def accessible(page: Page) -> None:
    found = (await Axe().run(page)).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in serious] == []


async def test_a_server_with_keys_asks_for_one_and_keeps_it_from_scripts(
    site: Any, page: Page, tmp_path: Path
) -> None:
    ring = BlockingKeys(tmp_path / "keys.db")
    ring.create()
    token, other = ring.add("ada", Caps()), ring.add("eve", Caps())
    served = await site(cast({WRITER: text(ANSWER)}), keys=tmp_path / "keys.db")
    await page.goto(served.url)
    await page.get_by_label("API key").fill("fk-wrong")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("does not know that key")
    await page.get_by_label("API key").fill(token)
    await page.get_by_role("button", name="Sign in").click()
    (cookie,) = await page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert await page.evaluate("document.cookie + localStorage.length") == "0"
    run_id = await ask(page, served.url)
    await finished(page)
    assert token not in await page.content()
    await page.get_by_role("button", name="Sign out").click()
    await page.goto(f"{served.url}/runs/{run_id}")
    await expect(page.get_by_label("API key")).to_be_visible()
    await page.get_by_label("API key").fill(other)
    await page.get_by_role("button", name="Sign in").click()
    await page.goto(f"{served.url}/runs/{run_id}")
    await expect(page.get_by_role("heading", name="Not found")).to_be_visible()


def _file(name: str, data: bytes, kind: str = "application/octet-stream") -> Any:
    return {"name": name, "mimeType": kind, "buffer": data}


_DROP = """([form, name, data]) => {
  const sent = new DataTransfer();
  sent.items.add(new File([Uint8Array.from(data)], name));
  const given = { bubbles: true, cancelable: true };
  form.dispatchEvent(new DragEvent("dragover", { ...given, dataTransfer: sent }));
  form.dispatchEvent(new DragEvent("drop", { ...given, dataTransfer: sent }));
}"""
_PASTE = """([form, name, data]) => {
  const sent = new DataTransfer();
  sent.items.add(new File([Uint8Array.from(data)], name));
  const given = { bubbles: true, cancelable: true, clipboardData: sent };
  form.elements.question.dispatchEvent(new ClipboardEvent("paste", given));
}"""


async def test_images_and_files_go_with_a_question_chosen_dropped_and_pasted(
    site: Any, page: Page, tmp_path: Path
) -> None:
    def says(seen: Seen) -> Reply:
        return text(f"I see {colours(seen.images)}. {'4711' if '4711' in seen.text else ''}")

    served = await site(cast({A: says, WRITER: says}))
    await page.goto(served.url)
    await page.get_by_label("Preset").select_option("scripted")
    choose = page.get_by_label("Add images or files")
    await choose.set_input_files(
        [_file("blue.png", png(BLUE)), _file("notes.txt", FACT.encode()), _file("none.txt", b"")]
    )
    form = await page.locator("form[data-ask]").element_handle()
    await page.evaluate(_DROP, [form, "dropped.jpg", [*png(RED)]])
    await page.evaluate(_PASTE, [form, "pasted.png", [*png(GREEN)]])
    chips = page.get_by_role("list", name="Attached images and files").get_by_role("listitem")
    await expect(chips).to_have_count(5)
    await expect(chips.first).to_contain_text("blue.png (1 KiB)")

    await choose.set_input_files(
        [_file("huge.png", png() + bytes(5 << 20)), _file("long.csv", bytes(7 << 20))]
    )
    refused = page.locator("[data-refused]")
    await expect(refused).to_contain_text("huge.png: it has 5.1 MiB, and an image may have 5.0 MiB")
    await expect(refused).to_contain_text("long.csv: with those before it there are 7.1 MiB")
    await expect(chips).to_have_count(5)
    await page.get_by_role("button", name="Remove pasted.png").click()
    await expect(chips).to_have_count(4)
    await expect(refused).to_be_empty()
    await expect(page.locator("[data-estimate]")).to_contain_text("tokens")
    results = await Axe().run(page)
    assert results.violations_count == 0, results.generate_report()

    await page.get_by_role("button", name="Ask", exact=True).click()
    await page.wait_for_url("**/runs/*")
    await finished(page)
    await expect(page.locator("#answer")).to_contain_text("I see blue and red. 4711")
    await expect(page.locator("#images")).to_contain_text("seen by A, B, C, judge, synthesizer")
    await expect(page.locator("#files")).to_contain_text("notes.txt: ")
    await expect(page.locator("#files")).to_contain_text("not read: it is empty")
    assert "Say what the attached files hold" in served.models.seen_by(A)[0].text

    await page.get_by_label("Add images or files").set_input_files(_file("green.png", png(GREEN)))
    await page.get_by_label("Ask on, with this conversation at hand").fill("And this one?")
    await page.get_by_role("button", name="Ask on").click()
    await expect(page.get_by_role("heading", name="And this one?")).to_be_visible()
    await finished(page)
    await expect(page.locator("#answer")).to_contain_text("I see blue and red and green.")
