import pytest

from langgraph_fusion.tools.exclude import Exclusion

RULES = ["example.org", "huggingface.co/datasets/x", "https://www.Site.net/Path/", "127.0.0.1:81/a"]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org",
        "https://www.EXAMPLE.org./a",
        "https://deep.sub.example.org:8443/?q",
        "http://other.org@example.org/",
        "http://ex%61mple%2Eorg/",
        "http://\uff45xample\u3002org/",
    ],
)
def test_a_domain_rule_covers_every_spelling_and_subdomain(url: str) -> None:
    assert Exclusion(RULES).match(url) == "example.org"


@pytest.mark.parametrize(
    "url",
    [
        "http://huggingface.co/datasets/x",
        "https://www.huggingface.co/datasets/X/tree/main",
        "https://huggingface.co/datasets/%78",
        "https://huggingface.co/datasets%2Fx",
        "https://huggingface.co/%2564atasets/x",
        "https://huggingface.co//datasets/./a/../x?download=1",
        "https://huggingface.co/a/%2e%2e/datasets/x",
    ],
)
def test_a_prefix_rule_covers_every_spelling_of_the_path(url: str) -> None:
    assert Exclusion(RULES).match(url) == "huggingface.co/datasets/x"


@pytest.mark.parametrize(
    "url",
    [
        "https://web.archive.org/web/2024/https://huggingface.co/datasets/x",
        "https://web.archive.org/web/2024/http:/huggingface.co/datasets/x",
        "https://proxy.net/?u=https%3A%2F%2Fhuggingface.co%2Fdatasets%2Fx",
    ],
)
def test_an_excluded_address_inside_another_one_is_found(url: str) -> None:
    assert Exclusion(RULES).match(url) == "huggingface.co/datasets/x"


@pytest.mark.parametrize(
    "url",
    [
        "http://notexample.org/",
        "http://example.org.evil.com/",
        "http://example.org@evil.com/",
        "https://huggingface.co/datasets/xyz",
        "https://huggingface.co/datasets",
        "https://huggingface.co/models/datasets/x",
        "http://127.0.0.1:82/a",
        "docs:example.org/a.md",
        "not a url",
    ],
)
def test_what_only_looks_like_it_is_not_excluded(url: str) -> None:
    assert Exclusion(RULES).match(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://journal.org/article?id=10.1/X.7",
        "https://www.journal.org/article/?utm=a&ID=10.1%2Fx.7#top",
        "https://journal.org/article/citation?lang=en;id=10.1/x.7",
        "https://archive.example/2020/https://journal.org/article?id=10.1/x.7",
    ],
)
def test_a_rule_with_parameters_covers_addresses_that_have_them(url: str) -> None:
    assert Exclusion(["journal.org/article?id=10.1/x.7"]).match(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://journal.org/article?id=10.1/x.77",
        "https://journal.org/article",
        "https://journal.org/article?ref=10.1/x.7",
        "https://journal.org/?id=10.1/x.7",
    ],
)
def test_a_rule_with_parameters_leaves_other_articles_open(url: str) -> None:
    exclusion = Exclusion(["journal.org/article?id=10.1/x.7"])
    assert exclusion.match(url) is None
    assert exclusion.domains == ()
    assert Exclusion(["journal.org?id=7"]).domains == ()


def test_a_rule_is_reported_as_it_was_written() -> None:
    assert Exclusion(RULES).match("http://site.net/path/deeper") == "https://www.Site.net/Path/"


def test_a_port_in_a_rule_counts() -> None:
    assert Exclusion(RULES).match("http://0x7f.1:81/a/b") == "127.0.0.1:81/a"


@pytest.mark.parametrize(
    "query",
    [
        "site:example.org question",
        'question (site:"sub.example.org" OR x)',
        "SITE:https://www.example.org/page",
        "inurl:example.org x",
        "site:*.example.org",
        "-x site: example.org",
    ],
)
def test_a_query_for_an_excluded_site_is_recognised(query: str) -> None:
    assert Exclusion(RULES).match_query(query) == "example.org"


@pytest.mark.parametrize(
    "query", ["what is example.org", "-site:example.org", "site:huggingface.co", "website:example"]
)
def test_other_queries_are_left_alone(query: str) -> None:
    assert Exclusion(RULES).match_query(query) is None


def test_only_whole_domains_are_given_to_the_search_service() -> None:
    assert Exclusion(RULES).domains == ("example.org",)


@pytest.mark.parametrize(
    "rule",
    ["", " ", "*.example.org", "a b", "ftp://x.org", "u@x.org", "x.org?q", "x.org/#f", "/path",
     "x.org/a*b", "https://", "..", "x..org", "http://x.org:99999"],
)  # fmt: skip
def test_an_invalid_rule_is_refused_by_name(rule: str) -> None:
    with pytest.raises(ValueError, match="is not a domain or a URL prefix") as refused:
        Exclusion(["good.org", rule])
    assert f"`{rule}`" in str(refused.value)
