"""A client's key: what it allows, what was charged to it, and its token.

A token is `fk-<id>-<secret>`. The secret is 256 random bits, so a plain SHA-256 of it cannot be
searched for; it is compared in constant time.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import NamedTuple

PREFIX = "fk"
_NOBODY = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Caps:
    """What a key may spend and how often; None is no limit."""

    per_day_usd: float | None = None
    """In one day, UTC."""
    total_usd: float | None = None
    per_run_usd: float | None = None
    """One deliberation; without it a tenth of the smaller of the other two."""
    per_minute: int | None = None
    """Deliberations in any 60 seconds."""
    at_once: int | None = None
    """Deliberations that run or wait at the same time."""
    priority: int | None = None
    """The highest that its requests may ask for; None is 0, that of all who ask for none."""

    @property
    def one_run_usd(self) -> float | None:
        caps = [cap for cap in (self.per_day_usd, self.total_usd) if cap is not None]
        return min(caps) / 10 if self.per_run_usd is None and caps else self.per_run_usd


@dataclass(frozen=True)
class Key:
    """A client's key, without its secret."""

    id: str
    name: str
    created: float
    caps: Caps
    for_metrics: bool = False
    """It reads the metrics of the server, and starts no deliberations."""

    @property
    def shown(self) -> str:
        """The part of the key that may be shown."""
        return f"{PREFIX}-{self.id}-…"


@dataclass(frozen=True)
class Spent:
    """US dollars charged to a key, runs under way included."""

    today_usd: float
    total_usd: float
    runs: int


@dataclass(frozen=True)
class Charge:
    """A run that was charged to a key."""

    id: int
    budget_usd: float | None
    """What the run may cost at most."""


class Token(NamedTuple):
    """The two parts of what a client sends."""

    id: str
    secret: str

    @classmethod
    def new(cls) -> "Token":
        return cls(secrets.token_hex(4), secrets.token_urlsafe(32))

    @classmethod
    def parse(cls, text: str) -> "Token":
        """Read any text; of one that is no token both parts are wrong."""
        _, _, rest = text.partition(f"{PREFIX}-")
        id, _, secret = rest.partition("-")
        return cls(id, secret)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.secret.encode(errors="surrogatepass")).hexdigest()

    def matches(self, sha256: str | None) -> bool:
        """Whether this is the hash of the secret; None is that of no key."""
        return hmac.compare_digest(self.sha256, sha256 or _NOBODY) and sha256 is not None

    def __str__(self) -> str:
        return f"{PREFIX}-{self.id}-{self.secret}"
