"""Checks a URL of PostgreSQL, so that its password stays out of every message."""

from psycopg import Error
from psycopg.conninfo import conninfo_to_dict

from langgraph_fusion.graph.errors import ConfigError


def check_postgres_url(url: str, *, field: str, way_out: str = "") -> None:
    """Raise ConfigError, without the URL, if libpq cannot read it or would read it wrongly.

    A password with a bare `@` or `/` ends too early: its rest becomes a part of the host's or the
    database's name, which libpq's errors quote.
    """
    try:
        parts = conninfo_to_dict(url)
    except Error:
        raise ConfigError(f"this is no PostgreSQL URL. {way_out}".strip(), field=field) from None
    if any("@" in str(parts.get(name, "")) for name in ("host", "port", "dbname")):
        raise ConfigError(
            "write `@`, `/` and `:` in the password of this PostgreSQL URL as %40, %2F and %3A",
            field=field,
        )
