"""One model that sees the images describes them for all that do not, beside the panel's work."""

from collections.abc import Iterator

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, SystemMessage
from langchain_core.runnables import RunnableConfig

from langgraph_fusion.graph.calls.budget import BudgetReached
from langgraph_fusion.graph.calls.run_images import Described
from langgraph_fusion.graph.calls.seat_client import SeatClient, SeatFailed
from langgraph_fusion.graph.calls.tool_call_repair import without_tool_calls
from langgraph_fusion.graph.events import replay_calls, tell
from langgraph_fusion.graph.journal.entries import UPDATE, RecordedUpdate
from langgraph_fusion.graph.prompts import prompt
from langgraph_fusion.graph.prompts.tags import tag
from langgraph_fusion.graph.reasons import reason_text
from langgraph_fusion.graph.records import Call, ImageDescription
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.graph.seat import ModelSeat
from langgraph_fusion.graph.state import FusionState, Json
from langgraph_fusion.graph.taken_up import run_of
from langgraph_fusion.models.answer_text import text_of

LANE = "describer.0"
_TRIES = 3
"""Models that are asked for a description, one after the other."""
_MAX_CHARS = 12_000
_Named = tuple[str, ModelSeat]


async def describe_images(state: FusionState, config: RunnableConfig) -> Json:
    """Describe the images while the members that see them are at work."""
    run = await run_of(state, config)
    if (update := run.replay_update(LANE)) is not None:
        replay_calls(update["bill"])
        return update
    await run.images.described()
    update = {"bill": [], "degraded": list(run.degraded), "notes": list(run.notes)}
    return run.record_update(LANE, update, None)


def seated(run: Run) -> Iterator[_Named]:
    """Every seat that takes part in answering, by name."""
    settings = run.settings
    if settings.members:
        yield from zip(settings.letters, settings.panel, strict=True)
        if settings.judge is not None:
            yield "judge", settings.judge
    if settings.mode != "analysis":
        yield "synthesizer", settings.synthesizer


def needs_description(run: Run) -> bool:
    """Whether a seat is known to be sent words in the place of the images."""
    return any(run.images.sees(seat, seat.models[0]) is False for _, seat in seated(run))


def nobody_sees(run: Run) -> bool:
    """Whether every model of the run is known to see no images."""
    return not any(_seeing(run, seat) for _, seat in seated(run))


def restore_description(run: Run) -> None:
    """Take up the description that an earlier process, or another run, has written down."""
    recorded = [*run.given.values(), *run.journal.read_each(UPDATE, RecordedUpdate)]
    found = [
        one.update["image_description"] for one in recorded if "image_description" in one.update
    ]
    if found:
        run.images.description = ImageDescription(**found[-1])


async def describe(run: Run, question: str, messages: list[BaseMessage]) -> Described:
    """Ask the models that see, those first of which it is known."""
    calls, counted_usd, why = list[Call](), 0.0, "no model of the run sees them"
    for place, (name, seat) in enumerate(_candidates(run)):
        if not (models := _seeing(run, seat)):
            continue
        seat = seat.model_copy(update={"model": models[0], "fallbacks": tuple(models[1:])})
        client = run.seat_client(seat, "describer", "describe", _round(run), part=place)
        tell("images.started", seat=name, model=models[0], images=len(run.images.images))
        text, why = await _asked(client, run, question, messages)
        calls += client.bill.calls
        counted_usd += client.bill.counted_usd
        model = str(client.model)
        tell("images.finished", seat=name, model=model, chars=len(text), reason=why or None)
        if text:
            return Described(
                ImageDescription(text=text, model=model, seat=name), calls, counted_usd
            )
    run.degrade(
        "images_not_described",
        f"Models that see no images had no description of them: {reason_text(why)}.",
    )
    return Described(None, calls, counted_usd)


async def _asked(
    client: SeatClient, run: Run, question: str, messages: list[BaseMessage]
) -> tuple[str, str]:
    """The description, or why there is none."""
    asked = run.images.with_question(tag("question", question), messages)
    prompted: list[BaseMessage] = [SystemMessage(prompt("describe_images")), asked]

    async def send(model: BaseChatModel) -> AIMessage:
        shown = client.images.shown(prompted, client.ref_of(model))
        reply = await model.ainvoke(shown)
        assert isinstance(reply, AIMessage)
        return without_tool_calls(reply)

    try:
        reply = await client.reply(prompted, send)
    except SeatFailed as failed:
        return "", failed.fault.reason
    except BudgetReached:
        return "", "budget"
    return text_of(reply).strip()[:_MAX_CHARS], ""


def _candidates(run: Run) -> list[_Named]:
    """Seats of different models, known to see before those of which nobody knows."""
    found = {seat.model: (name, seat) for name, seat in reversed([*seated(run)])}
    order = sorted(
        reversed(found.values()),
        key=lambda one: run.images.sees(one[1], one[1].models[0]) is not True,
    )
    return order[:_TRIES]


def _seeing(run: Run, seat: ModelSeat) -> list[str]:
    return [str(ref) for ref in seat.models if run.images.sees(seat, ref) is not False]


def _round(run: Run) -> int:
    """0 at the start; later there is a later stage's share of time and money for it."""
    return 0 if run.limits.allows("describe", 0) else 1
