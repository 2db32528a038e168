"""Reports and verdicts that others recorded: read as arms, so that they go the way of our own."""
