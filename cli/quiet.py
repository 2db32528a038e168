"""Keep what libraries say off the user's screen."""

import logging
import warnings


def hush(*, verbose: bool) -> None:
    """Drop log lines and warnings, or with `verbose` send them to standard error."""
    logging.basicConfig(level=logging.INFO if verbose else logging.CRITICAL + 1)
    if not verbose:
        warnings.simplefilter("ignore")
