"""Which files of a folder are read, how, and what to say of those that are not."""

from importlib.util import find_spec
from typing import Literal

from langgraph_fusion.tools.docs_index.headings import Markup

Reader = Literal["text", "notebook", "html", "pdf", "office"]

_MARKUP: dict[str, Markup] = {
    ".md": "markdown", ".markdown": "markdown", ".mdx": "markdown", ".qmd": "markdown",
    ".rmd": "markdown", ".txt": "plain", ".text": "plain", ".rst": "rst", ".rest": "rst",
    ".adoc": "asciidoc", ".asciidoc": "asciidoc", ".asc": "asciidoc",
    ".html": "markdown", ".htm": "markdown", ".xhtml": "markdown", ".ipynb": "markdown",
    ".docx": "markdown", ".pptx": "markdown", ".xlsx": "markdown", ".xls": "markdown",
    ".epub": "markdown", ".msg": "markdown",
}  # fmt: skip
_HTML = (".html", ".htm", ".xhtml")
_OFFICE = (".docx", ".pptx", ".xlsx", ".xls", ".epub", ".msg")
_OLD_OFFICE = (
    ".doc", ".ppt", ".odt", ".ods", ".odp", ".rtf", ".pages", ".numbers", ".key", ".mobi",
)  # fmt: skip
_MEDIA = (
    ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ico", ".heic", ".avif",
    ".psd", ".svg", ".svgz", ".eps", ".mp3", ".wav", ".flac", ".ogg", ".m4a", ".mp4", ".mov",
    ".avi", ".mkv", ".webm",
    ".ttf", ".otf", ".woff", ".woff2",
)  # fmt: skip
_ARCHIVES = (
    ".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".jar", ".whl", ".iso",
)  # fmt: skip


def reader_of(suffix: str) -> Reader:
    """How a file with this suffix (in lower case) is read; what is not known is tried as text."""
    if suffix in _HTML:
        return "html"
    if suffix == ".pdf":
        return "pdf"
    if suffix == ".ipynb":
        return "notebook"
    return "office" if suffix in _OFFICE else "text"


def markup_of(suffix: str) -> Markup:
    """Which marks are headings in the text of such a file; in source code and tables none are."""
    return _MARKUP.get(suffix, "none")


def refusal_reason(suffix: str) -> str:
    """Why a file with this suffix is not read, and the way out; empty if it is tried."""
    if suffix in _OLD_OFFICE:
        return f"the format {suffix} is not read: save it as .docx, .xlsx, .pptx or PDF"
    if suffix in _MEDIA:
        return f"no text: the format {suffix} is not read"
    if suffix in _ARCHIVES:
        return f"an archive ({suffix}): unpack it to have it read"
    return ""


def missing_extra(suffix: str) -> str:
    """What to install before a file with this suffix can be read; empty if nothing is missing."""
    if suffix in _OFFICE and find_spec("markitdown") is None:
        return f"{suffix} needs the extra `office`: pip install 'langgraph-fusion[office]'"
    return ""
