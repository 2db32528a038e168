"""The text a model sees of a command's result."""

import json
import re
import unicodedata
from collections.abc import Iterator
from functools import cache

from langgraph_fusion.sandbox.base import ExecResult
from langgraph_fusion.sandbox.wire import NoReport, RunReport

MARK = "\ufffd"
# Control, format (zero-width, direction, tags), surrogate; line and paragraph separators.
UNPRINTABLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
# Invisible though they count as letters or marks: fillers and variation selectors.
INVISIBLE = (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, *range(0xFE00, 0xFE10))
BRACKETS = r"\[\u2045\u3010\u3014\u3016\u3018\u301a\ufe47\uff3b\u27e6"
PLAIN_DIRECTORY = re.compile(r"[\w./@+,=-]+")


@cache
def _replaced() -> dict[int, str]:
    table = {
        code: MARK
        for code in (*range(0x3000), *range(0xFE00, 0x1_4000), *range(0xE0000, 0xE1000))
        if unicodedata.category(chr(code)) in UNPRINTABLE
    }
    table |= dict.fromkeys((*INVISIBLE, *range(0xE0100, 0xE01F0)), MARK)
    table |= dict.fromkeys(range(0xD800, 0xE000), MARK)
    return table | {9: "\t", 10: "\n", 13: ""}


def describe(result: ExecResult) -> str:
    """Output, then exit code, directory and time, then one bracketed line for each note.

    Only ours begin with a bracket: a line of the output that does is moved in by one space.
    """
    facts = [f"exit {'unknown' if result.exit_code is None else result.exit_code}"]
    if result.cwd:
        facts.append(f"cwd {directory(result.cwd)}")
    facts.append(f"{result.seconds:.1f}s")
    lines = [_moved_in(result.output.rstrip("\n"), result.note)] if result.output else []
    lines.append(f"[{' | '.join(facts)}]")
    lines += [f"[{note}]" for note in result.note.splitlines()]
    return "\n".join(lines)


def directory(path: str) -> str:
    """A directory's name as it is, or in quotes where it could be read as something else."""
    return path if PLAIN_DIRECTORY.fullmatch(path) else json.dumps(path, ensure_ascii=False)


def _moved_in(output: str, note: str) -> str:
    """Also what only looks like a bracket; our own line about a gap stays where it is."""
    gap = re.search(r"(?m)^\d+ bytes omitted", note)
    ours = rf"(?!\[\.\.\. {gap[0]} \.\.\.\]$)" if gap else ""
    return re.sub(rf"(?m)^{ours}(?=\s*[{BRACKETS}])", " ", output)


def printable(text: str) -> str:
    """Replace what cannot be seen or could steer a terminal: control, format, direction."""
    return text.translate(_replaced())


def one_line(text: str) -> str:
    return printable(text).replace("\n", MARK).replace("\t", " ")


def result_of(report: RunReport) -> ExecResult:
    """Turn a checked report into what the caller gets."""
    omitted = max(0, report.total - len(report.head) - len(report.tail))
    gap = f"\n[... {omitted} bytes omitted ...]\n".encode() if omitted else b""
    text = (report.head + gap + report.tail).decode("utf-8", "replace")
    return ExecResult(
        exit_code=report.exit_code,
        output=printable(text),
        truncated=omitted > 0,
        total_bytes=report.total,
        timed_out=report.timed_out,
        note="\n".join(notes(report, omitted)),
        cwd=one_line(report.cwd) if report.cwd else None,
        seconds=report.seconds,
        oom_kills=report.oom_kills,
        background=report.background,
    )


def notes(report: RunReport, omitted: int) -> Iterator[str]:
    if report.timed_out:
        seconds = f"{report.seconds:.0f}s"
        yield f"timed out after {seconds}; the command and its children were killed"
    if report.oom_kills:
        yield "a process was killed because the sandbox memory limit was reached"
    if report.pids_max_hits:
        yield "sandbox process limit was reached; all processes were killed"
    elif report.killed_all:
        yield "too many processes were running; all of them were killed"
    if omitted:
        yield (
            f"{omitted} bytes omitted; to read them, send the output to a file in /work "
            "and look at parts of it with head, tail, sed or grep"
        )
    if report.background:
        processes = "process" if report.background == 1 else "processes"
        where = f"; output in {report.background_log}" if report.background_log else ""
        yield f"{report.background} background {processes} still running{where}"


def refused_result(reason: str) -> ExecResult:
    """Say why a command did not run."""
    return ExecResult(None, "", note=reason)


def replaced_result(reason: str, lost: NoReport | None = None) -> ExecResult:
    """Say that the sandbox had to be replaced by a fresh one."""
    return ExecResult(
        exit_code=lost.exit_code if lost else None,
        output="",
        timed_out=lost is not None and lost.loss == "timeout",
        note=f"{reason}\nsandbox was replaced; all files and state are lost",
        sandbox_reset=True,
    )


def healed_result(lost: NoReport) -> ExecResult:
    """Say that only the processes were lost."""
    return ExecResult(
        exit_code=lost.exit_code,
        output="",
        timed_out=lost.loss == "timeout",
        note=(
            f"{why_lost(lost)}, so its output is lost; files are intact, "
            "all processes in the sandbox were killed"
        ),
    )


def why_lost(lost: NoReport) -> str:
    if lost.loss == "timeout":
        return "the command stopped its own supervision"
    if lost.exit_code is not None:
        return f"the command killed its own supervision (exit {lost.exit_code})"
    return "the command's supervision broke down"
