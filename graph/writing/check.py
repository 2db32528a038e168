"""The check: code, no model. Every citation leads to a source of this run, or is taken out.

What could not be verified is named in a note at the end, never by a mark in the text: whether an
answer is an article, a letter or code to be used as it stands, a program cannot know.
"""

import re
from collections.abc import Iterable
from functools import partial
from urllib.parse import quote

from langchain_core.runnables import RunnableConfig

from langgraph_fusion.graph.analysis import Analysis
from langgraph_fusion.graph.citations import ADDRESS, CITATIONS, cited_ids, names_in
from langgraph_fusion.graph.events import tell
from langgraph_fusion.graph.final_message import final_message
from langgraph_fusion.graph.result import Retention, Unverified
from langgraph_fusion.graph.state import FusionState, Json
from langgraph_fusion.graph.taken_up import run_of
from langgraph_fusion.graph.writing.coverage import figures_kept, parts_treated
from langgraph_fusion.graph.writing.result_of import Checked, result_of
from langgraph_fusion.graph.writing.unverified_notes import (
    claim_before,
    escaped,
    unverified_notes,
)
from langgraph_fusion.models.loop_share import off_loop
from langgraph_fusion.models.markdown import split_code
from langgraph_fusion.tools.sources import Source, Sources

_URL = re.compile(rf"(?P<open>\]\()?(?P<url>{ADDRESS})(?P<close>\))?", re.I)
_CITED = re.compile(
    rf"(?P<lead>(?:(?<![ \t])[ \t]++)?)(?P<open>\()?(?P<ids>{CITATIONS.pattern})"
    r"(?(open)(?P<close>\))?)"
)
"""Citations with the space before them, and the parentheses around nothing else."""
_TEXT = re.compile(r"[^\s>*+#|.)\d_-]")
"""Anything in a line that is no mark of its beginning."""
_JOINS = re.compile(r"[^\W_]|[`~<>\[(/\\@#&=+-]|[.,:;!?]+[\w`~<\[(/\\@&-]|\Z")
"""What may turn into code, a link or an address right behind the text before a made-up id."""
_SLOW = 8
"""A character takes the check about so many times as long as those that write JSON."""
_REACH = 1_000
"""Characters before a citation that are looked at: a text with many must not be read for each."""
_NO_SOURCE = "\u2026"
"""In the place of a made-up id with which a line begins: without it the line might become code."""


async def check(state: FusionState, config: RunnableConfig) -> Json:
    """Number the citations, list the sources, name what has none, and close the run."""
    run = await run_of(state, config)
    sources = Sources(Source(**one) for one in state["sources"].values())
    checked, kept = Checked(state["draft"]), Retention()
    if run.settings.mode != "direct" and not run.settings.response_format:  # JSON has no citations
        checked, kept = await _beside_the_loop(state, sources)
    files = await run.kept_files()
    result = result_of(run, state, checked, kept, files)
    whole = await off_loop(_length(state), partial(result.model_dump, mode="json"))
    if run.lifecycle is not None:
        run.lifecycle.finished(whole)
    tell("run.finished", result=whole)
    return {"fusion": whole, "messages": [final_message(whole)]}


async def _beside_the_loop(state: FusionState, sources: Sources) -> tuple[Checked, Retention]:
    """The checked answer, and what it keeps; of long texts in a thread."""

    def read() -> tuple[Checked, Retention]:
        checked = checked_answer(state["draft"], sources)
        return checked, retention(state, sources, checked.numbers)

    return await off_loop(_SLOW * _length(state), read)


def _length(state: FusionState) -> int:
    return len(state["draft"]) + sum(len(one["text"]) for one in state["answers"])


def checked_answer(draft: str, sources: Sources) -> Checked:
    """Turn `[A3]` into numbered links, take out unknown ids, append notes and the source list."""
    checked = Checked(text="")
    parts = [
        passed_code(part, checked) if is_code else resolved_prose(part, sources, checked)
        for part, is_code in split_code(draft.strip())
    ]
    notes = unverified_notes(checked.unverified)
    listed = _source_list(sources, checked.numbers)
    checked.text = "".join(parts).strip()
    checked.text += f"\n\n## Not verified\n\n{notes}" if notes else ""
    checked.text += f"\n\n## Sources\n\n{listed}" if listed else ""
    return checked


