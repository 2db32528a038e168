"""Places of runs over all processes that share the keys: who is admitted, and whose turn is next.

The rules are those of `runs.admission`, which counts for one process. A key takes turns with the
others: among runs of one priority that of whoever has the fewest at work is next, and no key holds
more than its share.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from langgraph_fusion.server.errors import ApiError
from langgraph_fusion.server.keys.database import Dialect, Statement, Steps
from langgraph_fusion.server.keys.key import Key

ADMITTED, ASKS, BEGUN = 0, 1, 2
"""Stages of a charge: its run was admitted, waits for its turn, has begun."""
_RETRY_S = 10.0
_UNDER_WAY = "settled = 0 and lease_until > ?"
_NEXT = f"""
with live as (select id, key, stage, priority from charges where {_UNDER_WAY}),
  running as (select key, count(*) as runs from live where stage = {BEGUN} group by key),
  asking as (
    select id, key, priority,
      row_number() over (partition by key order by priority desc, id) as place
    from live where stage = {ASKS}
  )
select asking.id as id from asking left join running on running.key = asking.key
where coalesce(running.runs, 0) + asking.place <= ?
order by asking.priority desc, coalesce(running.runs, 0) + asking.place, asking.id
limit ?
"""


Given = tuple[list[int], list[int]]
"""Ids of charges whose runs begin now, and of those that are too late."""


@dataclass(frozen=True)
class TotalLimits:
    """Of all processes together, on all hosts that share the keys."""

    runs: int | None = None
    """Deliberations at the same time; None is no limit."""
    queue: int = 64
    """Further requests that may wait."""


def share_of_key(runs: int) -> int:
    """How many of the places to run one key may have: three quarters, one at least."""
    return max(1, runs * 3 // 4)


def marks(values: Sequence[object]) -> str:
    """Question marks for a list of values."""
    return ", ".join("?" * len(values))


def check(key: Key, limits: TotalLimits, now: float) -> Steps[None]:
    """Raise ApiError, 429, if the places of the key, or of all, are taken."""
    if limits.runs is None and key.caps.at_once is None:
        return
    rows = yield Statement(
        f"select key, count(*) as runs from charges where {_UNDER_WAY} group by key", (now,)
    )
    of_key = {row["key"]: int(row["runs"]) for row in rows}
    mine, admitted = of_key.get(key.id, 0), sum(of_key.values())
    if key.caps.at_once is not None and mine >= key.caps.at_once:
        said = f"this key may have {key.caps.at_once} deliberations under way at the same time"
        raise ApiError(429, said, code="rate_limit_exceeded", retry_after_s=_RETRY_S)
    if limits.runs is None:
        return
    if mine >= share_of_key(limits.runs) + (limits.queue + 1) // 2:
        raise _full(f"{mine} deliberations of this key run or wait, as many as one key may")
    is_first = mine == 0 and limits.queue > 0
    if admitted >= limits.runs + limits.queue and not is_first:
        raise _full(f"all servers together are full: {admitted} deliberations run or wait")


def give_all(charges: list[int], dialect: Dialect, lease_s: float) -> Steps[Given]:
    """Let all these runs begin whose leases have not ended."""
    rows = yield Statement(
        f"with clock as ({dialect.clock}) "
        f"update charges set stage = {BEGUN}, lease_until = (select now from clock) + ? "
        "where settled = 0 and lease_until > (select now from clock) "
        f"and id in ({marks(charges)}) returning id",
        (lease_s, *charges),
    )
    begin = {int(row["id"]) for row in rows}
    return sorted(begin), sorted(set(charges) - begin)


def give(charges: list[int], runs: int, now: float, lease_until: float) -> Steps[Given]:
    """Let those of these runs begin whose turn it is among those of all processes."""
    asked = yield Statement(
        f"update charges set stage = {ASKS} where {_UNDER_WAY} and id in ({marks(charges)}) "
        "returning id",
        (now, *charges),
    )
    waiting = {int(row["id"]) for row in asked}
    begin = waiting & (yield from _next(runs, now))
    if begin:
        yield Statement(
            f"update charges set stage = {BEGUN}, lease_until = ? where id in ({marks([*begin])})",
            (lease_until, *begin),
        )
    return sorted(begin), sorted(set(charges) - waiting)


def _next(runs: int, now: float) -> Steps[set[int]]:
    """All runs, of every process, whose turn it is."""
    [row] = yield Statement(
        f"select count(*) as runs from charges where {_UNDER_WAY} and stage = {BEGUN}", (now,)
    )
    free = max(0, runs - int(row["runs"]))
    rows = yield Statement(_NEXT, (now, share_of_key(runs), free))
    return {int(row["id"]) for row in rows}


def _full(why: str) -> ApiError:
    return ApiError(429, why, code="server_full", retry_after_s=_RETRY_S)
