"""Text of models, web pages and documents, made safe to print.

A terminal obeys escape sequences, and bidirectional overrides make text read as something else;
both are removed, never shown. Not covered: letters that look like others.
"""

import re

_SEQUENCES = re.compile(
    r"""
    (?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]  # control sequences: colour, cursor
  | (?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])  # strings: title, link, clipboard …
    [^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?  # … up to their end
  | \x1b[ -/]*[0-~]  # two-character escapes
    """,
    re.VERBOSE,
)
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # all but tab and newline
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"  # line separators and direction overrides
    "\ufff9-\ufffb\U000e0000-\U000e007f]"  # annotations and invisible tags
)
_SURROGATES = re.compile("[\ud800-\udfff]")


def clean(text: object) -> str:
    """Return the text without anything that a terminal would obey; newlines and tabs stay."""
    shown = str(text).replace("\r\n", "\n")
    shown = _CONTROLS.sub("", _SEQUENCES.sub("", shown))
    return _SURROGATES.sub("\ufffd", shown)


def one_line(text: object) -> str:
    """Return the text cleaned and on one line."""
    return " ".join(clean(text).split())


def clean_json(text: str) -> str:
    r"""Write what `clean` would remove as `\u…` escapes: the same JSON, safe to print."""
    text = _CONTROLS.sub(_escaped, text)
    return _SURROGATES.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
