"""The page at the root and the description of the API: for people, without the internet."""

from pathlib import Path

import httpx2
import pytest

from langgraph_fusion.server.runs.client_policy import ClientPolicy
from tests.graph.cast import cast
from tests.server.blocking_keys import BlockingKeys
from tests.server.conftest import Serving


@pytest.mark.parametrize("path", ["/docs"])
async def test_a_page_asks_for_no_key_and_loads_nothing_from_elsewhere(
    serving: Serving, tmp_path: Path, path: str
) -> None:
    BlockingKeys(tmp_path / "keys.db").create()
    served = await serving(cast(), keys=tmp_path / "keys.db")
    async with httpx2.AsyncClient(base_url=served.url) as http:
        page = await http.get(path)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    for outside in ("<script", "<link", "<img", "<iframe", "src=", "@import", "url("):
        assert outside not in page.text.replace(f"{served.url}", "")


async def test_the_page_at_the_root_says_how_to_ask_and_its_links_work(serving: Serving) -> None:
    served = await serving(cast())
    async with httpx2.AsyncClient(base_url=served.url, follow_redirects=True) as http:
        page = (await http.get("/")).text
        assert f"base_url=&#34;{served.url}/v1&#34;" in page
        links = [part.partition('"')[0] for part in page.split('href="')[1:]]
        assert "/docs" in links
        assert "/fusion/playground/" in links
        for link in [one for one in links if not one.startswith("data:")]:
            assert (await http.get(link)).status_code in (200, 503), link


async def test_the_description_names_every_path_and_its_body(serving: Serving) -> None:
    served = await serving(cast())
    async with httpx2.AsyncClient(base_url=served.url) as http:
        page = (await http.get("/docs")).text
        paths = (await http.get("/openapi.json")).json()["paths"]
    for path in paths:
        assert path in page
    assert "ChatBody" in page
    assert "reasoning_effort" in page


async def test_models_that_can_run_are_listed_under_names_of_their_own(serving: Serving) -> None:
    served = await serving(cast())
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:
        listed = (await http.get("/v1/models")).json()["data"]
        ids = [one["id"] for one in listed]
        names = [one["name"] for one in listed]
        assert len(set(names)) == len(names)
        assert len(set(ids)) == len(ids)
        assert {"fusion", "fusion/direct", "fusion/budget", "openrouter/fusion"} <= set(ids)
        assert "fusion/local" not in ids, "no local server answers here"
        direct = (await http.get("/v1/models/fusion/direct")).json()
        assert direct["fusion"]["panel"] == []


async def test_without_a_key_only_what_needs_none_is_listed(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = await serving(cast())
    monkeypatch.delenv("OPENROUTER_API_KEY")
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:
        ids = [one["id"] for one in (await http.get("/v1/models")).json()["data"]]
    assert ids == ["fusion/offline"]


@pytest.mark.parametrize("trusted", [False, True])
async def test_the_form_offers_documents_only_to_trusted_clients(
    serving: Serving, trusted: bool
) -> None:
    served = await serving(cast(), policy=ClientPolicy(any_setting=trusted))
    async with httpx2.AsyncClient(base_url=served.url) as http:
        page = (await http.get("/")).text
    assert ('name="docs"' in page) == trusted
    assert 'name="budget_usd"' in page
