"""The tables that runs are kept in, in SQLite and PostgreSQL, and who may write to them."""
