"""A content filter keeps a text from the members, whichever tool would have shown it."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from langchain_core.tools import tool

from langgraph_fusion.tools.content_filter import ContentMatch
from tests.graph.cast import A, cast, settings
from tests.graph.conftest import Fuse, Fused
from tests.scripted import Reply, Seen, text, tool_calls
from tests.tools.site import html, site

SECRETS = ("the heron nests in april", "the bridge bears nine tonnes")
FILLER = "Nothing to see on this line of the page.<br>\n" * 400


class TwoSecrets:
    """Matches a text that holds both secrets."""

    def match(self, text: str) -> ContentMatch | None:
        count = sum(secret in text.lower() for secret in SECRETS)
        return ContentMatch("secrets, k >= 2", count) if count > 1 else None


@tool
def company_wiki(page: str) -> str:
    """Read a page of the wiki."""
    return f"{page}: " + ". ".join(SECRETS)


async def _research(fuse: Fuse, call: tuple[str, dict[str, Any]], **given: Any) -> Fused:
    """One member makes this call and then answers with what it was shown."""

    def member(seen: Seen) -> Reply:
        return text("I saw: " + seen.tool_results[0]) if seen.tool_results else tool_calls([call])

    chosen = settings(panel=[A], **given.pop("settings", {}))
    return await fuse(cast({A: member}), chosen, content_filter=TwoSecrets(), **given)


def _is_kept_away(fused: Fused, url: str) -> None:
    drops = [(one.where, one.url, one.rule, one.count) for one in fused.result.dropped]
    assert drops == [("content", url, "secrets, k >= 2", 2)]
    assert fused.result.sources == ()
    everything = repr(fused.events).lower() + repr(fused.server.requests).lower()
    assert not any(secret in everything for secret in SECRETS)


async def test_a_page_is_dropped_whole_whichever_part_of_it_is_asked_for(fuse: Fuse) -> None:
    page = html(f"<p>{SECRETS[0]}</p><p>{FILLER}</p><p>{SECRETS[1]}</p>")
    async with site({"/copy": page}) as server:
        url = f"{server.base}/copy"
        fused = await _research(
            fuse,
            ("web_fetch", {"url": url, "start": 1000}),
            settings={"tools": ["web_fetch"], "allow_networks": ["127.0.0.1/32"]},
        )
    _is_kept_away(fused, url)
    assert "excluded" in fused.result.answers[0].text


async def test_a_document_is_kept_away_and_the_passages_of_others_are_shown(
    fuse: Fuse, tmp_path: Path
) -> None:
    (tmp_path / "leak.md").write_text("# Herons\n\n" + ". ".join(SECRETS))
    (tmp_path / "fine.md").write_text("# Herons\n\nHerons are grey.")
    given = {"tools": ["docs"], "docs": str(tmp_path)}
    fused = await _research(fuse, ("docs_read", {"id_or_path": "leak.md"}), settings=given)
    _is_kept_away(fused, "docs:leak.md")
    fused = await _research(fuse, ("docs_search", {"query": "herons"}), settings=given)
    assert [source.url for source in fused.result.sources] == ["docs:fine.md#L1-L3"]
    assert [one.url for one in fused.result.dropped] == ["docs:leak.md#L1-L3"]


async def test_what_a_tool_of_the_application_returns_is_looked_at_too(fuse: Fuse) -> None:
    call = ("company_wiki", {"page": "birds"})
    fused = await _research(fuse, call, tools=[company_wiki], settings={"tools": []})
    _is_kept_away(fused, "company_wiki")


@pytest.mark.parametrize("together", [False, True])
async def test_hits_are_dropped_alone_or_where_only_together_they_tell(
    fuse: Fuse, monkeypatch: pytest.MonkeyPatch, together: bool
) -> None:
    snippets = SECRETS if together else (". ".join(SECRETS), "Herons are grey")
    hits = [
        {"url": f"https://site{n}.org/", "title": "Herons", "content": snippet}
        for n, snippet in enumerate(snippets)
    ]
    async with site({"/search": web.json_response({"results": hits})}) as server:
        monkeypatch.setenv("SEARXNG_URL", server.base)
        fused = await _research(
            fuse,
            ("web_search", {"query": "herons"}),
            settings={"tools": ["web_search"], "search": "searxng"},
        )
    dropped = [one.url for one in fused.result.dropped]
    shown = [source.url for source in fused.result.sources]
    assert (dropped, shown) == (
        (["https://site0.org/", "https://site1.org/"], [])
        if together
        else (["https://site0.org/"], ["https://site1.org/"])
    )
