"""HTML to Markdown by trafilatura, with tables and links."""

import logging
import re

import trafilatura

for _name in ("trafilatura", "htmldate", "courlan", "justext"):
    logging.getLogger(_name).addHandler(logging.NullHandler())  # else warnings go to the terminal

_MIN_CHARACTERS = 40
"""Below this the extraction found no article, and all visible text serves better."""


def html_text(html: str, url: str | None = None) -> tuple[str, str]:
    """Return title and readable Markdown of a page; what is not there is empty. Slow."""
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
        text = trafilatura.html2txt(html)
    return title, text


def _with_doctype(html: str) -> str:
    """Make it begin as the parser wants a document to begin, else a fragment reads as nothing."""
    html = re.sub(r"^\s*<\?xml[^>]{0,200}\?>", "", html).lstrip()
    return html if "html" in html[:50].lower() else f"<!doctype html>\n{html}"


def _without_front_matter(text: str) -> str:
    """Drop author and dates: they are guesses, and would read as the page's own words."""
    return text.partition("\n---\n")[2].strip() if text.startswith("---\n") else text.strip()
