"""Markdown of a model, a page or a document as HTML that can do nothing.

Raw HTML is shown as text. A link leads to http, https or mail, or to a source in the same page;
of any other link only the words stay. An image becomes a link, so that reading tells nobody.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from langgraph_fusion.graph.citations import CITATIONS, names_in
from langgraph_fusion.models.text import clean_text

Anchors = Mapping[str, str]
"""Id of a source, or number of a citation -> the anchor in the page, without `#`."""

_NUMBER = re.compile(r"\[(\d{1,4})\]")
_CITED = re.compile(rf"{CITATIONS.pattern}|\[(?P<number>\d{{1,4}})\]")
_SAFE = re.compile(r"(?:https?://|mailto:)\S", re.I)
_SIDE = re.compile("center|right")
_NO_REFERRER = "noreferrer noopener nofollow"


def render_markdown(text: object, anchors: Anchors | None = None) -> Markup:
    """Return Markdown as HTML; citations whose id or number is in `anchors` lead there.

    Headings begin at `<h3>`, below those of the page.
    """
    tokens = _parser().parse(clean_text(text))
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, max(3, int(token.tag[1]) + 1))}"
        elif token.type in ("th_open", "td_open") and (side := _SIDE.search(_style(token))):
            token.attrs = {"class": side[0]}  # a strict policy forbids styles in the text
        if token.children:
            token.children = list(_inline(token.children, anchors or {}))
    return Markup(_parser().renderer.render(tokens, _parser().options, {}))


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.validateLink = lambda url: True  # type: ignore[method-assign]  # `_inline` decides
    return parser


def _inline(children: list[Token], anchors: Anchors) -> Iterator[Token]:
    """The parts of a paragraph, with links and citations that lead where they may."""
    open_links = list[bool]()  # for each, whether its address is kept
    at = 0
    while at < len(children):
        if number := _cited_number(children[at : at + 3], anchors):
            yield from _citation(number, anchors)
            at += 3
        else:
            yield from _part(children[at], anchors, open_links)
            at += 1


def _part(token: Token, anchors: Anchors, open_links: list[bool]) -> Iterator[Token]:
    if token.type == "link_open":
        open_links.append(_may_leave(token.attrGet("href")))
        token.attrSet("rel", _NO_REFERRER)
        yield from [token] if open_links[-1] else []
    elif token.type == "link_close":
        yield from [token] if open_links.pop() else []
    elif token.type == "image":
        yield from _linked_image(token, inside_link=bool(open_links))
    elif token.type == "text" and not open_links:
        yield from _with_citations(token.content, anchors)
    else:
        yield token


def _style(token: Token) -> str:
    return str(token.attrGet("style") or "")


def _may_leave(url: object) -> bool:
    return bool(_SAFE.match(str(url or "")))


def _cited_number(part: list[Token], anchors: Anchors) -> str:
    """The number if this is one of the links that the check writes: `[[3]](address)`."""
    if [one.type for one in part] != ["link_open", "text", "link_close"]:
        return ""
    found = _NUMBER.fullmatch(part[1].content)
    return found[1] if found and found[1] in anchors else ""


def _with_citations(text: str, anchors: Anchors) -> Iterator[Token]:
    """Ids of sources, and numbers of those that have no address of their own."""
    at = 0
    for found in _CITED.finditer(text):
        names = [found["number"]] if found["number"] else names_in(found.group())
        if all(name in anchors for name in names):
            yield _text(text[at : found.start()])
            for name in names:
                yield from _citation(name, anchors)
            at = found.end()
    yield _text(text[at:])


def _citation(name: str, anchors: Anchors) -> Iterator[Token]:
    yield Token("link_open", "a", 1, attrs={"class": "cite", "href": f"#{anchors[name]}"})
    yield _text(name)
    yield Token("link_close", "a", -1)


def _linked_image(token: Token, *, inside_link: bool) -> Iterator[Token]:
    url = str(token.attrGet("src") or "")
    leads = _may_leave(url) and not inside_link
    if leads:
        yield Token("link_open", "a", 1, attrs={"href": url, "rel": _NO_REFERRER})
    yield _text(f"[image: {token.content or url}]")
    if leads:
        yield Token("link_close", "a", -1)


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)
