"""What is printed when a run has ended: the answer, the last lines, or what a stopped run learned.

A run that ends without an answer was paid for all the same: the answers of members that had
finished, the analysis and the begun answer are printed instead.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langgraph_fusion.cli.display.model import RunView
from langgraph_fusion.cli.output import say, write
from langgraph_fusion.graph.event_text import verdict_summary
from langgraph_fusion.graph.reasons import reason_text
from langgraph_fusion.graph.wording import cost_in_words, count, duration
from langgraph_fusion.models.text import one_line
from langgraph_fusion.web.findings import findings_markdown, source_numbers

if TYPE_CHECKING:
    from rich.console import Console

Result = Mapping[str, Any]
"""`FusionResult` as JSON."""
_SOURCES = "\n\n## Sources\n\n"
"""Heads the list that the citation check appends; on a terminal the sources are drawn instead."""
_LISTED_FILES = 8


def answer_text(result: Result) -> str:
    """The answer and calls of the caller's own tools; in mode `analysis` what the judge found."""
    if result["mode"] == "analysis" and result["analysis"] is not None:
        numbers = source_numbers(result["sources"])
        return findings_markdown(result["analysis"], result["follow_ups"], numbers)
    calls = [f"Calls `{one['name']}` with `{json.dumps(one['args'])}`" for one in _calls(result)]
    return "\n\n".join(part for part in (str(result["answer"]), *calls) if part)


def print_plain(result: Result, *, quiet: bool) -> None:
    """Print the answer alone on standard output, the last lines on standard error."""
    if not quiet:
        for warning in before_reading(result):
            say(f"WARNING: {warning}")
    write(answer_text(result))
    if quiet:
        return
    say(closing_line(result))
    for line in citation_lines(result):
        say(line)
    for warning in warnings(result):
        say(f"note: {warning}")


def print_rich(console: "Console", view: RunView, result: Result, *, quiet: bool) -> None:
    """Print panel, findings, answer, sources and the last lines, to stay on the terminal."""
    from rich.text import Text

    from langgraph_fusion.cli.display.widgets import (
        findings_table,
        markdown,
        seat_table,
        source_list,
    )

    cited = [one for one in result["sources"] if one["number"] is not None]
    body = answer_text(result).rpartition(_SOURCES)[0] if cited else answer_text(result)
    answer = (markdown(body), "", source_list(cited)) if cited else (markdown(body),)
    if quiet:
        console.print(*answer, sep="\n")
        return
    console.print(seat_table(view, 0.0, console.width))
    if view.analysis is not None or view.judge_error:
        console.print()
        console.print(findings_table(view))
    for warning in before_reading(result):
        console.print()
        console.print(Text(f"! {warning}", style="bold yellow"))
    if result["answer"]:
        console.print()
        console.rule(style="dim")
        console.print(*answer, sep="\n")
        console.rule(style="dim")
    console.print(Text(closing_line(result), style="bold"))
    for line in citation_lines(result):
        console.print(Text(line))
    for warning in warnings(result):
        console.print(Text(f"! {warning}", style="yellow"))


def closing_line(result: Result) -> str:
    """`$0.0123 · 34s · 1 follow-up round · 4 of 9 sources cited · 12 documents indexed`."""
    cost = cost_in_words(result["bill"]["calls"])
    parts = [cost, duration(result["seconds"]), *_rounds(result), *_used(result.get("used") or {})]
    return " · ".join(parts)


def _used(used: Mapping[str, Any]) -> Iterator[str]:
    """What the run read; empty for what it was not given."""
    if shown := used.get("sources_shown"):
        yield f"{used['sources_cited']} of {count(shown, 'source')} cited"
    documents = used.get("documents") or {}
    if documents.get("indexed") is not None:
        part = "" if documents["complete"] else " (not yet all)"
        yield count(documents["indexed"], "document") + " indexed" + part
    if skipped := documents.get("skipped_count"):
        yield f"{count(skipped, 'file')} skipped"


def before_reading(result: Result) -> Iterator[str]:
    """Yield warnings that belong before the answer: nothing was read, nothing is cited."""
    return map(one_line, result.get("warnings", ()))


def warnings(result: Result) -> Iterator[str]:
    """Yield each thing that went worse than asked, as a sentence."""
    return map(one_line, _warnings(result))


