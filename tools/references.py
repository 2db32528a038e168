"""Notes in a tool's result that name what stands elsewhere in the conversation by its id."""

import re
from collections.abc import Collection, Sequence

_HAVE = re.compile(r"\[found as well, and you have: ([^\]\n]*)\]")
_LINES = re.compile(r"\[you have lines (\d+-\d+) as (\w+)(?:: [^\]\n]*)?\]")
_BEGIN_CHARS = 30
"""Of lines that are not shown, where their id alone does not say which they are."""
_BRACKETS = str.maketrans("[]", "()")
_ENTRY = re.compile(r"(\w+)(?: \(in ([\w, ]+)\))?")


def you_have(entries: Sequence[str]) -> str:
    """The note for passages that were found again; an entry is `A7`, or `A7 (in A2)`."""
    return f"[found as well, and you have: {', '.join(entries)}]"


def lines_as(numbers: str, id: str, text: str = "") -> str:
    """The note in the place of lines, for example `5-12`, with the beginning of their `text`."""
    words = " ".join(text.translate(_BRACKETS).split())
    if len(words) > _BEGIN_CHARS:
        words = f"{words[:_BEGIN_CHARS].rstrip()}…"
    return f"[you have lines {numbers} as {id}{': ' if words else ''}{words}]"


def only_true(text: str, standing: Collection[str]) -> str:
    """The text, with notes on what is not `standing` in the conversation changed to say so."""
    text = _HAVE.sub(lambda note: _split(note[1], standing), text)
    return _LINES.sub(
        lambda note: (
            note[0]
            if note[2] in standing
            else f"[lines {note[1]} were shown as {note[2]}, no longer here: docs_read shows them]"
        ),
        text,
    )


def _split(entries: str, standing: Collection[str]) -> str:
    here, gone = list[str](), list[str]()
    for entry in _ENTRY.finditer(entries):
        where = entry[2].split(", ") if entry[2] else [entry[1]]
        if all(id in standing for id in where):
            here.append(entry[0])
        else:
            gone.append(entry[1])
    notes = [you_have(here)] if here else []
    if gone:
        notes.append(f"[found as well, no longer here: {', '.join(gone)}; docs_read shows it]")
    return "\n".join(notes)
