"""The data sets: pinned by revision and hash, or a file of one's own. Never shipped with us."""
