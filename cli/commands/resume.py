"""The work of `fusion resume`: the same run, from where it was."""

from typing import TYPE_CHECKING

from langgraph_fusion.cli.commands.asking import OutputOptions, conducted
from langgraph_fusion.cli.commands.runs import print_run, seen
from langgraph_fusion.cli.display.format import count
from langgraph_fusion.cli.output import say
from langgraph_fusion.cli.run_store import stored_runs

if TYPE_CHECKING:
    from langgraph_fusion.graph.resume import Stopped


async def resume(run_id: str | None, wanted: OutputOptions) -> int:
    """Go on with a run, by default the last that can; return the exit code.

    A run that has finished is shown when its result was kept.

    Raises:
        ConfigError: If there is no such run, or it cannot go on.
    """
    from langgraph_fusion.graph.resume import stopped_run

    async with stored_runs() as runs:
        record = await (runs.get(run_id) if run_id else runs.latest(resumable=True))
        if record.now == "finished" and record.keep:
            print_run(await seen(runs, record), as_json=wanted.as_json)
            return 0
        stopped = await stopped_run(runs, record.id)
        if not wanted.quiet:
            say(_what(stopped))
        return await conducted(stopped.question, stopped.events(runs), wanted)


def _what(stopped: "Stopped") -> str:
    record = stopped.record
    paid = count(record.total.calls, "paid call") if record.total else "what was paid"
    return f"Going on with run {record.id} ({record.preset}); {paid} will not be made again."
