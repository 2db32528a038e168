"""Each engine in its vendor's own format: results, filters, and what can go wrong."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.search import EngineName, Found, SearchQuery, open_search
from langgraph_fusion.tools.search.engines import ENGINES, configured, engines
from tests.tools.search.answers import DOCUMENTED
from tests.tools.search.conftest import KEY, At
from tests.tools.site import Handler

PAID: tuple[EngineName, ...] = ("brave", "exa", "serper", "google", "kagi", "tavily")
DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(params=list(DOCUMENTED))
def name(request: pytest.FixtureRequest) -> EngineName:
    engine: EngineName = request.param
    return engine


async def ask(
    at: At, name: EngineName, answer: web.Response | Handler, query: SearchQuery | None = None
) -> Found:
    async with at(name, answer) as (search, _):
        assert KEY not in repr([vars(one.backend) for one in search._engines])
        return await search.search(query or SearchQuery("tides", 5))


async def failure(at: At, name: EngineName, answer: web.Response | Handler) -> ToolFailure:
    with pytest.raises(ToolFailure) as failed:
        await ask(at, name, answer)
    assert KEY not in f"{failed.value!r} {failed.value.__cause__!r}"
    return failed.value


async def test_a_documented_answer_becomes_hits(name: EngineName, at: At) -> None:
    documented = DOCUMENTED[name]
    found = await ask(at, name, web.json_response(documented.answer))
    today = datetime.now(UTC).date()
    near = {str(today - timedelta(days=days)) for days in (1, 2, 3)}
    dated = [hit for hit, wanted in zip(found.hits, documented.hits, strict=True) if hit != wanted]
    assert all(hit.published in near for hit in dated)  # "2 days ago"
    assert len(dated) == sum(hit.published == "*" for hit in documented.hits)
    assert (found.engine, found.not_applied) == (name, ())
    assert found.cost_usd == pytest.approx(documented.cost_usd)


async def test_no_results_are_not_a_failure(name: EngineName, at: At) -> None:
    assert (await ask(at, name, web.json_response(DOCUMENTED[name].empty))).hits == ()


def _odd(value: Any) -> Any:
    """The same answer with numbers, nothing and half a character in the place of texts."""
    if isinstance(value, dict):
        odd = {"url": "https://odd.org/", "link": "https://odd.org/", "title": "\ud83d"}
        return {key: odd.get(key, _odd(inner)) for key, inner in value.items()}
    if isinstance(value, list):
        return ["garbage", None, 7, *map(_odd, value), {"title": "no address"}]
    return 5 if isinstance(value, str) else None


async def test_odd_fields_are_left_out_and_the_rest_is_kept(name: EngineName, at: At) -> None:
    odd = _odd(DOCUMENTED[name].answer)
    if name == "searxng":
        odd["unresponsive_engines"] = []
    found = await ask(at, name, web.json_response(odd))
    assert {hit.url for hit in found.hits} == {"https://odd.org/"}
    assert {(hit.title, hit.published) for hit in found.hits} == {("?", None)}
    assert {hit.snippet for hit in found.hits} <= {"", "garbage"}


async def test_a_huge_answer_is_cut_and_a_larger_one_refused(name: EngineName, at: At) -> None:
    many = json.loads(json.dumps(DOCUMENTED[name].answer))

    def grow(value: Any) -> None:
        for inner in value.values() if isinstance(value, dict) else ():
            if isinstance(inner, list) and inner and isinstance(inner[0], dict):
                row = inner[0] | dict.fromkeys(("snippet", "content", "description"), "x" * 8_000)
                inner[:] = [row | {"highlights": ["y" * 8_000]}] * 30
            grow(inner)

    grow(many)
    found = await ask(at, name, web.json_response(many))
    assert len(found.hits) == 5
    assert all(len(hit.snippet) <= 3_000 for hit in found.hits)
    failed = await failure(at, name, web.Response(body=b'{"results": "' + b"x" * (6 << 20)))
    assert failed.reason == "unavailable"


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(text="<!doctype html><title>Just a moment...</title>"),
        web.Response(text="<html>", content_type="text/html"),
        web.Response(text=""),
        web.json_response([1]),
        web.json_response({"surprise": []}),
        web.json_response({"results": {}, "organic": 1, "items": None, "data": [], "web": 2}),
        web.Response(text="[" * 100_000),
        web.Response(status=302, headers={"Location": "/search"}),
        web.Response(status=500, text="<html>"),
        web.Response(status=503),
    ],
)
async def test_what_is_no_answer_is_a_failure(answer: web.Response, at: At) -> None:
    for name in DOCUMENTED:
        assert (await failure(at, name, answer)).reason == "unavailable", name


async def test_silence_is_a_timeout(at: At) -> None:
    async def silent(request: web.Request) -> web.Response:
        await asyncio.sleep(10)
        return web.Response(text=request.path)

    async with at("exa", silent, timeout_s=0.2) as (search, _):
        with pytest.raises(ToolFailure) as failed:
            await search.search(SearchQuery("tides"))
    assert failed.value.reason == "timeout"


REFUSALS: list[tuple[EngineName, int, Any, str]] = [
    ("brave", 401, {"error": {"code": "SUBSCRIPTION_TOKEN_INVALID"}}, "unauthorized"),
    ("brave", 422, {"error": {"code": "SUBSCRIPTION_TOKEN_INVALID"}}, "unauthorized"),
    ("brave", 422, {"error": {"code": "VALIDATION"}}, "unavailable"),
    ("brave", 429, {"error": {"code": "RATE_LIMITED"}}, "rate_limited"),
    ("brave", 402, {"error": {"code": "QUOTA_LIMITED"}}, "insufficient_credits"),
    ("exa", 401, {"error": "Invalid API key"}, "unauthorized"),
    ("exa", 402, {"tag": "NO_MORE_CREDITS", "error": "exceeded your credits"},
     "insufficient_credits"),
    ("exa", 429, {"error": "You've exceeded your Exa rate limit of 5 requests per second"},
     "rate_limited"),
    ("serper", 403, {"message": "Unauthorized.", "statusCode": 403}, "unauthorized"),
    ("serper", 400, {"message": "Not enough credits", "statusCode": 400}, "insufficient_credits"),
    ("serper", 429, {"message": "Too many requests"}, "rate_limited"),
    ("google", 400, {"error": {"code": 400, "message": "API key not valid.",
     "errors": [{"reason": "badRequest"}], "details": [{"reason": "API_KEY_INVALID"}]}},
     "unauthorized"),
    ("google", 403, {"error": {"errors": [{"reason": "dailyLimitExceeded"}]}},
     "insufficient_credits"),
    ("google", 403, {"error": {"errors": [{"reason": "rateLimitExceeded"}]}}, "rate_limited"),
    ("google", 429, {"error": {"message": "Quota exceeded for quota metric 'Queries' and limit "
     "'Queries per day'", "errors": [{"reason": "rateLimitExceeded"}]}}, "insufficient_credits"),
    ("kagi", 401, {"meta": {}, "data": None, "error": [{"code": 2, "msg": "Unauthorized"}]},
     "unauthorized"),
    ("kagi", 403, {"error": [{"code": 2}]}, "unauthorized"),
    ("kagi", 429, {"error": [{"msg": "usage limit exhausted"}]}, "insufficient_credits"),
    ("kagi", 400, {"error": [{"code": 101, "msg": "Insufficient credit"}]},
     "insufficient_credits"),
    ("tavily", 401, {"detail": {"error": "Unauthorized: missing or invalid API key."}},
     "unauthorized"),
    ("tavily", 432, {"detail": {"error": "This request exceeds your plan's set usage limit."}},
     "insufficient_credits"),
    ("tavily", 433, {"detail": {"error": "exceeds the pay-as-you-go limit."}},
     "insufficient_credits"),
    ("searxng", 429, "Too Many Requests", "rate_limited"),
    ("searxng", 403, "Forbidden", "unavailable"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "status", "body", "reason"), REFUSALS)
async def test_a_refusal_has_its_reason_and_repeats_nothing(
    name: EngineName, status: int, body: Any, reason: str, at: At
) -> None:
    async def refuse(request: web.Request) -> web.Response:
        said = {"echo": KEY, "url": str(request.url), "said": body}
        return web.json_response(said, status=status)

    failed = await failure(at, name, refuse)
    assert failed.reason == reason
    assert (f"status {status}" in str(failed)) or name == "searxng"
    if reason in ("unauthorized", "insufficient_credits"):
        assert str(engines()[name].key) in str(failed)


async def sent(at: At, name: EngineName, query: SearchQuery, *excluded: str) -> dict[str, Any]:
    """What an engine is sent: its parameters, its body, and what it said it left out."""
    got: dict[str, Any] = {}

    async def answer(request: web.Request) -> web.Response:
        got["headers"] = dict(request.headers)
        assert KEY not in str(request.url)
        got.update(request.query if request.method == "GET" else await request.json())
        return web.json_response(DOCUMENTED[name].empty)

    async with at(name, answer, excluded) as (search, _):
        got["not_applied"] = (await search.search(query)).not_applied
    return got


_FULL = SearchQuery("tides", 5, "week", "shom.fr", "pt-BR")


async def test_every_engine_is_asked_for_period_site_and_language(at: At) -> None:
    since = datetime.now(UTC) - timedelta(days=7)
    days = {since.date().isoformat(), (since + timedelta(minutes=1)).date().isoformat()}
    got = {name: await sent(at, name, _FULL, "x.org") for name in DOCUMENTED}

    brave = got["brave"]
    assert brave["q"] == "tides site:shom.fr -site:x.org"
    assert (brave["freshness"], brave["search_lang"], brave["count"]) == ("pw", "pt-br", "5")
    exa = got["exa"]
    assert (exa["query"], exa["includeDomains"]) == ("tides", ["shom.fr"])
    assert exa["startPublishedDate"][:10] in days
    serper = got["serper"]
    assert serper["q"] == "tides site:shom.fr -site:x.org"
    assert (serper["tbs"], serper["hl"], serper["num"]) == ("qdr:w", "pt", 5)
    google = got["google"]
    assert (google["q"], google["siteSearch"], google["siteSearchFilter"]) == (
        "tides -site:x.org", "shom.fr", "i",
    )  # fmt: skip
    assert (google["dateRestrict"], google["lr"], google["cx"]) == ("w1", "lang_pt", "an-id")
    kagi = got["kagi"]
    assert kagi["lens"] == {"sites_included": ["shom.fr"], "sites_excluded": ["x.org"]}
    assert kagi["filters"]["after"] in days
    tavily = got["tavily"]
    assert (tavily["include_domains"], tavily["exclude_domains"]) == (["shom.fr"], ["x.org"])
    assert (tavily["query"], tavily["max_results"], tavily["time_range"]) == ("tides", 5, "week")
    searxng = got["searxng"]
    assert searxng["q"] == "tides site:shom.fr -site:x.org"
    assert (searxng["time_range"], searxng["language"]) == ("week", "pt-BR")

    lacks = {name for name, one in got.items() if one["not_applied"]}
    assert lacks == {"exa", "kagi", "tavily"}  # no filter for languages, and they say so


async def test_a_key_goes_where_its_vendor_wants_it_without_its_blanks(at: At) -> None:
    places = {
        "brave": "X-Subscription-Token", "exa": "x-api-key", "serper": "X-API-KEY",
        "google": "X-Goog-Api-Key", "kagi": "Authorization", "tavily": "Authorization",
    }  # fmt: skip
    for name in PAID:
        got = await sent(at, name, SearchQuery("tides"))
        wanted = f"Bearer {KEY}" if places[name] == "Authorization" else KEY
        assert got["headers"][places[name]] == wanted


async def test_a_plain_query_is_sent_without_filters(at: At) -> None:
    for name in DOCUMENTED:
        got = await sent(at, name, SearchQuery("tides"))
        names = {"freshness", "search_lang", "tbs", "hl", "dateRestrict", "lr", "siteSearch"}
        names |= {"startPublishedDate", "includeDomains", "excludeDomains", "lens", "filters"}
        names |= {"time_range", "language", "include_domains", "exclude_domains"}
        assert not names & got.keys()
        assert got["not_applied"] == ()


async def test_excluded_sites_never_make_a_query_too_long_for_brave(at: At) -> None:
    excluded = [f"{'a' * 60}{n}.example.org" for n in range(10)]
    got = await sent(at, "brave", SearchQuery("tide " * 60), *excluded)
    assert len(got["q"]) <= 400


@pytest.mark.parametrize(
    ("language", "brave", "serper", "google"),
    [
        ("ja", "jp", "ja", "lang_ja"), ("zh", "zh-hans", "zh-cn", "lang_zh-CN"),
        ("zh-TW", "zh-hant", "zh-tw", "lang_zh-TW"), ("de-AT", "de", "de", "lang_de"),
        ("pt", "pt-pt", "pt", "lang_pt"), ("sw", None, "sw", "lang_sw"),
    ],
)  # fmt: skip
async def test_languages_have_the_names_that_each_engine_gives_them(
    language: str, brave: str | None, serper: str, google: str, at: At
) -> None:
    query = SearchQuery("tides", language=language)
    asked = await sent(at, "brave", query)
    assert asked.get("search_lang") == brave
    assert asked["not_applied"] == (() if brave else ("language",))
    assert (await sent(at, "serper", query))["hl"] == serper
    assert (await sent(at, "google", query))["lr"] == google


@pytest.mark.parametrize(
    ("why", "reason"), [("too many requests", "rate_limited"), ("HTTP error", "unavailable")]
)
async def test_searxng_without_engines_is_a_failure(why: str, reason: str, at: At) -> None:
    answer = {"results": [], "unresponsive_engines": [["brave", why]]}
    assert (await failure(at, "searxng", web.json_response(answer))).reason == reason


async def test_an_engine_without_its_variables_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for engine in engines().values():
        for variable in engine.variables:
            monkeypatch.setenv(variable, " \n")
    for name in DOCUMENTED:
        variable = engines()[name].variables[0]
        with pytest.raises(ValueError, match=variable):
            async with open_search([name], timeout_s=1):
                pass
    assert configured() == ()
    monkeypatch.setenv("GOOGLE_API_KEY", KEY)  # for Gemini: without an engine's id no search
    assert configured() == ()


@pytest.mark.parametrize("address", ["nowhere", "ftp://x.org", "http://", "http://x:0", "http://["])
async def test_what_is_no_address_is_refused_without_being_shown(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXA_API_KEY", KEY)
    monkeypatch.setenv("EXA_BASE_URL", address)
    with pytest.raises(ValueError, match="EXA_BASE_URL") as refused:
        async with open_search(["exa"], timeout_s=1):
            pass
    assert f"`{address}`" not in str(refused.value)


def test_every_engine_stands_in_the_documentation_with_its_variable_and_price() -> None:
    rows = [line for line in (DOCS / "search.md").read_text().splitlines() if line[:3] == "| `"]
    table = {line.split("`")[1]: line for line in rows}
    for name in ENGINES:
        engine = engines()[name]
        assert all(f"`{variable}`" in table[name] for variable in engine.variables)
        price = "free" if engine.usd is None else f"${1000 * engine.usd:g}"
        assert f"| {price} " in table[name]
        assert engine.free or engine.price_source
