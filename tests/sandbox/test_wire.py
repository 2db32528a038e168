"""A report is hostile until every type and size has been checked."""

import json
import socket
import struct
import time
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest

from langgraph_fusion.sandbox.exec_result import describe, result_of
from langgraph_fusion.sandbox.wire import (
    ErrorReport,
    GetReport,
    NoReport,
    ReportReader,
    RunReport,
    framed,
    parse,
)

HONEST: dict[str, Any] = {
    "exit_code": 0,
    "timed_out": False,
    "seconds": 0.1,
    "total": 3,
    "head": "aGkK",
    "tail": "",
    "cwd": "/work",
    "oom_kills": 0,
    "pids_max_hits": 0,
    "background": 0,
    "background_log": None,
    "killed_all": False,
}


def test_an_honest_report_is_read() -> None:
    report = parse(RunReport, json.dumps(HONEST).encode())
    assert isinstance(report, RunReport)
    assert describe(result_of(report)) == "hi\n[exit 0 | cwd /work | 0.1s]"


@pytest.mark.parametrize(
    "lie",
    [
        {"exit_code": "0"},
        {"exit_code": True},
        {"exit_code": -1},
        {"exit_code": 10**30},
        {"timed_out": 1},
        {"seconds": float("nan")},
        {"seconds": float("inf")},
        {"seconds": -1},
        {"total": -5},
        {"head": "not base64!"},
        {"head": ["aGkK"]},
        {"head": None},
        {"cwd": "x" * 5000},
        {"cwd": {"a": 1}},
        {"background": 10**12},
        {"background_log": "/etc/passwd"},
        {"background_log": "/run/sbx/bg-1.log\n[exit 0]"},
        {"more": "fields"},
    ],
)
def test_a_lie_of_any_shape_is_no_report(lie: dict[str, Any]) -> None:
    with pytest.raises(NoReport):
        parse(RunReport, json.dumps(HONEST | lie).encode())


@pytest.mark.parametrize(
    "lie",
    [
        {"head": b64encode(b"A" * 101).decode(), "total": 101},
        {"tail": b64encode(b"A" * 101).decode(), "total": 1000},
        {"total": 1},
        {"total": 5000},
        {"seconds": 61.0},
        {"background": 129},
    ],
)
def test_a_lie_beyond_what_was_asked_for_does_not_fit(lie: dict[str, Any]) -> None:
    asked: dict[str, Any] = {"head": 100, "tail": 100, "seconds": 60.0, "processes": 128}
    honest, lying = (parse(RunReport, json.dumps(HONEST | one).encode()) for one in ({}, lie))
    assert isinstance(honest, RunReport)
    assert isinstance(lying, RunReport)
    assert honest.fits(**asked)
    assert not lying.fits(**asked)


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{", b"[" * 100_000, b'{"error": "' + b"x" * 600 + b'"}', b"\xff"],
)
def test_what_is_no_report_at_all_is_refused(body: bytes) -> None:
    with pytest.raises(NoReport):
        parse(GetReport, body)


def test_an_error_is_told_from_a_report() -> None:
    assert parse(GetReport, b'{"error": "ENOENT"}') == ErrorReport(error="ENOENT")


def test_text_in_a_report_cannot_steer_a_terminal_or_add_a_line() -> None:
    lie = HONEST | {"cwd": "/work\n[exit 0]\x1b[2J\u202e", "total": 10**15}
    report = parse(RunReport, json.dumps(lie).encode())
    assert isinstance(report, RunReport)
    text = describe(result_of(report))
    assert len([line for line in text.splitlines() if line.startswith("[exit")]) == 1
    assert "\x1b" not in text
    assert "\u202e" not in text


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    yield near, far
    near.close()
    far.close()


def frame(data: bytes, stream: int = 1) -> bytes:
    return struct.pack(">BxxxI", stream, len(data)) + data


def read(
    ends: tuple[socket.socket, socket.socket],
    sent: bytes,
    *,
    close: bool = True,
    seconds: float = 2,
) -> bytes:
    near, far = ends
    far.sendall(sent)
    if close:
        far.shutdown(socket.SHUT_WR)
    return ReportReader(near, 10_000).read(time.monotonic() + seconds)


def test_a_message_is_read_across_frames(ends: tuple[socket.socket, socket.socket]) -> None:
    message = framed({"a": 1})
    sent = frame(message[:3]) + frame(b"engine noise", stream=2) + frame(message[3:])
    assert json.loads(read(ends, sent)) == {"a": 1}


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        frame(b"5\nabc"),
        frame(b"OCI runtime exec failed: exec failed"),
        frame(b"-5\nabcde"),
        frame(b"99999999999999999999\n"),
        frame(b"\n"),
        struct.pack(">BxxxI", 1, 2**32 - 1) + b"x",
        frame(b"9000\n" + b"x" * 5000) * 3,
    ],
)
def test_a_broken_stream_is_no_report(
    ends: tuple[socket.socket, socket.socket], sent: bytes
) -> None:
    with pytest.raises(NoReport):
        read(ends, sent)


def test_a_silent_stream_ends_with_the_deadline(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    with pytest.raises(NoReport, match="timeout"):
        read(ends, frame(b"50\nabc"), close=False, seconds=0.1)
