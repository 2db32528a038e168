"""`stop`: the answer ends before the first of some texts, also where a stream breaks one in two."""

from collections.abc import Sequence


class StopFilter:
    """Passes text on up to the first stop sequence; holds back what may be the beginning of one."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._held = ""
        self._stopped = False

    def feed(self, piece: str) -> str:
        """Return what can be sent now that this piece has come."""
        if self._stopped or not self._stops:
            return "" if self._stopped else piece
        text = self._held + piece
        cut = _first(text, self._stops)
        if cut is not None:
            self._stopped, self._held = True, ""
            return text[:cut]
        kept = max(_overlap(text, stop) for stop in self._stops)
        self._held = text[len(text) - kept :]
        return text[: len(text) - kept]

    def end(self) -> str:
        """Return the held-back text, which turned out not to be a stop sequence."""
        held, self._held = self._held, ""
        return held


def cut_at(text: str, stops: Sequence[str]) -> str:
    """The text before the first of `stops`; the whole text if none is in it."""
    return text[: _first(text, stops)]


def _first(text: str, stops: Sequence[str]) -> int | None:
    found = [at for at in (text.find(stop) for stop in stops) if at >= 0]
    return min(found, default=None)


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of the text are the beginning of `stop`."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)
