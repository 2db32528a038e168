"""Office documents and electronic books to Markdown, by markitdown (the extra `office`)."""

import io
import zipfile

from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.extract.text import Text

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def office_text(data: bytes, *, suffix: str) -> Text:
    """Return title and Markdown of a document of this format, such as `.docx`.

    Raises:
        ToolFailure: `unsupported_type` if it is not what such a file is (a zip archive or OLE).
        Exception: Whatever markitdown and the libraries behind it raise over a broken file.
    """
    if not (zipfile.is_zipfile(io.BytesIO(data)) or data.startswith(_OLE)):
        raise ToolFailure("unsupported_type", f"This {suffix} file is damaged.")
    from markitdown import MarkItDown, StreamInfo

    converter = MarkItDown(enable_plugins=False)
    read = converter.convert_stream(io.BytesIO(data), stream_info=StreamInfo(extension=suffix))
    return Text(read.title or "", read.markdown)
