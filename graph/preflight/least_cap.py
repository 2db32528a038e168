"""Whether a spend cap is enough for an answer, before a cent of it is spent."""

import math

from langchain_core.messages import HumanMessage, SystemMessage

from langgraph_fusion.graph.calls.budget import LEAST_OUTPUT
from langgraph_fusion.graph.calls.stages import share
from langgraph_fusion.graph.errors import CAP_TOO_SMALL, ConfigError
from langgraph_fusion.graph.members.member import first_prompt
from langgraph_fusion.graph.prompts import prompt
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.graph.state import FusionState
from langgraph_fusion.graph.writing.writer_prompt import writer_system


def check_cap(run: Run, state: FusionState) -> None:
    """Return if the cap pays for one member's answer and the writer's, however short.

    Raises:
        ConfigError: Naming the least cap that does.
    """
    cap = run.settings.budget_usd
    if cap is None:
        return
    least = _least_usd(run, state)
    if cap < least:
        raise ConfigError(
            f"${cap:g} does not pay for one member and the writer; "
            f"give at least {math.ceil(least * 1e4) / 1e4:.4f}, or choose cheaper models.",
            field="budget_usd",
            code=CAP_TOO_SMALL,
        )


def _least_usd(run: Run, state: FusionState) -> float:
    """The cheapest member's first call in the panel's share, and the writer's after it."""
    if not run.settings.members:
        return _writer_usd(run, state)
    member = min(_member_usd(run, state, letter) for letter in run.settings.letters)
    return max(member / share("panel", 0), member + _writer_usd(run, state))


def _member_usd(run: Run, state: FusionState, letter: str) -> float:
    client = run.seat_client(run.settings.seat(letter), letter, "panel", 0)
    asked = [*first_prompt(run, letter, state), HumanMessage(prompt("write_now"))]
    return client.bill.least_usd(client.model, asked, 0)


def _writer_usd(run: Run, state: FusionState) -> float:
    if run.settings.mode == "analysis":
        return 0.0
    asked = HumanMessage(state["question"] + state["conversation"])
    client = run.seat_client(run.settings.synthesizer, "synthesizer", "synthesizer", 0)
    system = writer_system(run.settings, run.today, judged=run.settings.judge is not None)
    return client.bill.least_usd(client.model, [SystemMessage(system), asked], LEAST_OUTPUT)
