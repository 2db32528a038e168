"""What a client or a model says cannot make a line of the log, nor command the terminal."""

import json
import logging
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from langgraph_fusion.server.logging import JsonLines

_HARMFUL = st.sampled_from(
    "\x00\x07\x1b\x7f\x80\x85\x9b\x9d\xad\u061c\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069\ufeff\ud800\udfff\r\n"
)
_SAID = st.text(st.one_of(st.characters(), _HARMFUL))
_COMMANDS = ("Cc", "Cs", "Zl", "Zp")


def _line(text: str, *, as_fact: bool) -> str:
    facts = {"path": text, "nested": [{"text": text}]} if as_fact else None
    record = logging.LogRecord(
        "x", logging.INFO, "", 0, "request" if as_fact else "%s", (text,), None
    )
    if facts is not None:
        record.args, record.facts = (), facts
    return JsonLines().format(record)


@given(_SAID, st.booleans())
def test_no_text_makes_a_second_line_or_reaches_the_terminal_raw(text: str, as_fact: bool) -> None:
    line = _line(text, as_fact=as_fact)
    assert line.splitlines() == [line]
    assert not [one for one in line if unicodedata.category(one) in _COMMANDS]
    assert not set(line) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
    assert line.encode()
    read = json.loads(line)
    assert (read["path"] if as_fact else read["message"]) == text
