"""One reader for each kind of file. They run in the child process of `worker.py`."""

from typing import Any, Literal

from langgraph_fusion.tools.extract.text import Text

Kind = Literal["html", "html_words", "pdf", "office"]


def read(kind: Kind, data: bytes, options: dict[str, Any]) -> Text:
    """Return the text of a file. Parsers are loaded when a file needs them.

    Raises:
        Exception: Whatever a parser raises over a broken file.
    """
    if kind == "pdf":
        from langgraph_fusion.tools.extract.pdf import pdf_text

        return pdf_text(data, **options)
    if kind == "office":
        from langgraph_fusion.tools.extract.office import office_text

        return office_text(data, **options)
    from langgraph_fusion.tools.extract.charset import decode
    from langgraph_fusion.tools.extract.html import html_text, html_words

    html = decode(data, options.get("charset"), html=True)
    return html_words(html) if kind == "html_words" else html_text(html, options.get("url"))
