"""Members that work one after the other, so that a local server loads each model once."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager


def by_model(models: Sequence[tuple[str, str]], last: str | None = None) -> list[frozenset[str]]:
    """Group letters by model, in panel order; those of the model `last`, which judges, at the end.

    `models` are letter and model of each member.
    """
    order = sorted(dict.fromkeys(model for _, model in models), key=lambda model: model == last)
    return [frozenset(letter for letter, its in models if its == model) for model in order]


class Turns:
    """Whose turn it is, group by group. For one event loop only."""

    def __init__(self, groups: Iterable[frozenset[str]]) -> None:
        self._left = [set(group) for group in groups if group]
        self._over = [asyncio.Event() for _ in self._left]

    @asynccontextmanager
    async def turn(self, letter: str) -> AsyncIterator[int]:
        """Wait until all groups before this member's are done; yields how many are not yet."""
        place = next(n for n, group in enumerate(self._left) if letter in group)
        try:
            for over in self._over[:place]:
                await over.wait()
            yield len(self._left) - place
        finally:
            self.done(letter)

    def ahead(self, letter: str) -> int:
        """How many members have to be done before this one's turn."""
        place = next(n for n, group in enumerate(self._left) if letter in group)
        return sum(len(group) for group in self._left[:place])

    def done(self, letter: str) -> None:
        """Let the next group begin when this was the last of its group."""
        for group, over in zip(self._left, self._over, strict=True):
            group.discard(letter)
            if not group:
                over.set()
