"""Links in a member's answer become ids, where it was shown the page in this run.

A model that writes an address instead of an id has cited all the same: judge, writer and check can
then look at what the page said. Addresses it was not shown stay, as its own attribution.
"""

import re
from collections.abc import Callable

from langgraph_fusion.graph.citations import ADDRESS, CITATIONS
from langgraph_fusion.models.markdown import split_code
from langgraph_fusion.tools.sources import Sources

_LINK = re.compile(
    rf"(?P<image>!)?\[(?P<text>[^\[\]\n]{{0,300}})\]\(\s?<?(?P<target>{ADDRESS})>?(?:\s+[\"'][^\"'\n]*[\"'])?\s?\)"
    rf"|<(?P<auto>{ADDRESS})>|(?P<bare>{ADDRESS})",
    re.I,
)
_END = ".,;:!?*_"
"""Marks behind an address in prose that are not a part of it."""
_NUMBER = re.compile(r"\W*\d{0,3}\W*")
"""The text of a link that only counts sources."""


def cite_links(answer: str, seat: str, sources: Sources) -> str:
    """The answer with the links to what this seat was shown as `[A3]`; code stays as it is.

    Addresses are compared as sources are: without fragment, trailing slash, tracking parameters.
    """

    def cited(found: re.Match[str]) -> str:
        if found["image"]:
            return found.group()
        url = found["target"] or found["auto"] or found["bare"]
        bare = url if found["target"] else url.rstrip(_END)
        source = sources.seen_by(seat, bare if "://" in bare[:8] else f"https://{bare}")
        if source is None:
            return found.group()
        text = (found["text"] or "").strip()
        says_something = not (_NUMBER.fullmatch(text) or re.fullmatch(ADDRESS, text, re.I))
        return (
            f"{text} [{source.id}]"
            if text and says_something
            else f"[{source.id}]{url[len(bare) :]}"
        )

    return "".join(
        part if is_code else _in_prose(part, cited) for part, is_code in split_code(answer)
    )


def _in_prose(prose: str, cited: Callable[[re.Match[str]], str]) -> str:
    """Links outside of citations: `[A3](address)` is one already."""
    parts, at = list[str](), 0
    for found in CITATIONS.finditer(prose):
        parts += [_LINK.sub(cited, prose[at : found.start()]), found.group()]
        at = found.end()
    return _once("".join([*parts, _LINK.sub(cited, prose[at:])]))


def _once(prose: str) -> str:
    """The same id twice side by side, from a link with its id behind it, as one."""
    return re.sub(r"(\[[A-H]\d{1,4}\])(?:\s?\1)+", r"\1", prose)
