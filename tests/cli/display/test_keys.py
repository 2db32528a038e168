import pytest
from hypothesis import given
from hypothesis import strategies as st

from langgraph_fusion.cli.display.keys import BACKSPACE, CLEAR, ENTER, ESCAPE, Keys

ARROWS = b"\x1b[A\x1b[1;5C\x1bOP\x1b[3~\x1b[200~"


def keys_of(*pieces: bytes) -> list[str]:
    keys = Keys()
    found = [key for piece in pieces for key in keys.feed(piece)]
    return [*found, *keys.flush()]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"ab", ["a", "b"]),
        ("ü字".encode(), ["ü", "字"]),
        (b"\r", [ENTER]),
        (b"\n", [ENTER]),
        (b"\x7f\x08", [BACKSPACE, BACKSPACE]),
        (b"\x15", [CLEAR]),
        (b"\x1b", [ESCAPE]),
        (b"\x1b\x1b", [ESCAPE, ESCAPE]),
        (b"\x1ba", [ESCAPE, "a"]),
        (ARROWS + b"x", ["x"]),
        (b"\x1b[", []),
        (b"\x00\x01\x04\t\xff", []),
        ("\u202e\x9b".encode(), []),
    ],
)
def test_bytes_are_read_as_keys(data: bytes, expected: list[str]) -> None:
    assert keys_of(data) == expected


@given(st.lists(st.sampled_from([b"a", "字".encode(), b"\r", b"\x1b[A", b"\x1bOP", b"\x7f"])))
def test_however_bytes_are_cut_the_keys_are_the_same(pressed: list[bytes]) -> None:
    whole = b"".join(pressed)
    single = [whole[at : at + 1] for at in range(len(whole))]
    assert keys_of(*single) == keys_of(whole)


@given(st.binary())
def test_whatever_is_sent_only_printable_characters_and_named_keys_come_out(data: bytes) -> None:
    for key in keys_of(data):
        assert key in (ENTER, ESCAPE, BACKSPACE, CLEAR) or (len(key) == 1 and key.isprintable())
