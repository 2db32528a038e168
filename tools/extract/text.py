"""What a reader gives back."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Text:
    """A file or page as text."""

    title: str
    """Empty if the file names none."""
    text: str
    note: str = ""
    """What is missing from the text, in words, for example pages after a limit."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
