"""What whoever watches a run costs the server."""
