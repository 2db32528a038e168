"""Put the result together from what the run wrote down."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from langgraph_fusion.graph.analysis import Analysis
from langgraph_fusion.graph.prompts import PROMPTS_VERSION, prompts_sha256
from langgraph_fusion.graph.records import (
    AskedFollowUp,
    Call,
    Ended,
    Failure,
    ImageDescription,
    ImageView,
    MemberAnswer,
    PanelGrowth,
    Revision,
    Totals,
    Verification,
)
from langgraph_fusion.graph.result import (
    AttachedFile,
    Bill,
    ClientCall,
    FusionResult,
    ImageInfo,
    KeptFile,
    PromptSet,
    Retention,
    SeatInfo,
    SourceInfo,
    Unverified,
)
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.graph.state import FusionState, Json
from langgraph_fusion.graph.used import failure_of, used_in, warnings_of
from langgraph_fusion.tools.exclude import Dropped
from langgraph_fusion.tools.sources import Source

EXCERPT_CHARS = 400


@dataclass
class Checked:
    """A draft with its citations resolved."""

    text: str
    numbers: dict[str, int] = field(default_factory=dict)
    """Source id to its number in the source list."""
    unverified: list[Unverified] = field(default_factory=list)
    line_begun: bool = False
    """Whether the line that is being read has text in it already."""


def result_of(
    run: Run,
    state: FusionState,
    checked: Checked,
    retention: Retention,
    files: Iterable[tuple[str, Path]],
) -> FusionResult:
    """Return the whole result; `files` are what members left, by seat."""
    answers = [MemberAnswer(**one) for one in state["answers"]]
    sources = [Source(**one) for one in state["sources"].values()]
    _note_who_is_blind(run, state["image_views"])
    used = used_in(run, answers, sources, checked.numbers)
    for failed in used.failed_tools:
        run.degrade("tool_failed", failure_of(failed))
    calls = [Call(**one) for one in state["bill"]]
    return FusionResult(
        run_id=run.id,
        preset=run.settings.preset,
        question=state["question"],
        mode=run.settings.mode,
        length=run.settings.length,
        prompts=PromptSet(version=PROMPTS_VERSION, sha256=prompts_sha256()),
        answer=checked.text,
        tool_calls=tuple(ClientCall(**one) for one in state["tool_calls"]),
        written_by=state["written_by"],
        analysis=Analysis(**state["analysis"]) if state["analysis"] else None,
        judged_by=state["judged_by"],
        rounds=state["round"],
        ended_by=cast("Ended | None", state["ended"]),
        panel_growth=PanelGrowth(**state["growth"]) if state["growth"] else None,
        follow_ups=tuple(AskedFollowUp(**one) for one in state["follow_ups"]),
        panel=tuple(_seat(run, letter, answers, calls) for letter in _seated(run)),
        answers=tuple(answers),
        failed_members=tuple(_failures(answers)),
        sources=tuple(_source(source, checked.numbers) for source in sources),
        unverified=tuple(dict.fromkeys(checked.unverified)),
        retention=retention,
        revision=Revision(**state["revision"]) if state["revision"] else None,
        verification=_verification(state, checked.numbers),
        files=tuple(KeptFile(seat=seat, path=str(path)) for seat, path in files),
        attached=tuple(_attached(run, sources)),
        used=used,
        warnings=(*warnings_of(run.settings, used, checked.text), *_unseen(run, state)),
        images=tuple(_images(run, state["image_views"])),
        image_description=_description(state),
        dropped=tuple(Dropped(**one) for one in state["dropped"]),
        degraded=tuple(dict.fromkeys([*state["degraded"], *run.degraded])),
        notes=tuple(dict.fromkeys([*state["notes"], *run.notes])),
        bill=bill_of(calls),
        seconds=run.seconds,
        started_at=run.started_at,
    )


def _attached(run: Run, sources: list[Source]) -> Iterable[AttachedFile]:
    ids = run.files.sources({source.id: source.url for source in sources})
    for file in run.files.files:
        yield AttachedFile(
            name=file.name,
            kind=file.kind.words,
            media_type=file.kind.media_type,
            size=file.size,
            sha256=file.sha256,
            read=file.is_read,
            reason=file.problem,
            sources=tuple(ids[file.name]),
        )


def bill_of(calls: list[Call]) -> Bill:
    """Every call, and the sums by stage and over all."""
    stages = {stage: Totals.of(c for c in calls if c.stage == stage) for stage in _stages(calls)}
    return Bill(total=Totals.of(calls), stages=stages, calls=tuple(calls))


def _stages(calls: list[Call]) -> list[str]:
    return list(dict.fromkeys(call.stage for call in calls))


def _seated(run: Run) -> str:
    return run.settings.letters if run.settings.members else ""


def _seat(run: Run, letter: str, answers: list[MemberAnswer], calls: list[Call]) -> SeatInfo:
    first = next((one for one in answers if one.seat == letter and one.round == 0), None)
    bill = Totals.of(call for call in calls if call.seat == letter)
    return SeatInfo(
        seat=letter,
        model=str(run.settings.seat(letter).models[0]),
        status=first.status if first else "not_seated",
        bill=bill,
    )


def _failures(answers: list[MemberAnswer]) -> list[Failure]:
    return [one.error for one in answers if one.error is not None]


def _images(run: Run, views: Json) -> Iterator[ImageInfo]:
    def seats(how: ImageView) -> tuple[str, ...]:
        return tuple(sorted((seat for seat, view in views.items() if view == how), key=_in_order))

    for number, image in enumerate(run.images.images, start=1):
        yield ImageInfo(
            number=number,
            **image.facts,
            seen_by=seats("seen"),
            described_to=seats("described"),
            unseen_by=seats("unseen"),
        )


def _note_who_is_blind(run: Run, views: Json) -> None:
    for view, code, what in (
        ("described", "images_described", "had a description of the images"),
        ("unseen", "images_unseen", "had no sight of the images and no description"),
    ):
        blind = sorted((seat for seat, one in views.items() if one == view), key=_in_order)
        if blind:
            run.degrade(code, f"Models that see no images {what}: {', '.join(blind)}.")


def _unseen(run: Run, state: FusionState) -> Iterator[str]:
    """A warning where the answer rests on images that nobody saw."""
    if run.images.images and "seen" not in state["image_views"].values():
        described = (
            "a description of them alone" if state["image_description"] else "no sight of it"
        )
        yield f"No model that took part saw the images: the answer rests on {described}."


def _in_order(seat: str) -> tuple[int, str]:
    """Members first, in the order of their letters."""
    return len(seat), seat


def _description(state: FusionState) -> ImageDescription | None:
    known = state["image_description"]
    return ImageDescription(**known) if known else None


def _verification(state: FusionState, numbers: dict[str, int]) -> Verification | None:
    if state["verification"] is None:
        return None
    found = Verification(**state["verification"])
    numbered = tuple(
        one.model_copy(update={"number": numbers.get(one.source)}) for one in found.citations
    )
    return found.model_copy(update={"citations": numbered})


def _source(source: Source, numbers: dict[str, int]) -> SourceInfo:
    return SourceInfo(
        id=source.id,
        number=numbers.get(source.same_as or source.id),
        seat=source.seat,
        kind=source.kind,
        url=source.url,
        title=source.title,
        retrieved_at=source.retrieved_at,
        published=source.published,
        sha256=source.sha256,
        same_as=source.same_as,
        excerpt=source.text[:EXCERPT_CHARS],
        chars=len(source.text),
    )
