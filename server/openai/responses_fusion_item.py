"""The `openrouter:fusion` item of a response and its events, from the events of a run.

The hosted product streams what members write as they write it; here a member's text is one
`panel.delta`, when it is whole, and so is what it thought: members may still be cut off or give way
to a fallback. OpenAI's own clients end a stream at any event that has an `error`,
so for them `panel.failed` says it as `message`. Follow-up rounds have no events of their own in
that contract, so `analysis.completed` comes once, with the last analysis.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from langgraph_fusion.graph.records import MemberAnswer
from langgraph_fusion.server.openai.responses_items import fusion_item, new_id
from langgraph_fusion.server.openrouter.result import (
    failed_model,
    hosted_analysis,
    hosted_name,
    unique_sources,
)

Json = dict[str, Any]
_CALL = "response.fusion_call."
_AFTER_PANEL = frozenset({"sources", "writer.started", "run.finished"})


class PanelItem:
    """Follows one run; `done` once the panel and the judge are."""

    def __init__(self, *, for_openai_client: bool = False) -> None:
        self._for_openai_client = for_openai_client
        self.id = new_id("fus")
        self.begun = False
        self.done: Json | None = None
        self._models: dict[str, str] = {}
        self._answers: dict[str, MemberAnswer] = {}
        self._analysis: Json | None = None
        self._reason: str | None = None
        self._judged = False
        self._sources: list[Json] = []

    def of(self, event: Mapping[str, Any]) -> Iterator[Json]:
        """The events of the contract that an event of the run gives."""
        match event["type"]:
            case "run.started" if event["seats"]:
                yield from self._begin(event["seats"])
            case "member.started" | "member.reasoning" | "member.finished" if event["round"] == 0:
                yield from self._member(event)
            case "judge.started" if not self._judged:
                self._judged = True
                judge = hosted_name(event["model"])
                yield self._say("analysis.in_progress", analyst_model=judge, judge_model=judge)
            case "judge.finished":
                self._judge_said(event)
            case "sources":
                self._sources = unique_sources(event["sources"])
        if self.begun and self.done is None and event["type"] in _AFTER_PANEL:
            yield from self._end(event)

    def failed(self, error: Mapping[str, Any]) -> Iterator[Json]:
        """The item of a run that gave no answer; `error` is that of the HTTP API."""
        if not self.begun or self.done is not None:
            return
        self.done = fusion_item(
            self.id,
            "incomplete",
            **self._found(),
            failure_reason=error.get("failure_reason") or "unexpected_error",
            error=error["message"],
        )
        yield {"type": "response.output_item.done", "item": self.done}

    def _begin(self, seats: list[Mapping[str, str]]) -> Iterator[Json]:
        self.begun = True
        self._models = {one["seat"]: hosted_name(one["model"]) for one in seats}
        item = fusion_item(self.id, "in_progress")
        yield {"type": "response.output_item.added", "item": item}
        yield self._say("in_progress")

    def _member(self, event: Mapping[str, Any]) -> Iterator[Json]:
        model = self._models[event["seat"]]
        if event["type"] == "member.started":
            yield self._say("panel.added", model=model)
        elif event["type"] == "member.reasoning":
            yield self._say("panel.reasoning.delta", model=model, delta=event["text"])
        else:
            yield from self._answered(MemberAnswer.model_validate(event["answer"]))

    def _answered(self, answer: MemberAnswer) -> Iterator[Json]:
        self._answers[answer.seat] = answer
        model = self._models[answer.seat]
        if answer.text:
            yield self._say("panel.delta", model=model, delta=answer.text)
            yield self._say("panel.completed", model=model, content=answer.text)
        else:
            failed = failed_model(answer, self._models)
            if self._for_openai_client:
                failed["message"] = failed.pop("error")
            yield self._say("panel.failed", **failed)

    def _judge_said(self, event: Mapping[str, Any]) -> None:
        if event["analysis"] is not None:
            self._analysis = hosted_analysis(event["analysis"], self._models)
        self._reason = event["reason"]

    def _end(self, event: Mapping[str, Any]) -> Iterator[Json]:
        if event["type"] == "run.finished":
            self._sources = unique_sources(event["result"]["sources"])
        if self._analysis is not None:
            yield self._say("analysis.completed", analysis=self._analysis)
        yield self._say("completed")
        self.done = fusion_item(
            self.id,
            "completed",
            **self._found(),
            failure_reason=None if self._analysis else self._reason,
        )
        yield {"type": "response.output_item.done", "item": self.done}

    def _found(self) -> Json:
        answers = [self._answers[seat] for seat in sorted(self._answers)]
        said = [{"model": self._models[a.seat], "content": a.text} for a in answers if a.text]
        failed = [failed_model(a, self._models) for a in answers if not a.text]
        return {
            "analysis": self._analysis,
            "responses": said or None,
            "failed_models": failed or None,
            "sources": self._sources or None,
        }

    def _say(self, name: str, **fields: Any) -> Json:
        return {"type": _CALL + name, "item_id": self.id, **fields}
