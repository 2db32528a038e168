"""API keys of the server's clients: hashed at rest, each with its own caps and rate.

One SQLite file holds the keys and what was charged to them, so that several server processes and
`fusion keys` can use it at the same time and a restart forgets nothing. A key is 256 random bits,
so a plain SHA-256 of it cannot be searched for; it is compared in constant time.

A run is charged before it starts with the most it may cost, and settled with what it did cost; a
call of unknown cost counts with what was set aside for it. A run that was abandoned or died with
the server stays charged in full. A request that was refused is charged nothing.

The charges of a key stay few, however many requests it sends: what is settled and older than the
rate looks back is added up.

Not covered: who may read the file (it is created for its owner only), and keys in a proxy's log.
"""

import hashlib
import hmac
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.sandbox.private_files import make_private_file, make_private_folder
from langgraph_fusion.server.errors import ApiError

PREFIX = "fk"
DAY_S = 86_400
MINUTE_S = 60
_TABLES = """
create table if not exists keys (
  id text primary key, name text not null unique, sha256 text not null, created real not null,
  per_day_usd real, total_usd real, per_run_usd real, per_minute integer
);
create table if not exists charges (
  id integer primary key, key text not null, at real not null, usd real not null,
  settled integer not null default 0
);
create index if not exists charges_of_key on charges (key, at);
"""
_ADDED_COLUMNS = {
    "keys": {"for_metrics": "integer not null default 0"},
    "charges": {"runs": "integer not null default 1"},
}
"""By table: what files of earlier versions lack."""
_MANY = 100
"""Settled charges of a key that are kept one by one."""
_INSERT_KEY = (
    "insert into keys (id, name, sha256, created, per_day_usd, total_usd, per_run_usd, per_minute, "
    "for_metrics) values (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_BUSY_S = 10
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


class KeyRing:
    """The keys in one file. Blocking: call it in a thread. Every call opens the file anew."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def create_file(self) -> None:
        """Create the file if there is none; it is its owner's alone, also one that was not.

        Raises:
            ConfigError: If it cannot be made, or is another user's and open to others.
        """
        try:
            make_private_folder(self._path.parent)
            make_private_file(self._path)
        except OSError as error:
            raise ConfigError(error.strerror or str(error), field=f"keys {self._path}") from None

    def create(self) -> None:
        """Do `create_file` and make the tables that are missing."""
        self.create_file()
        with self._open() as db:
            db.executescript(_TABLES)
            db.execute("begin immediate")
            for table, columns in _ADDED_COLUMNS.items():
                known = {row["name"] for row in db.execute(f"pragma table_info({table})")}
                for name, kind in columns.items():
                    if name not in known:
                        db.execute(f"alter table {table} add column {name} {kind}")

    def existing(self) -> Self:
        """Return the ring if its file is there.

        Raises:
            ConfigError: If it is not.
        """
        if not self._path.is_file():
            raise ConfigError(
                f"there is no file {self._path}; `fusion keys add` makes it", field="keys"
            )
        self.create()
        return self

    def add(self, name: str, caps: Caps, *, for_metrics: bool = False) -> str:
        """Add a key and return it: the only time it can be seen.

        Raises:
            ConfigError: If the name is taken.
        """
        id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        row = (id, name, _sha256(secret), time.time(), *vars(caps).values(), for_metrics)
        try:
            with self._open() as db:
                db.execute(_INSERT_KEY, row)
        except sqlite3.IntegrityError:
            raise ConfigError(f"there is a key named {name!r} already", field="name") from None
        return f"{PREFIX}-{id}-{secret}"

    def remove(self, name: str) -> None:
        """Remove a key at once; what was charged to it is kept.

        Raises:
            ConfigError: If there is no such key.
        """
        with self._open() as db:
            if not db.execute("delete from keys where name = ?", (name,)).rowcount:
                raise ConfigError(f"there is no key named {name!r}", field="name")

    def all(self) -> list[tuple[Key, Spent]]:
        """Every key with what was charged to it, oldest first."""
        with self._open() as db:
            keys = [_key(row) for row in db.execute("select * from keys order by created")]
            return [(key, _spent(db, key.id)) for key in keys]

    def find(self, token: str) -> Key | None:
        """Return the key with this token, if there is one."""
        _, _, rest = token.partition(f"{PREFIX}-")
        id, _, secret = rest.partition("-")
        with self._open() as db:
            row = db.execute("select * from keys where id = ?", (id,)).fetchone()
        known = hmac.compare_digest(_sha256(secret), row["sha256"] if row else _NOBODY)
        return _key(row) if row and known else None

    def charge(self, key: Key, wanted_usd: float | None) -> Charge:
        """Charge a run with the most it may cost, before it starts.

        Raises:
            ApiError: 402 or 429, if the money or the rate of the key is used up.
        """
        with self._open() as db:
            db.execute("begin immediate")
            _add_up(db, key.id)
            _check_rate(db, key)
            budget = _budget(db, key, wanted_usd)
            row = (key.id, time.time(), budget or 0.0)
            done = db.execute("insert into charges (key, at, usd) values (?, ?, ?)", row)
            return Charge(done.lastrowid or 0, budget)

    def raise_charge(self, key: Key, charge: Charge, usd: float) -> Charge:
        """Charge a run that is under way with up to so many US dollars in all.

        Raises:
            ApiError: 402, if a cap of the key is lower.
        """
        with self._open() as db:
            db.execute("begin immediate")
            free = _free(key.caps, _spent(db, key.id))
            most = [one for one in (key.caps.one_run_usd, _with(free, charge)) if one is not None]
            if most and usd > min(most):
                raise ApiError(
                    402,
                    f"budget_usd: this key allows up to ${max(0.0, min(most)):.4f} for this run",
                    code="insufficient_quota",
                    param="budget_usd",
                )
            if charge.budget_usd is not None:
                db.execute("update charges set usd = ? where id = ?", (usd, charge.id))
            return Charge(charge.id, usd if charge.budget_usd is not None else None)

    def settle(self, charge: Charge, cost_usd: float | None, known_usd: float) -> None:
        """Replace the charge by the cost; if that is unknown, by what is known if it is more."""
        with self._open() as db:
            db.execute(
                "update charges set settled = 1, usd = coalesce(?, max(usd, ?)) where id = ?",
                (cost_usd, known_usd, charge.id),
            )

    def refund(self, charge: Charge) -> None:
        """Take back the charge of a request that was refused; it still counts for the rate."""
        with self._open() as db:
            db.execute(
                "update charges set settled = 1, usd = 0, runs = 0 where id = ?", (charge.id,)
            )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self._path, timeout=10)
        db.row_factory = sqlite3.Row
        try:
            with db:
                yield db
        finally:
            db.close()


def _with(free: float | None, charge: Charge) -> float | None:
    """What a run may cost that has been charged already."""
    return None if free is None else free + (charge.budget_usd or 0.0)


def _add_up(db: sqlite3.Connection, key: str) -> None:
    """Make one charge a day of those that are settled and too old for the rate, if they are many.

    Days before today (UTC) are one: no cap asks when it was.
    """
    now = time.time()
    old = "key = ? and settled = 1 and at <= ?"
    found = (key, now - MINUTE_S)
    some = f"select 1 from charges where {old} limit {_MANY + 1}"
    if db.execute(f"select count(*) from ({some})", found).fetchone()[0] <= _MANY:
        return
    today = now // DAY_S * DAY_S
    sums = db.execute(
        f"select max(at), total(usd), sum(runs) from charges where {old} group by at >= ?",
        (*found, today),
    ).fetchall()
    db.execute(f"delete from charges where {old}", found)
    db.executemany(
        "insert into charges (key, at, usd, settled, runs) values (?, ?, ?, 1, ?)",
        [(key, *row) for row in sums],
    )


def _check_rate(db: sqlite3.Connection, key: Key) -> None:
    if key.caps.per_minute is None:
        return
    now = time.time()
    row = db.execute(
        "select count(*) as runs, min(at) as first from charges where key = ? and at > ?",
        (key.id, now - MINUTE_S),
    ).fetchone()
    if row["runs"] >= key.caps.per_minute:
        raise ApiError(
            429,
            f"this key may start {key.caps.per_minute} deliberations a minute",
            code="rate_limit_exceeded",
            retry_after_s=row["first"] + MINUTE_S - now,
        )


def _budget(db: sqlite3.Connection, key: Key, wanted_usd: float | None) -> float | None:
    """The most that this run may cost."""
    free = _free(key.caps, _spent(db, key.id))
    if free is not None and free <= 0:
        if (_free(key.caps, _spent(db, key.id, settled=True)) or 0) > 0:
            raise ApiError(
                429,
                "the deliberations under way may use up the spend cap of this key",
                code="rate_limit_exceeded",
                retry_after_s=_BUSY_S,
            )
        raise ApiError(402, "the spend cap of this key is used up", code="insufficient_quota")
    limits = [one for one in (wanted_usd, key.caps.one_run_usd, free) if one is not None]
    return min(limits, default=None)


def _free(caps: Caps, spent: Spent) -> float | None:
    left = []
    if caps.per_day_usd is not None:
        left.append(caps.per_day_usd - spent.today_usd)
    if caps.total_usd is not None:
        left.append(caps.total_usd - spent.total_usd)
    return min(left, default=None)


def _spent(db: sqlite3.Connection, key: str, *, settled: bool = False) -> Spent:
    today = time.time() // DAY_S * DAY_S
    row = db.execute(
        "select sum(runs) as runs, total(usd) as total, total(usd * (at >= ?)) as today "
        "from charges where key = ? and settled >= ?",
        (today, key, settled),
    ).fetchone()
    return Spent(today_usd=row["today"], total_usd=row["total"], runs=row["runs"] or 0)


def _key(row: sqlite3.Row) -> Key:
    caps = Caps(row["per_day_usd"], row["total_usd"], row["per_run_usd"], row["per_minute"])
    return Key(row["id"], row["name"], row["created"], caps, bool(row["for_metrics"]))


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
