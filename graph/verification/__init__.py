"""Whether the cited passages bear out the sentences of the answer."""
