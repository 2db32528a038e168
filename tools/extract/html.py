"""HTML to Markdown by trafilatura; a page that is too much for it to its visible words."""

import logging
import re

from langgraph_fusion.tools.extract.text import Text

for _name in ("trafilatura", "htmldate", "courlan", "justext"):
    logging.getLogger(_name).addHandler(logging.NullHandler())  # else warnings go to the terminal

_MIN_CHARACTERS = 40
"""Below this the extraction found no article, and all visible text serves better."""
_MANY_ELEMENTS = 20_000
"""trafilatura takes 0.3 ms an element, and in bad nesting the square of it."""
_ELEMENT = re.compile(r"<[a-zA-Z]")
_XML = re.compile(r"<\?xml[^>]{0,200}\?>")
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "fieldset",
    "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main",
    "nav", "ol", "p", "pre", "section", "table", "tr", "ul", "title",
})  # fmt: skip
_UNSEEN = frozenset({"script", "style", "template", "noscript", "head"})


def html_text(html: str, url: str | None = None) -> Text:
    """Return title and readable Markdown of a page; what is not there is empty. Slow."""
    import trafilatura

    if not html.strip():
        return Text("", "")
    if sum(1 for _ in _ELEMENT.finditer(html)) > _MANY_ELEMENTS:
        return html_words(html)
    html = _with_doctype(html)
    document = trafilatura.extract_with_metadata(
        html,
        url=url,
        output_format="markdown",
        include_tables=True,
        include_links=True,
        include_formatting=True,
        favor_recall=True,
    )
    title = (document.title or "") if document else ""
    text = _without_front_matter(document.text or "") if document else ""
    if len(text) < _MIN_CHARACTERS:
        words = html_words(html)
        return Text(title or words.title, words.text)
    return Text(title, text)


def html_words(html: str) -> Text:
    """Return title and visible words of a page, a block a line. Linear in the page's length."""
    from lxml import etree

    builder = _Words()
    parser = etree.HTMLParser(target=builder, encoding="utf-8", huge_tree=False)
    parser.feed(_with_doctype(html).encode("utf-8", "replace"))
    try:
        parser.close()
    except etree.XMLSyntaxError:  # no element at all
        return Text("", "" if "<" in html else html.strip())
    return builder.text()


class _Words:
    """Collects words as the parser meets them, without building a tree."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._title: list[str] = []
        self._unseen = 0
        self._in_title = False

    def start(self, tag: str, attributes: object) -> None:
        self._unseen += tag in _UNSEEN
        self._in_title = tag == "title"
        self._parts.append("\n" if tag in _BLOCKS else " " if tag in ("td", "th") else "")

    def end(self, tag: str) -> None:
        self._unseen = max(0, self._unseen - (tag in _UNSEEN))
        self._in_title = False
        self._parts.append("\n" if tag in _BLOCKS else "")

    def data(self, data: str) -> None:
        if self._in_title:
            self._title.append(data)
        elif not self._unseen:
            self._parts.append(data)

    def close(self) -> None:
        """Do nothing: the parser wants it there."""

    def text(self) -> Text:
        lines = (" ".join(line.split()) for line in "".join(self._parts).split("\n"))
        title = " ".join("".join(self._title).split())
        return Text(title, "\n\n".join(line for line in lines if line))


def _with_doctype(html: str) -> str:
    """Make it begin as the parser wants a document to begin, else a fragment reads as nothing."""
    html = html.lstrip()
    html = html[found.end() :].lstrip() if (found := _XML.match(html)) else html
    return html if "html" in html[:50].lower() else f"<!doctype html>\n{html}"


def _without_front_matter(text: str) -> str:
    """Drop author and dates: they are guesses, and would read as the page's own words."""
    return text.partition("\n---\n")[2].strip() if text.startswith("---\n") else text.strip()
