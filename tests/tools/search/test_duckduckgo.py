import pytest
from ddgs.exceptions import DDGSException, RatelimitException, TimeoutException

from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.search import EngineName, Hit, SearchQuery, open_search
from langgraph_fusion.tools.search.duckduckgo import (
    hits,
    is_no_results,
    region_of,
    search_failure,
)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RatelimitException("https://x 202 Ratelimit"), "rate_limited"),
        (DDGSException("HTTPStatus 429 Too Many Requests"), "rate_limited"),
        (TimeoutException("operation timed out"), "timeout"),
        (DDGSException(TimeoutException("timed out")), "timeout"),
        (TimeoutError(), "timeout"),
        (DDGSException("ConnectError: refused at 10.0.0.1"), "unavailable"),
        (KeyError("html"), "unavailable"),
    ],
)
def test_errors_of_the_ddgs_library_are_told_apart(error: Exception, reason: str) -> None:
    assert not is_no_results(error)
    failure = search_failure(error)
    assert failure.reason == reason
    assert "10.0.0.1" not in str(failure)


def test_no_results_of_the_ddgs_library_are_not_a_failure() -> None:
    assert is_no_results(DDGSException("No results found."))


def test_rows_of_the_ddgs_library_become_hits() -> None:
    rows = [{"href": "https://x.org", "title": "T", "body": "B"}, {"title": "no address"}]
    assert hits(rows) == [Hit("https://x.org", "T", "B")]


@pytest.mark.parametrize(
    ("language", "region"),
    [("de", "de-de"), ("pt-BR", "br-pt"), ("en-AU", "us-en"), ("sw", None), (None, None)],
)
def test_a_language_is_the_region_where_it_is_spoken(
    language: str | None, region: str | None
) -> None:
    assert region_of(language) == region


@pytest.mark.parametrize("name", ["ddgs", "langchain"])
async def test_duckduckgo_without_a_network_is_a_failure_not_an_empty_result(
    name: EngineName, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DDGS_PROXY", "http://127.0.0.1:1")  # nothing listens there
    async with open_search([name], timeout_s=20) as search:
        with pytest.raises(ToolFailure) as failed:
            await search.search(SearchQuery("anything", 5, "month", "example.org", "de"))
    assert failed.value.reason in ("unavailable", "timeout")
    assert "127.0.0.1" not in str(failed.value)
    assert capfd.readouterr() == ("", "")
