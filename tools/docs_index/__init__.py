"""An index over a folder of the user's documents: what is in it, in passages, found by words."""
