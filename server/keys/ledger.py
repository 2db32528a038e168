"""The transactions of keys and charges; each is a generator of statements (see `database`).

A run is charged before it starts with the most it may cost, and settled with what it did cost; a
call of unknown cost counts with what was set aside for it. A run that was abandoned or died with
its server stays charged in full: nobody knows what its last calls cost. A request that was refused
is charged nothing.

A charge has a lease, which its process renews. When the lease has ended by the database's clock,
the run has no place any more, and if it had not begun it is charged nothing: it cannot begin then.
"""

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.server.errors import ApiError
from langgraph_fusion.server.keys import places
from langgraph_fusion.server.keys.account import Account, account_of
from langgraph_fusion.server.keys.database import Dialect, Row, Statement, Steps
from langgraph_fusion.server.keys.key import Caps, Charge, Key, Spent, Token
from langgraph_fusion.server.keys.places import BEGUN, TotalLimits, marks

LEASE_S = 30.0
"""A process that has not renewed its charges for so long counts as gone."""
_MANY = 100
"""Settled charges of a key that are kept one by one."""
_ADD_KEY = (
    "insert into keys (id, name, sha256, created, per_day_usd, total_usd, per_run_usd, per_minute, "
    "at_once, priority, for_metrics) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "on conflict (name) do nothing returning id"
)
_CHARGE = (
    "insert into charges (key, at, usd, priority, stage, lease_until) values (?, ?, ?, ?, 0, ?) "
    "returning id"
)


class Ledger:
    """The transactions, in the words of one database."""

    def __init__(self, dialect: Dialect, limits: TotalLimits) -> None:
        self._dialect = dialect
        self._limits = limits

    def now(self) -> Steps[float]:
        """Seconds of the epoch by the database's clock."""
        [row] = yield Statement(self._dialect.clock)
        return float(row["now"])

    def add(self, name: str, caps: Caps, *, for_metrics: bool) -> Steps[Token]:
        """Add a key; raises ConfigError if the name is taken."""
        token, now = Token.new(), (yield from self.now())
        row = (token.id, name, token.sha256, now, *vars(caps).values(), int(for_metrics))
        if not (yield Statement(_ADD_KEY, row)):
            raise ConfigError(f"there is a key named {name!r} already", field="name")
        return token

    def remove(self, name: str) -> Steps[None]:
        """Remove a key, not what was charged to it; raises ConfigError if there is none."""
        if not (yield Statement("delete from keys where name = ? returning id", (name,))):
            raise ConfigError(f"there is no key named {name!r}", field="name")

    def all(self) -> Steps[list[tuple[Key, Spent]]]:
        """Every key with what was charged to it, oldest first."""
        found = []
        for row in (yield Statement("select * from keys order by created, id")):
            account = yield from account_of(row["id"], self._dialect)
            found.append((_key(row), account.spent))
        return found

    def find(self, token: Token) -> Steps[Key | None]:
        """Return the key with this token, if there is one."""
        rows = yield Statement("select * from keys where id = ?", (token.id,))
        known = token.matches(rows[0]["sha256"] if rows else None)
        return _key(rows[0]) if known else None

    def charge(self, key: Key, wanted_usd: float | None, priority: int = 0) -> Steps[Charge]:
        """Charge a run with the most it may cost; raises ApiError where a limit is reached."""
        if self._limits.runs is not None:
            yield Statement(self._dialect.lock_all)
        yield from self._lock(key)
        account = yield from account_of(key.id, self._dialect)
        now = account.now
        yield from places.check(key, self._limits, now)
        if account.old > _MANY:
            yield from _add_up(key.id, account)
        account.check_rate(key.caps)
        budget = account.budget(key.caps, wanted_usd)
        charged = (key.id, now, float(budget or 0), priority, now + LEASE_S)
        [row] = yield Statement(_CHARGE, charged)
        return Charge(int(row["id"]), budget)

    def begin(self, charges: list[int]) -> Steps[tuple[list[int], list[int]]]:
        """Of runs that wait for their turn, those that begin now, and those that are too late."""
        if self._limits.runs is None:
            return (yield from places.give_all(charges, self._dialect, LEASE_S))
        yield Statement(self._dialect.lock_all)
        now = yield from self.now()
        return (yield from places.give(charges, self._limits.runs, now, now + LEASE_S))

    def renew(self, charges: list[int]) -> Steps[None]:
        """Renew the leases of runs under way; not of those that came too late to begin."""
        yield Statement(
            f"with clock as ({self._dialect.clock}) "
            "update charges set lease_until = (select now from clock) + ? "
            f"where settled = 0 and (stage = {BEGUN} or lease_until > (select now from clock)) "
            f"and id in ({marks(charges)})",
            (LEASE_S, *charges),
        )

    def raise_charge(self, key: Key, charge: Charge, usd: float) -> Steps[Charge]:
        """Charge a run under way with up to so much in all; raises ApiError, 402, above a cap."""
        yield from self._lock(key)
        free = (yield from account_of(key.id, self._dialect)).free(key.caps)
        with_this = None if free is None else free + (charge.budget_usd or 0.0)
        most = [one for one in (key.caps.one_run_usd, with_this) if one is not None]
        if most and usd > min(most):
            raise ApiError(
                402,
                f"budget_usd: this key allows up to ${max(0.0, min(most)):.4f} for this run",
                code="insufficient_quota",
                param="budget_usd",
            )
        if charge.budget_usd is None:
            return charge
        yield Statement("update charges set usd = ? where id = ?", (float(usd), charge.id))
        return Charge(charge.id, usd)

    def settle(self, charge: int, cost_usd: float | None, known_usd: float) -> Steps[None]:
        """Replace the charge by the cost; if that is unknown, by what is known if it is more."""
        yield Statement(
            "update charges set settled = 1, "
            "usd = coalesce(?, case when usd > ? then usd else ? end) where id = ?",
            (cost_usd, known_usd, known_usd, charge),
        )

    def refund(self, charge: int) -> Steps[None]:
        """Take back the charge of a request that was refused; it still counts for the rate."""
        yield Statement("update charges set settled = 1, usd = 0, runs = 0 where id = ?", (charge,))

    def _lock(self, key: Key) -> Steps[None]:
        if not (yield Statement(self._dialect.lock_key, (key.id,))):
            raise ApiError(401, "this server does not know that API key", code="invalid_api_key")


def _add_up(key: str, account: Account) -> Steps[None]:
    """Make one charge a day of those that are over and too old for the rate.

    Days before today (UTC) are one: no cap asks when it was.
    """
    old = f"key = ? and at <= ? and (settled = 1 or (stage < {BEGUN} and lease_until <= ?))"
    found = (key, account.minute_ago, account.minute_ago)
    sums = yield Statement(
        "select max(at) as at, sum(settled * usd) as usd, sum(settled * runs) as runs "
        f"from charges where {old} group by at >= ?",
        (*found, account.today),
    )
    yield Statement(f"delete from charges where {old}", found)
    for one in sums:
        yield Statement(
            "insert into charges (key, at, usd, settled, runs) values (?, ?, ?, 1, ?)",
            (key, one["at"], one["usd"], int(one["runs"])),
        )


def _key(row: Row) -> Key:
    caps = Caps(*(row[name] for name in Caps.__dataclass_fields__))
    return Key(row["id"], row["name"], row["created"], caps, bool(row["for_metrics"]))
