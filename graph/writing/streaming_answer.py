"""The final answer while it is being written, as a streaming API sends it.

The writer's pieces carry ids such as `[A3]`; the final text has numbered links, marks and a source
list. `LiveAnswer` resolves them on the fly, so that all it returns, joined, is the final text. It
holds back what may still change: half an address, half a citation, the space at the end.

What was sent cannot be taken back. When a writer gives way to another one in the middle, the text
goes on with `RESTARTED` and then the whole new answer.
"""

import re
from collections.abc import Iterable
from typing import Any

from langgraph_fusion.graph.writing.check import passed_code, resolved_prose
from langgraph_fusion.graph.writing.live_markdown import LiveMarkdown
from langgraph_fusion.graph.writing.result_of import Checked
from langgraph_fusion.models.markup.tool_formats import ANY_OPENER
from langgraph_fusion.tools.sources import Source, Sources

RESTARTED = "\n\n---\n\n*The text above was interrupted. The whole answer follows.*\n\n"
_MAX_HELD = 4000
"""Characters held back before the rest waits for the end of the run."""
_MAX_READ = 20_000
"""Characters read again with every piece: one list or table may be very long."""
_MOST_LIVE = 200_000
"""Characters of an answer that are passed on while it is written; the rest comes at the end."""
_MARKUP = re.compile(
    r"<(?:[\w.-]+:)?(?:think|thought|reasoning|tool|function|invoke)|<[|\uff5c/]|\[TOOL_CALLS"
    rf"|{ANY_OPENER.pattern}|\A(?:analysis|commentary)(?=[A-Z<])"
)
"""How leaked markup begins: only the whole text can be cleaned of it."""
_ADDRESS = re.compile(r"(?:\]\(?)?(?:http\S*|htt?|h)?\Z", re.I)
_WWW = re.compile(r"(?<!\S)\S*?(?:www\.\S*|ww?w?)\Z", re.I)
"""A word that an address without its scheme stands in, or may stand in."""
_TOUCHING = re.compile(r"[a-z0-9@./*_\\-]\Z", re.I)
"""After it no such address begins, or a citation that is taken out leaves a space."""
_LEAK = re.compile(
    r"(?:<[^>\s]*|\[[A-Za-z_]*\d*|`{1,2}|\](?:<\S*)?|\u25c1[^\u25b7\s]*"
    r"|\b[a-z]+(?: to=\S*|(?:(?<=commentary)|(?<=analysis)) ?t?o?)?)?\Z"
)
"""What may become such a beginning with the next piece."""
_WORDS = r"(?:[A-H\d,;/&+\s\u2013-]|and|[Ss]ources?:?)"
_CITATION = rf"\\?[\[\u3010]{_WORDS}{{0,200}}\\?[\]\u3011](?:\((?:[^()\s]|\([^()\s]*\))*\))?"
_BEGUN = rf"\\?[\[\u3010](?:{_WORDS}|[Saouncd]){{0,200}}(?:\\?[\]\u3011]?(?:\([^\s]*)?)?"
"""The beginning of a citation that may go on."""
_SIDE_BY_SIDE = re.compile(
    rf"(?:{_CITATION}[ ,;]*)*(?:\\|{_BEGUN}|(?<=[\]\u3011),;\s])[.,:;!?]+)?\Z"
)
_BEFORE_CITATION = re.compile(r"(?<![ \t])[ \t]*\(?\Z")
"""It goes with a citation that leads to no source."""
_UNDECIDED = (_ADDRESS, _WWW, _SIDE_BY_SIDE, _LEAK)


class LiveAnswer:
    """The answer of one run, piece by piece. `plain` text has no citations to resolve."""

    def __init__(self, *, plain: bool = False) -> None:
        self._plain = plain
        self._sources = Sources()
        self._empty()

    def take(self, event: dict[str, Any]) -> str:
        """Return what this event adds to the answer; mostly nothing."""
        match event["type"]:
            case "sources":
                self._sources = Sources(Source(text="", **one) for one in event["sources"])
            case "writer.started":
                return self._start_again()
            case "writer.delta":
                return self._sent_now(self._add(event["text"]))
            case "run.finished":
                return self._rest(event["result"]["answer"])
        return ""

    def _empty(self) -> None:
        self._checked = Checked(text="")
        self._sent: list[str] = []
        self._markdown = LiveMarkdown()
        self._held = ""
        self._space = ""
        self._before = ""
        self._begun = False
        self._muted = False
        self._chars = 0

    def _start_again(self) -> str:
        notice = RESTARTED if self._sent else ""
        self._empty()
        return notice

    def _rest(self, final: str) -> str:
        sent = "".join(self._sent)
        if final.startswith(sent):
            return final[len(sent) :]
        return RESTARTED + final

    def _sent_now(self, text: str) -> str:
        """Keep white space until more comes: the final text has none at either end."""
        text = self._space + text if self._sent else text.lstrip()
        bare = text.rstrip()
        self._space = text[len(bare) :]
        if bare:
            self._sent.append(bare)
        return bare

    def _add(self, piece: str) -> str:
        self._chars += len(piece)
        self._muted = self._muted or self._chars > _MOST_LIVE
        if self._muted:
            return ""  # the rest comes with the end of the run; nothing of it is read before
        if self._plain:
            return self._added_plain(piece)
        if not self._begun:
            piece = piece.lstrip()  # an indentation at the top makes no code of the final text
            self._begun = bool(piece)
        self._markdown.add(piece)
        held = self._markdown.held
        self._muted |= len(held) > _MAX_HELD or self._markdown.size > _MAX_READ
        self._muted = self._muted or bool(_MARKUP.search(held))
        if self._muted:
            return ""
        parts = self._markdown.decided(_decided)
        return "".join(self._resolved(text, is_code) for text, is_code in parts if text)

    def _added_plain(self, piece: str) -> str:
        self._held += piece
        self._muted = len(self._held) > _MAX_HELD or bool(_MARKUP.search(self._held))
        return "" if self._muted else self._cut(_start_of(_LEAK, self._held))

    def _resolved(self, text: str, is_code: bool) -> str:
        before = self._before
        found = None if is_code else _TOUCHING.search(text)
        self._before = found[0] if found else ""
        if is_code:
            return passed_code(text, self._checked)
        return resolved_prose(before + text, self._sources, self._checked)[len(before) :]

    def _cut(self, length: int) -> str:
        part, self._held = self._held[:length], self._held[length:]
        return part


def _decided(prose: str) -> int:
    """How much of the prose no further text can change, nor what touches the rest."""
    end = _before(_UNDECIDED, prose, len(prose))
    return _before((_BEFORE_CITATION, _SIDE_BY_SIDE), prose, end)


def _before(patterns: Iterable[re.Pattern[str]], prose: str, end: int) -> int:
    """Where the prose has to end so that none of the patterns stands at its end."""
    while (start := min(_start_of(pattern, prose[:end]) for pattern in patterns)) < end:
        end = start
    return end


def _start_of(pattern: re.Pattern[str], prose: str) -> int:
    """Where the pattern begins, at the latest at the end."""
    found = pattern.search(prose)
    return found.start() if found else len(prose)
