"""Read server-sent events, as far as chat completions use them: their data."""

from __future__ import annotations

from collections.abc import Iterator

END = "[DONE]"


class EventData:
    """Cut the bytes of an event stream into the data of its events, wherever the pieces break."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[str] = []
        self._ended = False

    def fed(self, piece: bytes) -> Iterator[str]:
        """Yield the data of each event that this piece completes, up to `[DONE]`."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            yield from self._read(line.decode(errors="replace").removesuffix("\r"))

    def finished(self) -> Iterator[str]:
        """Yield what is left at the end of the body: the last event may lack its empty line."""
        yield from self.fed(b"\n\n")

    def _read(self, line: str) -> Iterator[str]:
        if line.startswith("data:"):
            self._data.append(line[5:].removeprefix(" "))
        elif not line and self._data:
            event = "\n".join(self._data)
            self._data.clear()
            self._ended = self._ended or event.startswith(END)
            if not self._ended:
                yield event