def resolved_prose(prose: str, sources: Sources, checked: Checked) -> str:
    """One stretch of prose without code: first addresses, then citations.

    Known ids become links, others are taken out. `checked` knows how far the line has come, so the
    stretches of a text go through here in order, its code through `passed_code`.
    """
    linked = _URL.sub(lambda found: _address(found, sources, checked), prose)
    resolved = _CITED.sub(lambda found: _cited(found, linked, sources, checked), linked)
    checked.line_begun = _begun(linked, checked)
    return resolved


def passed_code(code: str, checked: Checked) -> str:
    """Code as it is."""
    checked.line_begun = not code.endswith("\n")
    return code


def retention(state: FusionState, sources: Sources, numbers: dict[str, int]) -> Retention:
    """How much of the panel's evidence the answer still cites (synthesis is known to lose it)."""
    analysis = Analysis(**state["analysis"]) if state["analysis"] else Analysis()
    sourced = [
        *(one.sources for one in analysis.consensus),
        *(one.sources for one in analysis.unique_insights),
    ]
    claims = [{_first(id, sources) for id in ids} for ids in sourced if ids]
    cited = {_first(id, sources) for one in state["answers"] for id in cited_ids(one["text"])}
    cited.discard(None)
    return Retention(
        claims=_share(bool(claim & numbers.keys()) for claim in claims),
        citations=_share(id in numbers for id in cited),
        figures=figures_kept((one["text"] for one in state["answers"]), state["draft"]),
        parts=parts_treated(state["question"], state["draft"]),
    )


def link_of(url: str) -> str:
    """The address a reader can follow; documents are relative to the folder they came from."""
    return quote(url.removeprefix("docs:"), safe="/:?#[]@!$&'*+,;=%~-._")


def _address(found: re.Match[str], sources: Sources, checked: Checked) -> str:
    """The address as it stands; a link to one that was retrieved gets its scheme."""
    url, close = found["url"], found["close"] or ""
    bare = url.rstrip(".,;:!?*_")
    whole = bare if "://" in bare[:8] else f"https://{bare}"
    if sources.by_url(whole) is not None:
        leads = found["open"] and whole != bare  # without a scheme it would be a relative link
        return f"{found['open']}https://{url}{close}" if leads else found.group()
    checked.unverified.append(Unverified(kind="unretrieved_url", text=bare))
    return found.group()


def _cited(found: re.Match[str], prose: str, sources: Sources, checked: Checked) -> str:
    """One link a source: two members may have cited the same one side by side."""
    before = prose[max(0, found.start() - _REACH) : found.start()]
    links: dict[str, None] = {}
    for id in names_in(found["ids"]):
        if source := sources.resolve(id):
            links[_link(source, checked)] = None
        else:
            claim = claim_before(before)
            checked.unverified.append(Unverified(kind="unknown_source", text=id, claim=claim))
    opening, close = found["open"] or "", found["close"] or ""
    if links:
        return f"{found['lead']}{opening}{''.join(links)}{close}"
    if not _begun(before, checked):
        return f"{found['lead']}{opening}{_NO_SOURCE}{close}"
    if opening and not close:
        return f"{found['lead']}{opening}"
    return (found["lead"] or " ") if _joins(before, prose, found.end()) else ""


def _joins(before: str, prose: str, end: int) -> bool:
    """Whether the text from `end` on would become another thing right behind the text before."""
    last, following = before[-1:], prose[end : end + 1]
    return (
        bool(_JOINS.match(prose, end)) or last == "\\" or (last in ("*", "_") and last == following)
    )


def _begun(prose: str, checked: Checked) -> bool:
    """Whether the line at the end of this stretch has text in it."""
    _, newline, line = prose.rpartition("\n")
    return bool(_TEXT.search(line)) or (checked.line_begun and not newline)


def _link(source: Source, checked: Checked) -> str:
    number = checked.numbers.setdefault(source.id, len(checked.numbers) + 1)
    return f"[[{number}]]({link_of(source.url)})" if source.url else f"[{number}]"


def _source_list(sources: Sources, numbers: dict[str, int]) -> str:
    return "\n".join(_listed(sources.get(id), number) for id, number in numbers.items())


def _listed(source: Source | None, number: int) -> str:
    assert source is not None
    title = " ".join(source.title.split())
    if not source.url:
        return f"{number}. `{title.replace('`', chr(39))}`"
    marked = escaped(title) or source.url
    return f"{number}. [{marked}]({link_of(source.url)})"


def _first(id: str, sources: Sources) -> str | None:
    found = sources.resolve(id)
    return found.id if found else None


def _share(kept: Iterable[bool]) -> float | None:
    values = list(kept)
    return round(sum(values) / len(values), 4) if values else None
