"""What was charged to a key, at one moment of the database's clock, and what that leaves."""

from dataclasses import dataclass

from langgraph_fusion.server.errors import ApiError
from langgraph_fusion.server.keys.database import Dialect, Statement, Steps
from langgraph_fusion.server.keys.key import Caps, Spent
from langgraph_fusion.server.keys.places import BEGUN

MINUTE_S = 60
_BUSY_S = 10
_NOTHING_USD = 1e-9
"""Less is what adding up leaves over."""
_COUNTS = f"(settled = 1 or stage = {BEGUN} or lease_until > now)"
"""Charges that count: all but those of runs that cannot begin any more."""
_OVER = f"(settled = 1 or (stage = {BEGUN} and lease_until <= now))"
"""Charges of runs that are not under way."""
_OLD = f"at <= now - {MINUTE_S} and (settled = 1 or lease_until <= now - {MINUTE_S} and stage < 2)"
_SUMS = f"""
select now, today,
  sum(case when {_OLD} then 1 else 0 end) as old,
  sum(case when at > now - {MINUTE_S} then 1 else 0 end) as recent,
  min(case when at > now - {MINUTE_S} then at end) as first,
  sum(case when {_COUNTS} then runs else 0 end) as runs,
  sum(case when {_COUNTS} then usd else 0 end) as total_usd,
  sum(case when {_COUNTS} and at >= today then usd else 0 end) as today_usd,
  sum(case when {_OVER} then usd else 0 end) as total_over_usd,
  sum(case when {_OVER} and at >= today then usd else 0 end) as today_over_usd
from clock left join charges on key = ?
group by now, today
"""


@dataclass(frozen=True)
class Account:
    """Sums of the charges of one key."""

    now: float
    """Seconds of the epoch, as all times here."""
    today: float
    """When the day began, UTC."""
    spent: Spent
    over: Spent
    """Without the runs under way."""
    old: int
    """Charges that may be added up."""
    recent: int
    """Runs of the last minute."""
    first: float
    """When the first of these was charged."""

    @property
    def minute_ago(self) -> float:
        return self.now - MINUTE_S

    def check_rate(self, caps: Caps) -> None:
        """Raise ApiError, 429, if the key has started as many runs as it may."""
        if caps.per_minute is not None and self.recent >= caps.per_minute:
            raise ApiError(
                429,
                f"this key may start {caps.per_minute} deliberations a minute",
                code="rate_limit_exceeded",
                retry_after_s=self.first + MINUTE_S - self.now,
            )

    def budget(self, caps: Caps, wanted_usd: float | None) -> float | None:
        """The most that one more run may cost; raises ApiError, 402 or 429, if that is nothing."""
        free = self.free(caps)
        if free is not None and free <= _NOTHING_USD:
            if (_free(caps, self.over) or 0) > _NOTHING_USD:
                raise ApiError(
                    429,
                    "the deliberations under way may use up the spend cap of this key",
                    code="rate_limit_exceeded",
                    retry_after_s=_BUSY_S,
                )
            raise ApiError(402, "the spend cap of this key is used up", code="insufficient_quota")
        limits = [one for one in (wanted_usd, caps.one_run_usd, free) if one is not None]
        return min(limits, default=None)

    def free(self, caps: Caps) -> float | None:
        """US dollars that the caps leave; None if there are none."""
        return _free(caps, self.spent)


def account_of(key: str, dialect: Dialect) -> Steps[Account]:
    """Add up the charges of the key with this id."""
    [row] = yield Statement(f"with clock as ({dialect.clock}) {_SUMS}", (key,))
    return Account(
        now=row["now"],
        today=row["today"],
        spent=Spent(row["today_usd"], row["total_usd"], int(row["runs"])),
        over=Spent(row["today_over_usd"], row["total_over_usd"], 0),
        old=int(row["old"]),
        recent=int(row["recent"]),
        first=row["first"] or row["now"],
    )


def _free(caps: Caps, spent: Spent) -> float | None:
    left = []
    if caps.per_day_usd is not None:
        left.append(caps.per_day_usd - spent.today_usd)
    if caps.total_usd is not None:
        left.append(caps.total_usd - spent.total_usd)
    return min(left, default=None)
