"""The bill of a run that has not finished, from its journal."""

from collections.abc import Iterator

from langgraph_fusion.graph.journal.entries import RecordedCall, RecordedReply
from langgraph_fusion.graph.journal.journal import Journal
from langgraph_fusion.graph.records import Call

REPLY, FAILED = "/reply/", "/failed/"


def calls_in(journal: Journal, lane: str = "") -> list[Call]:
    """Every call that is recorded, in order, of one lane or of all.

    Failed attempts whose reply came after all are in that reply.
    """
    keys = [key for key in journal.keys if not lane or key.startswith(f"{lane}/")]
    replied = {key for key in keys if REPLY in key and FAILED not in key}
    return [call for key in keys for call in _calls(journal, key, replied)]


def _calls(journal: Journal, key: str, replied: set[str]) -> Iterator[Call]:
    if key in replied:
        reply = journal.read(key, RecordedReply)
        yield from reply.calls if reply else ()
    elif FAILED in key and key.partition(FAILED)[0] not in replied:
        failed = journal.read(key, RecordedCall)
        if failed:
            yield failed.call
