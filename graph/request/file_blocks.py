"""Files in a conversation, in whatever form of a content block: found, named, taken out, put in.

Inside the graph a file is LangChain's standard content block, with its data or its address in it:

    {"type": "file", "base64": "…", "mime_type": "application/pdf",
     "extras": {"filename": "report.pdf"}}

Not covered: whether the data can be decoded. That is found out when a run reads it, and told in its
result; a request is not refused for one bad file.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from langchain_core.messages import AnyMessage, BaseMessage

from langgraph_fusion.graph.request.images import has_images, is_image

Json = dict[str, Any]
M = TypeVar("M", bound=BaseMessage)
_KINDS = ("file", "input_file", "document", "text-plain")
_FORMS = ("data", "base64", "file_data", "text", "url", "file_url", "file_id", "id")
_WEB = ("https://", "http://")
NO_STORED_FILES = (
    "`file_id` names a file stored elsewhere, which cannot be read here; send the file itself as "
    "`file_data` (a data URL `data:application/pdf;base64,…`), or its https address as `file_url`"
)
NO_DATA = "the file has no data"
NO_QUESTION = "Say what the attached files hold, and what of it matters."
"""The question of somebody who sent files and no text."""
ONLY_IMAGES = "Say what the attached images show, and what of it matters."
"""The question of somebody who sent images and no text."""


@dataclass(frozen=True)
class SentFile:
    """A file as its sender gave it: encoded data, a text, or an address."""

    name: str
    """As it was sent; may be empty or hostile."""
    data: str = ""
    """Base64 or a data URL."""
    text: str = ""
    url: str = ""
    problem: str = ""
    """Why there is nothing to read in it."""

    def decoded(self) -> bytes:
        """The bytes of one that is not remote.

        Raises:
            ValueError: If its data is neither base64 nor a data URL.
        """
        if not self.data:
            return self.text.encode(errors="replace")
        head, comma, rest = self.data.partition(",")
        if head[:5].lower() == "data:" and comma:
            if not head.lower().rstrip().endswith(";base64"):
                return unquote_to_bytes(rest)
            return _from_base64(rest)
        return _from_base64(self.data)


def file_block(name: str, data: str = "", *, url: str = "", media_type: str = "") -> Json:
    """A file as a content block; `data` is base64 or a data URL."""
    inner = {"url": url} if url else {"base64": data}
    block = {"type": "file", **inner, "extras": {"filename": name}}
    return block | ({"mime_type": media_type} if media_type else {})


def is_file(part: Any) -> bool:
    """Whether a content block is a file, in whatever form."""
    return isinstance(part, Mapping) and part.get("type") in _KINDS


def sent_file(part: Mapping[str, Any]) -> SentFile:
    """The file of a content block: LangChain's forms, OpenAI's two, Anthropic's."""
    inner = part.get("file", part.get("source"))
    said: Mapping[str, Any] = {**part, **inner} if isinstance(inner, Mapping) else part
    given = {form: said[form] for form in _FORMS if isinstance(said.get(form), str)}
    url = given.get("url") or given.get("file_url") or ""
    data = given.get("base64") or given.get("file_data") or given.get("data") or ""
    if url[:5].lower() == "data:":
        url, data = "", url
    name = _name_in(said) or _name_of(url)
    if data or "text" in given:
        is_text = not data or said.get("type") == "text" or said.get("source_type") == "text"
        return SentFile(name, "" if is_text else data, given.get("text", data) if is_text else "")
    if url:
        web = url.lower().startswith(_WEB)
        problem = "" if web else "its address is none of the web's; send an https address"
        return SentFile(name, url=url, problem=problem)
    stored = "file_id" in given or said.get("source_type") == "id"
    return SentFile(name, problem=NO_STORED_FILES if stored else NO_DATA)


def check_file(part: Mapping[str, Any]) -> None:
    """Raise ValueError for a block that could never hold a file: without data, or a stored one's.

    Whether data can be decoded is found out when it is read.
    """
    sent = sent_file(part)
    if sent.problem == NO_DATA:
        raise ValueError(f"{NO_DATA}; send it as `file_data` (a data URL), or its `file_url`")
    if sent.problem:
        raise ValueError(sent.problem)


def standard_block(part: Mapping[str, Any]) -> Json:
    """The file of a block of any form as LangChain's standard block; raises as `check_file`."""
    check_file(part)
    sent = sent_file(part)
    data = sent.data or base64.b64encode(sent.decoded()).decode()
    return file_block(sent.name, "" if sent.url else data, url=sent.url)


def sent_files(messages: Sequence[BaseMessage]) -> list[SentFile]:
    """Every file that a user sent in a conversation, in order."""
    return [sent_file(part) for part in _file_parts(messages)]


def has_files(message: BaseMessage) -> bool:
    """Whether a user's message has a file in it."""
    return next(_file_parts([message]), None) is not None


def asked_text(message: BaseMessage) -> str:
    """What a user's message asks; one with files or images alone asks what they hold."""
    if text := message.text.strip():
        return text
    if has_files(message):
        return NO_QUESTION
    return ONLY_IMAGES if message.type == "human" and has_images(message) else ""


def without_files(message: M) -> M:
    """The message without its files, which reach models as sources; others as they are.

    One of files or images without a word gets the question that it stands for.
    """
    wordless = bool(asked_text(message)) and not message.text.strip()
    if not has_files(message) and not wordless:
        return message
    kept = [part for part in message.content if not is_file(part)]
    only_text = all(isinstance(part, str) or part.get("type") == "text" for part in kept)
    content: Any = asked_text(message) if only_text else kept
    if wordless and not only_text:
        said = {"type": "text", "text": asked_text(message)}
        content = [said, *(part for part in kept if is_image(part))]
    return message.model_copy(update={"content": content})


def with_text(message: M, text: str) -> M:
    """The message with a further text behind what it says."""
    if not text:
        return message
    content = message.content
    if isinstance(content, str):
        return message.model_copy(update={"content": f"{content}\n\n{text}"})
    return message.model_copy(update={"content": [*content, {"type": "text", "text": text}]})


def with_data(messages: Sequence[AnyMessage], fetched: Mapping[str, bytes]) -> list[AnyMessage]:
    """The conversation with what was fetched from these addresses in it: nobody asks for it twice.

    Data that was sent as text or in another form stays as it was sent.
    """

    def filled(part: Any) -> Any:
        sent = sent_file(part) if is_file(part) else None
        if sent is None or not sent.url or sent.url not in fetched:
            return part
        return file_block(sent.name, base64.b64encode(fetched[sent.url]).decode())

    return [
        message.model_copy(update={"content": [filled(part) for part in message.content]})
        if fetched and has_files(message)
        else message
        for message in messages
    ]


def _file_parts(messages: Sequence[BaseMessage]) -> Iterator[Mapping[str, Any]]:
    for message in messages:
        if message.type == "human" and isinstance(message.content, list):
            yield from (part for part in message.content if is_file(part))  # type: ignore[misc]


def _name_in(said: Mapping[str, Any]) -> str:
    places = (said, said.get("extras"), said.get("metadata"))
    for place in places:
        for key in ("filename", "title", "name"):
            if isinstance(place, Mapping) and isinstance(place.get(key), str) and place[key]:
                return str(place[key])
    return ""


def _name_of(url: str) -> str:
    try:
        return unquote(urlsplit(url).path.rpartition("/")[2])
    except ValueError:
        return ""


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("its data is no base64") from None
