"""What a run has cost so far, from its events."""

from typing import Any


class Spending:
    """The calls of one run that were told; what an earlier turn has paid for is not among them."""

    def __init__(self) -> None:
        self.calls = 0
        self.known_usd = 0.0
        self._unknown = False

    @property
    def cost_usd(self) -> float | None:
        """None as soon as one call's cost is unknown."""
        return None if self._unknown else self.known_usd

    def event(self, event: dict[str, Any]) -> None:
        if event["type"] != "model.call" or event.get("carried"):
            return
        self.calls += 1
        self._unknown |= event["cost_usd"] is None
        self.known_usd = round(self.known_usd + (event["cost_usd"] or 0.0), 9)
