"""Lines that a conversation holds in another source are found, and no others."""

from hypothesis import given
from hypothesis import strategies as some

from langgraph_fusion.tools.shown_lines import ShownLines

LINE = some.sampled_from(
    ["", "x", *(f"Line {n} of the register speaks of herons and alders." for n in range(5))]
)
LINES = some.lists(LINE, max_size=12)


@given(some.lists(LINES, max_size=4), LINES)
def test_a_repeated_line_stands_in_the_source_that_is_named(
    sources: list[list[str]], lines: list[str]
) -> None:
    shown = ShownLines()
    bodies = {f"A{n}": body for n, body in enumerate(sources)}
    shown.read(
        "".join(
            f'<source id="{id}">\n' + "\n".join(body) + "\n</source>\n"
            for id, body in bodies.items()
        )
    )
    found = shown.repeats([f"  {line}" for line in lines], "A0")
    assert "A0" not in found.values()
    assert all(not lines[at] or lines[at] in bodies[id] for at, id in found.items())
    long = [line for line in lines if len(line) > 20]
    whole = [id for id, body in bodies.items() if id != "A0" and {*lines} <= {*body, ""}]
    if len(long) > 2 and whole:
        assert {at for at, line in enumerate(lines) if line} == {at for at in found if lines[at]}
    assert not found or len(" ".join(lines[at] for at in found)) >= 100
