"""PDF to text by pypdf, within limits of pages and time."""

import io
import logging
import time
from dataclasses import dataclass

import pypdf
from pypdf.errors import PyPdfError

from langgraph_fusion.tools.errors import ToolFailure

logging.getLogger("pypdf").addHandler(logging.NullHandler())  # else warnings go to the terminal


@dataclass(frozen=True)
class PdfText:
    """The text of a PDF; `note` says what is missing from it."""

    title: str
    text: str
    note: str = ""


def pdf_text(data: bytes, *, max_pages: int, timeout_s: float) -> PdfText:
    """Read a PDF page by page. Slow: for a thread; the time limit is looked at between pages.

    Raises:
        ToolFailure: `unsupported_type` if it is damaged or needs a password.
    """
    deadline = time.monotonic() + timeout_s
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        title = str(reader.metadata.title or "") if reader.metadata else ""
        count, pages = len(reader.pages), list[str]()
        while len(pages) < min(count, max_pages) and time.monotonic() < deadline:
            pages.append(reader.pages[len(pages)].extract_text())
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError,
            OSError, RecursionError, NotImplementedError, ArithmeticError) as error:  # fmt: skip
        raise ToolFailure("unsupported_type", "This PDF is damaged or locked.") from error
    return PdfText(title, "\n\n".join(pages), _note(pages, count))


def _note(pages: list[str], count: int) -> str:
    if not any(page.strip() for page in pages):
        return f"[a PDF of {count} pages without text, perhaps scanned images]"
    if len(pages) < count:
        return f"[only the first {len(pages)} of {count} pages could be read]"
    return ""
