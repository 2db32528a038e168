"""Parse a container's reports: bounded and validated, because they are untrusted.

The supervisor shares its uid with hostile commands, so its report is untrusted: every type and
size is strict, and whatever does not fit is no report.
"""

import binascii
import json
import socket
import struct
import time
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

STDOUT = 1
HEADER = struct.Struct(">BxxxI")
MAX_LENGTH_DIGITS = 10
MAX_COUNT = 2**62
MAX_LISTED = 10_000

Loss = Literal["timeout", "flood", "end of stream", "no report"]


class NoReport(Exception):
    """The supervisor did not report; internal to this package."""

    def __init__(self, loss: Loss, exit_code: int | None = None) -> None:
        super().__init__(loss)
        self.loss = loss
        self.exit_code = exit_code


def decoded(text: object) -> bytes:
    if not isinstance(text, str):
        raise ValueError("not text")
    return binascii.a2b_base64(text, strict_mode=True)  # its error is a ValueError, as is ours


Base64 = Annotated[bytes, BeforeValidator(decoded)]
Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]
ShortText = Annotated[str, Field(max_length=4096)]


class Report(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class ErrorReport(Report):
    error: Annotated[str, Field(max_length=500)]


class RunReport(Report):
    exit_code: Annotated[int, Field(ge=0, le=255)] | None
    timed_out: bool
    seconds: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
    total: Count
    head: Base64
    tail: Base64
    cwd: ShortText | None
    oom_kills: Count
    pids_max_hits: Count
    background: Annotated[int, Field(ge=0, le=100_000)]
    background_log: Annotated[str, Field(pattern=r"^/run/sbx/bg-[0-9]{1,10}\.log$")] | None
    killed_all: bool

    def fits(self, *, head: int, tail: int, seconds: float, processes: int) -> bool:
        """Whether all numbers are within what was requested, also those of a forged report."""
        return (
            len(self.head) <= head
            and len(self.tail) <= tail
            and (self.total <= head or len(self.head) == head)
            and self.total >= len(self.head) + len(self.tail)
            and self.seconds <= seconds
            and self.background <= processes
        )


class PutReport(Report):
    bytes: Count


class GetReport(Report):
    data: Base64


class ListReport(Report):
    files: Annotated[list[tuple[ShortText, Count]], Field(max_length=MAX_LISTED)]
    left_out: Annotated[list[ShortText], Field(max_length=100)]


class CheckReport(Report):
    uid: int
    main_uid: int
    capabilities: list[int]
    no_new_privileges: bool
    seccomp: bool
    open_calls: Annotated[list[ShortText], Field(max_length=100)]
    core_limit: int
    closed_interpreter: bool
    terminals: bool
    root_read_only: bool
    interfaces: list[ShortText]
    engine_socket: bool
    proxy_socket: bool
    supervisor: ShortText
    proxy: bool
    memory: int | None
    processes: int | None
    cpus: float | None


ReportT = TypeVar("ReportT", bound=Report)


def parse(kind: type[ReportT], body: bytes) -> ReportT | ErrorReport:
    """The report of this kind, or the error the supervisor met.

    Raises:
        NoReport: If the body is neither.
    """
    for model in (kind, ErrorReport):
        try:
            return model.model_validate_json(body)
        except ValidationError:
            continue
    raise NoReport("no report")


def framed(request: dict[str, Any]) -> bytes:
    body = json.dumps(request).encode()
    return b"%d\n" % len(body) + body


class ReportReader:
    """One length-prefixed message with deadline and cap.

    Args:
        sock: Where it comes from.
        max_bytes: How much is read at most.
        multiplexed: Whether an engine has wrapped it into the frames of its stream.
    """

    def __init__(self, sock: socket.socket, max_bytes: int, *, multiplexed: bool = True) -> None:
        self._multiplexed = multiplexed
        self._sock = sock
        self._left = max_bytes
        self._frames = bytearray()
        self._text = bytearray()

    def read(self, deadline: float) -> bytes:
        """Wait until `deadline` (monotonic seconds) for the body of the message.

        Raises:
            NoReport: If time, the cap or the stream ends before the message does.
        """
        while (body := self._message()) is None:
            self._receive(deadline)
        return body

    @property
    def beginning(self) -> bytes:
        """The bytes read so far, for the log: they may be a message of the engine."""
        return bytes(self._text[:300])

    def _message(self) -> bytes | None:
        newline = self._text.find(b"\n", 0, MAX_LENGTH_DIGITS + 1)
        if newline < 0:
            if len(self._text) > MAX_LENGTH_DIGITS:
                raise NoReport("no report")
            return None
        if not self._text[:newline].isdigit():
            raise NoReport("no report")
        end = newline + 1 + int(self._text[:newline])
        return bytes(self._text[newline + 1 : end]) if len(self._text) >= end else None

    def _receive(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise NoReport("timeout")
        self._sock.settimeout(left)
        try:
            data = self._sock.recv(65536)
        except TimeoutError as error:
            raise NoReport("timeout") from error
        except OSError as error:
            raise NoReport("end of stream") from error
        self._left -= len(data)
        if not data:
            raise NoReport("end of stream")
        if self._left < 0:
            raise NoReport("flood")
        if self._multiplexed:
            self._frames += data
            self._unwrap()
        else:
            self._text += data

    def _unwrap(self) -> None:
        while len(self._frames) >= HEADER.size:
            stream, length = HEADER.unpack_from(self._frames)
            end = HEADER.size + length
            if len(self._frames) < end:
                return
            if stream == STDOUT:
                self._text += self._frames[HEADER.size : end]
            del self._frames[:end]
