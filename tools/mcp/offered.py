"""What a server offers, made fit for a model: names, descriptions and schemas within limits.

All of it is the server's own text and as little trusted as a web page. A tool that no provider
would take is left out, with the reason; one bad tool would otherwise cost its member every call.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from pydantic import BaseModel, ConfigDict

from langgraph_fusion.models.text import clean_text, one_line
from langgraph_fusion.tools.mcp.schemas import Json, UnfitSchema, parameters_of

MAX_NAME = 64
"""Characters of a tool's name: OpenAI's, Anthropic's and Google's limit."""
MAX_TOOLS = 64
"""Of one server: providers take 128 tools in all."""
MAX_DESCRIPTION = 1024
_SHOWN = 60
_ODD = re.compile(r"[^A-Za-z0-9_-]+")


class OfferedTool(BaseModel):
    """A tool of a server as a member is offered it."""

    model_config = ConfigDict(frozen=True)

    name: str
    """What the model calls: `server__tool`."""
    server: str
    tool: str
    """The server's own name for it."""
    description: str
    parameters: Json


class Offer(BaseModel):
    """What a server has to offer; it is recorded with the run."""

    model_config = ConfigDict(frozen=True)

    tools: tuple[OfferedTool, ...]
    left_out: tuple[str, ...] = ()
    """Why tools were left out, a sentence each."""


@dataclass(frozen=True)
class Seated:
    """What one member gets of the servers."""

    tools: tuple[OfferedTool, ...] = ()
    lost: Mapping[str, str] = field(default_factory=dict)
    """Servers that are not there, with the reason."""
    notes: tuple[str, ...] = ()
    """What of the tools was left out, for the operator."""

    @property
    def servers(self) -> list[str]:
        """Names of the servers whose tools it has."""
        return list(dict.fromkeys(tool.server for tool in self.tools))


NOT_SEATED = Seated()


def offer_of(
    server: str,
    listed: Sequence[Any],
    chosen: Collection[str] | None = None,
    taken: Collection[str] = (),
) -> Offer:
    """The tools that may be offered, of those a server lists (`mcp.types.Tool`).

    `chosen` are the server's own names of those the operator allows, `taken` names that other tools
    have already.
    """
    by_name = {one.name: one for one in reversed(listed) if chosen is None or one.name in chosen}
    wanted = dict(reversed(by_name.items()))
    names = names_of(server, list(wanted), taken)
    tools, left_out = list[OfferedTool](), list[str]()
    for one in wanted.values():
        if len(tools) == MAX_TOOLS:
            left_out.append(f"all beyond the first {MAX_TOOLS} tools")
            break
        try:
            tools.append(_offered(server, names[one.name], one))
        except UnfitSchema as why:
            left_out.append(f"`{_shown(one.name)}`: {why}")
    absent = [name for name in chosen or () if name not in wanted]
    left_out += [f"`{_shown(name)}`: the server has no such tool" for name in absent]
    return Offer(tools=tuple(tools), left_out=tuple(left_out))


def seated_of(
    entries: Sequence[tuple[str, str | None]], offers: Mapping[str, Offer], lost: Mapping[str, str]
) -> Seated:
    whole = {server for server, tool in entries if tool is None}
    offered = [tool for offer in offers.values() for tool in offer.tools]
    tools = [one for one in offered if one.server in whole or (one.server, one.tool) in entries]
    there = {(one.server, one.tool) for one in tools}
    notes = [
        f"Tool server {name}: left out {why}." for name in offers for why in offers[name].left_out
    ]
    notes += [
        f"Tool server {server} offers no tool `{one_line(tool)}`."
        for server, tool in entries
        if tool is not None and server in offers and (server, tool) not in there
    ]
    return Seated(tuple(tools), lost, tuple(notes))


def definition(tool: OfferedTool) -> dict[str, Any]:
    """The tool as OpenAI's API takes it; LangChain converts this for all others."""
    described = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": described}


def names_of(server: str, tools: Sequence[str], taken: Collection[str] = ()) -> dict[str, str]:
    """A name for each tool, `server__tool`, in letters and a length that all providers take.

    Names that need no change are kept. Of others those that would be alike, or too long, end in a
    hash of what the server calls them, so that the order in which it lists them does not matter.
    """
    plain = {tool: f"{server}__{_ODD.sub('_', tool) or 'tool'}" for tool in tools}
    counts = Counter(plain.values())
    names, used = dict[str, str](), set(taken)
    for tool in sorted(plain, key=lambda tool: (plain[tool] != f"{server}__{tool}", tool)):
        name, exact = plain[tool], plain[tool] == f"{server}__{tool}"
        fits = len(name) <= MAX_NAME and name not in used
        names[tool] = name if fits and (exact or counts[name] == 1) else _hashed(name, tool, used)
        used.add(names[tool])
    return names


def _hashed(name: str, tool: str, used: Collection[str]) -> str:
    for number in count():
        mark = hashlib.sha256(f"{tool}{number or ''}".encode(errors="replace")).hexdigest()[:8]
        tried = f"{name[: MAX_NAME - 9]}_{mark}"
        if tried not in used:
            break
    return tried


def _offered(server: str, name: str, one: Any) -> OfferedTool:
    return OfferedTool(
        name=name,
        server=server,
        tool=one.name,
        description=_description(server, one.description or ""),
        parameters=parameters_of(one.inputSchema),
    )


def _description(server: str, text: str) -> str:
    """In the server's words, and said to be."""
    words = clean_text(text).strip()
    if len(words) > MAX_DESCRIPTION:
        words = f"{words[:MAX_DESCRIPTION].rstrip()} …"
    return f"[tool of the server {server}, described by it] {words or 'without a description'}"


def _shown(name: str) -> str:
    return one_line(name)[:_SHOWN]
