"""The run-wide registry of everything a tool has shown to a member."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from langgraph_fusion.models.text import clean_text
from langgraph_fusion.tools.urls import canonical_url

Kind = Literal["search", "page", "document", "command", "tool"]

_LONG_ENOUGH = 200
"""Shorter texts than this many characters may be equal by chance ("404", a cookie notice)."""

_TITLE_CHARS = 100
"""Of a command or a call, in the title of its output."""


class Source(BaseModel):
    """Something a member saw, under the id by which it cites it."""

    model_config = ConfigDict(frozen=True)

    id: str
    seat: str
    kind: Kind
    url: str
    """Empty for the output of a command or of a server's tool, which has no address."""
    canonical_url: str
    title: str
    retrieved_at: str
    """ISO 8601, UTC."""
    published: str | None = None
    """The day it was published or last changed, ISO 8601, as a search engine said."""
    sha256: str
    """Of the text with white space and letter case normalised."""
    text: str
    """What was seen, not what the page holds."""
    same_as: str | None = None
    """Id of the first source with the same canonical URL or the same content."""
    aliases: tuple[str, ...] = ()
    """Canonical URLs that led here by redirect."""


class Sources:
    """All sources of one run. For one event loop only, hence without locks."""

    def __init__(self, known: Iterable[Source] = ()) -> None:
        self._by_id = {source.id: source for source in known}
        self._skipped = dict[str, int]()

    def restore(self, known: Iterable[Source]) -> None:
        """Know these as well, under their ids."""
        self._by_id = {source.id: source for source in known} | self._by_id

    def skip_ids(self, seat: str, count: int) -> None:
        """Give this seat no id up to this number: it may know others by them."""
        self._skipped[seat] = count

    def add(
        self,
        seat: str,
        kind: Kind,
        url: str,
        title: str,
        text: str,
        *,
        asked: str | None = None,
        published: str | None = None,
    ) -> Source:
        """Record that a member saw this text, and return it under the id to cite.

        The same seat gets the same id for the same canonical URL: a page replaces the snippets
        that led to it, and further text of the same kind is added. Another seat gets its own id
        with `same_as`. `asked` is the URL that was asked for, where it redirected to `url`.
        """
        canonical = canonical_url(url)
        names = {canonical} | ({canonical_url(asked)} if asked else set())
        old = next((source for source in self._of(seat) if names & _names(source)), None)
        if old:
            names |= _names(old)
            if old.kind != "search" and kind == "search":
                return old
            text = _merged(old, kind, text)
        digest = _digest(text)
        source = Source(
            id=old.id if old else self._next_id(seat),
            seat=seat,
            kind=kind,
            url=url,
            canonical_url=canonical,
            title=title or (old.title if old else ""),
            retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
            published=published or (old.published if old else None),
            sha256=digest,
            text=text,
            aliases=tuple(sorted(names - {canonical})),
        )
        return self._keep(source, old)

    def add_command(self, seat: str, command: str, output: str) -> Source:
        """Record what a command printed, and return it under the id to cite.

        The same command with the same output keeps its id.
        """
        title = _called("bash", command)
        return self._add_output(seat, "command", title, f"$ {clean_text(command).strip()}", output)

    def add_tool(self, seat: str, tool: str, arguments: Mapping[str, Any], output: str) -> Source:
        """Record what a server's tool returned, and return it under the id to cite.

        The same call with the same output keeps its id.
        """
        call = json.dumps(arguments, ensure_ascii=False)
        return self._add_output(
            seat, "tool", _called(tool, call), f"{tool}({clean_text(call)})", output
        )

    def _add_output(self, seat: str, kind: Kind, title: str, asked: str, output: str) -> Source:
        text = f"{asked}\n{output}"
        digest = _digest(text)
        for old in self._of(seat):
            if old.kind == kind and old.sha256 == digest:
                return old
        source = Source(
            id=self._next_id(seat),
            seat=seat,
            kind=kind,
            url="",
            canonical_url="",
            title=title,
            retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
            sha256=digest,
            text=text,
        )
        return self._keep(source, None)

    def join(self, source: Source) -> Source:
        """Take over a source of another run under its own id, marking what it repeats."""
        return self._keep(source.model_copy(update={"same_as": None}), None)

    def get(self, source_id: str) -> Source | None:
        """Return the source with this id, if there is one."""
        return self._by_id.get(source_id)

    def resolve(self, source_id: str) -> Source | None:
        """Return the first source that this one repeats, or itself."""
        source = self._by_id.get(source_id)
        while source and source.same_as:
            source = self._by_id.get(source.same_as)
        return source

    def all(self) -> list[Source]:
        """Return all sources in the order in which they were first seen."""
        return list(self._by_id.values())

    def by_url(self, url: str) -> Source | None:
        """Return the first source seen at this address, redirects included."""
        name = canonical_url(url)
        return next((source for source in self._by_id.values() if name in _names(source)), None)

    def seen_by(self, seat: str, url: str) -> Source | None:
        """Return what this seat was shown at this very address."""
        name = canonical_url(url)
        return next((source for source in self._of(seat) if name in _names(source)), None)

    def _keep(self, source: Source, old: Source | None) -> Source:
        same_as = old.same_as if old else None
        if same_as is None:
            same_as = self._first_equal(source)
        source = source.model_copy(update={"same_as": same_as})
        self._by_id[source.id] = source
        return source

    def _first_equal(self, source: Source) -> str | None:
        """Look only at earlier ones, so that `same_as` never runs in a circle."""
        long_enough = len(source.text) >= _LONG_ENOUGH
        for other in self._by_id.values():
            if other.id == source.id:
                return None
            if _names(other) & _names(source) or (long_enough and other.sha256 == source.sha256):
                return other.id
        return None

    def _of(self, seat: str) -> Iterable[Source]:
        return (source for source in self._by_id.values() if source.seat == seat)

    def _next_id(self, seat: str) -> str:
        taken = (int(source.id.removeprefix(seat)) for source in self._of(seat))
        return f"{seat}{max([self._skipped.get(seat, 0), *taken]) + 1}"


def _names(source: Source) -> set[str]:
    return {source.canonical_url, *source.aliases} - {""}


def _called(tool: str, with_what: str) -> str:
    """The tool, and the beginning of what it was called with, on one line."""
    line = " ".join(clean_text(with_what).split())
    return f"{tool}: {line if len(line) <= _TITLE_CHARS else f'{line[:_TITLE_CHARS].rstrip()} …'}"


def _merged(old: Source, kind: Kind, text: str) -> str:
    if old.text in text or (old.kind == "search" and kind != "search"):
        return text
    return old.text if text in old.text else f"{old.text}\n[…]\n{text}"


def _digest(text: str) -> str:
    return hashlib.sha256(re.sub(r"\s+", " ", text).strip().casefold().encode()).hexdigest()
