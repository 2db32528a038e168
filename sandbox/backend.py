"""What a pool needs of the kind of sandbox it opens. Everything here blocks."""

from typing import Protocol

from langgraph_fusion.sandbox.calls import SupervisedContainer


class Backend(Protocol):
    """Starts the containers of one pool, and removes what is left of them."""

    @property
    def not_held(self) -> str:
        """Which of the limits do not hold, in words; empty if all do. Known once it is open."""
        ...

    @property
    def notice(self) -> str:
        """What the reader has to know about the choice of this kind; empty if nothing."""
        ...

    def open(self) -> None:
        """Check that sandboxes can be started and that their limits will be enforced.

        Raises:
            SandboxUnavailable: Naming what is missing.
        """
        ...

    def start(self, member: str, proxy_directory: str | None) -> SupervisedContainer:
        """Start one member's container and check its locks.

        Raises:
            SandboxUnavailable: If it does not start, or is not locked as asked.
        """
        ...

    def reap(self) -> None:
        """Remove what dead owners left behind. Never raises."""
        ...

    def remove_all(self) -> bool:
        """Remove every container of the pool; say whether that was possible."""
        ...

    def close(self, *, cleaned_up: bool) -> None:
        """Release everything; closing before opening is fine."""
        ...
