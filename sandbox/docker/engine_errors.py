"""Translate an engine's failure: its message goes to the log and, without paths, to the error."""

import contextlib
import logging
import re
from collections.abc import Iterator

import requests
from docker.errors import APIError, DockerException, NotFound

from langgraph_fusion.sandbox.base import SandboxUnavailable
from langgraph_fusion.sandbox.exec_result import one_line

log = logging.getLogger(__name__)

# An engine that dies shows as a requests or socket error, not as one of docker's; one that answers
# in another form than its interface has, as any of the last.
ENGINE_ERRORS = (
    *(DockerException, requests.exceptions.RequestException, OSError),
    *(KeyError, TypeError, ValueError, AttributeError, IndexError),
)
MAX_WORDS = 300
PATH = re.compile(r"(?<![\w.])/[^\s\"':,;]+")


def engine_words(error: Exception) -> str:
    """What the engine said, on one line, without paths of its host; empty if it said nothing."""
    text = str(error.explanation or "") if isinstance(error, APIError) else ""
    return PATH.sub("(path)", one_line(text.strip()))[:MAX_WORDS]


@contextlib.contextmanager
def asking_engine(failure: str = "The Docker engine does not answer") -> Iterator[None]:
    """Turn what the engine fails with into `SandboxUnavailable`; what is not found stays that.

    Raises:
        NotFound: If the engine does not know what it was asked for.
        SandboxUnavailable: If it fails otherwise, or answers in another form than it should.
    """
    try:
        yield
    except NotFound:
        raise
    except ENGINE_ERRORS as error:
        raise unavailable(failure, error) from error


def unavailable(failure: str, error: Exception) -> SandboxUnavailable:
    words = engine_words(error)
    # As text: who keeps log records would keep the error's open connection with them.
    log.warning("%s: %s", failure, words or one_line(repr(error)))
    return SandboxUnavailable(f"{failure}: {words}" if words else f"{failure}.")
