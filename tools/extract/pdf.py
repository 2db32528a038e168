"""PDF to text by pypdf, within limits of pages and time."""

import io
import logging
import time

import pypdf

from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.extract.text import Text

logging.getLogger("pypdf").addHandler(logging.NullHandler())  # else warnings go to the terminal


def pdf_text(data: bytes, *, max_pages: int, seconds: float) -> Text:
    """Read a PDF page by page, until `max_pages` or so many `seconds` are used up.

    A page that cannot be read is left out, and the note says so.

    Raises:
        ToolFailure: `unsupported_type` if it is damaged or needs a password.
    """
    deadline = time.monotonic() + seconds
    reader = _opened(data)
    pages, broken = list[str](), 0
    count = _number_of_pages(reader)
    while len(pages) < min(count, max_pages) and time.monotonic() < deadline:
        try:
            pages.append(reader.pages[len(pages)].extract_text())
        except Exception:  # noqa: BLE001 - pypdf raises whatever a broken page leads it to
            pages.append("")
            broken += 1
    if broken and broken == len(pages):
        raise _damaged()
    return Text(_title(reader), "\n\n".join(pages), _note(pages, count, broken))


def _opened(data: bytes) -> pypdf.PdfReader:
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        locked = reader.is_encrypted and not reader.decrypt("")
    except Exception as error:
        raise _damaged() from error
    if locked:
        raise ToolFailure("unsupported_type", "This PDF needs a password.")
    return reader


def _number_of_pages(reader: pypdf.PdfReader) -> int:
    try:
        return len(reader.pages)
    except Exception as error:
        raise _damaged() from error


def _title(reader: pypdf.PdfReader) -> str:
    try:
        return str(reader.metadata.title or "") if reader.metadata else ""
    except Exception:  # noqa: BLE001 - a file may be whole but for its title
        return ""


def _damaged() -> ToolFailure:
    return ToolFailure("unsupported_type", "This PDF is damaged.")


def _note(pages: list[str], count: int, broken: int) -> str:
    if not any(page.strip() for page in pages):
        return f"[a PDF of {count} pages without text, perhaps scanned images]"
    if len(pages) < count:
        return f"[only the first {len(pages)} of {count} pages could be read]"
    return f"[{broken} of {count} pages could not be read]" if broken else ""
