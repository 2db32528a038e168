import pytest

from langgraph_fusion.models.event_stream import EventData

STREAM = (
    b": a comment\r\n"
    b'event: chunk\ndata: {"a": "\xc3\xbc"}\n\n'
    b"data:one\r\ndata: two\r\n\r\n"
    b"\n"
    b"data: [DONE]\n\n"
    b"data: too late\n\n"
)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_the_same_wherever_the_pieces_break(size: int) -> None:
    events = EventData()
    pieces = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
    found = [data for piece in pieces for data in events.fed(piece)]
    assert [*found, *events.finished()] == ['{"a": "ü"}', "one\ntwo"]


def test_the_last_event_may_lack_its_empty_line() -> None:
    events = EventData()
    assert [*events.fed(b"data: half"), *events.finished()] == ["half"]
