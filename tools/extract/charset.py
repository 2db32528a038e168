"""Bytes to text, by the rules of browsers, and a guess where nothing is declared."""

import codecs
import re

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_BROWSERS_READ = re.compile(
    r"utf-8|utf-16-?[lb]e|cp(866|874|932|949|125[0-8])|big5hkscs|gb18030|euc_jp|iso2022_jp|"
    r"iso8859-(2|3|4|5|6|7|8|10|13|14|15|16)|koi8-[ru]|mac[-_](roman|cyrillic)"
)
"""Python's codecs for the encodings of the WHATWG standard. Others, `utf-7` or `unicode_escape`,
give a file meanings that no browser sees in it."""
_GUESSES = [
    "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp866",
    "koi8_r", "iso8859_2", "iso8859_5", "cp932", "euc_jp", "gb18030", "big5hkscs", "cp949",
]  # fmt: skip
_GUESSED_FROM = 64 << 10
"""Bytes: guessing is slow."""
_HIGH = re.compile(rb"[\x80-\xff]")
_RARE = 50
_MULTIBYTE = re.compile(rb"[\xc2-\xf4][\x80-\xbf]+")
_NO_TEXT = re.compile("[\x00-\x08\x0e-\x1f]")


def decode(data: bytes, charset: str | None = None, *, html: bool = False) -> str:
    """Return the text of these bytes; what cannot be read of it is U+FFFD, never an error.

    A byte order mark counts most, then `charset` (of the response), then with `html` what the page
    declares, each with the superset that browsers take for it (windows-1252 for iso-8859-1).
    Without any: UTF-8 with a few broken bytes, else the most likely encoding.
    """
    for mark, name in _MARKS.items():
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    declared = _known(charset) or (_declared(data) if html else None)
    if declared is not None and (declared != "utf-8" or _is_utf8(data)):
        return data.decode(declared, "replace")
    if _is_utf8(data) and b"\x1b$" not in data:
        return data.decode("utf-8", "replace")
    return data.decode(_guessed(data), "replace")


def is_binary(data: bytes) -> bool:
    """Whether these bytes are no text in any encoding that `decode` reads."""
    return b"\x00" in data[:8192] and not data.startswith(tuple(_MARKS))


def _known(label: str | None) -> str | None:
    from w3lib.encoding import resolve_encoding

    label = (label or "").strip().lower()
    label = {"utf-16": "utf-16le"}.get(label, label.removeprefix("x-").removesuffix("-i"))
    try:
        name = resolve_encoding(label) if label else None
    except ValueError:  # a null character
        return None
    return name if name and _BROWSERS_READ.fullmatch(name) else None


def _declared(data: bytes) -> str | None:
    from w3lib.encoding import html_body_declared_encoding

    name = _known(html_body_declared_encoding(data))
    # A page whose declaration could be read as ASCII is not in UTF-16, whatever it says.
    return "utf-8" if name and name.startswith("utf-16") else name


def _is_utf8(data: bytes) -> bool:
    """Whether it is UTF-8, perhaps with broken bytes here and there."""
    try:
        data.decode()
    except UnicodeDecodeError:
        broken = data.decode("utf-8", "replace").count("\ufffd")
        return broken * 4 <= len(_MULTIBYTE.findall(data))
    return True


def _guessed(data: bytes) -> str:
    """The most likely encoding; windows-1252 if none stands out, as in browsers."""
    from charset_normalizer import from_bytes

    sample = data[:_GUESSED_FROM]
    if len(data) > len(sample):
        sample = sample[: sample.rfind(b"\n") + 1] or sample
    if b"\x1b$" in sample:  # the escape with which Japanese begins in it
        return "iso2022_jp"
    if len(_HIGH.findall(sample)) * _RARE < len(sample):
        return "cp1252"  # accents as rare as in English say nothing about the encoding
    best = from_bytes(sample, cp_isolation=_GUESSES).best()
    name = _known(best.encoding) if best else None
    if name is None or _NO_TEXT.search(sample.decode(name, "replace")):
        return "cp1252"
    return name
