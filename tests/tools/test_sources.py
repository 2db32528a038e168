from langgraph_fusion.tools.sources import Source, Sources

LONG = "The same long passage, word for word, on two sites. " * 8


def test_ids_count_per_seat() -> None:
    sources = Sources()
    ids = [
        sources.add(seat, "search", f"https://{n}.org", "t", "x").id
        for n, seat in enumerate(["A", "B", "A"])
    ]
    assert ids == ["A1", "B1", "A2"]


def test_a_page_replaces_the_snippet_that_led_to_it_under_the_same_id() -> None:
    sources = Sources()
    hit = sources.add("A", "search", "https://e.org/p?utm_source=s", "Hit", "A snippet")
    page = sources.add("A", "page", "http://www.e.org/p", "Page", "The whole page")
    assert page.id == hit.id == "A1"
    assert (page.kind, page.title, page.text) == ("page", "Page", "The whole page")
    assert page.sha256 != hit.sha256
    again = sources.add("A", "search", "https://e.org/p", "Hit", "A snippet")
    assert again == page


def test_parts_of_a_page_add_up_to_what_was_seen() -> None:
    sources = Sources()
    sources.add("A", "page", "https://e.org", "", "First part.")
    both = sources.add("A", "page", "https://e.org", "", "Second part.")
    again = sources.add("A", "page", "https://e.org", "", "First part.")
    assert both.text == again.text == "First part.\n[…]\nSecond part."


def test_another_seat_gets_its_own_id_that_leads_to_the_first() -> None:
    sources = Sources()
    first = sources.add("A", "search", "https://e.org/", "t", "x")
    second = sources.add("B", "page", "http://e.org", "t", "whole page")
    assert (second.id, second.same_as) == ("B1", "A1")
    assert sources.resolve("B1") == sources.get("A1") == first
    assert sources.by_url("https://www.e.org/#top") == first


def test_equal_content_at_another_address_is_the_same_source() -> None:
    sources = Sources()
    sources.add("A", "page", "https://one.org", "", LONG)
    mirror = sources.add("B", "page", "https://two.org", "", LONG.upper().replace(" ", "  "))
    short = sources.add("C", "page", "https://three.org", "", "Not found")
    other = sources.add("D", "page", "https://four.org", "", "Not found")
    assert mirror.same_as == "A1"
    assert short.same_as is other.same_as is None


def test_a_chain_of_equals_ends_at_the_first() -> None:
    sources = Sources()
    sources.add("A", "page", "https://one.org", "", LONG)
    sources.add("B", "page", "https://two.org", "", LONG)
    third = sources.add("C", "page", "https://two.org", "", "short")
    assert third.same_as == "B1"
    assert sources.resolve("C1") == sources.get("A1")


def test_a_redirect_is_found_under_both_addresses() -> None:
    sources = Sources()
    hit = sources.add("A", "search", "https://short.link/x", "Hit", "snippet")
    page = sources.add("A", "page", "https://e.org/long", "", "text", asked="https://short.link/x")
    assert (page.id, page.url, page.title) == (hit.id, "https://e.org/long", "Hit")
    assert sources.by_url("https://short.link/x") == sources.by_url("https://e.org/long") == page
    assert sources.add("B", "search", "https://short.link/x", "", "").same_as == "A1"


def test_a_registry_goes_on_where_an_earlier_one_ended() -> None:
    earlier = Sources()
    for n in range(3):
        earlier.add("A", "page", f"https://e.org/{n}", "", "x")
    stored = [source.model_dump_json() for source in earlier.all()]
    sources = Sources(Source.model_validate_json(text) for text in stored)
    assert sources.all() == earlier.all()
    assert sources.add("A", "page", "https://e.org/new", "", "x").id == "A4"
    assert sources.add("A", "page", "https://e.org/1", "", "x").id == "A2"
    assert sources.get("Z9") is sources.resolve("Z9") is sources.by_url("https://no.org") is None
