"""The events of a run: LangGraph's `custom` stream, one small dict each.

Every interface reads the same events: the terminal draws them, a server forwards them. `type` says
what happened, `seat` who (a letter, `judge` or `synthesizer`).

| type | further keys |
|---|---|
| `run.started` | run_id, kept, preset, seats [{seat, model}] and judge (none in mode |
| | `direct`), synthesizer, tools, notes [str]; images [dict], if there are any |
| `member.started` | seat, model, round, questions [str] (empty in the first round), |
| | sandbox: whether a container was started for it, or is there from an earlier round |
| `member.tool` | seat, round, call_id, tool, input (short text) |
| `member.tool_done` | seat, round, call_id, tool, ok, seconds, summary (short text) |
| `model.call` | seat, every field of `records.Call`, counted_usd; of kind `search` one that is |
| | charged; replayed (true) when told again |
| `model.progress` | seat, model, round, chars: of the reply that is coming, thinking included; |
| | text: its last characters; at most once a second, and not told again |
| `model.retry` | seat, model, reason, wait_s |
| `model.wait` | seat, model, reason, wait_s: the provider told another seat to wait; with reason |
| | `local_server`, wait_s None and ahead: so many calls are before it at that server |
| `model.hedge` | seat, model, next, after_s: slow to begin, so the next model is asked as well |
| `images.started` | seat (whose model), model, images: so many it describes for the others |
| `images.finished` | seat, model, chars: of the description; reason (None when there is one) |
| `model.without_images` | seat, model: it reads none and is asked again with the description |
| `model.without_tools` | seat, model: it takes no tools and is asked again without |
| `context.compacted` | seat, model, results (None: evidence), chars: shortened by so much |
| `member.loop` | seat, round, tool, times: the same call again, answered with a remark |
| `model.switch` | seat, model (given up), reason, next |
| `member.reasoning` | seat, round, text: what its models thought, if they show it; just before |
| | `member.finished`, and not told again |
| `member.finished` | seat, round, answer (dict, `records.MemberAnswer`) |
| `judge.started` | round, model |
| `judge.repair` | errors [str], attempt |
| `judge.finished` | round, analysis (dict) or None, reason |
| `panel.growth` | first [str], added [str], reason, about [str]: `records.PanelGrowth` |
| `run.steered` | action and what belongs to it: what a client asked of a run (from a server) |
| `rounds.ended` | round, reason: why no further follow-ups are asked, `records.Ended` |
| `follow_ups` | round, follow_ups [{id, question, kind, about, seats}] |
| `sources` | sources [dict, `tools.sources.Source` without its text]; before the writer starts |
| `writer.started` | model, mode; a second one means: start again with an empty page |
| `writer.delta` | text; with a `response_format` one, once the text is whole |
| `writer.repair` | errors [str], attempt: the text is not in the `response_format` |
| `writer.revision` | model, lost {kind: how many}: the draft lost so much and is revised |
| `writer.revised` | kept (draft or revision), reason, brought, dropped: how many |
| `writer.finished` | model, reason (None when all went well) |
| `verify.started` | method, model (None without one), citations: how many |
| `verify.finished` | supported, partly, not_found, unchecked: how many of each |
| `run.finished` | result (dict, `FusionResult`) |
| `run.failed` | error (the class), reason or code, message: why it ended without a result; from a |
| | LangGraph server, which may hide the text of the exception itself |
"""

from collections.abc import Iterable, Mapping
from typing import Any

from langchain_core.runnables.config import var_child_runnable_config
from langgraph.config import get_stream_writer


def tell(type: str, **facts: Any) -> None:
    """Send one event to LangGraph's `custom` stream; free when nobody reads it.

    Outside of a graph, where models are called without a run, there is nobody.
    """
    if var_child_runnable_config.get() is not None:
        get_stream_writer()({"type": type, **facts})


def replay_calls(bill: Iterable[Mapping[str, Any]]) -> None:
    """Send the events of calls that an earlier process made; each is a `records.Call` as JSON."""
    for call in bill:
        tell("model.call", **call, replayed=True)
