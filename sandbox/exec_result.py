"""The text a model sees of a command's result."""

from collections.abc import Iterator

from langgraph_fusion.sandbox.base import ExecResult
from langgraph_fusion.sandbox.wire import NoReport, RunReport

BIDI_CONTROLS = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
REPLACED = dict.fromkeys(
    (
        *(code for code in range(0x20) if code not in (9, 10, 13)),
        *range(0x7F, 0xA0),
        *BIDI_CONTROLS,
    ),
    "\ufffd",
)
REPLACED[13] = ""


def describe(result: ExecResult) -> str:
    """Output, then exit code, directory and time, then one bracketed line for each note."""
    facts = [f"exit {'unknown' if result.exit_code is None else result.exit_code}"]
    if result.cwd:
        facts.append(f"cwd {one_line(result.cwd)}")
    facts.append(f"{result.seconds:.1f}s")
    lines = [result.output.rstrip("\n")] if result.output else []
    lines.append(f"[{' | '.join(facts)}]")
    lines += [f"[{note}]" for note in result.note.splitlines()]
    return "\n".join(lines)


def printable(text: str) -> str:
    """Replace what could steer a terminal or reorder a line: control and direction characters."""
    return text.translate(REPLACED)


def one_line(text: str) -> str:
    return printable(text).replace("\n", "\ufffd").replace("\t", " ")


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
