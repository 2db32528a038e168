"""The line of keys below the live view: what can be asked of the run, and what is being typed."""

import math
from collections.abc import Callable, Iterator
from typing import Literal

from rich.cells import cell_len
from rich.text import Text

from langgraph_fusion.cli.display.keys import BACKSPACE, CLEAR, ENTER, ESCAPE
from langgraph_fusion.cli.display.model import RunView
from langgraph_fusion.graph.calls.steering import Steering
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.models.text import one_line

Entry = Literal["", "seat", "question", "budget"]

ERROR_S = 5.0
"""Seconds that an error is shown, if no key is pressed before."""
_MOST_CHARACTERS = 4000
_LONG = {"a": "answer now", "s": "stop a member", "f": "one more round on …"}
_SHORT = {"a": "answer", "s": "stop", "f": "follow up"}
_ENTRIES: dict[str, Entry] = {"s": "seat", "f": "question", "b": "budget"}
_LEAVE = "  (Esc leaves)"


class SteeringLine:
    """Turns keys into what is asked of the run. Errors are shown, what was typed is still there."""

    def __init__(self, steering: Steering, clock: Callable[[], float]) -> None:
        self._steering, self._clock = steering, clock
        self._entry: Entry = ""
        self._typed = ""
        self._error, self._error_ends = "", 0.0
        self._asked: list[str] = []

    def press(self, key: str, view: RunView) -> None:
        """Do what the key says; a key that means nothing here does nothing."""
        self._error = ""
        try:
            self._choose(key.lower(), view) if not self._entry else self._enter(key)
        except ConfigError as error:
            self._error = str(error).removeprefix(f"{error.field}: ")
            self._error_ends = self._clock() + ERROR_S

    def lines(self, view: RunView, width: int) -> list[Text]:
        """What was asked for, and below it the line of keys; either may be missing."""
        found = [Text(f"asked for: {'; '.join(reversed(self._asked))}", "cyan")]
        found = found if self._asked else []
        if line := self._last_line(view, width):
            found.append(line)
        for one in found:
            one.no_wrap, one.overflow = True, "ellipsis"
        return found

    def _choose(self, key: str, view: RunView) -> None:
        if key not in self._offered(view):
            if key in _LONG and view.seats and self._steering.too_late:
                raise ConfigError(self._steering.too_late)
            return
        if key == "a":
            self._steering.answer_now()
            self._asked.append("answer now")
        else:
            self._entry = _ENTRIES[key]

    def _enter(self, key: str) -> None:
        if key == ESCAPE:
            self._leave()
        elif self._entry == "seat":
            if len(key) == 1:
                self._stop(key.upper())
        elif key == ENTER:
            self._ask(self._typed.strip()) if self._entry == "question" else self._raise_budget()
        elif key == BACKSPACE:
            self._typed = self._typed[:-1]
        elif key == CLEAR:
            self._typed = ""
        elif len(key) == 1 and len(self._typed) < _MOST_CHARACTERS:
            self._typed += key

    def _stop(self, seat: str) -> None:
        self._steering.stop_member(seat)
        self._asked.append(f"stop {seat}")
        self._leave()

    def _ask(self, question: str) -> None:
        self._steering.follow_up(question)
        self._asked.append(f"one more round on “{one_line(question)}”")
        self._leave()

    def _raise_budget(self) -> None:
        usd = _dollars(self._typed)
        self._steering.raise_budget(usd)
        self._asked.append(f"spend up to ${usd:g}")
        self._leave()

    def _leave(self) -> None:
        self._entry, self._typed = "", ""

    def _offered(self, view: RunView) -> Iterator[str]:
        """The keys that mean something at this moment."""
        steering = self._steering
        panel = bool(_letters(view)) and not steering.too_late
        if panel and not steering.answering_now:
            yield "a"
        if panel:
            yield "s"
        if panel and not steering.answering_now and "judge" in view.seats:
            yield "f"
        if view.seats and view.result is None and steering.budget_usd is not None:
            yield "b"

    def _last_line(self, view: RunView, width: int) -> Text | None:
        if self._error and self._clock() < self._error_ends:
            return Text(self._error, "yellow")
        if self._entry == "seat":
            return Text(f"which member is to stop? {' '.join(_letters(view))}{_LEAVE}")
        if self._entry == "question":
            return _with_typed("one more round on: ", self._typed, width)
        if self._entry == "budget":
            so_far = f"spend up to, in US dollars (now {self._steering.budget_usd:g}): "
            return _with_typed(so_far, self._typed, width)
        offered = list(self._offered(view))
        cap = self._steering.budget_usd
        long = _keys(offered, _LONG | {"b": f"raise the spend cap of ${cap or 0:g}"})
        return long if long.cell_len <= width else _keys(offered, _SHORT | {"b": "spend cap"})


def _keys(offered: list[str], words: dict[str, str]) -> Text:
    parts = [Text.assemble((key, "bold"), (f" {words[key]}", "dim")) for key in offered]
    return Text("  ·  ", "dim").join(parts)


def _letters(view: RunView) -> list[str]:
    """The members that are seated."""
    seats = view.seats.values()
    return [one.name for one in seats if len(one.name) == 1 and one.status != "not seated"]


def _with_typed(prompt: str, typed: str, width: int) -> Text:
    """The prompt and the end of what was typed, with room for a cursor and the way out."""
    room = max(4, width - cell_len(prompt) - cell_len(_LEAVE) - 2)
    shown = one_line(typed) + " " * (typed.endswith(" "))
    while cell_len(shown) > room:
        shown = f"…{shown.removeprefix('…')[1:]}"
    return Text.assemble((prompt, "bold"), shown, (" ", "reverse"), (_LEAVE, "dim"))


def _dollars(text: str) -> float:
    try:
        usd = float(text.strip().removeprefix("$"))
    except ValueError:
        usd = math.nan
    if not math.isfinite(usd):
        raise ConfigError(f"write it as US dollars, for example 2.50, not {text.strip()!r}")
    return usd
