"""A question with an image and a file, and whether a seat was given both."""

from typing import Any

from tests.files import FACT, base64_of, readable
from tests.files import data_url as file_data_url
from tests.images import BLUE, colours, data_url, png
from tests.scripted import Reply, ScriptedServer, Seen, text

_PDF = readable()["report.pdf"]
FILE_URL = file_data_url(_PDF)
READ = "The file says 4711."
"""The answer of a writer to whom a member has said so."""
TEXT: Any = {"type": "text", "text": "What is it?"}
IMAGE: Any = {"type": "image_url", "image_url": {"url": data_url(png(BLUE))}}
FILE: Any = {"type": "file", "file": {"filename": "report.pdf", "file_data": base64_of(_PDF)}}
EMPTY: Any = {"type": "file", "file": {"filename": "none.txt", "file_data": "data:text/plain,"}}
MESSAGES: Any = [{"role": "user", "content": [TEXT, IMAGE, FILE, EMPTY]}]
INPUT: Any = [
    {
        "role": "user",
        "content": [
            {"type": "input_text", "text": "What is it?"},
            {"type": "input_image", "image_url": data_url(png(BLUE)), "detail": "auto"},
            {"type": "input_file", "filename": "report.pdf", "file_data": data_url(_PDF)},
            {"type": "input_file", "filename": "none.txt", "file_data": "data:text/plain,"},
        ],
    }
]
"""The same for the Responses API."""


def reads_the_file(seen: Seen) -> Reply:
    """A member's part."""
    return text(READ if FACT in seen.text else "Alpha says 42.")


def has_read(seen: Seen) -> bool:
    """Whether the writer was told what is in the file."""
    return READ in seen.text


def asked_models(models: ScriptedServer) -> list[str]:
    """The models that were asked; the list of a provider's models is asked for as well."""
    return [seen.model for seen in models.requests if seen.model]


def was_given(seen: Seen) -> bool:
    """Whether a request of a member that has no tools holds both."""
    return colours(seen.images) == "blue" and FACT in seen.text


def is_said_of(result: Any) -> bool:
    """Whether a result says who saw the image and what was read."""
    (image,) = result["images"]
    read = {one["name"]: one["read"] for one in result["attached"]}
    return image["seen_by"] == ["A", "B", "C", "judge", "synthesizer"] and read == {
        "report.pdf": True,
        "none.txt": False,
    }