def citation_lines(result: Result) -> Iterator[str]:
    """What the check of the citations found: the sum, then each that is not supported."""
    found = result.get("verification")
    if not found or not found["citations"]:
        return
    counts = Counter(one["verdict"] or "unchecked" for one in found["citations"])
    how = found["model"] or "by words alone, which often errs"
    yield f"citations: {verdict_summary(counts)} ({how})"
    for one in found["citations"]:
        if one["verdict"] in ("partly", "not_found"):
            missing = f" (not: {one['missing']})" if one["missing"] else ""
            said = f"[{one['number']}] {one['verdict'].replace('_', ' ')}: {one['claim']}"
            yield one_line(said + missing)


def kept_files_line(result: Result, folder: Path) -> str:
    """`kept 2 files in results: A/plot.png, B/table.csv`."""
    paths = [Path(one["path"]) for one in result["files"]]
    if not paths:
        return f"no member left a file in /work/out, so there is none in {folder}"
    names = [str(path.relative_to(folder)) for path in paths[:_LISTED_FILES]]
    more = [f"and {len(paths) - _LISTED_FILES} more"] if len(paths) > _LISTED_FILES else []
    return f"kept {count(len(paths), 'file')} in {folder}: {', '.join([*names, *more])}"


def partial_markdown(view: RunView) -> str:
    """What a run without an answer has learned, as Markdown; empty if nothing."""
    return "\n".join(_partial_sections(view))


def partial_json(question: str, view: RunView) -> dict[str, Any]:
    """What a run without an answer has learned; the fields are those of `FusionResult`."""
    return {
        "run_id": view.run_id,
        "question": question,
        "answers": list(view.answers),
        "analysis": view.analysis,
        "follow_ups": list(view.follow_ups),
        "draft": view.draft,
        "calls": list(view.calls),
    }


def _calls(result: Result) -> Sequence[Mapping[str, Any]]:
    """Calls of `client_tools`: the command line cannot run them."""
    calls: Sequence[Mapping[str, Any]] = result.get("tool_calls", ())
    return calls


def _rounds(result: Result) -> Iterator[str]:
    if result["mode"] == "direct":
        return
    early = not result["rounds"] and result.get("ended_by") == "nothing_open"
    yield count(result["rounds"], "follow-up round") + (" (nothing open)" if early else "")


def _warnings(result: Result) -> Iterator[str]:
    notes = result.get("notes", ())
    yield from notes
    if not notes:
        yield from (f"worse than asked: {reason_text(word)}" for word in result["degraded"])
    yield from map(_failed, result["failed_members"])
    yield from _skipped(result)
    if unverified := result["unverified"]:
        texts = ", ".join(one["text"] for one in unverified)
        yield f"{count(len(unverified), 'citation')} not found among the sources: {texts}"
    if dropped := result["dropped"]:
        yield f"{count(len(dropped), 'result')} kept from the members by `exclude`"


def _skipped(result: Result) -> Iterator[str]:
    documents = (result.get("used") or {}).get("documents") or {}
    listed_files = documents.get("skipped", ())[:_LISTED_FILES]
    for one in listed_files:
        yield f"skipped {one['path']}: {one['reason']}"
    if (more := documents.get("skipped_count", 0) - len(listed_files)) > 0:
        yield f"skipped {count(more, 'further file')}; `--json` lists them under `used`"


def _failed(one: Mapping[str, Any]) -> str:
    why = reason_text(one["reason"], one.get("detail", ""))
    return f"{one['seat']} ({one['model']}) gave no whole answer: {why}"


def _partial_sections(view: RunView) -> Iterator[str]:
    for answer in view.answers:
        if answer.get("text"):
            yield f"## {_title(answer)}\n\n{answer['text'].strip()}\n"
    if view.analysis is not None:
        yield findings_markdown(view.analysis, view.follow_ups)
    if view.draft.strip():
        yield f"## The answer so far (unfinished, unchecked)\n\n{view.draft.strip()}\n"


def _title(answer: Mapping[str, Any]) -> str:
    part = ", in part" if answer["status"] == "partial" else ""
    round_ = f", follow-up {answer['round']}" if answer.get("round") else ""
    return f"{answer['seat']} ({answer['model']}{round_}{part})"
