"""A result in the hosted product's shapes, and ours beside them under one name.

`analysis` has exactly the five fields of OpenRouter's `FusionAnalysisResult`, and a model is named
as the client may name it (`vendor/name` for OpenRouter's). Everything else of a run, with seats,
sources of claims, rounds, bill and timings, is in `extension`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from langgraph_fusion.graph.analysis import Analysis
from langgraph_fusion.graph.records import Failure, MemberAnswer
from langgraph_fusion.graph.result import FusionResult, SourceInfo
from langgraph_fusion.graph.settings import FusionSettings
from langgraph_fusion.graph.writing.check import link_of

Json = dict[str, Any]
EXTENSION = "fusion"
"""Name of our own member of a response, a chunk and a request."""
_CITATION = re.compile(r"\[\[(\d+)\]\]\(")


def answer_text(result: FusionResult) -> str:
    """What the assistant says: the answer, or in mode `analysis` the analysis as JSON."""
    if result.answer or result.mode != "analysis":
        return result.answer
    return (result.analysis or Analysis()).model_dump_json(indent=2)


def is_plain(settings: FusionSettings) -> bool:
    """Whether the answer has no citations to resolve: JSON, or no panel."""
    return settings.mode == "direct" or settings.response_format is not None


def hosted_name(model: str) -> str:
    """The model as the hosted product's clients name it."""
    return model.removeprefix("openrouter:")


def hosted_analysis(analysis: Analysis | Mapping[str, Any], models: Mapping[str, str]) -> Json:
    """The five documented fields; `models` are the panel's models by seat."""
    found = analysis if isinstance(analysis, Analysis) else Analysis.model_validate(analysis)
    return {
        "consensus": [one.claim for one in found.consensus],
        "contradictions": [
            {
                "topic": one.topic,
                "stances": [
                    {"model": models.get(s.seat, s.seat), "stance": s.stance} for s in one.stances
                ],
            }
            for one in found.contradictions
        ],
        "partial_coverage": [
            {"models": [models.get(seat, seat) for seat in one.seats], "point": one.point}
            for one in found.partial_coverage
        ],
        "unique_insights": [
            {"model": models.get(one.seat, one.seat), "insight": one.insight}
            for one in found.unique_insights
        ],
        "blind_spots": [one.gap for one in found.blind_spots],
    }


def panel_models(result: FusionResult) -> dict[str, str]:
    """The configured model of every seat, as clients name it."""
    return {seat.seat: hosted_name(seat.model) for seat in result.panel}


def hosted_responses(result: FusionResult) -> list[Json]:
    """One entry a member that answered in the first round, in panel order.

    Named by the configured model, so that the names are those that were asked for; a fallback that
    replaced one is named in our own additions.
    """
    models = panel_models(result)
    first = [one for one in result.answers if one.round == 0 and one.text]
    return [
        {"model": models[one.seat], "content": one.text}
        for one in sorted(first, key=lambda one: one.seat)
    ]


def failed_models(result: FusionResult) -> list[Json]:
    """One entry a member that gave no answer in the first round."""
    models = panel_models(result)
    return [failed_model(one, models) for one in result.answers if one.error and _failed(one)]


def failed_model(one: MemberAnswer, models: Mapping[str, str]) -> Json:
    """`{model, error, status_code?}` of a member's failure."""
    assert one.error is not None
    error = one.error.detail or one.error.reason
    status = one.error.status_code
    said = {"model": models.get(one.seat, one.seat), "error": error, "status_code": status}
    return {name: value for name, value in said.items() if value is not None}


def hosted_failures(failed: Iterable[Failure]) -> list[Json]:
    """`failed_models` of a run that gave no answer at all."""
    entries = (
        {
            "model": hosted_name(one.model),
            "error": one.detail or one.reason,
            "status_code": one.status_code,
        }
        for one in failed
    )
    return [{k: v for k, v in entry.items() if v is not None} for entry in entries]


def hosted_sources(result: FusionResult) -> list[Json]:
    """`{url, title}` of everything with an address that was shown to a member, each once."""
    return unique_sources(one.model_dump() for one in result.sources)


def unique_sources(sources: Iterable[Mapping[str, Any]]) -> list[Json]:
    """The same, from the run's `sources` event."""
    first = (one for one in sources if one["same_as"] is None and one["url"])
    titles = {_address(one["url"]): one["title"] or one["url"] for one in first}
    return [{"url": url, "title": title} for url, title in titles.items()]


def url_citations(result: FusionResult, text: str) -> list[Json]:
    """The text's citations: address, title, and where each stands, in characters.

    `text[start_index:end_index]` is the citation as it is written, `[[1]](https://…)`. Characters
    are Unicode code points, as in Python.
    """
    first = [one for one in result.sources if one.same_as is None]
    sources = {one.number: one for one in first if one.number is not None}
    found = (_citation(match, text, sources) for match in _CITATION.finditer(text))
    return [citation for citation in found if citation is not None]


def chat_annotations(result: FusionResult, text: str) -> list[Json]:
    """`message.annotations`, where the fields of a citation are nested."""
    return [
        {"type": "url_citation", "url_citation": {k: v for k, v in one.items() if k != "type"}}
        for one in url_citations(result, text)
    ]


def extension(result: FusionResult) -> Json:
    """Everything that we add, as in docs/result.schema.json, without the answer."""
    return result.model_dump(mode="json", exclude={"answer", "question"})


def _address(url: str) -> str:
    """The address itself; a document's is relative to the operator's folder."""
    return url.removeprefix("docs:")


def _failed(answer: MemberAnswer) -> bool:
    return answer.round == 0 and answer.status == "failed"


def _citation(match: re.Match[str], text: str, sources: Mapping[int, SourceInfo]) -> Json | None:
    source = sources.get(int(match[1]))
    if source is None:
        return None
    written = f"{match.group()}{link_of(source.url)})"
    if not text.startswith(written, match.start()):
        return None
    return {
        "type": "url_citation",
        "url": _address(source.url),
        "title": source.title or source.url,
        "start_index": match.start(),
        "end_index": match.start() + len(written),
    }
