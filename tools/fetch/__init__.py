"""Reading one page of the web: limits, connection, and text out of HTML, PDF and plain files."""
