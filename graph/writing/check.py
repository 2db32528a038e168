"""The check: code, no model. Every citation leads to a source of this run, or is marked."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from langchain_core.messages import AIMessage
from langchain_core.messages.tool import tool_call
from langchain_core.runnables import RunnableConfig

from langgraph_fusion.graph.analysis import Analysis
from langgraph_fusion.graph.citations import CITATIONS, cited_ids, names_in
from langgraph_fusion.graph.events import tell
from langgraph_fusion.graph.result import Retention, Unverified
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.graph.state import FusionState, Json
from langgraph_fusion.graph.writing.coverage import figures_kept, parts_treated
from langgraph_fusion.graph.writing.result_of import Checked, result_of
from langgraph_fusion.models.markdown import split_code
from langgraph_fusion.tools.sources import Source, Sources

_REST = r"[^\s<>\"'`)\]}]"
_WWW = r"(?<![a-z0-9@./\\-])www\.(?![\w.+-]*@)(?:[\w-]{1,63}\.)+[^\W\d_]{2,}(?::\d+)?"
"""An address without its scheme; other names with dots in them are those of files, mostly."""
_URL = re.compile(
    rf"(?P<open>\]\()?(?P<url>https?://{_REST}+|{_WWW}(?:[/?#]{_REST}*)?)(?P<close>\))?", re.I
)
UNVERIFIED = "(unverified)"


async def check(state: FusionState, config: RunnableConfig) -> Json:
    """Number the citations, list the sources, mark what has none, and close the run."""
    run = Run.of(config)
    sources = Sources(Source(**one) for one in state["sources"].values())
    checked, kept = Checked(state["draft"]), Retention()
    if run.settings.mode != "direct" and not run.settings.response_format:  # JSON has no citations
        checked = checked_answer(state["draft"], sources)
        kept = retention(state, sources, checked.numbers)
    files = await run.kept_files()
    result = result_of(run, state, checked, kept, files)
    whole = result.model_dump(mode="json")
    if run.lifecycle is not None:
        run.lifecycle.finished(whole)
    tell("run.finished", result=whole)
    text = _analysis_text(state) if run.settings.mode == "analysis" else result.answer
    return {"fusion": whole, "messages": [_message(text, state["tool_calls"], whole)]}


def checked_answer(draft: str, sources: Sources) -> Checked:
    """Turn `[A3]` into numbered links, mark unknown ids and addresses, append the source list."""
    checked = Checked(text="")
    parts = [
        part if is_code else resolved_prose(part, sources, checked)
        for part, is_code in split_code(draft.strip())
    ]
    listed = _source_list(sources, checked.numbers)
    checked.text = "".join(parts) + (f"\n\n## Sources\n\n{listed}" if listed else "")
    return checked


def resolved_prose(prose: str, sources: Sources, checked: Checked) -> str:
    """One stretch of prose without code: first foreign addresses, then citations."""
    marked = _URL.sub(lambda found: _address(found, sources, checked), prose)
    return CITATIONS.sub(lambda found: _links(found.group(), sources, checked), marked)


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
    """The address as it stands if this run retrieved it, else with a mark behind it or its link."""
    url, close = found["url"], found["close"] or ""
    bare = url.rstrip(".,;:!?*_")
    whole = bare if "://" in bare[:8] else f"https://{bare}"
    if sources.by_url(whole) is not None:
        leads = found["open"] and whole != bare  # without a scheme it would be a relative link
        return f"{found['open']}https://{url}{close}" if leads else found.group()
    checked.unverified.append(Unverified(kind="unretrieved_url", text=bare))
    if found["open"]:
        return f"{found.group()} {UNVERIFIED}"
    return f"{bare} {UNVERIFIED}{url[len(bare) :]}{close}"


def _links(citations: str, sources: Sources, checked: Checked) -> str:
    """One link a source: two members may have cited the same one side by side."""
    links = [_link(id, sources, checked) for id in names_in(citations)]
    return "".join(dict.fromkeys(links))


def _link(id: str, sources: Sources, checked: Checked) -> str:
    source = sources.resolve(id)
    if source is None:
        checked.unverified.append(Unverified(kind="unknown_source", text=id))
        return f"[{id} {UNVERIFIED}]"
    number = checked.numbers.setdefault(source.id, len(checked.numbers) + 1)
    return f"[[{number}]]({link_of(source.url)})" if source.url else f"[{number}]"


def _source_list(sources: Sources, numbers: dict[str, int]) -> str:
    return "\n".join(_listed(sources.get(id), number) for id, number in numbers.items())


def _listed(source: Source | None, number: int) -> str:
    assert source is not None
    title = " ".join(source.title.split())
    if not source.url:
        return f"{number}. `{title.replace('`', chr(39))}`"
    marked = re.sub(r"([\[\]<>*_`|\\])", r"\\\1", title) or source.url
    return f"{number}. [{marked}]({link_of(source.url)})"


def _first(id: str, sources: Sources) -> str | None:
    found = sources.resolve(id)
    return found.id if found else None


def _share(kept: Iterable[bool]) -> float | None:
    values = list(kept)
    return round(sum(values) / len(values), 4) if values else None


def _message(text: str, calls: list[Json], result: Json) -> AIMessage:
    metadata: dict[str, Any] = {"fusion": result, "model_name": f"fusion/{result['preset']}"}
    made = [tool_call(**call) for call in calls]
    return AIMessage(content=text, tool_calls=made, name="fusion", response_metadata=metadata)


def _analysis_text(state: FusionState) -> str:
    return Analysis(**(state["analysis"] or {})).model_dump_json(indent=2)
